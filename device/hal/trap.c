/* device/hal/trap.c: interrupt lines and what happens on a trap (soc.md 2, 5). */
#include "chain/reg/intc.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/internal.h"
#include "device/hal/print.h"
#include "device/hal/system.h"

#define CAUSE_INTERRUPT (1u << 31)
#define LINES           32u

extern const char hal_trap_vector[]; /* trap.S */
void hal_trap(uint32_t cause, uint32_t pc, uint32_t value);

volatile bool hal_woken;
static void (*handlers[LINES])(void);

void hal_line_enable(unsigned source, unsigned line)
{
    hal_write(SOC_INTMTX + INTMTX_MAP + 4 * source, line);
    hal_write(SOC_PLIC + PLIC_PRI0 + 4 * line, 1);
    hal_write(SOC_PLIC + PLIC_TYPE, hal_read(SOC_PLIC + PLIC_TYPE) & ~(1u << line));
    hal_write(SOC_PLIC + PLIC_ENABLE, hal_read(SOC_PLIC + PLIC_ENABLE) | 1u << line);
}

void hal_trap_init(void)
{
    hal_irq_disable();
    hal_write(SOC_PLIC + PLIC_ENABLE, 0);
    hal_write(SOC_PLIC + PLIC_THRESH, 1);
    __asm__ volatile("csrw mtvec, %0" ::"r"((uint32_t)hal_trap_vector | 1u));
    __asm__ volatile("csrw mie, %0" ::"r"(UINT32_MAX));
}

void hal_interrupt_attach(unsigned source, unsigned line, void (*handler)(void))
{
    if (source >= INTMTX_SOURCES || line == 0 || line >= LINES)
        return;
    handlers[line] = handler;
    hal_line_enable(source, line);
    hal_irq_restore(8u);
}

/* Called from trap.S with interrupts off. */
void hal_trap(uint32_t cause, uint32_t pc, uint32_t value)
{
    uint32_t line = cause & (LINES - 1);
    if ((cause & CAUSE_INTERRUPT) != 0 && handlers[line] != 0) {
        handlers[line]();
        hal_woken = true;
        return;
    }
    hal_printf("\ntrap: cause 0x%08lx at pc 0x%08lx, value 0x%08lx\n", cause, pc, value);
    hal_reset();
}
