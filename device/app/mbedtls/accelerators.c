/* device/app/mbedtls/accelerators.c: mbedTLS' replaceable pieces on the chip's accelerators.
 *
 * AES: the hardware expands keys itself, so a context holds the key as it came, 16 or 32 bytes
 * (the ESP32-C6 has no 192-bit keys); `nr`, the number of rounds, tells which.
 */
#include <string.h>

#include "mbedtls/aes.h"
#include "mbedtls/entropy.h"
#include "mbedtls/platform_time.h"
#include "mbedtls/sha256.h"

#include "device/hal/crypto.h"
#include "device/hal/system.h"

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t length, size_t *written);

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t length, size_t *written)
{
    (void)data;
    hal_random_bytes(output, length);
    *written = length;
    return 0;
}

mbedtls_ms_time_t mbedtls_ms_time(void)
{
    return (mbedtls_ms_time_t)(hal_time_us() / 1000);
}

/* Asked for the hello of TLS 1.2 alone, where random bits are as good and tell nothing. */
time_t time_unknown(time_t *out)
{
    (void)out; /* NULL */
    return (time_t)hal_random();
}

int mbedtls_internal_sha256_process(mbedtls_sha256_context *context, const unsigned char block[64])
{
    hal_sha256_block(context->MBEDTLS_PRIVATE(state), block);
    return 0;
}

static int set_key(mbedtls_aes_context *context, const unsigned char *key, unsigned bits)
{
    if (bits != 128 && bits != 256)
        return MBEDTLS_ERR_AES_INVALID_KEY_LENGTH;
    context->MBEDTLS_PRIVATE(nr) = bits == 128 ? 10 : 14;
    context->MBEDTLS_PRIVATE(rk_offset) = 0;
    memcpy(context->MBEDTLS_PRIVATE(buf), key, bits / 8);
    return 0;
}

int mbedtls_aes_setkey_enc(mbedtls_aes_context *context, const unsigned char *key, unsigned bits)
{
    return set_key(context, key, bits);
}

int mbedtls_aes_setkey_dec(mbedtls_aes_context *context, const unsigned char *key, unsigned bits)
{
    return set_key(context, key, bits);
}

static void block(const mbedtls_aes_context *context, int encrypt, const unsigned char in[16],
                  unsigned char out[16])
{
    unsigned key_bytes = context->MBEDTLS_PRIVATE(nr) == 10 ? 16 : 32;
    hal_aes_block((const uint8_t *)context->MBEDTLS_PRIVATE(buf), key_bytes, encrypt, in, out);
}

int mbedtls_internal_aes_encrypt(mbedtls_aes_context *context, const unsigned char in[16],
                                 unsigned char out[16])
{
    block(context, 1, in, out);
    return 0;
}

int mbedtls_internal_aes_decrypt(mbedtls_aes_context *context, const unsigned char in[16],
                                 unsigned char out[16])
{
    block(context, 0, in, out);
    return 0;
}
