/* chain/sigblock.c: see sigblock.h (formats.md 2.1-2.5). */
#include "chain/sigblock.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/pss.h"

/* Offsets in a block. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 1,
    AT_SHA_ID = 2, /* ECDSA only: 0 = SHA-256 */
    AT_DIGEST = 4,
    AT_RSA_N = 36,
    AT_RSA_E = 420,
    AT_RSA_RINV = 424,
    AT_RSA_MPRIME = 808,
    AT_RSA_SIGNATURE = 812,
    AT_ECDSA_CURVE = 36,
    AT_ECDSA_POINT = 37,
    AT_ECDSA_SIGNATURE = 101,
    AT_CRC = 1196,
};

#define POINT_BYTES 64 /* zero padded for the shorter curve */

static void parse_rsa(const uint8_t *block, struct sigblock *out)
{
    memcpy(out->rsa.n, block + AT_RSA_N, RSA3072_BYTES);
    out->rsa.e = le32_load(block + AT_RSA_E);
    memcpy(out->rsa.rinv, block + AT_RSA_RINV, RSA3072_BYTES);
    out->rsa.mprime = le32_load(block + AT_RSA_MPRIME);
    memcpy(out->rsa_signature, block + AT_RSA_SIGNATURE, RSA3072_BYTES);
}

static size_t number_bytes(enum ecdsa_curve curve)
{
    return curve == ECDSA_P192 ? 24 : 32;
}

static int parse_ecdsa(const uint8_t *block, struct sigblock *out)
{
    uint8_t curve = block[AT_ECDSA_CURVE];
    if (block[AT_SHA_ID] != 0 || (curve != ECDSA_P192 && curve != ECDSA_P256))
        return CHAIN_EFIELD;

    /* Two numbers follow each other without a gap, also for the shorter curve. */
    size_t bytes = number_bytes((enum ecdsa_curve)curve);
    for (size_t i = 2 * bytes; i < POINT_BYTES; i++) {
        if (block[AT_ECDSA_POINT + i] != 0)
            return CHAIN_EFIELD;
    }
    out->curve = (enum ecdsa_curve)curve;
    memcpy(out->x, block + AT_ECDSA_POINT, bytes);
    memcpy(out->y, block + AT_ECDSA_POINT + bytes, bytes);
    memcpy(out->r, block + AT_ECDSA_SIGNATURE, bytes);
    memcpy(out->s, block + AT_ECDSA_SIGNATURE + bytes, bytes);
    return CHAIN_OK;
}

static int parse_fields(const uint8_t *block, struct sigblock *out)
{
    memset(out, 0, sizeof *out);
    out->version = block[AT_VERSION];
    memcpy(out->image_digest, block + AT_DIGEST, SHA256_BYTES);
    if (out->version == SIGBLOCK_ECDSA)
        return parse_ecdsa(block, out);
    if (out->version != SIGBLOCK_RSA)
        return CHAIN_EFIELD;
    parse_rsa(block, out);
    return CHAIN_OK;
}

int sigblock_parse(const uint8_t block[SIGBLOCK_BYTES], struct sigblock *out)
{
    if (block[AT_MAGIC] != SIGBLOCK_MAGIC)
        return CHAIN_EMAGIC;
    if (crc32_le(0, block, AT_CRC) != le32_load(block + AT_CRC))
        return CHAIN_ECHECKSUM;

    return parse_fields(block, out);
}

/* Of the key that parsing copied: the block may lie in external flash, and a second look at it
 * could show another key than the one the signature is checked with. */
static int key_digest(const struct sigblock *parsed, const struct chain_crypto *crypto,
                      uint8_t digest[SHA256_BYTES])
{
    static const uint8_t padding[POINT_BYTES];
    if (parsed->version == SIGBLOCK_RSA)
        return sigblock_rsa_key_digest(&parsed->rsa, crypto, digest);
    const uint8_t curve = (uint8_t)parsed->curve;
    const size_t bytes = number_bytes(parsed->curve);
    const struct chain_span spans[] = {
        {&curve, 1}, {parsed->x, bytes}, {parsed->y, bytes}, {padding, POINT_BYTES - 2 * bytes}};
    return crypto->sha256(crypto, spans, 4, digest);
}

