/* chip/timg.c: timer groups 0 and 1: general timer, main watchdog, clock calibration (soc.md 17).
 *
 * The timer counts 80 MHz (40 MHz with T0_USE_XTAL) divided; so does the watchdog. Selecting other
 * clocks in PCR has no effect. Group 0's watchdog starts out of a flash-boot reset in flash-boot
 * mode: it runs without being enabled, and its first stage resets the system. Watchdog registers
 * take effect at once; CONF_UPDATE_EN need not be written. Calibration is ready at once, with the
 * count that exact 136 kHz and 32768 Hz clocks would give; the third source times out.
 */
#include "chain/reg/timg.h"

#include <string.h>

#include "chain/soc.h"
#include "chip/peripherals.h"
#include "chip/watchdog.h"

#define COUNT_MASK        ((UINT64_C(1) << 54) - 1)
#define HI_MASK           0x3FFFFFu
#define T0_USE_XTAL       (1u << 9)
#define T0_ALARM_EN       (1u << 10)
#define T0_DIVIDER_SHIFT  13
#define T0_AUTORELOAD     (1u << 29)
#define T0_INCREASE       (1u << 30)
#define T0_EN             (1u << 31)
#define WDT_USE_XTAL      (1u << 21)
#define CALI_CYCLING      (1u << 12)
#define CALI_SOURCE_SHIFT 13
#define CALI_READY        (1u << 15)
#define CALI_START        (1u << 31)
#define CALI_TIMEOUT      (1u << 0)
#define CALI_VALUE_SHIFT  7
#define XTAL_HZ           40000000u
#define XTAL32K_HZ        32768u
#define RC_SLOW_HZ        136000u
#define EVENT_TIMER       0u

static const struct stored_register timg_registers[] = {
    {TIMG_T0CONFIG, 0x60002000, 0xFFFFE600},
    {TIMG_T0LO, 0, 0},
    {TIMG_T0HI, 0, 0},
    {TIMG_T0UPDATE, 0, 0},
    {TIMG_T0ALARMLO, 0, 0xFFFFFFFF},
    {TIMG_T0ALARMHI, 0, HI_MASK},
    {TIMG_T0LOADLO, 0, 0xFFFFFFFF},
    {TIMG_T0LOADHI, 0, HI_MASK},
    {TIMG_WDTCONFIG0, 0x0004C000, 0xFFBFF000},
    {TIMG_WDTCONFIG1, 0x00010000, 0xFFFF0000},
    {TIMG_WDTCONFIG2, 0x018CBA80, 0xFFFFFFFF},
    {0x54, 0x07FFFFFF, 0xFFFFFFFF}, /* WDTCONFIG3..5: stages 1..3 */
    {0x58, 0x000FFFFF, 0xFFFFFFFF},
    {0x5C, 0x000FFFFF, 0xFFFFFFFF},
    {TIMG_WDTWPROTECT, WDT_UNLOCK_KEY, 0xFFFFFFFF},
    {TIMG_RTCCALICFG, 0x00011000, 0xFFFF7000},
    {TIMG_INT_ENA, 0, 3},
    {TIMG_INT_RAW, 0, 0},
    {TIMG_RTCCALICFG2, 0xFFFFFF98, 0xFFFFFFF8},
    {0xF8, 0x2206072, 0x0FFFFFFF},  /* NTIMERS_DATE */
    {0xFC, 0x70000000, 0xF0000000}, /* REGCLK */
};
static const struct stored_table timg_table = STORED_TABLE(timg_registers);

struct timg {
    uint32_t stored[sizeof(timg_registers) / sizeof(timg_registers[0])];
    uint64_t base, since; /* timer: count at instruction `since` */
    struct watchdog watchdog;
};

/* What tells the two groups apart. */
struct group {
    const struct peripheral *self;
    unsigned timer_source, watchdog_source;
    uint32_t cpu_cause, system_cause;
    bool flash_boot;
    void (*fire)(struct chip *chip, unsigned id);
};

static const struct group group0, group1;

static struct timg *timg_of(const struct chip *chip, const struct group *group)
{
    return chip_state(chip, group->self);
}

static uint32_t *word(struct timg *timg, uint32_t offset)
{
    return stored_word(&timg_table, timg->stored, offset);
}

