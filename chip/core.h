/* chip/core.h: the RV32IMAC core: registers, execution, traps. Internal to chip/.
 *
 * How it runs. Code is decoded once into blocks (core_block.c): straight runs of operations that
 * end at a jump. An operation holds the address of its handler; a handler does its work and
 * tail-calls the next one, a block's last handler enters the next block directly. Loads and stores
 * to HP SRAM and loads from the flash window use host memory; all else goes to the bus (bus.h).
 *
 * Time. `left` counts down the instructions until the next thing that is due. A block is paid for
 * when it is entered; a block that costs more than is left is decoded anew, cut to what is left. A
 * handler that leaves a block early pays back the rest. So counts are exact, yet no handler counts.
 *
 * Leaving. Whoever changes something the run loop must see (an earlier event, a reset, an
 * interrupt line, dropped blocks) sets `attention`; operations that can cause it look at it when
 * they are done, so it is seen at the next instruction boundary.
 *
 * Assumed, where soc.md has no figure or calls its own unverified:
 * - reset clears x1..x31 and starts at SOC_ROM_BASE whatever LP_AON's STAT_VECTOR_SEL says, with
 *   mtvec there too and MPP = M;
 * - reset enables all external lines in mie (not the CLINT's two), so that software that knows only
 *   the interrupt controller works; mie masks the controller's lines like the standard's bits;
 * - of lines with equal priority the lower number wins, and external lines go before the CLINT's;
 * - an instruction is one cycle: mcycle, PCCR and CLINT's MTIME count instructions and what wfi
 *   skipped, minstret without that;
 * - data accesses to memory may be misaligned, those to peripherals trap; lr, sc and amo always do;
 * - a reservation ends with a sc, a trap, or a DMA write to it, not with the core's own stores;
 * - marchid and mimpid; PMA registers are stored and change nothing; no debug triggers.
 */
#ifndef CHIP_CORE_H
#define CHIP_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/soc.h"
#include "chip/decode.h"
#include "chip/pmp.h"

struct block;
struct chip;
struct core;
struct op;

typedef void op_handler(struct core *core, const struct op *op, struct block *block, int64_t left);

/* One decoded instruction, 16 bytes. Fields as in struct instruction. */
struct op {
    op_handler *run;
    int32_t imm;
    uint8_t rd, rs1, rs2;
    uint8_t place; /* OP_REMAINING: instructions from here to the block's end; OP_LONG: 4 bytes */
};

#define OP_REMAINING 0x7Fu
#define OP_LONG      0x80u

#define BLOCK_OPS 64u /* instructions in one block, at most */

struct block {
    uint32_t key;        /* PC, and in bit 0 whether it was decoded for user mode */
    uint32_t end;        /* PC behind the last instruction */
    uint32_t count;      /* instructions */
    struct block *taken; /* where the last instruction leads, once known */
    struct block *fall;
    struct block *chain; /* in the same bucket */
    struct op ops[];     /* count of them, and OPCODE_next when the last does not jump */
};

#define CORE_BUCKETS     4096u /* by PC */
#define CORE_ARENA_BYTES (4u << 20)
#define CORE_GRANULE     32u /* SRAM bytes that are marked together */
#define CORE_GRANULES    (SOC_HP_SRAM_BYTES / CORE_GRANULE)
#define CORE_FLASH_PAGE  8192u /* the smallest the MMU knows */
#define CORE_FLASH_PAGES (SOC_FLASH_BYTES / CORE_FLASH_PAGE)

/* Marks of an SRAM granule: any makes a store take the careful way. */
#define GRANULE_CODE  1u /* instructions were decoded from it */
#define GRANULE_GUARD 2u /* not all of it is writable in machine mode (PMP) */

enum trap_cause {
    TRAP_FETCH_ACCESS = 1,
    TRAP_ILLEGAL = 2,
    TRAP_BREAKPOINT = 3,
    TRAP_LOAD_MISALIGNED = 4,
    TRAP_LOAD_ACCESS = 5,
    TRAP_STORE_MISALIGNED = 6,
    TRAP_STORE_ACCESS = 7,
    TRAP_ECALL_USER = 8,
    TRAP_ECALL_MACHINE = 11,
};

#define MSTATUS_MIE  0x00000008u
#define MSTATUS_MPIE 0x00000080u
#define MSTATUS_MPP  0x00001800u
#define MSTATUS_MPRV 0x00020000u
#define MSTATUS_TW   0x00200000u

#define CORE_PMA_ENTRIES 16u

struct core {
    uint32_t x[33]; /* x[REGISTER_NONE] takes what is written to x0 */
    uint32_t pc;    /* exact whenever no handler runs */

