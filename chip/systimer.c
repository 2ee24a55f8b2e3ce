/* chip/systimer.c: the system timer: two 52-bit counters at 16 MHz, three alarms (soc.md 16).
 *
 * Both counters step on the same clock edges, every SOC_CPU_MHZ / 16 instructions; an alarm fires
 * on the edge at which its counter reaches the target, to the instruction. A target that already
 * lies behind the counter fires at once. The counters go on over CPU resets.
 *
 * Not modelled: stalling with the core, the event matrix.
 */
#include "chain/reg/systimer.h"

#include <string.h>

#include "chain/soc.h"
#include "chip/peripherals.h"

#define UNITS            2u
#define TARGETS          3u
#define COUNT_MASK       ((UINT64_C(1) << 52) - 1)
#define EDGE_TIME        (SOC_CPU_MHZ * 1000000u / SYSTIMER_HZ) /* instructions */
#define CONF_RESET       0x46000000u
#define CONF_MASK        0xFFC00003u
#define HI_MASK          0xFFFFFu
#define TARGET_CONF_MASK 0xC3FFFFFFu
#define REAL_TARGET0_LO  0x74 /* + 8 * target: LO, HI */
#define REAL_TARGETS_END 0x8C
#define SYSTIMER_DATE    0xFC

struct unit {
    uint64_t base;     /* count at edge `since` (running) or now (stopped) */
    uint64_t since;    /* edge number */
    uint64_t load;     /* LOAD_HI:LO */
    uint64_t snapshot; /* VALUE_HI:LO, taken by UPDATE */
    bool running, valid;
};

struct target {
    uint64_t written; /* TARGET_HI:LO */
    uint32_t conf_written;
    uint64_t count; /* what COMP_LOAD latched: next alarm */
    uint32_t conf;
};

struct systimer {
    uint32_t conf, enabled, raw, date;
    struct unit units[UNITS];
    struct target targets[TARGETS];
};

static struct systimer *systimer_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_systimer);
}

static uint64_t edge_now(const struct chip *chip)
{
    return chip_now(chip) / EDGE_TIME;
}

static uint64_t unit_count(const struct chip *chip, const struct unit *unit)
{
    uint64_t steps = unit->running ? edge_now(chip) - unit->since : 0;
    return (unit->base + steps) & COUNT_MASK;
}

static void unit_set(const struct chip *chip, struct unit *unit, uint64_t count, bool running)
{
    unit->base = count & COUNT_MASK;
    unit->since = edge_now(chip);
    unit->running = running;
}

static void update_interrupts(struct chip *chip)
{
    const struct systimer *timer = systimer_of(chip);
    for (unsigned i = 0; i < TARGETS; i++)
        chip_raise(chip, SOC_SOURCE_SYSTIMER0 + i, ((timer->raw & timer->enabled) >> i) & 1);
}

static void target_fire(struct chip *chip, unsigned index);

static bool target_on(const struct systimer *timer, unsigned index)
{
    return (timer->conf & (SYSTIMER_CONF_TARGET0_EN >> index)) != 0;
}

/* Work out when the alarm is due. */
static void target_schedule(struct chip *chip, unsigned index)
{
    struct systimer *timer = systimer_of(chip);
    const struct target *target = &timer->targets[index];
    const struct unit *unit = &timer->units[target->conf & SYSTIMER_TARGET_UNIT1 ? 1 : 0];
    uint64_t deadline = UINT64_MAX;
    if (target_on(timer, index) && unit->running) {
        uint64_t count = unit_count(chip, unit);
        uint64_t ahead = target->count > count ? target->count - count : 0;
        deadline = (edge_now(chip) + ahead) * EDGE_TIME;
    }
    chip_schedule(chip, &peripheral_systimer, index, deadline, target_fire);
}

static void target_fire(struct chip *chip, unsigned index)
{
    struct systimer *timer = systimer_of(chip);
    struct target *target = &timer->targets[index];
    timer->raw |= 1u << index;
    update_interrupts(chip);
    uint32_t period = target->conf & SYSTIMER_TARGET_PERIOD_MASK;
    if ((target->conf & SYSTIMER_TARGET_PERIOD_MODE) && period > 0) {
        target->count = (target->count + period) & COUNT_MASK;
        target_schedule(chip, index);
    }
}

