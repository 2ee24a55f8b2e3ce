/* chip/xts.c: manual flash encryption (flash-encryption.md 5), and HP_SYSTEM + 0 with its gates.
 *
 * Software fills in plaintext and flash address, triggers, and releases; from then on SPI1 programs
 * of those flash bytes carry the ciphertext instead of the data buffer, until software destroys the
 * result. The key comes from the eFuse shadow and never appears in a register. With the gate shut
 * or no key burned, a trigger does nothing: the state stays idle.
 */
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "chain/reg/spimem.h"
#include "chain/soc.h"
#include "chip/peripherals.h"
#include "host/crypto.h"

#define XTS_BASE        (SOC_SPI0 + XTS_PLAIN)
#define XTS_PLAIN_BYTES 64u
#define PHYSICAL_MASK   0x03FFFFFFu
#define GATES_MASK      0xFu

struct xts {
    uint8_t plain[XTS_PLAIN_BYTES];
    uint8_t result[XTS_PLAIN_BYTES];
    uint32_t line_size, destination, physical, state, date;
    uint32_t result_offset, result_bytes;
};

struct hp_system {
    uint32_t gates;
};

static struct xts *xts_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_xts);
}

uint32_t encrypt_gates(const struct chip *chip)
{
    const struct hp_system *hp_system = chip_state(chip, &peripheral_hp_system);
    return hp_system->gates;
}

static bool gate_open(const struct chip *chip)
{
    uint32_t gates = encrypt_gates(chip);
    if (!boot_is_download(chip))
        return (gates & HP_SYSTEM_SPI_MANUAL_ENCRYPT) != 0;
    return (gates & HP_SYSTEM_DOWNLOAD_MANUAL_ENCRYPT) != 0 &&
           efuse_bits(efuse_shadow(chip), EFUSE_DIS_DOWNLOAD_MANUAL_ENCRYPT) == 0;
}

static void xts_destroy(struct xts *xts)
{
    memset(xts->result, 0, sizeof(xts->result));
    xts->result_bytes = 0;
    xts->state = XTS_STATE_IDLE;
}

static void xts_trigger(struct chip *chip)
{
    struct xts *xts = xts_of(chip);
    uint32_t bytes = 16u << xts->line_size;
    uint8_t key[XTS_KEY_BYTES];
    xts_destroy(xts);
    if (xts->line_size > 2 || xts->physical % bytes != 0) {
        chip_note(chip, "manual encryption of %u bytes at 0x%06x: not aligned", bytes,
                  xts->physical);
        return;
    }
    if (!gate_open(chip) || efuse_xts_key(efuse_shadow(chip), key) != CHAIN_OK) {
        chip_note(chip, "manual encryption refused: gate shut or no key");
        return;
    }
    const uint8_t *plain = xts->plain + xts->physical % XTS_PLAIN_BYTES;
    int error = flashcrypt_encrypt(&host_crypto, key, xts->physical, plain, xts->result, bytes);
    explicit_bzero(key, sizeof(key));
    if (error != CHAIN_OK)
        return;
    xts->result_offset = xts->physical;
    xts->result_bytes = bytes;
    xts->state = XTS_STATE_DONE;
}

void xts_substitute(const struct chip *chip, uint32_t offset, uint8_t *data, size_t length)
{
    const struct xts *xts = xts_of(chip);
    if (xts->state != XTS_STATE_RELEASED)
        return;
    for (size_t i = 0; i < length; i++) {
        uint32_t at = offset + (uint32_t)i - xts->result_offset;
        if (at < xts->result_bytes)
            data[i] = xts->result[at];
    }
}

static int xts_init(struct chip *chip)
{
    return state_new(chip, &peripheral_xts, sizeof(struct xts));
}

static void xts_reset(struct chip *chip, uint32_t cause)
{
    if (!reset_is_cpu_only(cause))
        *xts_of(chip) = (struct xts){0};
}

static void xts_free(struct chip *chip)
{
    state_free(chip, &peripheral_xts);
}

static bool xts_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    const struct xts *xts = xts_of(chip);
    if (offset < XTS_PLAIN_BYTES) {
        *value = le32_load(xts->plain + offset);
        return true;
    }
    switch (offset + XTS_PLAIN) {
    case XTS_LINESIZE:
        *value = xts->line_size;
        return true;
    case XTS_DESTINATION:
        *value = xts->destination;
        return true;
    case XTS_PHYSICAL:
        *value = xts->physical;
        return true;
    case XTS_STATE:
        *value = xts->state;
        return true;
    case XTS_DATE:
        *value = xts->date;
        return true;
    }
    return false;
}

static bool xts_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct xts *xts = xts_of(chip);
    if (offset < XTS_PLAIN_BYTES) {
        le32_store(xts->plain + offset, value);
        return true;
    }
    switch (offset + XTS_PLAIN) {
    case XTS_LINESIZE:
        xts->line_size = value & 3;
        return true;
    case XTS_DESTINATION:
        xts->destination = value & 1;
        return xts->destination == 0; /* flash is the only one there is */
    case XTS_PHYSICAL:
        xts->physical = value & PHYSICAL_MASK;
        return true;
    case XTS_TRIGGER:
        if (value & 1)
            xts_trigger(chip);
        return true;
    case XTS_RELEASE:
        if ((value & 1) && xts->state == XTS_STATE_DONE)
            xts->state = XTS_STATE_RELEASED;
        return true;
    case XTS_DESTROY:
        if (value & 1)
            xts_destroy(xts);
        return true;
    case XTS_DATE:
        xts->date = value & 0x3FFFFFFF;
        return true;
    }
    return false;
}

const struct peripheral peripheral_xts = {
    .name = "XTS",
    .base = XTS_BASE,
    .bytes = MMU_ITEM_CONTENT - XTS_PLAIN,
    .init = xts_init,
    .reset = xts_reset,
    .free = xts_free,
    .read = xts_read,
    .write = xts_write,
};

static int hp_system_init(struct chip *chip)
{
    return state_new(chip, &peripheral_hp_system, sizeof(struct hp_system));
}

static void hp_system_reset(struct chip *chip, uint32_t cause)
{
    struct hp_system *hp_system = chip_state(chip, &peripheral_hp_system);
    if (!reset_is_cpu_only(cause))
        hp_system->gates = 0;
}

static void hp_system_free(struct chip *chip)
{
    state_free(chip, &peripheral_hp_system);
}

static bool hp_system_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    *value = encrypt_gates(chip);
    return offset == HP_SYSTEM_ENCRYPT_CTRL;
}

static bool hp_system_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct hp_system *hp_system = chip_state(chip, &peripheral_hp_system);
    if (offset != HP_SYSTEM_ENCRYPT_CTRL)
        return false;
    uint32_t changed = (hp_system->gates ^ value) & GATES_MASK;
    hp_system->gates = value & GATES_MASK;
    if (changed & HP_SYSTEM_DOWNLOAD_G0CB_DECRYPT)
        cache_drop_all(chip);
    return true;
}

const struct peripheral peripheral_hp_system = {
    .name = "HP_SYSTEM",
    .base = SOC_HP_SYSTEM,
    .bytes = 0x1000,
    .init = hp_system_init,
    .reset = hp_system_reset,
    .free = hp_system_free,
    .read = hp_system_read,
    .write = hp_system_write,
};
