/* chip/rng.c: LPPERI with the random number generator (soc.md 19).
 *
 * Deterministic: xoshiro256** seeded through splitmix64 from config.seed. The sequence goes on over
 * resets and power cycles of the same chip, so that no nonce comes twice in a run. With its clock
 * off the generator stands still. Whoever needs keys nobody can guess must not take them from here.
 */
#include "chain/reg/lp_aon.h"
#include "chain/soc.h"
#include "chip/peripherals.h"

#define RNG_CLOCK (1u << 24)

static const struct stored_register lpperi_registers[] = {
    {LPPERI_CLK_EN, 0x7F000000, 0xFF000000},
    {0x004, 0, 0x7E000000},          /* RESET_EN */
    {0x00C, 0x80000000, 0x80000000}, /* CPU */
    {0x020, 0, 0},                   /* INTERRUPT_SOURCE */
    {0x3FC, 0x2206130, 0xFFFFFFFF},  /* DATE */
};
static const struct stored_table lpperi_table = STORED_TABLE(lpperi_registers);

struct lpperi {
    uint32_t stored[sizeof(lpperi_registers) / sizeof(lpperi_registers[0])];
    uint64_t s[4];
    uint32_t last;
};

static struct lpperi *lpperi_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_lpperi);
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint32_t next_number(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return (uint32_t)(result >> 32);
}

static int lpperi_init(struct chip *chip)
{
    int error = state_new(chip, &peripheral_lpperi, sizeof(struct lpperi));
    if (error != CHIP_OK)
        return error;
    uint64_t seed = chip_config(chip)->seed;
    for (unsigned i = 0; i < 4; i++)
        lpperi_of(chip)->s[i] = splitmix(&seed);
    return CHIP_OK;
}

static void lpperi_reset(struct chip *chip, uint32_t cause)
{
    if (!reset_is_cpu_only(cause))
        stored_reset(&lpperi_table, lpperi_of(chip)->stored);
}

static void lpperi_free(struct chip *chip)
{
    state_free(chip, &peripheral_lpperi);
}

static bool lpperi_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct lpperi *lpperi = lpperi_of(chip);
    if (offset != LPPERI_RNG_DATA)
        return stored_read(&lpperi_table, lpperi->stored, offset, value);
    if (*stored_word(&lpperi_table, lpperi->stored, LPPERI_CLK_EN) & RNG_CLOCK)
        lpperi->last = next_number(lpperi->s);
    *value = lpperi->last;
    return true;
}

static bool lpperi_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    return stored_write(&lpperi_table, lpperi_of(chip)->stored, offset, value);
}

const struct peripheral peripheral_lpperi = {
    .name = "LPPERI",
    .base = SOC_LPPERI,
    .bytes = 0x400,
    .init = lpperi_init,
    .reset = lpperi_reset,
    .free = lpperi_free,
    .read = lpperi_read,
    .write = lpperi_write,
};
