/* chip/csr.c: control and status registers (soc.md 2, and the privileged architecture).
 *
 * Debug triggers and delegation are not there: their registers read 0 and ignore writes, as WARL
 * registers may. Counters are offsets to the core's own time, so nothing has to count.
 */
#include "chip/bus.h"
#include "chip/core.h"

#define MISA            0x40101105u /* RV32, A C I M U */
#define MVENDORID       0x00000612u /* Espressif's JEDEC number */
#define MARCHID         0x80000002u /* with MIMPID: unverified, soc.md has no figure */
#define MIMPID          0x00000002u
#define MSTATUS_WRITE   (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TW)
#define COUNTER_CYCLE   0x1u
#define COUNTER_INSTRET 0x4u

enum csr {
    CSR_PCER_USER = 0x800,
    CSR_PCMR_USER = 0x801,
    CSR_PCCR_USER = 0x802,
    CSR_GPIO = 0x803, /* 0x803..0x805: CPU GPIO output enable, in, out */
    CSR_MSTATUS = 0x300,
    CSR_MISA = 0x301,
    CSR_MIDELEG = 0x303,
    CSR_MIE = 0x304,
    CSR_MTVEC = 0x305,
    CSR_MCOUNTEREN = 0x306,
    CSR_MSTATUSH = 0x310,
    CSR_MCOUNTINHIBIT = 0x320,
    CSR_MSCRATCH = 0x340,
    CSR_MEPC = 0x341,
    CSR_MCAUSE = 0x342,
    CSR_MTVAL = 0x343,
    CSR_MIP = 0x344,
    CSR_PMPCFG = 0x3A0,
    CSR_PMPADDR = 0x3B0,
    CSR_TSELECT = 0x7A0,
    CSR_TDATA1 = 0x7A1,
    CSR_TDATA2 = 0x7A2,
    CSR_TCONTROL = 0x7A5,
    CSR_PCER = 0x7E0,
    CSR_PCMR = 0x7E1,
    CSR_PCCR = 0x7E2,
    CSR_PMACFG = 0xBC0,
    CSR_PMAADDR = 0xBD0,
    CSR_MCYCLE = 0xB00,
    CSR_MINSTRET = 0xB02,
    CSR_MCYCLEH = 0xB80,
    CSR_MINSTRETH = 0xB82,
    CSR_CYCLE = 0xC00,
    CSR_INSTRET = 0xC02,
    CSR_CYCLEH = 0xC80,
    CSR_INSTRETH = 0xC82,
    CSR_MVENDORID = 0xF11,
    CSR_MARCHID = 0xF12,
    CSR_MIMPID = 0xF13,
    CSR_MHARTID = 0xF14,
};

static uint64_t counter_source(const struct core *core, uint32_t counter)
{
    return counter == COUNTER_CYCLE ? core_now(core) : core_retired(core);
}

static uint64_t *counter_offset(struct core *core, uint32_t counter)
{
    return counter == COUNTER_CYCLE ? &core->mcycle_offset : &core->minstret_offset;
}

static uint64_t *counter_frozen(struct core *core, uint32_t counter)
{
    return counter == COUNTER_CYCLE ? &core->mcycle_frozen : &core->minstret_frozen;
}

static uint64_t counter_read(struct core *core, uint32_t counter)
{
    if (core->mcountinhibit & counter)
        return *counter_frozen(core, counter);
    return counter_source(core, counter) + *counter_offset(core, counter);
}

/* The instruction that writes a counter does not count itself: the next one reads `value`. */
static void counter_write(struct core *core, uint32_t counter, uint64_t value)
{
    *counter_frozen(core, counter) = value;
    *counter_offset(core, counter) = value - counter_source(core, counter) - 1;
}

static void counter_write_half(struct core *core, uint32_t counter, bool high, uint32_t value)
{
    uint64_t old = counter_read(core, counter);
    counter_write(core, counter,
                  high ? (uint64_t)value << 32 | (uint32_t)old : (old >> 32 << 32) | value);
}

static void inhibit_write(struct core *core, uint32_t value)
{
    static const uint32_t counters[] = {COUNTER_CYCLE, COUNTER_INSTRET};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t now = counter_read(core, counters[i]);
        if ((core->mcountinhibit ^ value) & counters[i])
            counter_write(core, counters[i], now);
    }
    core->mcountinhibit = value & (COUNTER_CYCLE | COUNTER_INSTRET);
}

