/* device/hal/time.c: SYSTIMER unit 0 as the clock, its target 0 as the alarm (soc.md 16). */
#include "chain/reg/systimer.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/internal.h"
#include "device/hal/system.h"

#define TICKS_PER_US (SYSTIMER_HZ / 1000000u)

/* In SRAM because the flash driver measures its time-outs with it. */
HAL_IRAM static uint64_t ticks_now(void)
{
    hal_write(SOC_SYSTIMER + SYSTIMER_UNIT0_OP, SYSTIMER_OP_UPDATE);
    while ((hal_read(SOC_SYSTIMER + SYSTIMER_UNIT0_OP) & SYSTIMER_OP_VALID) == 0)
        continue;
    uint32_t high = hal_read(SOC_SYSTIMER + SYSTIMER_UNIT0_VALUE_HI);
    return ((uint64_t)high << 32) | hal_read(SOC_SYSTIMER + SYSTIMER_UNIT0_VALUE_LO);
}

HAL_IRAM uint64_t hal_time_us(void)
{
    _Static_assert(TICKS_PER_US == 16, "a shift, since a division would call libgcc in flash");
    return ticks_now() >> 4;
}

void hal_delay_us(uint32_t microseconds)
{
    uint64_t end = ticks_now() + (uint64_t)microseconds * TICKS_PER_US;
    while (ticks_now() < end)
        continue;
}

static void alarm_set(uint64_t at)
{
    hal_write(SOC_SYSTIMER + SYSTIMER_TARGET0_CONF, 0); /* unit 0, one shot */
    hal_write(SOC_SYSTIMER + SYSTIMER_TARGET0_HI, (uint32_t)(at >> 32));
    hal_write(SOC_SYSTIMER + SYSTIMER_TARGET0_LO, (uint32_t)at);
    hal_write(SOC_SYSTIMER + SYSTIMER_COMP0_LOAD, 1);
    hal_write(SOC_SYSTIMER + SYSTIMER_INT_CLR, 1);
    hal_write(SOC_SYSTIMER + SYSTIMER_INT_ENA, hal_read(SOC_SYSTIMER + SYSTIMER_INT_ENA) | 1u);
    hal_write(SOC_SYSTIMER + SYSTIMER_CONF,
              hal_read(SOC_SYSTIMER + SYSTIMER_CONF) | SYSTIMER_CONF_TARGET0_EN);
}

static void alarm_clear(void)
{
    hal_write(SOC_SYSTIMER + SYSTIMER_CONF,
              hal_read(SOC_SYSTIMER + SYSTIMER_CONF) & ~SYSTIMER_CONF_TARGET0_EN);
    hal_write(SOC_SYSTIMER + SYSTIMER_INT_ENA, hal_read(SOC_SYSTIMER + SYSTIMER_INT_ENA) & ~1u);
    hal_write(SOC_SYSTIMER + SYSTIMER_INT_CLR, 1);
}

void hal_sleep_us(uint32_t microseconds)
{
    /* wfi wakes on a pending line even with interrupts off, so nothing can slip in between the
     * look at hal_woken and the wfi; an interrupt that woke us is served after the restore. */
    uint32_t status = hal_irq_disable();
    if (!hal_woken) {
        hal_line_enable(SOC_SOURCE_SYSTIMER0, HAL_ALARM_LINE);
        alarm_set(ticks_now() + (uint64_t)microseconds * TICKS_PER_US);
        __asm__ volatile("wfi" ::: "memory");
        alarm_clear();
    }
    hal_woken = false;
    hal_irq_restore(status);
}
