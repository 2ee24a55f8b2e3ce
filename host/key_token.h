/* host/key_token.h: private keys that stay in a PKCS#11 token.
 *
 * A key is named by its URI (RFC 7512), for example
 *
 *     pkcs11:token=release;object=signing?module-path=/usr/lib/softhsm/libsofthsm2.so
 *
 * module-path names the token's driver; without it the variable PKCS11_MODULE_PATH does, or else
 * p11-kit finds it. pin-source names a file (0600) with the PIN. A pin-value is refused: it would
 * stand on the command line.
 */
#ifndef HOST_KEY_TOKEN_H
#define HOST_KEY_TOKEN_H

#include <stdbool.h>

#include <openssl/evp.h>

bool key_is_token(const char *name);

/* The key in the token, to be signed with by OpenSSL's usual calls. The PIN is in the file that
 * pin-source or else `pin_file` names, or found as host/key_secret.h says (TRUSTCHAIN_PIN). */
int key_token_open(const char *uri, const char *pin_file, EVP_PKEY **out);

#endif
