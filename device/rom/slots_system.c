/* device/rom/slots_system.c: time, resets and interrupt lines for programs (soc.md 5, 20). */
#include "chain/reg/intc.h"
#include "chain/reg/lp_aon.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/system.h"
#include "device/rom/slots.h"

static uint32_t ticks_per_us;
static uint32_t locked_status;

uint32_t rtc_get_reset_reason(int cpu)
{
    (void)cpu;
    return hal_reset_cause();
}

void ets_delay_us(uint32_t microseconds)
{
    hal_delay_us(microseconds);
}

uint32_t ets_get_cpu_frequency(void)
{
    return ticks_per_us != 0 ? ticks_per_us : SOC_CPU_MHZ;
}

void ets_update_cpu_frequency(uint32_t ticks)
{
    ticks_per_us = ticks;
}

void software_reset(void)
{
    hal_reset();
}

void software_reset_cpu(int cpu)
{
    (void)cpu;
    uint32_t config = hal_read(SOC_LP_AON + LP_AON_CPUCORE0_CFG);
    hal_write(SOC_LP_AON + LP_AON_CPUCORE0_CFG, config | LP_AON_CPU_SW_RESET);
    for (;;)
        continue;
}

void disable_default_watchdog(void)
{
    hal_watchdog_take_over();
    hal_watchdog_arm(0);
}

void intr_matrix_set(int cpu, uint32_t source, uint32_t line)
{
    (void)cpu;
    if (source < INTMTX_SOURCES)
        hal_write(SOC_INTMTX + INTMTX_MAP + 4 * source, line & 31);
}

void ets_intr_lock(void)
{
    locked_status = hal_irq_disable();
}

void ets_intr_unlock(void)
{
    hal_irq_restore(locked_status);
}

void esprv_intc_int_set_priority(int line, int priority)
{
    hal_write(SOC_PLIC + PLIC_PRI0 + 4 * ((uint32_t)line & 31), (uint32_t)priority & 15);
}

void esprv_intc_int_set_threshold(int threshold)
{
    hal_write(SOC_PLIC + PLIC_THRESH, (uint32_t)threshold & 0xFF);
}

void esprv_intc_int_enable(uint32_t mask)
{
    hal_write(SOC_PLIC + PLIC_ENABLE, hal_read(SOC_PLIC + PLIC_ENABLE) | mask);
}

void esprv_intc_int_disable(uint32_t mask)
{
    hal_write(SOC_PLIC + PLIC_ENABLE, hal_read(SOC_PLIC + PLIC_ENABLE) & ~mask);
}

void esprv_intc_int_set_type(int line, int edge)
{
    uint32_t bit = 1u << (line & 31), types = hal_read(SOC_PLIC + PLIC_TYPE);
    hal_write(SOC_PLIC + PLIC_TYPE, edge != 0 ? types | bit : types & ~bit);
}
