/* host/key_own.h: what a key is, for host/key*.c alone. */
#ifndef HOST_KEY_OWN_H
#define HOST_KEY_OWN_H

#include <openssl/evp.h>

#include "host/key.h"

#define RSA3072_BITS   3072
#define KEY_GROUP_NAME 80 /* the longest name of a curve, and its NUL */

struct key {
    EVP_PKEY *pkey;
    unsigned curve; /* enum ecdsa_curve, or 0: RSA-3072 */
};

#endif