static uint64_t pair(struct timg *timg, uint32_t low)
{
    return (uint64_t)*word(timg, low + 4) << 32 | *word(timg, low);
}

static void update_interrupts(struct chip *chip, const struct group *group)
{
    struct timg *timg = timg_of(chip, group);
    uint32_t status = *word(timg, TIMG_INT_RAW) & *word(timg, TIMG_INT_ENA);
    chip_raise(chip, group->timer_source, (status & TIMG_INT_T0) != 0);
    chip_raise(chip, group->watchdog_source, (status & TIMG_INT_WDT) != 0);
}

/* --- timer ---------------------------------------------------------------------------------- */

/* Instructions a count; a divider of 0 stands for 65536. */
static uint64_t timer_step(struct timg *timg)
{
    uint32_t config = *word(timg, TIMG_T0CONFIG);
    uint64_t divider = (config >> T0_DIVIDER_SHIFT) & 0xFFFF;
    return (config & T0_USE_XTAL ? 4u : 2u) * (divider != 0 ? divider : 65536u);
}

static uint64_t timer_count(const struct chip *chip, struct timg *timg)
{
    uint32_t config = *word(timg, TIMG_T0CONFIG);
    if (!(config & T0_EN))
        return timg->base;
    uint64_t steps = (chip_now(chip) - timg->since) / timer_step(timg);
    uint64_t count = config & T0_INCREASE ? timg->base + steps : timg->base - steps;
    return count & COUNT_MASK;
}

static void timer_set(const struct chip *chip, struct timg *timg, uint64_t count)
{
    timg->base = count & COUNT_MASK;
    timg->since = chip_now(chip);
}

static void timer_schedule(struct chip *chip, const struct group *group)
{
    struct timg *timg = timg_of(chip, group);
    uint32_t config = *word(timg, TIMG_T0CONFIG);
    uint64_t deadline = UINT64_MAX;
    if ((config & T0_EN) && (config & T0_ALARM_EN)) {
        uint64_t alarm = pair(timg, TIMG_T0ALARMLO);
        bool up = (config & T0_INCREASE) != 0;
        bool ahead = up ? alarm > timg->base : alarm < timg->base;
        uint64_t steps = !ahead ? 0 : up ? alarm - timg->base : timg->base - alarm;
        if (steps <= (UINT64_MAX - timg->since) / timer_step(timg))
            deadline = timg->since + steps * timer_step(timg);
    }
    chip_schedule(chip, group->self, EVENT_TIMER, deadline, group->fire);
}

/* The alarm switches itself off; a driver that wants another sets it again. */
static void timer_fire(struct chip *chip, const struct group *group)
{
    struct timg *timg = timg_of(chip, group);
    *word(timg, TIMG_INT_RAW) |= TIMG_INT_T0;
    *word(timg, TIMG_T0CONFIG) &= ~T0_ALARM_EN;
    if (*word(timg, TIMG_T0CONFIG) & T0_AUTORELOAD)
        timer_set(chip, timg, pair(timg, TIMG_T0LOADLO));
    update_interrupts(chip, group);
}

static void timer_configure(struct chip *chip, const struct group *group, uint32_t value)
{
    struct timg *timg = timg_of(chip, group);
    timer_set(chip, timg, timer_count(chip, timg));
    stored_write(&timg_table, timg->stored, TIMG_T0CONFIG, value);
}

static void timer_latch(const struct chip *chip, struct timg *timg)
{
    uint64_t count = timer_count(chip, timg);
    *word(timg, TIMG_T0LO) = (uint32_t)count;
    *word(timg, TIMG_T0HI) = (uint32_t)(count >> 32);
}

/* --- watchdog ------------------------------------------------------------------------------- */

static bool flash_boot_mode(struct chip *chip, const struct group *group)
{
    struct timg *timg = timg_of(chip, group);
    return group->flash_boot && !boot_is_download(chip) &&
           (*word(timg, TIMG_WDTCONFIG0) & TIMG_WDT_FLASHBOOT);
}