    /* Fast ways to memory, closed (0) while accesses must be checked one by one. */
    uint32_t load_limit;  /* SRAM offsets below it hold a whole word that may be read */
    uint32_t store_limit; /* same for writing, granule marks permitting */
    uint32_t flash_limit; /* same for reading the flash window */
    uint8_t *ram;         /* HP SRAM */
    uint32_t user;        /* 1 in user mode, else 0 */
    volatile bool attention;
    const uint8_t *flash[CORE_FLASH_PAGES]; /* host bytes of window pages seen so far */
    uint8_t granule[CORE_GRANULES];

    /* The operation that is talking to the bus, for whoever asks for the PC meanwhile. */
    const struct op *op;
    const struct block *block;

    /* What a bus or CSR read brought. Not a local of the handler: one whose local's address is
     * taken does not end in a tail call, and the host's stack would grow with every such read. */
    uint32_t value;

    /* Time in instructions. now = stop_at - left; retired = now - skipped. */
    int64_t left;
    uint64_t stop_at;
    uint64_t skipped;

    /* Decoded code. */
    struct block *buckets[CORE_BUCKETS];
    uint8_t *arena;
    size_t arena_used;
    struct block *scratch;    /* for blocks cut short, never linked to */
    bool flash_code, lp_code; /* some block was decoded from there */

    /* Machine state. */
    uint32_t mstatus, mie, mip, mtvec, mscratch, mepc, mcause, mtval, mcounteren, mcountinhibit;
    uint64_t mcycle_offset, minstret_offset; /* counter - its source */
    uint64_t mcycle_frozen, minstret_frozen; /* value while inhibited */
    uint32_t pcer, pcmr, pccr_offset, gpio[3];
    uint32_t pma_config[CORE_PMA_ENTRIES], pma_address[CORE_PMA_ENTRIES];
    struct pmp pmp;
    bool ram_readable, flash_readable; /* all of it, in machine mode */
    bool reserved;                     /* lr.w holds a reservation ... */
    uint32_t reservation;

    unsigned line;    /* the interrupt controller's choice, 0 = none */
    bool waiting;     /* in wfi */
    bool stuck;       /* in a trap loop: only a reset leads out */
    bool halted;      /* nothing can ever run again */
    uint64_t trapped; /* retired count at the last exception: none since means a trap loop */

    uint32_t breakpoint; /* 0 = none */
    bool step_over;      /* execute the instruction under the breakpoint once */
    bool at_breakpoint;

    struct chip *chip;
};

/* Memory and registers for a new core, and what goes with it. False: host memory exhausted. */
bool core_init(struct core *core, struct chip *chip, uint8_t *ram);
void core_free(struct core *core);

/* Hardware reset: PC to the ROM, machine mode, all blocks dropped. */
void core_reset(struct core *core);

/* Run until core_now() == `until`, `attention` or `waiting`. */
void core_run(struct core *core, uint64_t until);

static inline uint64_t core_now(const struct core *core)
{
    return core->stop_at - (uint64_t)core->left;
}

static inline uint64_t core_retired(const struct core *core)
{
    return core_now(core) - core->skipped;
}

/* Virtual time passes without executing (wfi). */
void core_skip(struct core *core, uint64_t until);

/* PC of the instruction being executed, also from within a peripheral. */
uint32_t core_pc(const struct core *core);

/* core_trap.c. PC must be that of the instruction concerned. */
void core_trap(struct core *core, enum trap_cause cause, uint32_t value);
void core_return(struct core *core);                  /* mret: mode and interrupt enable back */
void core_interrupt(struct core *core);               /* take the one core_interrupt_due() saw */
bool core_interrupt_pending(const struct core *core); /* what wakes a wfi */
bool core_interrupt_due(const struct core *core);     /* pending and not masked by mstatus */
/* Mode, mstatus or PMP changed: open or close the fast ways. */
void core_open_memory(struct core *core);
/* The PMP changed: also recompute what machine mode may do and drop decoded code. */
void core_protection_changed(struct core *core);

/* csr.c: false = illegal instruction. Privilege is checked here. */
bool csr_read(struct core *core, uint32_t number, uint32_t *value);
bool csr_write(struct core *core, uint32_t number, uint32_t value);
void csr_reset(struct core *core);

/* core_block.c. */
struct block *core_block_at(struct core *core, uint32_t pc); /* NULL: trapped or breakpoint */
struct block *core_block_cut(struct core *core, uint32_t pc, uint32_t count);
void core_flush(struct core *core); /* drop all decoded code */
void core_code_written(struct core *core, uint32_t ram_offset, size_t length);
void core_flash_changed(struct core *core);

#endif