/* User mode reads cycle and instret where mcounteren lets it. */
static bool read_user_counter(struct core *core, uint32_t number, uint32_t *value)
{
    uint32_t counter = number & 2 ? COUNTER_INSTRET : COUNTER_CYCLE;
    if (core->user && !(core->mcounteren & counter))
        return false;
    uint64_t count = counter_read(core, counter);
    *value = (uint32_t)(number & 0x80 ? count >> 32 : count);
    return true;
}

/* The register files: PMP, PMA, CPU GPIO. */
static bool read_indexed(const struct core *core, uint32_t number, uint32_t *value)
{
    if (number - CSR_PMPCFG < PMP_ENTRIES / 4)
        *value = pmp_read_config(&core->pmp, number - CSR_PMPCFG);
    else if (number - CSR_PMPADDR < PMP_ENTRIES)
        *value = core->pmp.address[number - CSR_PMPADDR];
    else if (number - CSR_PMACFG < CORE_PMA_ENTRIES)
        *value = core->pma_config[number - CSR_PMACFG];
    else if (number - CSR_PMAADDR < CORE_PMA_ENTRIES)
        *value = core->pma_address[number - CSR_PMAADDR];
    else if (number - CSR_GPIO < 3)
        *value = core->gpio[number - CSR_GPIO];
    else
        return false;
    return true;
}

static bool read_machine_counter(struct core *core, uint32_t number, uint32_t *value)
{
    switch (number) {
    case CSR_MCYCLE:
    case CSR_MCYCLEH:
    case CSR_MINSTRET:
    case CSR_MINSTRETH: {
        uint64_t count = counter_read(core, number & 2 ? COUNTER_INSTRET : COUNTER_CYCLE);
        *value = (uint32_t)(number & 0x80 ? count >> 32 : count);
        return true;
    }
    case CSR_PCCR:
    case CSR_PCCR_USER:
        *value = (uint32_t)core_now(core) + core->pccr_offset;
        return true;
    default:
        return false;
    }
}

static bool read_constant(uint32_t number, uint32_t *value)
{
    switch (number) {
    case CSR_MISA:
        *value = MISA;
        return true;
    case CSR_MVENDORID:
        *value = MVENDORID;
        return true;
    case CSR_MARCHID:
        *value = MARCHID;
        return true;
    case CSR_MIMPID:
        *value = MIMPID;
        return true;
    case CSR_MHARTID:
    case CSR_MSTATUSH:
    case CSR_MIDELEG:
    case CSR_TSELECT:
    case CSR_TDATA1:
    case CSR_TDATA2:
    case CSR_TCONTROL:
        *value = 0;
        return true;
    default:
        return false;
    }
}

/* Registers that are just words; NULL for others. */
static uint32_t *plain_register(struct core *core, uint32_t number)
{
    switch (number) {
    case CSR_MSTATUS:
        return &core->mstatus;
    case CSR_MIE:
        return &core->mie;
    case CSR_MTVEC:
        return &core->mtvec;
    case CSR_MCOUNTEREN:
        return &core->mcounteren;
    case CSR_MCOUNTINHIBIT:
        return &core->mcountinhibit;
    case CSR_MSCRATCH:
        return &core->mscratch;
    case CSR_MEPC:
        return &core->mepc;
    case CSR_MCAUSE:
        return &core->mcause;
    case CSR_MTVAL:
        return &core->mtval;
    case CSR_MIP:
        return &core->mip;
    case CSR_PCER:
    case CSR_PCER_USER:
        return &core->pcer;
    case CSR_PCMR:
    case CSR_PCMR_USER:
        return &core->pcmr;
    default:
        return NULL;
    }
}

/* Bits 9:8 of a CSR's number are the lowest mode that may touch it. */
static bool permitted(const struct core *core, uint32_t number)
{
    return !core->user || (number >> 8 & 3) == 0;
}

bool csr_read(struct core *core, uint32_t number, uint32_t *value)
{
    if (!permitted(core, number))
        return false;
    const uint32_t *word = plain_register(core, number);
    if (word != NULL) {
        *value = *word;
        return true;
    }
    switch (number) {
    case CSR_CYCLE:
    case CSR_INSTRET:
    case CSR_CYCLEH:
    case CSR_INSTRETH:
        return read_user_counter(core, number, value);
    default:
        return read_constant(number, value) || read_machine_counter(core, number, value) ||
               read_indexed(core, number, value);
    }
}

