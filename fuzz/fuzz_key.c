/* Public keys and signatures that others send: what is read as a key has a digest, and a signature
 * that is placed under it makes a block of that digest, which nobody trusts unverified.
 *
 * Two bytes: how long the key is. Then the key, text as it stands when it begins with '-', else DER
 * that is put into PEM, its first byte choosing the label; what is left is the signature.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "fuzz/fuzz.h"
#include "fuzz/kept_line.h"
#include "host/crypto.h"
#include "host/key.h"

#define DER_MAX 4096

/* The bytes as a file of that path. */
static const char *as_file(const void *bytes, size_t length)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("key", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    require(fd >= 0 && ftruncate(fd, 0) == 0);
    require(pwrite(fd, bytes, length, 0) == (ssize_t)length);
    return path;
}

static const char *der_as_file(const uint8_t *der, size_t length)
{
    static const char *const labels[] = {
        "PUBLIC KEY",      "CERTIFICATE",    "PRIVATE KEY",          "EC PRIVATE KEY",
        "RSA PRIVATE KEY", "RSA PUBLIC KEY", "ENCRYPTED PRIVATE KEY"};
    static char pem[DER_MAX * 2];
    uint8_t base64[DER_MAX * 2];
    if (length < 1 || length > DER_MAX)
        return NULL;
    const char *label = labels[der[0] % (sizeof labels / sizeof *labels)];
    (void)EVP_EncodeBlock(base64, der + 1, (int)length - 1);
    int size = snprintf(pem, sizeof pem, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < strlen((char *)base64); at += 64)
        size += snprintf(pem + size, sizeof pem - (size_t)size, "%.64s\n", (char *)base64 + at);
    size += snprintf(pem + size, sizeof pem - (size_t)size, "-----END %s-----\n", label);
    return as_file(pem, (size_t)size);
}

static void check_key(const struct key *key, const uint8_t *signature, size_t length)
{
    static const uint8_t image[SHA256_BYTES] = {1, 2, 3};
    const struct buffer file = {.bytes = (uint8_t *)(uintptr_t)signature, .length = length};
    uint8_t block[1][SIGBLOCK_BYTES], sector[SIGBLOCK_SECTOR_BYTES], again[SHA256_BYTES];
    struct sigblock_trust trust = {.count = 1};
    struct sigblock parsed;
    int reason;
    if (key_digest(key, trust.digest[0]) != HOST_DONE) {
        kept_line_check();
        return;
    }
    if (length == 0 || key_place_signature(key, image, &file, "signature", block[0]) != HOST_DONE) {
        if (length > 0)
            kept_line_check();
        return;
    }
    require(sigblock_parse(block[0], &parsed) == CHAIN_OK);
    require(memcmp(parsed.image_digest, image, sizeof image) == 0);
    require(sigblock_key_digest(block[0], &host_crypto, again) == CHAIN_OK);
    require(memcmp(again, trust.digest[0], sizeof again) == 0);
    sigblock_sector_build(sector, block, 1);
    require(sigblock_verify(sector, image, &trust, &host_crypto, &reason, NULL) ==
            SIGBLOCK_REFUSED);
    require(reason == CHAIN_ESIGNATURE || reason == CHAIN_ECRYPTO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key *key;
    if (size < 3)
        return 0;
    const size_t rest = size - 2, told = le16_load(data), length = told < rest ? told : rest;
    const uint8_t *bytes = data + 2;
    if (length == 0)
        return 0;
    const char *path = bytes[0] == '-' ? as_file(bytes, length) : der_as_file(bytes, length);
    if (path == NULL)
        return 0;
    if (key_load_public(path, &key) != HOST_DONE) {
        kept_line_check();
        return 0;
    }
    check_key(key, bytes + length, rest - length);
    key_free(key);
    return 0;
}
