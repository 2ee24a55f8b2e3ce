/* server/digest.c: see server/digest.h. */
#include "server/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

char *digest_print(const unsigned char *digest, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * count] = '\0';
    return out;
}

bool digest_make(const char *type, const void *bytes, size_t length, char *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    const EVP_MD *method = EVP_get_digestbyname(type);
    bool made = method != NULL && EVP_Digest(bytes, length, digest, &count, method, NULL) == 1;
    digest_print(digest, made ? count : 0, out);
    OPENSSL_cleanse(digest, sizeof digest); /* a token's is not left about either */
    return made;
}
