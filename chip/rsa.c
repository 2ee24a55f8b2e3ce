/* chip/rsa.c: the RSA (big number) accelerator (soc.md 10).
 *
 * Computes as the hardware does, by Montgomery multiplication with the M_PRIME and R^2 (in Z) that
 * software supplies: right inputs give X*Y mod M and X^Y mod M, wrong ones give what that
 * arithmetic makes of them. R = 2^(32 n) for n words. An operation takes no time.
 *
 * Not modelled: CONSTANT_TIME and SEARCH_* shape only the time on silicon, so exponents are always
 * scanned whole here; what silicon leaves in X, Y and M afterwards is not known, they stay.
 */
#include "chain/reg/rsa.h"

#include <string.h>

#include "chain/soc.h"
#include "chip/peripherals.h"

#define RSA_MEMORY_SPACING 0x200u
#define RSA_MEMORY_BYTES   (4u * RSA_WORDS_MAX)

enum { MEMORY_M, MEMORY_Z, MEMORY_Y, MEMORY_X, MEMORIES };

static const struct stored_register rsa_registers[] = {
    {RSA_M_PRIME, 0, 0xFFFFFFFF},       {RSA_MODE, 0, 0x7F},        {RSA_CONSTANT_TIME, 1, 1},
    {RSA_SEARCH_ENABLE, 0, 1},          {RSA_SEARCH_POS, 0, 0xFFF}, {RSA_INT_ENA, 0, 1},
    {RSA_DATE, 0x20200618, 0x3FFFFFFF},
};
static const struct stored_table rsa_table = STORED_TABLE(rsa_registers);

typedef uint32_t number[RSA_WORDS_MAX];

struct rsa {
    uint32_t stored[sizeof(rsa_registers) / sizeof(rsa_registers[0])];
    number memory[MEMORIES];
    bool done; /* the interrupt cause */
};

static struct rsa *rsa_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_rsa);
}

static uint32_t rsa_get(struct rsa *rsa, uint32_t offset)
{
    return *stored_word(&rsa_table, rsa->stored, offset);
}

/* t -= m when t >= m, for t of n + 1 words; that is enough when both factors were below m. */
static void reduce_once(uint32_t *t, const uint32_t *m, unsigned n)
{
    bool above = t[n] != 0;
    for (unsigned i = n; !above && i-- > 0;) {
        if (t[i] < m[i])
            return;
        above = t[i] > m[i] || i == 0;
    }
    uint64_t borrow = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t difference = (uint64_t)t[i] - m[i] - borrow;
        t[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    t[n] -= (uint32_t)borrow;
}

/* out = a * b / R mod m, n words; out may be a or b. */
static void montgomery(uint32_t *out, const uint32_t *a, const uint32_t *b, const uint32_t *m,
                       uint32_t m_prime, unsigned n)
{
    uint32_t t[RSA_WORDS_MAX + 2] = {0};
    for (unsigned i = 0; i < n; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < n; j++) {
            carry += t[j] + (uint64_t)a[j] * b[i];
            t[j] = (uint32_t)carry;
            carry >>= 32;
        }
        carry += t[n];
        t[n] = (uint32_t)carry;
        t[n + 1] = (uint32_t)(carry >> 32);

        uint32_t factor = t[0] * m_prime;
        carry = (t[0] + (uint64_t)factor * m[0]) >> 32;
        for (unsigned j = 1; j < n; j++) {
            carry += t[j] + (uint64_t)factor * m[j];
            t[j - 1] = (uint32_t)carry;
            carry >>= 32;
        }
        carry += t[n];
        t[n - 1] = (uint32_t)carry;
        t[n] = t[n + 1] + (uint32_t)(carry >> 32);
    }
    reduce_once(t, m, n);
    memcpy(out, t, n * sizeof(t[0]));
}

/* Z = X * Y mod M. */
static void modular_multiply(struct rsa *rsa, unsigned n)
{
    const uint32_t *m = rsa->memory[MEMORY_M];
    uint32_t *z = rsa->memory[MEMORY_Z];
    uint32_t m_prime = rsa_get(rsa, RSA_M_PRIME);
    number x;
    montgomery(x, rsa->memory[MEMORY_X], z, m, m_prime, n); /* X * R */
    montgomery(z, x, rsa->memory[MEMORY_Y], m, m_prime, n);
}

