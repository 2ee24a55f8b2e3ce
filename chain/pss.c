/* chain/pss.c: EMSA-PSS verification; see pss.h. Names follow RFC 8017 section 9.1.2. */
#include "chain/pss.h"

#include <string.h>

#include "chain/error.h"

#define SALT_BYTES    32
#define TRAILER       0xBC
#define DB_BYTES      (RSA3072_BYTES - SHA256_BYTES - 1)
#define PADDING_BYTES (DB_BYTES - SALT_BYTES - 1) /* zeros, before the 0x01 */
#define TOP_BIT       0x80 /* 8 * 384 - 3071 = 1 bit of the encoding is unused */

/* db ^= MGF1(seed). */
static int mgf1_unmask(const struct chain_crypto *crypto, const uint8_t seed[SHA256_BYTES],
                       uint8_t db[DB_BYTES])
{
    uint8_t counter[4] = {0};
    const struct chain_span spans[] = {{seed, SHA256_BYTES}, {counter, sizeof counter}};

    for (size_t done = 0; done < DB_BYTES; done += SHA256_BYTES, counter[3]++) {
        uint8_t mask[SHA256_BYTES];
        if (crypto->sha256(crypto, spans, 2, mask) != CHAIN_OK)
            return CHAIN_ECRYPTO;
        for (size_t i = 0; i < SHA256_BYTES && done + i < DB_BYTES; i++)
            db[done + i] ^= mask[i];
    }
    return CHAIN_OK;
}

int pss_verify(const uint8_t encoded[RSA3072_BYTES], const uint8_t digest[SHA256_BYTES],
               const struct chain_crypto *crypto)
{
    const uint8_t *h = encoded + DB_BYTES;
    if (encoded[RSA3072_BYTES - 1] != TRAILER || (encoded[0] & TOP_BIT) != 0)
        return CHAIN_ESIGNATURE;

    uint8_t db[DB_BYTES];
    memcpy(db, encoded, DB_BYTES);
    if (mgf1_unmask(crypto, h, db) != CHAIN_OK)
        return CHAIN_ECRYPTO;
    db[0] &= (uint8_t)~TOP_BIT;

    uint8_t nonzero = 0;
    for (size_t i = 0; i < PADDING_BYTES; i++)
        nonzero |= db[i];
    if (nonzero != 0 || db[PADDING_BYTES] != 0x01)
        return CHAIN_ESIGNATURE;

    static const uint8_t zeros[8];
    const struct chain_span message[] = {
        {zeros, sizeof zeros}, {digest, SHA256_BYTES}, {db + PADDING_BYTES + 1, SALT_BYTES}};
    uint8_t expected[SHA256_BYTES];
    if (crypto->sha256(crypto, message, 3, expected) != CHAIN_OK)
        return CHAIN_ECRYPTO;
    return memcmp(expected, h, SHA256_BYTES) == 0 ? CHAIN_OK : CHAIN_ESIGNATURE;
}
