/* eFuses: from any image, any sequence of programming. Bits only go up, what is protected stays,
 * and what software sees never shows a read-protected block.
 *
 * The first 336 bytes are the image (missing ones are blank); then operations of 35 bytes: verb,
 * target, purpose, 32 bytes of data.
 */
#include <string.h>

#include "chain/bytes.h"
#include "chain/efuse.h"
#include "chain/error.h"
#include "fuzz/fuzz.h"

#define OPERATION 35u

static void check_reading(const struct efuse *efuse)
{
    struct efuse seen;
    struct sigblock_trust trust;
    uint8_t key[32], mac[6], bytes[32];
    efuse_read_masked(efuse, &seen);
    const uint32_t hidden = efuse_bits(efuse, EFUSE_RD_DIS);
    for (unsigned block = 4; block < EFUSE_BLOCKS; block++) {
        for (size_t i = 0; hidden >> (block - 4) & 1 && i < efuse_block_bytes(block); i++)
            require(seen.bytes[efuse_block_offset(block) + i] == 0);
    }
    efuse_trust(efuse, &trust);
    require(trust.count <= SIGBLOCK_MAX);
    for (unsigned i = 0; i < trust.count; i++) {
        require(trust.slot[i] < 3 && (i == 0 || trust.slot[i] > trust.slot[i - 1]));
        require(efuse_bits(efuse, EFUSE_SECURE_BOOT_KEY_REVOKE(trust.slot[i])) == 0);
    }
    (void)efuse_xts_key(efuse, key);
    efuse_mac(efuse, mac);
    require(efuse_secure_version(efuse) <= 16);
    for (size_t i = 0; i < efuse_field_count; i++) {
        efuse_field_bytes(efuse, &efuse_fields[i], bytes);
        if (efuse_fields[i].length <= 8)
            require(efuse_get(efuse, &efuse_fields[i]) == bytes[0]);
    }
}

/* Nothing went down, and no protected field changed. */
static void check_change(const struct efuse *before, const struct efuse *after)
{
    for (size_t i = 0; i < EFUSE_IMAGE_BYTES; i++)
        require((before->bytes[i] & ~after->bytes[i]) == 0);
    const uint32_t write_disabled = efuse_bits(before, 0, 0, 32);
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        uint8_t old[32] = {0}, new[32] = {0};
        if (field->wr_dis < 0 || !(write_disabled >> field->wr_dis & 1))
            continue;
        efuse_field_bytes(before, field, old);
        efuse_field_bytes(after, field, new);
        require(memcmp(old, new, sizeof old) == 0);
    }
}

static void operate(struct efuse *efuse, const uint8_t *operation)
{
    const struct efuse before = *efuse;
    const uint8_t *data = operation + 3;
    uint8_t parity[EFUSE_RS_BYTES];
    int error;
    switch (operation[0] % 3) {
    case 0: {
        uint8_t whole[32] = {0};
        const unsigned block = operation[1] % 12;
        if (block < EFUSE_BLOCKS)
            memcpy(whole, data, efuse_block_bytes(block));
        efuse_rs_encode(whole, parity);
        parity[operation[2] % EFUSE_RS_BYTES] ^= operation[2] & 0x80;
        error = efuse_program(efuse, block, whole, parity);
        if (block != 0 && error != CHAIN_OK)
            require(memcmp(efuse, &before, sizeof before) == 0);
        break;
    }
    case 1:
        error =
            efuse_burn_key(efuse, operation[1] % 7, (enum efuse_purpose)(operation[2] % 16), data);
        require(error == CHAIN_OK || memcmp(efuse, &before, sizeof before) == 0);
        break;
    default: {
        const struct efuse_field *field = &efuse_fields[operation[1] % efuse_field_count];
        error = efuse_burn_field(efuse, field, le32_load(data));
        require(error == CHAIN_OK || memcmp(efuse, &before, sizeof before) == 0);
        require(error != CHAIN_OK || efuse_get(efuse, field) == le32_load(data));
        break;
    }
    }
    check_change(&before, efuse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct efuse efuse = {{0}};
    const size_t image = size < sizeof efuse.bytes ? size : sizeof efuse.bytes;
    if (image > 0)
        memcpy(efuse.bytes, data, image);
    check_reading(&efuse);
    for (size_t at = image; size - at >= OPERATION; at += OPERATION) {
        operate(&efuse, data + at);
        check_reading(&efuse);
    }
    return 0;
}
