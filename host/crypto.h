/* host/crypto.h: chain/crypto.h on OpenSSL 3. Stateless and thread-safe. */
#ifndef HOST_CRYPTO_H
#define HOST_CRYPTO_H

#include "chain/crypto.h"

extern const struct chain_crypto host_crypto;

#endif