static uint64_t watchdog_stage_time(struct timg *timg)
{
    uint64_t prescale = *word(timg, TIMG_WDTCONFIG1) >> 16;
    uint64_t hold = *word(timg, TIMG_WDTCONFIG2 + 4 * timg->watchdog.stage);
    uint64_t clock = *word(timg, TIMG_WDTCONFIG0) & WDT_USE_XTAL ? 4 : 2;
    return hold * (prescale != 0 ? prescale : 65536u) * clock;
}

static void watchdog_schedule(struct chip *chip, const struct group *group)
{
    struct timg *timg = timg_of(chip, group);
    bool run = (*word(timg, TIMG_WDTCONFIG0) & TIMG_WDT_EN) || flash_boot_mode(chip, group);
    if (run && !timg->watchdog.running)
        watchdog_feed(&timg->watchdog, chip_now(chip));
    timg->watchdog.running = run;
    uint64_t deadline = run ? timg->watchdog.since + watchdog_stage_time(timg) : UINT64_MAX;
    chip_schedule(chip, group->self, CHIP_EVENT_WATCHDOG, deadline, group->fire);
}

static void watchdog_fire(struct chip *chip, const struct group *group)
{
    struct timg *timg = timg_of(chip, group);
    unsigned ended = watchdog_next(&timg->watchdog, chip_now(chip));
    uint32_t config = *word(timg, TIMG_WDTCONFIG0);
    uint32_t action = (config >> (TIMG_WDT_STG0_SHIFT - 2 * ended)) & 3;
    if (flash_boot_mode(chip, group) && ended == 0)
        action = WATCHDOG_SYSTEM;
    switch (action) {
    case WATCHDOG_INTERRUPT:
        *word(timg, TIMG_INT_RAW) |= TIMG_INT_WDT;
        update_interrupts(chip, group);
        break;
    case WATCHDOG_CPU:
        chip_request_reset(chip, group->cpu_cause);
        break;
    case WATCHDOG_SYSTEM:
        chip_request_reset(chip, group->system_cause);
        break;
    }
    watchdog_schedule(chip, group);
}

/* --- registers ------------------------------------------------------------------------------ */

static void timg_reset(struct chip *chip, const struct group *group, uint32_t cause)
{
    struct timg *timg = timg_of(chip, group);
    if (reset_is_cpu_only(cause))
        return;
    memset(timg, 0, sizeof(*timg));
    stored_reset(&timg_table, timg->stored);
    timer_schedule(chip, group);
    watchdog_schedule(chip, group);
    update_interrupts(chip, group);
}

/* XTAL cycles in CALI_MAX cycles of the selected clock; 0 for a clock that is not there. */
static uint32_t calibration(struct timg *timg)
{
    uint32_t config = *word(timg, TIMG_RTCCALICFG);
    uint32_t source = (config >> CALI_SOURCE_SHIFT) & 3;
    uint64_t cycles = (config >> 16) & 0x7FFF;
    if (source == 1 || source == 3)
        return 0;
    return (uint32_t)(cycles * XTAL_HZ / (source == 0 ? RC_SLOW_HZ : XTAL32K_HZ));
}

static bool timg_read(struct chip *chip, const struct group *group, uint32_t offset,
                      uint32_t *value)
{
    struct timg *timg = timg_of(chip, group);
    switch (offset) {
    case TIMG_INT_ST:
        *value = *word(timg, TIMG_INT_RAW) & *word(timg, TIMG_INT_ENA);
        return true;
    case TIMG_T0LOAD:
    case TIMG_WDTFEED:
    case TIMG_INT_CLR:
        *value = 0;
        return true;
    case TIMG_RTCCALICFG1:
        *value = calibration(timg) << CALI_VALUE_SHIFT | (calibration(timg) != 0);
        return true;
    }
    if (!stored_read(&timg_table, timg->stored, offset, value))
        return false;
    if (offset == TIMG_RTCCALICFG && (*value & (CALI_START | CALI_CYCLING)) &&
        calibration(timg) != 0)
        *value |= CALI_READY;
    if (offset == TIMG_RTCCALICFG2 && calibration(timg) == 0)
        *value |= CALI_TIMEOUT;
    return true;
}

