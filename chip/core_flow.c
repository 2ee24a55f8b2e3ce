/* chip/core_flow.c: jumps, branches, traps on purpose, CSR instructions; and core_run(). */
#include "chip/core_ops.h"

uint32_t core_op_pc(const struct op *op, const struct block *block)
{
    uint32_t pc = block->key & ~1u;
    for (const struct op *before = block->ops; before < op; before++)
        pc += before->place & OP_LONG ? 4 : 2;
    return pc;
}

uint32_t core_pc(const struct core *core)
{
    return core->op != NULL ? core_op_pc(core->op, core->block) : core->pc;
}

HANDLER(core_pause)
{
    (void)op;
    core->pc = block->key & ~1u;
    core->left = left + block->count;
}

HANDLER(core_leave_before)
{
    core->pc = core_op_pc(op, block);
    core->left = left + (op->place & OP_REMAINING);
}

HANDLER(core_leave_after)
{
    core->pc = core_op_pc(op + 1, block);
    core->left = left + (op->place & OP_REMAINING) - 1;
}

/* Continue at `pc`, not linked: the block there, or NULL when it cannot be entered now. */
static struct block *follow(struct core *core, uint32_t pc, int64_t left)
{
    core->pc = pc;
    core->left = left;
    struct block *next = core_block_at(core, pc);
    return core->attention ? NULL : next;
}

/* Decoding may have dropped all blocks, `block` among them: then there is nothing to link. That
 * sets attention, as all reasons not to go on do. */
HANDLER(core_follow_taken)
{
    struct block *next = follow(core, IMM, left);
    if (next == NULL)
        return;
    block->taken = next;
    ENTER(next);
}

HANDLER(core_follow_fall)
{
    struct block *next = follow(core, block->end, left);
    if (next == NULL)
        return;
    block->fall = next;
    ENTER(next);
}

#define ENTER_TAKEN                                                                                \
    do {                                                                                           \
        if (unlikely(block->taken == NULL))                                                        \
            TAIL core_follow_taken(core, op, block, left);                                         \
        ENTER(block->taken);                                                                       \
    } while (0)

#define ENTER_FALL                                                                                 \
    do {                                                                                           \
        if (unlikely(block->fall == NULL))                                                         \
            TAIL core_follow_fall(core, op, block, left);                                          \
        ENTER(block->fall);                                                                        \
    } while (0)

OP(next)
{
    ENTER_FALL;
}

OP(jump)
{
    ENTER_TAKEN;
}

OP(jal)
{
    RD = block->end;
    ENTER_TAKEN;
}

/* Target known only now and not among the first of its bucket. */
static RARE HANDLER(jalr_search)
{
    (void)block;
    struct block *next = follow(core, core->pc, left);
    if (next == NULL)
        return;
    ENTER(next);
}

OP(jalr)
{
    uint32_t target = (RS1 + IMM) & ~1u;
    uint32_t key = target | core->user;
    RD = block->end;
    struct block *next = *core_bucket(core, key);
    if (likely(next != NULL && next->key == key))
        ENTER(next);
    core->pc = target;
    TAIL jalr_search(core, op, block, left);
}

#define BRANCH(name, condition)                                                                    \
    OP(name)                                                                                       \
    {                                                                                              \
        if (condition)                                                                             \
            ENTER_TAKEN;                                                                           \
        ENTER_FALL;                                                                                \
    }

BRANCH(beq, RS1 == RS2)
BRANCH(bne, RS1 != RS2)
BRANCH(blt, (int32_t)RS1 < (int32_t)RS2)
BRANCH(bge, (int32_t)RS1 >= (int32_t)RS2)
BRANCH(bltu, RS1 < RS2)
BRANCH(bgeu, RS1 >= RS2)

OP(ecall)
{
    core_leave_before(core, op, block, left);
    core_trap(core, core->user ? TRAP_ECALL_USER : TRAP_ECALL_MACHINE, 0);
}

OP(ebreak)
{
    core_leave_before(core, op, block, left);
    core_trap(core, TRAP_BREAKPOINT, core->pc);
}

OP(illegal)
{
    core_leave_before(core, op, block, left);
    core_trap(core, TRAP_ILLEGAL, IMM);
}

/* The bits of a system instruction, which its operation no longer holds, for mtval. */
static uint32_t csr_bits(const struct op *op, unsigned funct3)
{
    uint32_t rd = op->rd == REGISTER_NONE ? 0 : op->rd;
    return IMM << 20 | (uint32_t)op->rs1 << 15 | funct3 << 12 | rd << 7 | 0x73;
}

OP(mret)
{
    core_leave_before(core, op, block, left);
    if (core->user) {
        core_trap(core, TRAP_ILLEGAL, 0x30200073);
        return;
    }
    core->left--;
    core->pc = core->mepc;
    core_return(core);
}

OP(wfi)
{
    core_leave_before(core, op, block, left);
    if (core->user && core->mstatus & MSTATUS_TW) {
        core_trap(core, TRAP_ILLEGAL, 0x10500073);
        return;
    }
    core->left--;
    core->pc = block->end;
    core->waiting = true;
    core->attention = true;
}

/* One CSR instruction: reads unless it is a plain write to x0, writes unless it sets or clears
 * nothing. The CSR's own side effects show in `attention`. */
#define CSR(name, funct3, operand_value, reads, writes, new_value)                                 \
    OP(name)                                                                                       \
    {                                                                                              \
        uint32_t operand = (operand_value);                                                        \
        core->left = left + (op->place & OP_REMAINING);                                            \
        core->value = 0;                                                                           \
        if (((reads) && !csr_read(core, IMM, &core->value)) ||                                     \
            ((writes) && !csr_write(core, IMM, (new_value)))) {                                    \
            core_leave_before(core, op, block, left);                                              \
            core_trap(core, TRAP_ILLEGAL, csr_bits(op, funct3));                                   \
            return;                                                                                \
        }                                                                                          \
        RD = core->value;                                                                          \
        if (unlikely(core->attention))                                                             \
            TAIL core_leave_after(core, op, block, left);                                          \
        NEXT;                                                                                      \
    }

CSR(csrrw, 1, RS1, op->rd != REGISTER_NONE, true, operand)
CSR(csrrs, 2, RS1, true, op->rs1 != 0, core->value | operand)
CSR(csrrc, 3, RS1, true, op->rs1 != 0, core->value & ~operand)
CSR(csrrwi, 5, op->rs1, op->rd != REGISTER_NONE, true, operand)
CSR(csrrsi, 6, op->rs1, true, op->rs1 != 0, core->value | operand)
CSR(csrrci, 7, op->rs1, true, op->rs1 != 0, core->value & ~operand)

void core_run(struct core *core, uint64_t until)
{
    core->left = (int64_t)(until - core_now(core));
    core->stop_at = until;
    while (core->left > 0 && !core->attention) {
        struct block *block;
        if (core->step_over && core->pc == core->breakpoint) {
            core->step_over = false;
            block = core_block_cut(core, core->pc, 1);
        } else {
            block = core_block_at(core, core->pc);
        }
        if (block == NULL)
            continue; /* trapped, or attention says why */
        if (block->count > core->left)
            block = core_block_cut(core, core->pc, (uint32_t)core->left);
        if (block != NULL)
            block->ops[0].run(core, block->ops, block, core->left - block->count);
    }
}