/* Z = X^Y mod M, scanning all 32 n bits of Y from the top. */
static void modular_exponent(struct rsa *rsa, unsigned n)
{
    const uint32_t *m = rsa->memory[MEMORY_M];
    const uint32_t *y = rsa->memory[MEMORY_Y];
    uint32_t *z = rsa->memory[MEMORY_Z];
    uint32_t m_prime = rsa_get(rsa, RSA_M_PRIME);
    number x, power, one = {1};
    montgomery(x, rsa->memory[MEMORY_X], z, m, m_prime, n); /* X * R */
    montgomery(power, one, z, m, m_prime, n);               /* R */
    bool started = false;                                   /* squares of R are R */
    for (unsigned bit = 32 * n; bit-- > 0;) {
        if (started)
            montgomery(power, power, power, m, m_prime, n);
        if ((y[bit / 32] >> (bit % 32)) & 1) {
            montgomery(power, power, x, m, m_prime, n);
            started = true;
        }
    }
    montgomery(z, power, one, m, m_prime, n);
}

/* Z (2n words) = X (n words) * the n words of Z that start at word n. */
static void multiply(struct rsa *rsa, unsigned n)
{
    const uint32_t *x = rsa->memory[MEMORY_X];
    uint32_t *z = rsa->memory[MEMORY_Z];
    number product = {0};
    for (unsigned i = 0; i < n; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < n; j++) {
            carry += product[i + j] + (uint64_t)x[j] * z[n + i];
            product[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        product[i + n] = (uint32_t)carry;
    }
    memcpy(z, product, 2 * n * sizeof(product[0]));
}

/* MODE is the length in words - 1; of the product for a plain multiplication. */
static bool rsa_start(struct chip *chip, uint32_t operation)
{
    struct rsa *rsa = rsa_of(chip);
    unsigned words = rsa_get(rsa, RSA_MODE) + 1;
    if (words > RSA_WORDS_MAX || (operation == RSA_START_MULT && words % 2 != 0))
        return false;
    switch (operation) {
    case RSA_START_MODEXP:
        modular_exponent(rsa, words);
        break;
    case RSA_START_MODMULT:
        modular_multiply(rsa, words);
        break;
    default:
        multiply(rsa, words / 2);
    }
    rsa->done = true;
    return true;
}

static int rsa_init(struct chip *chip)
{
    return state_new(chip, &peripheral_rsa, sizeof(struct rsa));
}

static void rsa_reset(struct chip *chip, uint32_t cause)
{
    struct rsa *rsa = rsa_of(chip);
    if (reset_is_cpu_only(cause))
        return;
    memset(rsa, 0, sizeof(*rsa));
    stored_reset(&rsa_table, rsa->stored);
    chip_raise(chip, SOC_SOURCE_RSA, false);
}

static void rsa_free(struct chip *chip)
{
    state_free(chip, &peripheral_rsa);
}

/* The memory word at `offset`, NULL when it is none. */
static uint32_t *rsa_memory(struct rsa *rsa, uint32_t offset)
{
    uint32_t within = offset % RSA_MEMORY_SPACING;
    if (offset >= MEMORIES * RSA_MEMORY_SPACING || within >= RSA_MEMORY_BYTES)
        return NULL;
    return &rsa->memory[offset / RSA_MEMORY_SPACING][within / 4];
}

static bool rsa_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct rsa *rsa = rsa_of(chip);
    const uint32_t *word = rsa_memory(rsa, offset);
    if (word != NULL) {
        *value = *word;
        return true;
    }
    if (offset == RSA_QUERY_CLEAN || offset == RSA_QUERY_IDLE) {
        *value = 1;
        return true;
    }
    return stored_read(&rsa_table, rsa->stored, offset, value);
}

static bool rsa_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct rsa *rsa = rsa_of(chip);
    uint32_t *word = rsa_memory(rsa, offset);
    if (word != NULL) {
        *word = value;
        return true;
    }
    bool known = true;
    if (offset == RSA_START_MODEXP || offset == RSA_START_MODMULT || offset == RSA_START_MULT)
        known = (value & 1) == 0 || rsa_start(chip, offset);
    else if (offset == RSA_INT_CLR)
        rsa->done = rsa->done && (value & 1) == 0;
    else
        known = stored_write(&rsa_table, rsa->stored, offset, value);
    chip_raise(chip, SOC_SOURCE_RSA, rsa->done && rsa_get(rsa, RSA_INT_ENA) != 0);
    return known;
}

const struct peripheral peripheral_rsa = {
    .name = "RSA",
    .base = SOC_RSA,
    .bytes = 0x1000,
    .init = rsa_init,
    .reset = rsa_reset,
    .free = rsa_free,
    .read = rsa_read,
    .write = rsa_write,
};