int sigblock_key_digest(const uint8_t block[SIGBLOCK_BYTES], const struct chain_crypto *crypto,
                        uint8_t digest[SHA256_BYTES])
{
    struct sigblock parsed;
    const int error = parse_fields(block, &parsed);
    return error == CHAIN_OK ? key_digest(&parsed, crypto, digest) : error;
}

/* Is this key trusted, and by which eFuse slot? */
static int check_trust(const struct sigblock *parsed, const struct sigblock_trust *trust,
                       const struct chain_crypto *crypto, uint8_t *slot)
{
    uint8_t digest[SHA256_BYTES];
    int error = key_digest(parsed, crypto, digest);
    if (error != CHAIN_OK)
        return error;
    for (size_t i = 0; i < trust->count && i < SIGBLOCK_MAX; i++) {
        if (memcmp(digest, trust->digest[i], SHA256_BYTES) == 0) {
            *slot = trust->slot[i];
            return CHAIN_OK;
        }
    }
    return CHAIN_EUNTRUSTED;
}

/* Little-endian numbers of 384 bytes. */
static bool number_below(const uint8_t *a, const uint8_t *b)
{
    for (size_t i = RSA3072_BYTES; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

static int check_rsa(const struct sigblock *parsed, const uint8_t digest[SHA256_BYTES],
                     const struct chain_crypto *crypto)
{
    if (!number_below(parsed->rsa_signature, parsed->rsa.n))
        return CHAIN_ESIGNATURE;
    uint8_t encoded[RSA3072_BYTES];
    if (crypto->rsa_public(crypto, &parsed->rsa, parsed->rsa_signature, encoded) != CHAIN_OK)
        return CHAIN_ECRYPTO;
    for (size_t i = 0; i < RSA3072_BYTES / 2; i++) {
        uint8_t low = encoded[i];
        encoded[i] = encoded[RSA3072_BYTES - 1 - i];
        encoded[RSA3072_BYTES - 1 - i] = low;
    }
    return pss_verify(encoded, digest, crypto);
}

static int check_signature(const struct sigblock *parsed, const uint8_t digest[SHA256_BYTES],
                           const struct chain_crypto *crypto)
{
    if (parsed->version == SIGBLOCK_RSA)
        return check_rsa(parsed, digest, crypto);
    if (crypto->ecdsa_verify == NULL)
        return CHAIN_ECRYPTO;
    return crypto->ecdsa_verify(crypto, parsed->curve, parsed->x, parsed->y, parsed->r, parsed->s,
                                digest);
}

/* One whole pass over one block. CHAIN_OK, or what speaks against it. */
static int check_block(const uint8_t *block, const uint8_t digest[SHA256_BYTES],
                       const struct sigblock_trust *trust, const struct chain_crypto *crypto,
                       uint8_t *slot)
{
    struct sigblock parsed;
    if (sigblock_parse(block, &parsed) != CHAIN_OK)
        return CHAIN_EUNSIGNED;
    if (memcmp(parsed.image_digest, digest, SHA256_BYTES) != 0)
        return CHAIN_EDIGEST;
    int error = check_trust(&parsed, trust, crypto, slot);
    if (error != CHAIN_OK)
        return error;
    return check_signature(&parsed, digest, crypto);
}

/* How far a block came before it failed. */
static int failure_rank(int error)
{
    switch (error) {
    case CHAIN_EUNSIGNED:
        return 0;
    case CHAIN_EDIGEST:
        return 1;
    case CHAIN_EUNTRUSTED:
        return 2;
    case CHAIN_ESIGNATURE:
        return 3;
    default:
        return 4;
    }
}

int sigblock_check(const uint8_t block[SIGBLOCK_BYTES], const uint8_t digest[SHA256_BYTES],
                   const struct sigblock_trust *trust, const struct chain_crypto *crypto)
{
    uint8_t matched;
    return check_block(block, digest, trust, crypto, &matched);
}

uint32_t sigblock_verify(const uint8_t sector[SIGBLOCK_SECTOR_BYTES],
                         const uint8_t digest[SHA256_BYTES], const struct sigblock_trust *trust,
                         const struct chain_crypto *crypto, int *reason, uint8_t *slot)
{
    int worst = CHAIN_EUNSIGNED;
    uint8_t matched = 0;

    for (size_t i = 0; i < SIGBLOCK_MAX; i++) {
        const uint8_t *block = sector + i * SIGBLOCK_BYTES;
        /* Two whole passes, each stored and read back: one skipped call or branch, one wrong
         * answer of the accelerator, leaves the other pass to refuse. */
        volatile int first = check_block(block, digest, trust, crypto, &matched);
        if (first != CHAIN_OK) {
            if (failure_rank(first) > failure_rank(worst))
                worst = first;
            continue;
        }
        volatile int second = check_block(block, digest, trust, crypto, &matched);
        if (second != CHAIN_OK || first != CHAIN_OK) {
            worst = CHAIN_ECRYPTO; /* the same question, two answers */
            break;
        }
        if (reason != NULL)
            *reason = CHAIN_OK;
        if (slot != NULL)
            *slot = matched;
        return SIGBLOCK_TRUSTED;
    }
    if (reason != NULL)
        *reason = worst;
    return SIGBLOCK_REFUSED;
}

size_t sigblock_sector_count(const uint8_t sector[SIGBLOCK_SECTOR_BYTES])
{
    struct sigblock parsed;
    size_t count = 0;
    while (count < SIGBLOCK_MAX &&
           sigblock_parse(sector + count * SIGBLOCK_BYTES, &parsed) == CHAIN_OK)
        count++;
    return count;
}

int sigblock_rsa_key_digest(const struct rsa3072_key *key, const struct chain_crypto *crypto,
                            uint8_t digest[SHA256_BYTES])
{
    uint8_t e[4], mprime[4];
    le32_store(e, key->e);
    le32_store(mprime, key->mprime);
    const struct chain_span spans[] = {{key->n, RSA3072_BYTES},
                                       {e, sizeof e},
                                       {key->rinv, RSA3072_BYTES},
                                       {mprime, sizeof mprime}};
    return crypto->sha256(crypto, spans, 4, digest);
}

static void block_begin(uint8_t *block, uint8_t version, const uint8_t *image_digest)
{
    memset(block, 0, SIGBLOCK_BYTES);
    block[AT_MAGIC] = SIGBLOCK_MAGIC;
    block[AT_VERSION] = version;
    memcpy(block + AT_DIGEST, image_digest, SHA256_BYTES);
}

void sigblock_build_rsa(uint8_t block[SIGBLOCK_BYTES], const struct rsa3072_key *key,
                        const uint8_t image_digest[SHA256_BYTES],
                        const uint8_t signature[RSA3072_BYTES])
{
    block_begin(block, SIGBLOCK_RSA, image_digest);
    memcpy(block + AT_RSA_N, key->n, RSA3072_BYTES);
    le32_store(block + AT_RSA_E, key->e);
    memcpy(block + AT_RSA_RINV, key->rinv, RSA3072_BYTES);
    le32_store(block + AT_RSA_MPRIME, key->mprime);
    memcpy(block + AT_RSA_SIGNATURE, signature, RSA3072_BYTES);
    le32_store(block + AT_CRC, crc32_le(0, block, AT_CRC));
}

void sigblock_build_ecdsa(uint8_t block[SIGBLOCK_BYTES], enum ecdsa_curve curve, const uint8_t *x,
                          const uint8_t *y, const uint8_t image_digest[SHA256_BYTES],
                          const uint8_t *r, const uint8_t *s)
{
    size_t bytes = number_bytes(curve);
    block_begin(block, SIGBLOCK_ECDSA, image_digest);
    block[AT_ECDSA_CURVE] = (uint8_t)curve;
    memcpy(block + AT_ECDSA_POINT, x, bytes);
    memcpy(block + AT_ECDSA_POINT + bytes, y, bytes);
    memcpy(block + AT_ECDSA_SIGNATURE, r, bytes);
    memcpy(block + AT_ECDSA_SIGNATURE + bytes, s, bytes);
    le32_store(block + AT_CRC, crc32_le(0, block, AT_CRC));
}

void sigblock_sector_build(uint8_t sector[SIGBLOCK_SECTOR_BYTES],
                           const uint8_t (*blocks)[SIGBLOCK_BYTES], size_t count)
{
    memset(sector, 0xFF, SIGBLOCK_SECTOR_BYTES);
    memcpy(sector, blocks, count * SIGBLOCK_BYTES);
}
