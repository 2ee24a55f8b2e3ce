/* device/hal/crypto.c: the SHA and RSA accelerators (soc.md 8, 10). */
#include "device/hal/crypto.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/reg/rsa.h"
#include "chain/reg/sha.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/system.h"

#define SHA_BLOCK      64u
#define RSA_WORDS      (RSA3072_BYTES / 4u)
#define RSA_TIMEOUT_US 2000000u

/* Words may hold bytes of any type. */
typedef uint32_t __attribute__((may_alias)) any_word;

/* SHA-256 in progress. The digest so far is in the accelerator. */
struct sha_run {
    uint8_t block[SHA_BLOCK];
    uint32_t filled;
    uint32_t bytes;
    bool started;
};

static void sha_wait(void)
{
    while ((hal_read(SOC_SHA + SHA_BUSY) & 1) != 0)
        continue;
}

static void sha_go(struct sha_run *run)
{
    hal_write(SOC_SHA + (run->started ? SHA_CONTINUE : SHA_START), 1);
    run->started = true;
    sha_wait();
}

static void sha_block(struct sha_run *run, const uint8_t *block)
{
    if (((uintptr_t)block & 3) == 0) { /* nearly always, and where the time of a boot goes */
        const any_word *words = (const void *)block;
        volatile uint32_t *message = (volatile uint32_t *)(SOC_SHA + SHA_M);
        __asm__("" : "+r"(message)); /* one base register, not sixteen constants */
#pragma GCC unroll 16
        for (uint32_t i = 0; i < SHA_BLOCK / 4; i++)
            message[i] = words[i];
    } else {
        for (uint32_t i = 0; i < SHA_BLOCK; i += 4)
            hal_write(SOC_SHA + SHA_M + i, le32_load(block + i));
    }
    sha_go(run);
}

static void sha_update(struct sha_run *run, const uint8_t *data, size_t length)
{
    run->bytes += (uint32_t)length;
    while (length > 0) {
        if (run->filled == 0 && length >= SHA_BLOCK) {
            sha_block(run, data);
            data += SHA_BLOCK;
            length -= SHA_BLOCK;
            continue;
        }
        size_t part = SHA_BLOCK - run->filled;
        if (part > length)
            part = length;
        memcpy(run->block + run->filled, data, part);
        run->filled += (uint32_t)part;
        data += part;
        length -= part;
        if (run->filled == SHA_BLOCK) {
            sha_block(run, run->block);
            run->filled = 0;
        }
    }
}

static void sha_finish(struct sha_run *run, uint8_t digest[SHA256_BYTES])
{
    uint64_t bits = (uint64_t)run->bytes * 8;
    run->block[run->filled++] = 0x80;
    if (run->filled > SHA_BLOCK - 8) {
        memset(run->block + run->filled, 0, SHA_BLOCK - run->filled);
        sha_block(run, run->block);
        run->filled = 0;
    }
    memset(run->block + run->filled, 0, SHA_BLOCK - run->filled);
    for (unsigned i = 0; i < 8; i++)
        run->block[SHA_BLOCK - 1 - i] = (uint8_t)(bits >> (8 * i));
    sha_block(run, run->block);
    for (uint32_t i = 0; i < SHA256_BYTES; i += 4)
        le32_store(digest + i, hal_read(SOC_SHA + SHA_H + i));
}

static void sha_spans(struct sha_run *run, const struct chain_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sha_update(run, spans[i].data, spans[i].length);
}

static int sha256(const struct chain_crypto *crypto, const struct chain_span *spans, size_t count,
                  uint8_t digest[SHA256_BYTES])
{
    (void)crypto;
    struct sha_run run = {.filled = 0};
    hal_write(SOC_SHA + SHA_MODE, SHA_MODE_SHA256);
    sha_spans(&run, spans, count);
    sha_finish(&run, digest);
    return CHAIN_OK;
}

/* The words of FIPS 180-4; the H memory holds the digest's bytes in order. */
static void sha_state_save(uint32_t state[8])
{
    for (uint32_t i = 0; i < 8; i++)
        state[i] = __builtin_bswap32(hal_read(SOC_SHA + SHA_H + 4 * i));
}

