/* chain/pss.h: EMSA-PSS verification for Secure Boot V2: SHA-256, MGF1-SHA-256, salt of 32 bytes,
 * trailer 0xBC, 3071 bits (RFC 8017 section 9.1.2; formats.md 2.1).
 */
#ifndef CHAIN_PSS_H
#define CHAIN_PSS_H

#include "chain/crypto.h"

/* `encoded` is the RSA result in big-endian order. CHAIN_OK or CHAIN_ESIGNATURE, CHAIN_ECRYPTO. */
int pss_verify(const uint8_t encoded[RSA3072_BYTES], const uint8_t digest[SHA256_BYTES],
               const struct chain_crypto *crypto);

#endif