static void write_status(struct core *core, uint32_t value)
{
    if ((value & MSTATUS_MPP) != MSTATUS_MPP) /* only U (0) and M (3) exist */
        value &= ~MSTATUS_MPP;
    core->mstatus = value & MSTATUS_WRITE;
    core_open_memory(core);
    if (core_interrupt_due(core))
        core->attention = true;
}

/* A vector table is 256-byte aligned (soc.md 2); a single handler needs 4. */
static void write_vector(struct core *core, uint32_t value)
{
    core->mtvec = value & 1 ? (value & ~0xFFu) | 1 : value & ~3u;
}

static void write_interrupt_enable(struct core *core, uint32_t value)
{
    core->mie = value;
    chip_interrupts_changed(core->chip);
    if (core_interrupt_due(core))
        core->attention = true;
}

static bool write_indexed(struct core *core, uint32_t number, uint32_t value)
{
    if (number - CSR_PMPCFG < PMP_ENTRIES / 4) {
        pmp_write_config(&core->pmp, number - CSR_PMPCFG, value);
        core_protection_changed(core);
    } else if (number - CSR_PMPADDR < PMP_ENTRIES) {
        pmp_write_address(&core->pmp, number - CSR_PMPADDR, value);
        core_protection_changed(core);
    } else if (number - CSR_PMACFG < CORE_PMA_ENTRIES) {
        core->pma_config[number - CSR_PMACFG] = value;
    } else if (number - CSR_PMAADDR < CORE_PMA_ENTRIES) {
        core->pma_address[number - CSR_PMAADDR] = value;
    } else if (number - CSR_GPIO < 3) {
        core->gpio[number - CSR_GPIO] = value;
    } else {
        return false;
    }
    return true;
}

static bool write_counter(struct core *core, uint32_t number, uint32_t value)
{
    switch (number) {
    case CSR_MCYCLE:
    case CSR_MCYCLEH:
    case CSR_MINSTRET:
    case CSR_MINSTRETH:
        counter_write_half(core, number & 2 ? COUNTER_INSTRET : COUNTER_CYCLE, number & 0x80,
                           value);
        return true;
    case CSR_MCOUNTINHIBIT:
        inhibit_write(core, value);
        return true;
    case CSR_PCCR:
    case CSR_PCCR_USER:
        core->pccr_offset = value - (uint32_t)core_now(core) - 1;
        return true;
    default:
        return false;
    }
}

/* Registers whose value or effect needs more than storing the word. */
static bool write_special(struct core *core, uint32_t number, uint32_t value)
{
    switch (number) {
    case CSR_MSTATUS:
        write_status(core, value);
        return true;
    case CSR_MIE:
        write_interrupt_enable(core, value);
        return true;
    case CSR_MTVEC:
        write_vector(core, value);
        return true;
    case CSR_MEPC:
        core->mepc = value & ~1u;
        return true;
    case CSR_MCOUNTEREN:
        core->mcounteren = value & (COUNTER_CYCLE | COUNTER_INSTRET);
        return true;
    case CSR_MIP: /* follows its sources */
        return true;
    default:
        return false;
    }
}

bool csr_write(struct core *core, uint32_t number, uint32_t value)
{
    uint32_t ignored;
    if (!permitted(core, number) || number >> 10 == 3)
        return false;
    if (write_special(core, number, value) || write_counter(core, number, value) ||
        write_indexed(core, number, value))
        return true;
    uint32_t *word = plain_register(core, number);
    if (word != NULL) {
        *word = value;
        return true;
    }
    return read_constant(number, &ignored);
}

/* mie: external lines start enabled, so that software which only knows the interrupt controller
 * works; the CLINT's two do not. */
void csr_reset(struct core *core)
{
    core->mstatus = MSTATUS_MPP;
    core->mie = ~0x88u;
    core->mtvec = SOC_ROM_BASE | 1;
    core->mscratch = core->mepc = core->mcause = core->mtval = 0;
    core->mcounteren = core->mcountinhibit = 0;
    core->mcycle_offset = 0 - core_now(core);
    core->minstret_offset = 0 - core_retired(core);
    core->pccr_offset = 0 - (uint32_t)core_now(core);
    core->pcer = core->pcmr = 0;
    for (unsigned i = 0; i < 3; i++)
        core->gpio[i] = 0;
    for (unsigned i = 0; i < CORE_PMA_ENTRIES; i++)
        core->pma_config[i] = core->pma_address[i] = 0;
    pmp_reset(&core->pmp);
}