static void sha_state_restore(const uint32_t state[8])
{
    for (uint32_t i = 0; i < 8; i++)
        hal_write(SOC_SHA + SHA_H + 4 * i, __builtin_bswap32(state[i]));
}

static int sha256_twice(const struct chain_crypto *crypto, const struct chain_span *spans,
                        size_t head, size_t count, uint8_t head_digest[SHA256_BYTES],
                        uint8_t digest[SHA256_BYTES])
{
    (void)crypto;
    uint32_t state[8];
    struct sha_run run = {.filled = 0};
    hal_write(SOC_SHA + SHA_MODE, SHA_MODE_SHA256);
    sha_spans(&run, spans, head);
    struct sha_run at_head = run;
    sha_state_save(state);
    sha_finish(&at_head, head_digest);
    sha_state_restore(state);
    sha_spans(&run, spans + head, count - head);
    sha_finish(&run, digest);
    return CHAIN_OK;
}

void hal_sha256_block(uint32_t state[8], const uint8_t block[64])
{
    struct sha_run run = {.started = true}; /* from the caller's state on */
    hal_write(SOC_SHA + SHA_MODE, SHA_MODE_SHA256);
    sha_state_restore(state);
    sha_block(&run, block);
    sha_state_save(state);
}

static int rsa_wait(uint32_t status_register)
{
    uint64_t deadline = hal_time_us() + RSA_TIMEOUT_US;
    while ((hal_read(SOC_RSA + status_register) & 1) == 0)
        if (hal_time_us() > deadline)
            return CHAIN_ECRYPTO;
    return CHAIN_OK;
}

static void rsa_load(uint32_t memory, const uint8_t number[RSA3072_BYTES])
{
    for (uint32_t i = 0; i < RSA3072_BYTES; i += 4)
        hal_write(SOC_RSA + memory + i, le32_load(number + i));
}

static bool less_than(const uint8_t a[RSA3072_BYTES], const uint8_t b[RSA3072_BYTES])
{
    for (size_t i = RSA3072_BYTES; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

static int rsa_public(const struct chain_crypto *crypto, const struct rsa3072_key *key,
                      const uint8_t signature[RSA3072_BYTES], uint8_t out[RSA3072_BYTES])
{
    (void)crypto;
    /* Montgomery arithmetic wants an odd modulus; an even or tiny exponent is no RSA key. */
    if ((key->n[0] & 1) == 0 || (key->e & 1) == 0 || key->e < 3 || !less_than(signature, key->n))
        return CHAIN_ECRYPTO;
    if (rsa_wait(RSA_QUERY_CLEAN) != CHAIN_OK)
        return CHAIN_ECRYPTO;
    hal_write(SOC_RSA + RSA_MODE, RSA_WORDS - 1);
    hal_write(SOC_RSA + RSA_M_PRIME, key->mprime);
    rsa_load(RSA_M, key->n);
    rsa_load(RSA_X, signature);
    rsa_load(RSA_Z, key->rinv);
    for (uint32_t i = 0; i < RSA_WORDS; i++)
        hal_write(SOC_RSA + RSA_Y + 4 * i, i == 0 ? key->e : 0);
    /* The exponent is public: no constant time, and skip its leading zeros. */
    hal_write(SOC_RSA + RSA_CONSTANT_TIME, 0);
    hal_write(SOC_RSA + RSA_SEARCH_ENABLE, 1);
    hal_write(SOC_RSA + RSA_SEARCH_POS, 31u - (uint32_t)__builtin_clz(key->e));
    hal_write(SOC_RSA + RSA_START_MODEXP, 1);
    int error = rsa_wait(RSA_QUERY_IDLE);
    hal_write(SOC_RSA + RSA_INT_CLR, 1);
    hal_write(SOC_RSA + RSA_SEARCH_ENABLE, 0);
    hal_write(SOC_RSA + RSA_CONSTANT_TIME, 1);
    for (uint32_t i = 0; error == CHAIN_OK && i < RSA3072_BYTES; i += 4)
        le32_store(out + i, hal_read(SOC_RSA + RSA_Z + i));
    return error;
}

const struct chain_crypto hal_crypto = {
    .sha256 = sha256, .sha256_twice = sha256_twice, .rsa_public = rsa_public};
