/* Signature sectors: no input is trusted by a device that trusts another key; what parses is
 * rebuilt to the same block. Magic and CRC of each block are put right first (unless the first byte
 * says not to), since random bytes would not get past them. Then the input is a PSS encoding's salt
 * and the changes to it: unchanged it is trusted, with any change it is not. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/sigblock.h"
#include "fuzz/fuzz.h"
#include "fuzz/signer.h"
#include "host/crypto.h"

#define CRC_OFFSET       1196u
#define SIGNATURE_OFFSET 812u

/* An ECDSA block's fields, and nothing else, come back. */
static void check_ecdsa(const struct sigblock *parsed, const uint8_t digest[SHA256_BYTES])
{
    struct sigblock again;
    uint8_t rebuilt[SIGBLOCK_BYTES], same[SHA256_BYTES];
    sigblock_build_ecdsa(rebuilt, parsed->curve, parsed->x, parsed->y, parsed->image_digest,
                         parsed->r, parsed->s);
    require(sigblock_parse(rebuilt, &again) == CHAIN_OK);
    require(memcmp(&again, parsed, sizeof again) == 0);
    require(sigblock_key_digest(rebuilt, &host_crypto, same) == CHAIN_OK);
    require(memcmp(digest, same, sizeof same) == 0);
}

/* Bytes 1 and 4..1195, and nothing else, come back. */
static void check_block(const uint8_t *block)
{
    struct sigblock parsed;
    uint8_t digest[SHA256_BYTES], again[SHA256_BYTES], rebuilt[SIGBLOCK_BYTES];
    if (sigblock_parse(block, &parsed) != CHAIN_OK)
        return;
    require(parsed.version == SIGBLOCK_RSA || parsed.version == SIGBLOCK_ECDSA);
    require(sigblock_key_digest(block, &host_crypto, digest) == CHAIN_OK);
    if (parsed.version == SIGBLOCK_ECDSA) {
        check_ecdsa(&parsed, digest);
        return;
    }
    sigblock_build_rsa(rebuilt, &parsed.rsa, parsed.image_digest, parsed.rsa_signature);
    require(memcmp(rebuilt + 4, block + 4, CRC_OFFSET - 4) == 0);
    require(sigblock_rsa_key_digest(&parsed.rsa, &host_crypto, again) == CHAIN_OK);
    require(memcmp(digest, again, sizeof digest) == 0);
}

/* Digest and salt; then three bytes a change: where in the signature, and the bits that flip. */
static void check_encoding(const uint8_t *data, size_t size)
{
    uint8_t sector[SIGBLOCK_SECTOR_BYTES], block[1][SIGBLOCK_BYTES], signature[RSA3072_BYTES];
    struct sigblock_trust trust;
    int reason;
    if (size < 2 * SHA256_BYTES)
        return;
    const struct chain_crypto crypto = signer_crypto();
    signer_block(data, data + SHA256_BYTES, block[0], &trust);
    memcpy(signature, block[0] + SIGNATURE_OFFSET, RSA3072_BYTES);
    for (size_t at = 2 * SHA256_BYTES; size - at >= 3; at += 3)
        block[0][SIGNATURE_OFFSET + le16_load(data + at) % RSA3072_BYTES] ^= data[at + 2];
    const bool changed = memcmp(signature, block[0] + SIGNATURE_OFFSET, RSA3072_BYTES) != 0;
    le32_store(block[0] + CRC_OFFSET, crc32_le(0, block[0], CRC_OFFSET));
    sigblock_sector_build(sector, block, 1);
    require(sigblock_sector_count(sector) == 1);
    require(sigblock_verify(sector, data, &trust, &crypto, &reason, NULL) ==
            (changed ? SIGBLOCK_REFUSED : SIGBLOCK_TRUSTED));
    require(reason == (changed ? CHAIN_ESIGNATURE : CHAIN_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sigblock_trust other_key = {.count = 1, .digest = {{0x5A, 0xA5}}};
    uint8_t sector[SIGBLOCK_SECTOR_BYTES];
    if (size < 1)
        return 0;
    memset(sector, 0xFF, sizeof sector);
    memcpy(sector, data + 1, size - 1 < sizeof sector ? size - 1 : sizeof sector);
    const unsigned repaired = data[0] % (SIGBLOCK_MAX + 1);
    for (unsigned i = 0; i < repaired; i++) {
        uint8_t *block = sector + i * SIGBLOCK_BYTES;
        block[0] = SIGBLOCK_MAGIC;
        le32_store(block + CRC_OFFSET, crc32_le(0, block, CRC_OFFSET));
    }
    const size_t count = sigblock_sector_count(sector);
    require(count <= SIGBLOCK_MAX);
    for (unsigned i = 0; i < SIGBLOCK_MAX; i++)
        check_block(sector + i * SIGBLOCK_BYTES);

    int reason = CHAIN_OK;
    uint8_t slot = 0;
    require(sigblock_verify(sector, sector + 4, &other_key, &host_crypto, &reason, &slot) ==
            SIGBLOCK_REFUSED);
    require(reason == CHAIN_EUNSIGNED || reason == CHAIN_EDIGEST || reason == CHAIN_EUNTRUSTED);

    /* Trusting the key in the block is not enough either: the signature must verify, and these
     * never do, as nobody holds a private key for them. */
    struct sigblock_trust own = {.count = 1};
    if (count > 0 && sigblock_key_digest(sector, &host_crypto, own.digest[0]) == CHAIN_OK)
        require(sigblock_verify(sector, sector + 4, &own, &host_crypto, &reason, &slot) ==
                    SIGBLOCK_REFUSED ||
                sector[1] != SIGBLOCK_RSA);
    check_encoding(data + 1, size - 1);
    return 0;
}