/* COMP_LOAD: in period mode the first alarm is one period from now. */
static void target_load(struct chip *chip, unsigned index)
{
    struct systimer *timer = systimer_of(chip);
    struct target *target = &timer->targets[index];
    target->conf = target->conf_written;
    target->count = target->written;
    if (target->conf & SYSTIMER_TARGET_PERIOD_MODE) {
        const struct unit *unit = &timer->units[target->conf & SYSTIMER_TARGET_UNIT1 ? 1 : 0];
        uint32_t period = target->conf & SYSTIMER_TARGET_PERIOD_MASK;
        target->count = (unit_count(chip, unit) + period) & COUNT_MASK;
    }
    target_schedule(chip, index);
}

static void set_conf(struct chip *chip, uint32_t value)
{
    static const uint32_t enable[UNITS] = {SYSTIMER_CONF_UNIT0_EN, SYSTIMER_CONF_UNIT1_EN};
    struct systimer *timer = systimer_of(chip);
    uint32_t changed = timer->conf ^ value;
    timer->conf = value & CONF_MASK;
    for (unsigned i = 0; i < UNITS; i++) {
        struct unit *unit = &timer->units[i];
        unit_set(chip, unit, unit_count(chip, unit), (value & enable[i]) != 0);
    }
    bool units_changed = (changed & (enable[0] | enable[1])) != 0;
    for (unsigned i = 0; i < TARGETS; i++)
        if (units_changed || (changed & (SYSTIMER_CONF_TARGET0_EN >> i)))
            target_schedule(chip, i);
}

static void unit_load(struct chip *chip, unsigned index)
{
    struct systimer *timer = systimer_of(chip);
    struct unit *unit = &timer->units[index];
    unit_set(chip, unit, unit->load, unit->running);
    for (unsigned i = 0; i < TARGETS; i++)
        target_schedule(chip, i);
}

static int systimer_init(struct chip *chip)
{
    return state_new(chip, &peripheral_systimer, sizeof(struct systimer));
}

static void systimer_reset(struct chip *chip, uint32_t cause)
{
    struct systimer *timer = systimer_of(chip);
    if (reset_is_cpu_only(cause))
        return;
    *timer = (struct systimer){.date = 0x2201073};
    set_conf(chip, CONF_RESET);
    for (unsigned i = 0; i < TARGETS; i++)
        target_schedule(chip, i);
    update_interrupts(chip);
}

static void systimer_free(struct chip *chip)
{
    state_free(chip, &peripheral_systimer);
}

/* --- registers ------------------------------------------------------------------------------ */

/* The 64-bit number of which the register at `offset` is one half; NULL when it is none. */
static uint64_t *pair_at(struct systimer *timer, uint32_t offset)
{
    if (offset >= SYSTIMER_UNIT0_LOAD_HI && offset <= SYSTIMER_UNIT1_LOAD_LO)
        return &timer->units[(offset - SYSTIMER_UNIT0_LOAD_HI) / 8].load;
    if (offset >= SYSTIMER_TARGET0_HI && offset < SYSTIMER_TARGET0_CONF)
        return &timer->targets[(offset - SYSTIMER_TARGET0_HI) / 8].written;
    if (offset >= SYSTIMER_UNIT0_VALUE_HI && offset <= SYSTIMER_UNIT1_VALUE_LO)
        return &timer->units[(offset - SYSTIMER_UNIT0_VALUE_HI) / 8].snapshot;
    return NULL;
}

/* HI comes first in every pair; loads and targets follow each other without a gap. */
static bool pair_is_high(uint32_t offset)
{
    uint32_t first =
        offset <= SYSTIMER_TARGET0_LO + 16 ? SYSTIMER_UNIT0_LOAD_HI : SYSTIMER_UNIT0_VALUE_HI;
    return (offset - first) % 8 == 0;
}

