/* tool_rates KEY SIGNED_IMAGE SECONDS: work for one core, through the functions that `trustchain
 * sign` and `trustchain encrypt` call. Prints "SIGNATURES_PER_S BYTES_PER_S".
 *
 * A signature is all of it: the image's digest, RSA, the block, and the check of the finished block
 * that `sign` makes before it writes anything. The key is read once. (The image comes signed
 * because that one is filled up to its signature sector already.) Encryption is of 16 MB, in the
 * flash's units.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "chain/image.h"
#include "chain/sigblock.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "host/key.h"

#define FLASH_BYTES (16u << 20)

/* Of this process's time on the core, which is what `openssl speed` counts as well. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int sign_once(const struct key *key, const struct rsa3072_key *rsa,
                     const struct buffer *file)
{
    struct image image;
    struct sigblock_trust trust = {.count = 1};
    uint8_t digest[SHA256_BYTES];
    uint8_t signature[RSA3072_BYTES];
    uint8_t block[1][SIGBLOCK_BYTES];
    uint8_t sector[SIGBLOCK_SECTOR_BYTES];
    if (image_parse(file->bytes, file->length, &image) != CHAIN_OK ||
        image_signed_digest(&image, file->bytes, file->length, &host_crypto, digest) != CHAIN_OK ||
        key_sign_digest(key, digest, signature) != HOST_DONE)
        return HOST_FAILED;
    sigblock_build_rsa(block[0], rsa, digest, signature);
    if (sigblock_key_digest(block[0], &host_crypto, trust.digest[0]) != CHAIN_OK)
        return HOST_FAILED;
    sigblock_sector_build(sector, (const uint8_t(*)[SIGBLOCK_BYTES])block, 1);
    return sigblock_check(block[0], digest, &trust, &host_crypto) == CHAIN_OK ? HOST_DONE
                                                                              : HOST_FAILED;
}

static int sign_rate(const char *key_path, const char *image_path, double seconds, double *rate)
{
    struct key *key;
    struct rsa3072_key rsa;
    struct buffer file;
    if (key_load_private(key_path, &key) != HOST_DONE)
        return HOST_FAILED;
    int status = key_rsa_public(key, &rsa);
    if (status == HOST_DONE)
        status = file_read(image_path, FILE_MAX_DEFAULT, &file);
    if (status == HOST_DONE) {
        unsigned count = 0;
        double begin = now();
        do
            status = sign_once(key, &rsa, &file);
        while (status == HOST_DONE && (count++, now() - begin < seconds));
        *rate = count / (now() - begin);
        buffer_free(&file);
    }
    key_free(key);
    return status;
}

static int encrypt_rate(double seconds, double *rate)
{
    uint8_t key[XTS_KEY_BYTES];
    uint8_t *flash = calloc(1, FLASH_BYTES);
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7);
    double count = 0;
    double begin = now();
    int error = flash ? CHAIN_OK : CHAIN_ECRYPTO;
    while (error == CHAIN_OK && now() - begin < seconds) {
        error = flashcrypt_encrypt(&host_crypto, key, 0, flash, flash, FLASH_BYTES);
        count += FLASH_BYTES;
    }
    *rate = count / (now() - begin);
    free(flash);
    return error ? HOST_FAILED : HOST_DONE;
}

int main(int argc, char **argv)
{
    double signatures;
    double bytes;
    if (argc != 4) {
        fputs("usage: tool_rates KEY SIGNED_IMAGE SECONDS\n", stderr);
        return HOST_USAGE;
    }
    double seconds = strtod(argv[3], NULL);
    if (sign_rate(argv[1], argv[2], seconds, &signatures) != HOST_DONE ||
        encrypt_rate(seconds, &bytes) != HOST_DONE) {
        fputs("tool_rates: signing or encrypting failed\n", stderr);
        return HOST_FAILED;
    }
    printf("%.1f %.0f\n", signatures, bytes);
    return HOST_DONE;
}