static bool watchdog_write(struct chip *chip, const struct group *group, uint32_t offset,
                           uint32_t value)
{
    struct timg *timg = timg_of(chip, group);
    if (*word(timg, TIMG_WDTWPROTECT) != WDT_UNLOCK_KEY)
        return true; /* locked: the write has no effect */
    if (offset == TIMG_WDTFEED)
        watchdog_feed(&timg->watchdog, chip_now(chip));
    else
        stored_write(&timg_table, timg->stored, offset, value);
    watchdog_schedule(chip, group);
    return true;
}

static bool timg_write(struct chip *chip, const struct group *group, uint32_t offset,
                       uint32_t value)
{
    struct timg *timg = timg_of(chip, group);
    if (offset >= TIMG_WDTCONFIG0 && offset < TIMG_WDTWPROTECT)
        return watchdog_write(chip, group, offset, value);
    switch (offset) {
    case TIMG_T0CONFIG:
        timer_configure(chip, group, value);
        break;
    case TIMG_T0UPDATE:
        timer_latch(chip, timg);
        return true;
    case TIMG_T0LOAD:
        timer_set(chip, timg, pair(timg, TIMG_T0LOADLO));
        break;
    case TIMG_INT_RAW:
    case TIMG_INT_CLR:
        *word(timg, TIMG_INT_RAW) &= ~value;
        break;
    default:
        if (!stored_write(&timg_table, timg->stored, offset, value))
            return false;
    }
    timer_schedule(chip, group);
    update_interrupts(chip, group);
    return true;
}

static void timg_fire(struct chip *chip, const struct group *group, unsigned id)
{
    if (id == EVENT_TIMER)
        timer_fire(chip, group);
    else
        watchdog_fire(chip, group);
}

/* --- the two instances ---------------------------------------------------------------------- */

static int timg0_init(struct chip *chip)
{
    return state_new(chip, &peripheral_timg0, sizeof(struct timg));
}

static void timg0_reset(struct chip *chip, uint32_t cause)
{
    timg_reset(chip, &group0, cause);
}

static void timg0_free(struct chip *chip)
{
    state_free(chip, &peripheral_timg0);
}

static bool timg0_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    return timg_read(chip, &group0, offset, value);
}

static bool timg0_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    return timg_write(chip, &group0, offset, value);
}

static void timg0_fire(struct chip *chip, unsigned id)
{
    timg_fire(chip, &group0, id);
}

static int timg1_init(struct chip *chip)
{
    return state_new(chip, &peripheral_timg1, sizeof(struct timg));
}

static void timg1_reset(struct chip *chip, uint32_t cause)
{
    timg_reset(chip, &group1, cause);
}

static void timg1_free(struct chip *chip)
{
    state_free(chip, &peripheral_timg1);
}

static bool timg1_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    return timg_read(chip, &group1, offset, value);
}

static bool timg1_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    return timg_write(chip, &group1, offset, value);
}

static void timg1_fire(struct chip *chip, unsigned id)
{
    timg_fire(chip, &group1, id);
}

static const struct group group0 = {
    .self = &peripheral_timg0,
    .timer_source = SOC_SOURCE_TG0_T0,
    .watchdog_source = SOC_SOURCE_TG0_WDT,
    .cpu_cause = SOC_RESET_TG0_CPU,
    .system_cause = SOC_RESET_TG0_SYS,
    .flash_boot = true,
    .fire = timg0_fire,
};

static const struct group group1 = {
    .self = &peripheral_timg1,
    .timer_source = SOC_SOURCE_TG1_T0,
    .watchdog_source = SOC_SOURCE_TG1_WDT,
    .cpu_cause = SOC_RESET_TG1_CPU,
    .system_cause = SOC_RESET_TG1_SYS,
    .fire = timg1_fire,
};

const struct peripheral peripheral_timg0 = {
    .name = "TIMG0",
    .base = SOC_TIMG0,
    .bytes = 0x1000,
    .init = timg0_init,
    .reset = timg0_reset,
    .free = timg0_free,
    .read = timg0_read,
    .write = timg0_write,
};

const struct peripheral peripheral_timg1 = {
    .name = "TIMG1",
    .base = SOC_TIMG1,
    .bytes = 0x1000,
    .init = timg1_init,
    .reset = timg1_reset,
    .free = timg1_free,
    .read = timg1_read,
    .write = timg1_write,
};
