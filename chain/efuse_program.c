/* Programming, on the 336-byte image: what the controller allows (efuse_program) and the verbs of
 * Espressif's tools on top of it. One set of rules for the virtual chip and for the tool. */
#include <string.h>

#include "chain/efuse.h"
#include "chain/error.h"

#define BLOCK_MAX_BYTES 32u
#define KEY_BLOCK_FIRST 4u

/* First WR_DIS bit of a row of them (efuse.md 3). */
#define WR_DIS_KEY_PURPOSE0 8u
#define WR_DIS_BLOCK1       20u
#define WR_DIS_KEY0         23u

/* First bit of a BLOCK0 field, for writing. */
#define BIT_RD_DIS       32u
#define BIT_KEY_PURPOSE0 88u

static bool write_disabled(const struct efuse *efuse, unsigned bit)
{
    return efuse_bits(efuse, 0, bit, 1) != 0;
}

static bool any_bit(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0)
            return true;
    }
    return false;
}

/* Put a number into a block's bytes, from bit `bit` on. */
static void put_bits(uint8_t *block, unsigned bit, unsigned length, uint32_t value)
{
    for (unsigned i = 0; i < length; i++) {
        if (value >> i & 1)
            block[(bit + i) / 8] |= (uint8_t)(1u << (bit + i) % 8);
    }
}

/* Which bits of BLOCK0 are write-protected now. */
static void block0_protected(const struct efuse *efuse, uint8_t mask[BLOCK_MAX_BYTES])
{
    memset(mask, 0, BLOCK_MAX_BYTES);
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        if (field->block != 0 || field->wr_dis < 0)
            continue;
        if (write_disabled(efuse, (unsigned)field->wr_dis))
            put_bits(mask, field->bit, field->length, 0xFFFFFFFFu);
    }
}

static int program_block0(struct efuse *efuse, const uint8_t *data)
{
    uint8_t mask[BLOCK_MAX_BYTES];
    block0_protected(efuse, mask);
    int verdict = CHAIN_OK;
    for (size_t i = 0; i < efuse_block_bytes(0); i++) {
        if (data[i] & mask[i] & ~efuse->bytes[i])
            verdict = CHAIN_EPROTECTED;
        efuse->bytes[i] |= data[i] & (uint8_t)~mask[i];
    }
    return verdict;
}

int efuse_program(struct efuse *efuse, unsigned block, const uint8_t *data,
                  const uint8_t parity[EFUSE_RS_BYTES])
{
    if (block >= EFUSE_BLOCKS)
        return CHAIN_EFIELD;
    if (block == 0)
        return program_block0(efuse, data);

    const size_t length = efuse_block_bytes(block);
    uint8_t *stored = efuse->bytes + efuse_block_offset(block);
    uint8_t whole[BLOCK_MAX_BYTES] = {0};
    uint8_t expected[EFUSE_RS_BYTES];
    memcpy(whole, data, length);
    efuse_rs_encode(whole, expected);
    if (memcmp(expected, parity, sizeof expected) != 0)
        return CHAIN_ECHECKSUM;
    if (!any_bit(data, length))
        return CHAIN_OK;
    if (write_disabled(efuse, WR_DIS_BLOCK1 + block - 1))
        return CHAIN_EPROTECTED;
    if (any_bit(stored, length))
        return CHAIN_EDUPLICATE;
    memcpy(stored, data, length);
    return CHAIN_OK;
}

/* efuse_program() with the parity computed. */
static int program_coded(struct efuse *efuse, unsigned block, const uint8_t data[BLOCK_MAX_BYTES])
{
    uint8_t parity[EFUSE_RS_BYTES];
    efuse_rs_encode(data, parity);
    return efuse_program(efuse, block, data, parity);
}

int efuse_burn_field(struct efuse *efuse, const struct efuse_field *field, uint32_t value)
{
    if (field->length > 32 || (field->length < 32 && value >> field->length != 0))
        return CHAIN_EFIELD;
    const uint32_t old = efuse_get(efuse, field);
    if (old & ~value) /* bits only go up */
        return CHAIN_EFIELD;
    if (old == value)
        return CHAIN_OK;
    uint8_t data[BLOCK_MAX_BYTES] = {0};
    put_bits(data, field->bit, field->length, value);
    struct efuse burned = *efuse;
    const int error = program_coded(&burned, field->block, data);
    if (error == CHAIN_OK)
        *efuse = burned;
    return error;
}

