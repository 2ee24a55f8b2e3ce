/* host/key.h: Secure Boot signing keys, and making flash encryption keys.
 *
 * A private key is a PEM file (0600) or stays in a PKCS#11 token: RSA-3072 or ECDSA P-256. Public
 * keys may be P-192 as well, which the ESP32-C6 verifies but nothing here signs with. Private
 * material lives in OpenSSL objects only and is wiped with them.
 */
#ifndef HOST_KEY_H
#define HOST_KEY_H

#include "chain/crypto.h"
#include "chain/sigblock.h"
#include "host/file.h"

struct key; /* private or public */

/* Generate and write, refusing to overwrite. */
int key_generate_rsa3072(const char *path);
int key_generate_ecdsa_p256(const char *path);
/* The same under a passphrase (host/key_secret.h). */
enum key_scheme { KEY_RSA3072, KEY_ECDSA_P256 };
int key_generate_protected(const char *path, enum key_scheme scheme, const char *passphrase_file);
/* A flash encryption key: 32 random bytes (flash-encryption.md 1). */
int key_generate_xts128(const char *path);

/* PEM private key; anything but RSA-3072 and ECDSA P-256 is refused with a line that says what it
 * is. When it is protected, the passphrase is in `passphrase_file`, or found as host/key_secret.h
 * says when that is NULL. `path` may also be the pkcs11: URI of a key in a token, and the file
 * then holds its PIN (host/key_token.h). */
int key_unlock(const char *path, const char *passphrase_file, struct key **out);
int key_load_private(const char *path, struct key **out); /* without a passphrase file */

/* PEM public key, PEM private key or an X.509 certificate: the public part. A protected private
 * key is refused, or else opened like key_unlock(). */
int key_load_public(const char *path, struct key **out);
int key_unlock_public(const char *path, const char *passphrase_file, struct key **out);
void key_free(struct key *key);

/* The public part as PEM (SubjectPublicKeyInfo); replaces an existing file. */
int key_write_public(const struct key *key, const char *path);

/* What eFuses hold to trust this key. */
int key_digest(const struct key *key, uint8_t digest[SHA256_BYTES]);

/* A signature block over a finished digest, RSA or ECDSA as the key is. */
int key_sign_block(const struct key *key, const uint8_t digest[SHA256_BYTES],
                   uint8_t block[SIGBLOCK_BYTES]);

/* The same with a signature that was made elsewhere: what `file` (called `name`) holds is RSA-PSS,
 * 384 bytes big-endian, or ECDSA as DER or as r and s, big-endian. Not verified here. */
int key_place_signature(const struct key *key, const uint8_t digest[SHA256_BYTES],
                        const struct buffer *file, const char *name, uint8_t block[SIGBLOCK_BYTES]);

/* RSA keys only, from here on.
 * The form the signature block stores (rinv and mprime computed). */
int key_rsa_public(const struct key *key, struct rsa3072_key *out);

/* RSA-PSS (SHA-256, MGF1-SHA-256, 32 bytes of salt) over a finished digest; little-endian. */
int key_sign_digest(const struct key *key, const uint8_t digest[SHA256_BYTES],
                    uint8_t signature[RSA3072_BYTES]);

#endif
