/* Signature sectors: no input is trusted by a device that trusts another key; what parses as RSA
 * is rebuilt to the same bytes. Magic and CRC of each block are put right first (unless the first
 * byte says not to), since random bytes would not get past them. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/sigblock.h"
#include "fuzz/fuzz.h"
#include "host/crypto.h"

#define CRC_OFFSET 1196u

/* Bytes 1 and 4..1195, and nothing else, come back. */
static void check_block(const uint8_t *block)
{
    struct sigblock parsed;
    uint8_t digest[SHA256_BYTES], again[SHA256_BYTES], rebuilt[SIGBLOCK_BYTES];
    if (sigblock_parse(block, &parsed) != CHAIN_OK)
        return;
    require(parsed.version == SIGBLOCK_RSA || parsed.version == SIGBLOCK_ECDSA);
    require(sigblock_key_digest(block, &host_crypto, digest) == CHAIN_OK);
    if (parsed.version != SIGBLOCK_RSA)
        return;
    sigblock_build_rsa(rebuilt, &parsed.rsa, parsed.image_digest, parsed.rsa_signature);
    require(memcmp(rebuilt + 4, block + 4, CRC_OFFSET - 4) == 0);
    require(sigblock_rsa_key_digest(&parsed.rsa, &host_crypto, again) == CHAIN_OK);
    require(memcmp(digest, again, sizeof digest) == 0);
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
    return 0;
}
