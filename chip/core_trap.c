/* chip/core_trap.c: exceptions, interrupts, mret, reset, and which fast ways to memory are open. */
#include <string.h>

#include "chip/bus.h"
#include "chip/core.h"

#define CLINT_LINES     0x88u /* machine software 3, machine timer 7 */
#define CAUSE_INTERRUPT 0x80000000u

static bool machine_data(const struct core *core)
{
    if (core->user)
        return false;
    return !(core->mstatus & MSTATUS_MPRV) || (core->mstatus & MSTATUS_MPP) == MSTATUS_MPP;
}

/* Enter the trap handler for `cause` at PC. */
static void enter_trap(struct core *core, uint32_t cause, uint32_t value)
{
    uint32_t status = core->mstatus & ~(MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP);
    if (core->mstatus & MSTATUS_MIE)
        status |= MSTATUS_MPIE;
    if (!core->user)
        status |= MSTATUS_MPP;
    core->mstatus = status;
    core->mepc = core->pc;
    core->mcause = cause;
    core->mtval = value;
    core->user = 0;
    core->reserved = false;
    core->pc = core->mtvec & ~3u;
    if (cause & CAUSE_INTERRUPT && core->mtvec & 1)
        core->pc += 4 * (cause & 31);
    core_open_memory(core);
}

/* Two exceptions with nothing retired between them: the handler's first instruction traps, and
 * always will, since interrupts are off there. Time passes until something resets the chip. */
void core_trap(struct core *core, enum trap_cause cause, uint32_t value)
{
    uint64_t retired = core_retired(core);
    if (core->trapped == retired && core->pc == (core->mtvec & ~3u)) {
        chip_note(core->chip, "trap loop at 0x%08x: cause %u, value 0x%08x, first at 0x%08x",
                  core->pc, (unsigned)cause, value, core->mepc);
        core->stuck = true;
        core->attention = true;
        return;
    }
    core->trapped = retired;
    enter_trap(core, cause, value);
}

static unsigned best_line(const struct core *core)
{
    uint32_t local = core->mip & core->mie & CLINT_LINES;
    if (core->line != 0)
        return core->line;
    return local & 1u << 3 ? 3 : local ? 7 : 0;
}

bool core_interrupt_pending(const struct core *core)
{
    return best_line(core) != 0;
}

bool core_interrupt_due(const struct core *core)
{
    return (core->user || core->mstatus & MSTATUS_MIE) && best_line(core) != 0;
}

void core_interrupt(struct core *core)
{
    enter_trap(core, CAUSE_INTERRUPT | best_line(core), 0);
}

void core_return(struct core *core)
{
    uint32_t status = core->mstatus & ~(MSTATUS_MIE | MSTATUS_MPP);
    if (core->mstatus & MSTATUS_MPIE)
        status |= MSTATUS_MIE;
    core->user = (core->mstatus & MSTATUS_MPP) != MSTATUS_MPP;
    if (core->user)
        status &= ~MSTATUS_MPRV;
    core->mstatus = status | MSTATUS_MPIE;
    core_open_memory(core);
    if (core_interrupt_due(core))
        core->attention = true;
}

/* Does machine mode have `right` on all of [base, base + bytes)? */
static bool machine_allowed(const struct core *core, uint32_t right, uint32_t base, uint32_t bytes)
{
    uint64_t end = (uint64_t)base + bytes;
    for (uint64_t at = base, next; at < end; at = next) {
        next = pmp_boundary(&core->pmp, (uint32_t)at);
        if (next > end)
            next = end;
        if (!pmp_allows(&core->pmp, true, right, (uint32_t)at, (uint32_t)(next - at)))
            return false;
    }
    return true;
}

void core_open_memory(struct core *core)
{
    bool open = machine_data(core);
    core->load_limit = open && core->ram_readable ? SOC_HP_SRAM_BYTES - 3 : 0;
    core->store_limit = open ? SOC_HP_SRAM_BYTES : 0;
    core->flash_limit = open && core->flash_readable ? SOC_FLASH_BYTES : 0;
}

/* Mark the granules that hold a byte machine mode must not write. */
static void guard_ram(struct core *core)
{
    uint64_t end = (uint64_t)SOC_HP_SRAM_BASE + SOC_HP_SRAM_BYTES;
    for (uint32_t i = 0; i < CORE_GRANULES; i++)
        core->granule[i] &= (uint8_t)~GRANULE_GUARD;
    for (uint64_t at = SOC_HP_SRAM_BASE, next; at < end; at = next) {
        next = pmp_boundary(&core->pmp, (uint32_t)at);
        if (next > end)
            next = end;
        if (pmp_allows(&core->pmp, true, PMP_W, (uint32_t)at, (uint32_t)(next - at)))
            continue;
        uint64_t first = (at - SOC_HP_SRAM_BASE) / CORE_GRANULE;
        uint64_t last = (next - 1 - SOC_HP_SRAM_BASE) / CORE_GRANULE;
        for (uint64_t i = first; i <= last; i++)
            core->granule[i] |= GRANULE_GUARD;
    }
}

void core_protection_changed(struct core *core)
{
    core->ram_readable = machine_allowed(core, PMP_R, SOC_HP_SRAM_BASE, SOC_HP_SRAM_BYTES);
    core->flash_readable = machine_allowed(core, PMP_R, SOC_FLASH_BASE, SOC_FLASH_BYTES);
    guard_ram(core);
    core_open_memory(core);
    core_flush(core);
}

void core_reset(struct core *core)
{
    memset(core->x, 0, sizeof core->x);
    core->pc = SOC_ROM_BASE;
    core->user = 0;
    core->reserved = false;
    core->waiting = core->stuck = core->halted = false;
    core->trapped = UINT64_MAX;
    csr_reset(core);
    core_flash_changed(core);
    core_protection_changed(core);
}

void core_skip(struct core *core, uint64_t until)
{
    uint64_t now = core_now(core);
    if (until <= now)
        return;
    core->skipped += until - now;
    core->stop_at = until;
    core->left = 0;
}
