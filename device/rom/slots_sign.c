/* device/rom/slots_sign.c: SHA-256 in parts, and the Secure Boot V2 check, for programs. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/pss.h"
#include "chain/sigblock.h"
#include "device/hal/crypto.h"
#include "device/hal/efuse.h"
#include "device/rom/slots.h"

#define SHA_BLOCK   64u
#define TYPE_SHA256 2
#define KEY_BYTES   776u /* n, e, rinv, mprime: bytes 36..811 of a block (formats.md 2.1) */

void ets_sha_enable(void)
{
}

void ets_sha_disable(void)
{
}

/* SHA-1 and SHA-224 are not offered. */
int ets_sha_init(struct rom_sha *sha, int type)
{
    static const uint32_t initial[8] = {0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au,
                                        0x510E527Fu, 0x9B05688Cu, 0x1F83D9ABu, 0x5BE0CD19u};
    memset(sha, 0, sizeof *sha);
    memcpy(sha->state, initial, sizeof initial);
    sha->type = (uint32_t)type;
    return type == TYPE_SHA256 ? 0 : 1;
}

int ets_sha_starts(struct rom_sha *sha, uint16_t unused)
{
    (void)unused;
    return ets_sha_init(sha, (int)sha->type);
}

/* `update` asks to bring the state back from the hardware; here it always is. */
int ets_sha_update(struct rom_sha *sha, const uint8_t *bytes, uint32_t length, bool update)
{
    (void)update;
    for (uint32_t i = 0; i < length; i++) {
        sha->block[sha->bytes++ % SHA_BLOCK] = bytes[i];
        if (sha->bytes % SHA_BLOCK == 0)
            hal_sha256_block(sha->state, sha->block);
    }
    return 0;
}

int ets_sha_finish(struct rom_sha *sha, uint8_t *digest)
{
    const uint8_t one = 0x80, zero = 0;
    uint64_t bits = (uint64_t)sha->bytes * 8;
    uint8_t length[8];
    for (unsigned i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    ets_sha_update(sha, &one, 1, true);
    while (sha->bytes % SHA_BLOCK != SHA_BLOCK - 8)
        ets_sha_update(sha, &zero, 1, true);
    ets_sha_update(sha, length, sizeof length, true);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    return 0;
}

int ets_sha_clone(struct rom_sha *to, const struct rom_sha *from)
{
    *to = *from;
    return 0;
}

bool ets_rsa_pss_verify(const uint8_t *key, const uint8_t *signature, const uint8_t *digest,
                        uint8_t *verified_digest)
{
    struct rsa3072_key rsa;
    uint8_t number[RSA3072_BYTES], encoded[RSA3072_BYTES];
    _Static_assert(sizeof rsa == KEY_BYTES, "the structure is the format");
    memcpy(&rsa, key, sizeof rsa);
    if (hal_crypto.rsa_public(&hal_crypto, &rsa, signature, number) != CHAIN_OK)
        return false;
    for (size_t i = 0; i < RSA3072_BYTES; i++)
        encoded[i] = number[RSA3072_BYTES - 1 - i];
    if (pss_verify(encoded, digest, &hal_crypto) != CHAIN_OK)
        return false;
    if (verified_digest != NULL)
        memcpy(verified_digest, digest, SHA256_BYTES);
    return true;
}

uint32_t ets_secure_boot_verify_signature(const uint8_t *sector, const uint8_t *digest,
                                          const struct rom_trusted_keys *keys,
                                          uint8_t *verified_digest)
{
    struct sigblock_trust trust = {.count = 0};
    for (uint8_t i = 0; i < SIGBLOCK_MAX; i++) {
        if (keys->digest[i] == NULL)
            continue;
        trust.slot[trust.count] = i;
        memcpy(trust.digest[trust.count++], keys->digest[i], SHA256_BYTES);
    }
    uint32_t verdict = sigblock_verify(sector, digest, &trust, &hal_crypto, NULL, NULL);
    if (verdict == SIGBLOCK_TRUSTED && verified_digest != NULL)
        memcpy(verified_digest, digest, SHA256_BYTES);
    return verdict;
}

/* Pointers into the eFuse registers, as programs expect. */
int ets_secure_boot_read_key_digests(struct rom_trusted_keys *keys)
{
    struct efuse efuse;
    bool any = false;
    hal_efuse_read(&efuse);
    memset(keys, 0, sizeof *keys);
    for (unsigned slot = 0; slot < SIGBLOCK_MAX; slot++) {
        int block;
        if (efuse_bits(&efuse, EFUSE_SECURE_BOOT_KEY_REVOKE(slot)) != 0 ||
            !ets_efuse_find_purpose((int)(EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 + slot), &block))
            continue;
        uintptr_t registers = ets_efuse_get_read_register_address(block);
        keys->digest[slot] = (const void *)registers;
        any = true;
    }
    return any ? 0 : 1;
}

void ets_secure_boot_revoke_public_key_digest(int index)
{
    if (index >= 0)
        hal_efuse_revoke_key((unsigned)index);
}
