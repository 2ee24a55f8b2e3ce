/* chip/lp_wdt.c: the LP (RTC) watchdog and the super watchdog's registers (soc.md 18).
 *
 * Counts the 136 kHz slow clock; the first stage is stretched by the eFuse WDT_DELAY_SEL. Out of
 * any reset but those of the CPU it starts in flash-boot mode when the chip boots from flash: it
 * runs without being enabled and its first stage resets system and RTC.
 *
 * Not modelled: the super watchdog never bites (its period is not documented); pausing in sleep.
 */
#include "chain/reg/lp_wdt.h"

#include <string.h>

#include "chain/reg/timg.h"
#include "chain/soc.h"
#include "chip/peripherals.h"
#include "chip/watchdog.h"

#define INT_WDT (1u << 31)

static const struct stored_register lp_wdt_registers[] = {
    {LP_WDT_CONFIG0, 0x00013214, 0xFFFFFFFF}, {LP_WDT_CONFIG1, 0x00030D40, 0xFFFFFFFF},
    {0x08, 0x00013880, 0xFFFFFFFF}, /* CONFIG2..4: stages 1..3 */
    {0x0C, 0x00000FFF, 0xFFFFFFFF},           {0x10, 0x00000FFF, 0xFFFFFFFF},
    {LP_WDT_WPROTECT, 0, 0xFFFFFFFF},         {LP_WDT_SWD_CONFIG, 0x12C00000, 0x7FF40000},
    {LP_WDT_SWD_WPROTECT, 0, 0xFFFFFFFF},     {LP_WDT_INT_RAW, 0, 0},
    {LP_WDT_INT_ENA, 0, 0xC0000000},          {0x3FC, 0x2112080, 0xFFFFFFFF}, /* DATE */
};
static const struct stored_table lp_wdt_table = STORED_TABLE(lp_wdt_registers);

struct lp_wdt {
    uint32_t stored[sizeof(lp_wdt_registers) / sizeof(lp_wdt_registers[0])];
    struct watchdog watchdog;
};

static struct lp_wdt *lp_wdt_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_lp_wdt);
}

static uint32_t *word(struct lp_wdt *lp_wdt, uint32_t offset)
{
    return stored_word(&lp_wdt_table, lp_wdt->stored, offset);
}

static void update_interrupt(struct chip *chip)
{
    struct lp_wdt *lp_wdt = lp_wdt_of(chip);
    uint32_t status = *word(lp_wdt, LP_WDT_INT_RAW) & *word(lp_wdt, LP_WDT_INT_ENA);
    chip_raise(chip, SOC_SOURCE_LP_WDT, status != 0);
}

static bool flash_boot_mode(struct chip *chip)
{
    return (*word(lp_wdt_of(chip), LP_WDT_CONFIG0) & LP_WDT_FLASHBOOT) && !boot_is_download(chip);
}

static uint64_t stage_time(struct chip *chip)
{
    struct lp_wdt *lp_wdt = lp_wdt_of(chip);
    unsigned stage = lp_wdt->watchdog.stage;
    uint64_t ticks = *word(lp_wdt, LP_WDT_CONFIG1 + 4 * stage);
    if (stage == 0)
        ticks <<= 1 + efuse_bits(efuse_shadow(chip), EFUSE_WDT_DELAY_SEL);
    return ticks * (SOC_CPU_MHZ * 1000u) / (LP_WDT_SLOW_HZ / 1000u);
}

static void expire(struct chip *chip, unsigned id);

static void schedule(struct chip *chip)
{
    struct lp_wdt *lp_wdt = lp_wdt_of(chip);
    bool run = (*word(lp_wdt, LP_WDT_CONFIG0) & LP_WDT_EN) || flash_boot_mode(chip);
    if (run && !lp_wdt->watchdog.running)
        watchdog_feed(&lp_wdt->watchdog, chip_now(chip));
    lp_wdt->watchdog.running = run;
    uint64_t deadline = run ? lp_wdt->watchdog.since + stage_time(chip) : UINT64_MAX;
    chip_schedule(chip, &peripheral_lp_wdt, CHIP_EVENT_WATCHDOG, deadline, expire);
}