int efuse_burn_bytes(struct efuse *efuse, const struct efuse_field *field, const uint8_t *value)
{
    const size_t length = field->length / 8u, first = field->bit / 8u;
    const bool key =
        field->block >= KEY_BLOCK_FIRST && field->block < KEY_BLOCK_FIRST + EFUSE_KEY_BLOCKS;
    if (field->block == 0 || key || field->bit % 8 != 0 || field->length % 8 != 0)
        return CHAIN_EFIELD;
    if (memcmp(efuse->bytes + efuse_block_offset(field->block) + first, value, length) == 0)
        return CHAIN_OK;
    uint8_t data[BLOCK_MAX_BYTES] = {0};
    memcpy(data + first, value, length);
    return program_coded(efuse, field->block, data);
}

static bool is_digest(enum efuse_purpose purpose)
{
    return purpose >= EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 &&
           purpose <= EFUSE_PURPOSE_SECURE_BOOT_DIGEST2;
}

/* XTS key and digests: with two blocks of one purpose it would be unclear which counts. */
static bool is_unique(enum efuse_purpose purpose)
{
    return is_digest(purpose) || purpose == EFUSE_PURPOSE_XTS_AES_128_KEY;
}

static bool purpose_known(enum efuse_purpose purpose)
{
    return purpose == EFUSE_PURPOSE_USER || (purpose >= EFUSE_PURPOSE_XTS_AES_128_KEY &&
                                             purpose <= EFUSE_PURPOSE_SECURE_BOOT_DIGEST2);
}

/* May KEYn take a key of this purpose? (That RD_DIS may still be written, where it must be, the
 * programming itself will find.) */
static int key_admissible(const struct efuse *efuse, unsigned n, enum efuse_purpose purpose)
{
    const unsigned block = KEY_BLOCK_FIRST + n;
    if (any_bit(efuse->bytes + efuse_block_offset(block), efuse_block_bytes(block)) ||
        efuse_bits(efuse, EFUSE_KEY_PURPOSE(n)) != 0)
        return CHAIN_EDUPLICATE;
    if (write_disabled(efuse, WR_DIS_KEY0 + n) || write_disabled(efuse, WR_DIS_KEY_PURPOSE0 + n) ||
        (efuse_bits(efuse, EFUSE_RD_DIS) >> n & 1))
        return CHAIN_EPROTECTED;
    for (unsigned i = 0; is_unique(purpose) && i < EFUSE_KEY_BLOCKS; i++) {
        if (efuse_bits(efuse, EFUSE_KEY_PURPOSE(i)) == (uint32_t)purpose)
            return CHAIN_EDUPLICATE;
    }
    return CHAIN_OK;
}

int efuse_burn_key(struct efuse *efuse, unsigned key_block, enum efuse_purpose purpose,
                   const uint8_t key[32])
{
    const bool xts = purpose == EFUSE_PURPOSE_XTS_AES_128_KEY;
    const bool read_protect = purpose != EFUSE_PURPOSE_USER && !is_digest(purpose);
    if (key_block >= EFUSE_KEY_BLOCKS || !purpose_known(purpose) || !any_bit(key, 32) ||
        (xts && key_block == EFUSE_KEY_BLOCKS - 1))
        return CHAIN_EFIELD;
    int error = key_admissible(efuse, key_block, purpose);
    if (error != CHAIN_OK)
        return error;

    uint8_t data[BLOCK_MAX_BYTES];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = key[xts ? 31 - i : i];
    uint8_t block0[BLOCK_MAX_BYTES] = {0};
    put_bits(block0, WR_DIS_KEY0 + key_block, 1, 1);
    put_bits(block0, WR_DIS_KEY_PURPOSE0 + key_block, 1, 1);
    if (read_protect)
        put_bits(block0, BIT_RD_DIS + key_block, 1, 1);
    put_bits(block0, BIT_KEY_PURPOSE0 + 4 * key_block, 4, (uint32_t)purpose);

    /* BLOCK0 last: it holds the protections (efuse.md 6). */
    struct efuse burned = *efuse;
    error = program_coded(&burned, KEY_BLOCK_FIRST + key_block, data);
    if (error == CHAIN_OK)
        error = efuse_program(&burned, 0, block0, NULL);
    if (error == CHAIN_OK)
        *efuse = burned;
    return error;
}

void efuse_factory(struct efuse *efuse, const uint8_t mac[6], uint16_t chip_rev)
{
    memset(efuse, 0, sizeof *efuse);
    uint8_t *block1 = efuse->bytes + efuse_block_offset(1);
    for (unsigned i = 0; i < 6; i++)
        block1[i] = mac[5 - i];
    block1[6] = 0xFE; /* MAC_EXT, printed FF FE */
    block1[7] = 0xFF;
    put_bits(block1, 114, 4, chip_rev % 100u);
    put_bits(block1, 118, 2, chip_rev / 100u);
    put_bits(efuse->bytes, WR_DIS_BLOCK1, 1, 1);
    put_bits(efuse->bytes, WR_DIS_BLOCK1 + 1, 1, 1);
}
