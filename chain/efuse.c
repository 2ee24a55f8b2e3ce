/* What the device and the virtual chip read from eFuses. The field table and everything that
 * programs is in efuse_fields.c and efuse_program.c, which the device does not link. */
#include "chain/efuse.h"

#include <string.h>

#include "chain/error.h"

#define KEY_BLOCK_FIRST 4u
#define XTS_KEY_BLOCKS  5u /* KEY5 cannot feed the flash cipher (flash-encryption.md 1.1) */

size_t efuse_block_offset(unsigned block)
{
    return block < 2 ? 24u * block : 48u + 32u * (block - 2);
}

size_t efuse_block_bytes(unsigned block)
{
    return block < 2 ? 24 : 32;
}

uint32_t efuse_bits(const struct efuse *efuse, unsigned block, unsigned bit, unsigned length)
{
    if (block >= EFUSE_BLOCKS || length > 32 || bit + length > 8 * efuse_block_bytes(block))
        return 0;
    const uint8_t *bytes = efuse->bytes + efuse_block_offset(block);
    uint32_t value = 0;
    for (unsigned i = 0; i < length; i++) {
        const unsigned at = bit + i;
        value |= (uint32_t)(bytes[at / 8] >> (at % 8) & 1) << i;
    }
    return value;
}

static unsigned ones(uint32_t value)
{
    unsigned count = 0;
    for (; value != 0; value &= value - 1)
        count++;
    return count;
}

uint16_t efuse_chip_revision(const struct efuse *efuse)
{
    return (uint16_t)(100 * efuse_bits(efuse, EFUSE_WAFER_VERSION_MAJOR) +
                      efuse_bits(efuse, EFUSE_WAFER_VERSION_MINOR));
}

void efuse_mac(const struct efuse *efuse, uint8_t mac[6])
{
    for (unsigned i = 0; i < 6; i++)
        mac[i] = efuse->bytes[efuse_block_offset(1) + 5 - i];
}

bool efuse_flash_encryption(const struct efuse *efuse)
{
    return ones(efuse_bits(efuse, EFUSE_SPI_BOOT_CRYPT_CNT)) % 2 == 1;
}

unsigned efuse_secure_version(const struct efuse *efuse)
{
    return ones(efuse_bits(efuse, EFUSE_SECURE_VERSION));
}

static const uint8_t *key_bytes(const struct efuse *efuse, unsigned key_block)
{
    return efuse->bytes + efuse_block_offset(KEY_BLOCK_FIRST + key_block);
}

/* First of the first `blocks` key blocks with that purpose; -1 when there is none. */
static int find_purpose(const struct efuse *efuse, unsigned blocks, uint32_t purpose)
{
    for (unsigned n = 0; n < blocks; n++) {
        if (efuse_bits(efuse, EFUSE_KEY_PURPOSE(n)) == purpose)
            return (int)n;
    }
    return -1;
}

void efuse_trust(const struct efuse *efuse, struct sigblock_trust *trust)
{
    memset(trust, 0, sizeof *trust);
    const uint32_t read_disabled = efuse_bits(efuse, EFUSE_RD_DIS);
    for (unsigned slot = 0; slot < SIGBLOCK_MAX; slot++) {
        if (efuse_bits(efuse, EFUSE_SECURE_BOOT_KEY_REVOKE(slot)))
            continue;
        const uint32_t purpose = EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 + slot;
        const int n = find_purpose(efuse, EFUSE_KEY_BLOCKS, purpose);
        if (n < 0 || (read_disabled >> n & 1)) /* a digest that reads as zeros is none */
            continue;
        trust->slot[trust->count] = (uint8_t)slot;
        memcpy(trust->digest[trust->count], key_bytes(efuse, (unsigned)n), SHA256_BYTES);
        trust->count++;
    }
}

int efuse_xts_key(const struct efuse *efuse, uint8_t key[32])
{
    const int n = find_purpose(efuse, XTS_KEY_BLOCKS, EFUSE_PURPOSE_XTS_AES_128_KEY);
    if (n < 0)
        return CHAIN_EMISSING;
    const uint8_t *block = key_bytes(efuse, (unsigned)n);
    for (unsigned i = 0; i < 32; i++)
        key[i] = block[31 - i];
    return CHAIN_OK;
}

void efuse_read_masked(const struct efuse *efuse, struct efuse *out)
{
    memmove(out, efuse, sizeof *out);
    const uint32_t read_disabled = efuse_bits(efuse, EFUSE_RD_DIS);
    for (unsigned block = KEY_BLOCK_FIRST; block < EFUSE_BLOCKS; block++) {
        if (read_disabled >> (block - KEY_BLOCK_FIRST) & 1)
            memset(out->bytes + efuse_block_offset(block), 0, efuse_block_bytes(block));
    }
}
