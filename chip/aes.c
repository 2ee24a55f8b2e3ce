/* chip/aes.c: the AES accelerator, typical (single-block) mode (soc.md 9).
 *
 * AES-128 and AES-256, one block a trigger, done at once. Not modelled: the DMA mode and its block
 * modes; their registers are reported as unknown.
 */
#include "chain/reg/aes.h"

#include <openssl/evp.h>
#include <string.h>

#include "chain/bytes.h"
#include "chain/soc.h"
#include "chip/peripherals.h"

#define AES_KEY_BYTES    32u
#define AES_BLOCK        16u
#define AES_MODE_256     2u
#define AES_MODE_DECRYPT 4u
#define AES_MODE_KNOWN   6u
#define AES_STATE_DONE   2u

struct aes {
    uint8_t key[AES_KEY_BYTES];
    uint8_t in[AES_BLOCK];
    uint8_t out[AES_BLOCK];
    uint32_t mode, state, date;
    EVP_CIPHER_CTX *cipher;
    bool keyed; /* the cipher holds this key and mode */
};

static struct aes *aes_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_aes);
}

/* Key set-up costs more than the block: done again only when key or mode were written. */
static bool aes_key(struct aes *aes)
{
    if (aes->keyed)
        return true;
    const EVP_CIPHER *type = aes->mode & AES_MODE_256 ? EVP_aes_256_ecb() : EVP_aes_128_ecb();
    int encrypt = (aes->mode & AES_MODE_DECRYPT) == 0;
    if (EVP_CipherInit_ex(aes->cipher, type, NULL, aes->key, NULL, encrypt) != 1)
        return false;
    EVP_CIPHER_CTX_set_padding(aes->cipher, 0);
    aes->keyed = true;
    return true;
}

static bool aes_block(struct chip *chip)
{
    struct aes *aes = aes_of(chip);
    int length = 0;
    if ((aes->mode & ~AES_MODE_KNOWN) != 0 || !aes_key(aes))
        return false;
    if (EVP_CipherUpdate(aes->cipher, aes->out, &length, aes->in, AES_BLOCK) != 1)
        return false;
    aes->state = AES_STATE_DONE;
    return true;
}

static int aes_init(struct chip *chip)
{
    int error = state_new(chip, &peripheral_aes, sizeof(struct aes));
    if (error != CHIP_OK)
        return error;
    aes_of(chip)->cipher = EVP_CIPHER_CTX_new();
    if (aes_of(chip)->cipher != NULL)
        return CHIP_OK;
    state_free(chip, &peripheral_aes);
    return CHIP_EMEMORY;
}

static void aes_reset(struct chip *chip, uint32_t cause)
{
    struct aes *aes = aes_of(chip);
    if (!reset_is_cpu_only(cause))
        *aes = (struct aes){.cipher = aes->cipher, .date = 0x20191210};
}

static void aes_free(struct chip *chip)
{
    EVP_CIPHER_CTX_free(aes_of(chip)->cipher);
    state_free(chip, &peripheral_aes);
}

/* The memory word at `offset`, NULL when it is a register. */
static uint8_t *aes_memory(struct aes *aes, uint32_t offset)
{
    if (offset < AES_TEXT_IN)
        return aes->key + offset;
    if (offset < AES_TEXT_OUT)
        return aes->in + (offset - AES_TEXT_IN);
    if (offset < AES_MODE)
        return aes->out + (offset - AES_TEXT_OUT);
    return NULL;
}

static bool aes_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct aes *aes = aes_of(chip);
    const uint8_t *memory = aes_memory(aes, offset);
    if (memory != NULL) {
        *value = le32_load(memory);
        return true;
    }
    switch (offset) {
    case AES_MODE:
        *value = aes->mode;
        return true;
    case AES_STATE:
        *value = aes->state;
        return true;
    case AES_DMA_ENABLE:
        *value = 0;
        return true;
    case AES_DATE:
        *value = aes->date;
        return true;
    }
    return false;
}

static bool aes_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct aes *aes = aes_of(chip);
    uint8_t *memory = aes_memory(aes, offset);
    if (memory != NULL) {
        le32_store(memory, value);
        aes->keyed = aes->keyed && offset >= AES_TEXT_IN;
        return true;
    }
    switch (offset) {
    case AES_MODE:
        aes->keyed = aes->keyed && aes->mode == (value & 7);
        aes->mode = value & 7;
        return true;
    case AES_TRIGGER:
        return (value & 1) == 0 || aes_block(chip);
    case AES_DMA_ENABLE:
        return (value & 1) == 0;
    case AES_DATE:
        aes->date = value;
        return true;
    }
    return false;
}

const struct peripheral peripheral_aes = {
    .name = "AES",
    .base = SOC_AES,
    .bytes = 0x1000,
    .init = aes_init,
    .reset = aes_reset,
    .free = aes_free,
    .read = aes_read,
    .write = aes_write,
};