static bool systimer_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct systimer *timer = systimer_of(chip);
    const uint64_t *pair = pair_at(timer, offset);
    if (pair != NULL) {
        *value = pair_is_high(offset) ? (uint32_t)(*pair >> 32) : (uint32_t)*pair;
        return true;
    }
    if (offset >= SYSTIMER_TARGET0_CONF && offset < SYSTIMER_UNIT0_VALUE_HI) {
        *value = timer->targets[(offset - SYSTIMER_TARGET0_CONF) / 4].conf_written;
        return true;
    }
    if (offset >= REAL_TARGET0_LO && offset < REAL_TARGETS_END) {
        uint64_t count = timer->targets[(offset - REAL_TARGET0_LO) / 8].count;
        *value = (offset - REAL_TARGET0_LO) % 8 == 0 ? (uint32_t)count : (uint32_t)(count >> 32);
        return true;
    }
    switch (offset) {
    case SYSTIMER_CONF:
        *value = timer->conf;
        return true;
    case SYSTIMER_UNIT0_OP:
    case SYSTIMER_UNIT1_OP:
        *value = timer->units[offset == SYSTIMER_UNIT1_OP].valid ? SYSTIMER_OP_VALID : 0;
        return true;
    case SYSTIMER_INT_ENA:
        *value = timer->enabled;
        return true;
    case SYSTIMER_INT_RAW:
        *value = timer->raw;
        return true;
    case SYSTIMER_INT_ST:
        *value = timer->raw & timer->enabled;
        return true;
    case SYSTIMER_DATE:
        *value = timer->date;
        return true;
    }
    return false;
}

static void write_pair(uint64_t *pair, bool high, uint32_t value)
{
    if (high)
        *pair = (*pair & 0xFFFFFFFF) | (uint64_t)(value & HI_MASK) << 32;
    else
        *pair = (*pair & ~UINT64_C(0xFFFFFFFF)) | value;
}

static void unit_operate(struct chip *chip, unsigned index, uint32_t value)
{
    struct unit *unit = &systimer_of(chip)->units[index];
    if (value & SYSTIMER_OP_VALID)
        unit->valid = false;
    if (value & SYSTIMER_OP_UPDATE) {
        unit->snapshot = unit_count(chip, unit);
        unit->valid = true;
    }
}

static bool systimer_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct systimer *timer = systimer_of(chip);
    uint64_t *pair = pair_at(timer, offset);
    if (pair != NULL) {
        if (offset >= SYSTIMER_UNIT0_VALUE_HI)
            return false;
        write_pair(pair, pair_is_high(offset), value);
        return true;
    }
    if (offset >= SYSTIMER_TARGET0_CONF && offset < SYSTIMER_UNIT0_VALUE_HI) {
        timer->targets[(offset - SYSTIMER_TARGET0_CONF) / 4].conf_written =
            value & TARGET_CONF_MASK;
        return true;
    }
    if (offset >= SYSTIMER_COMP0_LOAD && offset < SYSTIMER_UNIT0_LOAD) {
        target_load(chip, (offset - SYSTIMER_COMP0_LOAD) / 4);
        return true;
    }
    switch (offset) {
    case SYSTIMER_CONF:
        set_conf(chip, value);
        return true;
    case SYSTIMER_UNIT0_OP:
    case SYSTIMER_UNIT1_OP:
        unit_operate(chip, offset == SYSTIMER_UNIT1_OP, value);
        return true;
    case SYSTIMER_UNIT0_LOAD:
    case SYSTIMER_UNIT1_LOAD:
        unit_load(chip, offset == SYSTIMER_UNIT1_LOAD);
        return true;
    case SYSTIMER_INT_ENA:
        timer->enabled = value & 7;
        break;
    case SYSTIMER_INT_RAW:
    case SYSTIMER_INT_CLR:
        timer->raw &= ~value;
        break;
    case SYSTIMER_DATE:
        timer->date = value;
        return true;
    default:
        return false;
    }
    update_interrupts(chip);
    return true;
}

const struct peripheral peripheral_systimer = {
    .name = "SYSTIMER",
    .base = SOC_SYSTIMER,
    .bytes = 0x1000,
    .init = systimer_init,
    .reset = systimer_reset,
    .free = systimer_free,
    .read = systimer_read,
    .write = systimer_write,
};
