/* chip/clint.c: core-local software and timer interrupts (soc.md 5). MTIME counts core cycles,
 * which here are instructions. ESP-IDF does not use it; the layout is from its header.
 */
#include <stdlib.h>

#include "chain/soc.h"
#include "chip/bus.h"

#define CLINT_MSIP      0x00u
#define CLINT_MTIMECTL  0x04u
#define CLINT_MTIME     0x08u
#define CLINT_MTIMEH    0x0Cu
#define CLINT_MTIMECMP  0x10u
#define CLINT_MTIMECMPH 0x14u

#define CTL_COUNT   0x1u /* counter runs */
#define CTL_ENABLE  0x2u /* timer interrupt enabled */
#define CTL_PENDING 0x4u /* MTIME has come to MTIMECMP (read-only) */

#define MIP_MSIP 0x08u
#define MIP_MTIP 0x80u

struct clint {
    uint32_t msip, control;
    uint64_t offset; /* while counting: MTIME - now; else MTIME */
    uint64_t compare;
};

static uint64_t mtime(struct chip *chip, const struct clint *clint)
{
    return clint->control & CTL_COUNT ? chip_now(chip) + clint->offset : clint->offset;
}

static void clint_update(struct chip *chip);

static void clint_fire(struct chip *chip, unsigned id)
{
    (void)id;
    clint_update(chip);
}

static bool timer_pending(struct chip *chip, const struct clint *clint)
{
    return mtime(chip, clint) >= clint->compare;
}

/* Drive mip, and come back when the timer will have expired. */
static void clint_update(struct chip *chip)
{
    const struct clint *clint = chip_state(chip, &chip_clint_m);
    uint64_t deadline = UINT64_MAX;
    uint32_t lines = clint->msip ? MIP_MSIP : 0;
    if (clint->control & CTL_ENABLE) {
        if (timer_pending(chip, clint))
            lines |= MIP_MTIP;
        else if (clint->control & CTL_COUNT)
            deadline = clint->compare - clint->offset;
    }
    chip_set_interrupt_pending(chip, MIP_MSIP | MIP_MTIP, lines);
    chip_schedule(chip, &chip_clint_m, 0, deadline, clint_fire);
}

static int clint_init(struct chip *chip)
{
    struct clint *clint = calloc(1, sizeof *clint);
    if (clint == NULL)
        return CHIP_EMEMORY;
    chip_set_state(chip, &chip_clint_m, clint);
    return CHIP_OK;
}

static void clint_reset(struct chip *chip, uint32_t cause)
{
    struct clint *clint = chip_state(chip, &chip_clint_m);
    (void)cause;
    *clint = (struct clint){.compare = UINT64_MAX};
    clint_update(chip);
}

static void clint_free(struct chip *chip)
{
    free(chip_state(chip, &chip_clint_m));
}

static bool clint_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    const struct clint *clint = chip_state(chip, &chip_clint_m);
    switch (offset) {
    case CLINT_MSIP:
        *value = clint->msip;
        return true;
    case CLINT_MTIMECTL:
        *value = clint->control | (timer_pending(chip, clint) ? CTL_PENDING : 0);
        return true;
    case CLINT_MTIME:
        *value = (uint32_t)mtime(chip, clint);
        return true;
    case CLINT_MTIMEH:
        *value = (uint32_t)(mtime(chip, clint) >> 32);
        return true;
    case CLINT_MTIMECMP:
        *value = (uint32_t)clint->compare;
        return true;
    case CLINT_MTIMECMPH:
        *value = (uint32_t)(clint->compare >> 32);
        return true;
    default:
        return false;
    }
}

static uint64_t with_half(uint64_t old, bool high, uint32_t value)
{
    return high ? (uint64_t)value << 32 | (uint32_t)old : (old >> 32 << 32) | value;
}

static void set_mtime(struct chip *chip, struct clint *clint, uint64_t value)
{
    clint->offset = clint->control & CTL_COUNT ? value - chip_now(chip) : value;
}

static bool clint_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct clint *clint = chip_state(chip, &chip_clint_m);
    uint64_t time = mtime(chip, clint);
    switch (offset) {
    case CLINT_MSIP:
        clint->msip = value & 1;
        break;
    case CLINT_MTIMECTL:
        clint->control = value & (CTL_COUNT | CTL_ENABLE);
        set_mtime(chip, clint, time);
        break;
    case CLINT_MTIME:
    case CLINT_MTIMEH:
        set_mtime(chip, clint, with_half(time, offset == CLINT_MTIMEH, value));
        break;
    case CLINT_MTIMECMP:
    case CLINT_MTIMECMPH:
        clint->compare = with_half(clint->compare, offset == CLINT_MTIMECMPH, value);
        break;
    default:
        return false;
    }
    clint_update(chip);
    return true;
}

const struct peripheral chip_clint_m = {
    .name = "CLINT machine",
    .base = SOC_CLINT,
    .bytes = 0x400,
    .init = clint_init,
    .reset = clint_reset,
    .free = clint_free,
    .read = clint_read,
    .write = clint_write,
};