static void expire(struct chip *chip, unsigned id)
{
    (void)id;
    struct lp_wdt *lp_wdt = lp_wdt_of(chip);
    unsigned ended = watchdog_next(&lp_wdt->watchdog, chip_now(chip));
    uint32_t config = *word(lp_wdt, LP_WDT_CONFIG0);
    uint32_t action = (config >> (LP_WDT_STG0_SHIFT - 3 * ended)) & 7;
    if (flash_boot_mode(chip) && ended == 0)
        action = WATCHDOG_RTC;
    switch (action) {
    case WATCHDOG_INTERRUPT:
        *word(lp_wdt, LP_WDT_INT_RAW) |= INT_WDT;
        update_interrupt(chip);
        break;
    case WATCHDOG_CPU:
        chip_request_reset(chip, SOC_RESET_LPWDT_CPU);
        break;
    case WATCHDOG_SYSTEM:
        chip_request_reset(chip, SOC_RESET_LPWDT_SYS);
        break;
    case WATCHDOG_RTC:
        chip_request_reset(chip, SOC_RESET_LPWDT_RTC);
        break;
    }
    schedule(chip);
}

static int lp_wdt_init(struct chip *chip)
{
    return state_new(chip, &peripheral_lp_wdt, sizeof(struct lp_wdt));
}

static void lp_wdt_reset(struct chip *chip, uint32_t cause)
{
    struct lp_wdt *lp_wdt = lp_wdt_of(chip);
    if (reset_is_cpu_only(cause))
        return;
    memset(lp_wdt, 0, sizeof(*lp_wdt));
    stored_reset(&lp_wdt_table, lp_wdt->stored);
    schedule(chip);
    update_interrupt(chip);
}

static void lp_wdt_free(struct chip *chip)
{
    state_free(chip, &peripheral_lp_wdt);
}

static bool lp_wdt_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct lp_wdt *lp_wdt = lp_wdt_of(chip);
    switch (offset) {
    case LP_WDT_FEED:
    case LP_WDT_INT_CLR:
        *value = 0;
        return true;
    case LP_WDT_INT_ST:
        *value = *word(lp_wdt, LP_WDT_INT_RAW) & *word(lp_wdt, LP_WDT_INT_ENA);
        return true;
    }
    return stored_read(&lp_wdt_table, lp_wdt->stored, offset, value);
}

/* A locked register ignores the write. */
static bool locked(struct lp_wdt *lp_wdt, uint32_t offset)
{
    if (offset <= LP_WDT_FEED)
        return *word(lp_wdt, LP_WDT_WPROTECT) != WDT_UNLOCK_KEY;
    if (offset == LP_WDT_SWD_CONFIG)
        return *word(lp_wdt, LP_WDT_SWD_WPROTECT) != WDT_UNLOCK_KEY;
    return false;
}

static bool lp_wdt_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct lp_wdt *lp_wdt = lp_wdt_of(chip);
    if (locked(lp_wdt, offset))
        return true;
    switch (offset) {
    case LP_WDT_FEED:
        if (value & (1u << 31))
            watchdog_feed(&lp_wdt->watchdog, chip_now(chip));
        break;
    case LP_WDT_INT_CLR:
        *word(lp_wdt, LP_WDT_INT_RAW) &= ~value;
        break;
    default:
        if (!stored_write(&lp_wdt_table, lp_wdt->stored, offset, value))
            return false;
    }
    schedule(chip);
    update_interrupt(chip);
    return true;
}

const struct peripheral peripheral_lp_wdt = {
    .name = "LP_WDT",
    .base = SOC_LP_WDT,
    .bytes = 0x400,
    .init = lp_wdt_init,
    .reset = lp_wdt_reset,
    .free = lp_wdt_free,
    .read = lp_wdt_read,
    .write = lp_wdt_write,
};
