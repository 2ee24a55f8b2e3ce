/* server/digest.h: digests as texts: lower-case hexadecimal, as they are stored, sent and compared
 * everywhere in server/. */
#ifndef SERVER_DIGEST_H
#define SERVER_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

/* 2 * count characters and a NUL into out. Returns out. */
char *digest_print(const unsigned char *digest, size_t count, char *out);

/* Of bytes[length] by "SHA256", "SHA1" or "MD5": 64, 40 or 32 characters and a NUL. False: OpenSSL
 * has none of that name, or no memory. */
bool digest_make(const char *type, const void *bytes, size_t length, char *out);

#endif
