/* chip/core_ops.h: how a handler is written. For core_*.c only.
 *
 * Every handler ends in one of NEXT, ENTER or TAIL: a call in tail position, which the compiler
 * turns into a jump (the build makes sure of it). Handlers keep no state on the host's stack.
 */
#ifndef CHIP_CORE_OPS_H
#define CHIP_CORE_OPS_H

#include "chip/core.h"

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#if defined(__clang__)
#define TAIL __attribute__((musttail)) return
#else
#define TAIL return
#endif

#define HANDLER(name)                                                                              \
    void name(struct core *core, const struct op *op, struct block *block, int64_t left)
#define OP(name) HANDLER(op_##name)

/* Kept out of line: inlined, its calls would give every handler a stack frame. */
#define RARE __attribute__((noinline, cold))

#define OP_DECLARE(name) op_handler op_##name;
OPCODES(OP_DECLARE)
#undef OP_DECLARE

#define RD  core->x[op->rd]
#define RS1 core->x[op->rs1]
#define RS2 core->x[op->rs2]
#define IMM ((uint32_t)op->imm)

/* Go on with the operation behind this one. */
#define NEXT                                                                                       \
    do {                                                                                           \
        const struct op *next_op = op + 1;                                                         \
        TAIL next_op->run(core, next_op, block, left);                                             \
    } while (0)

/* Go on with another block, paying for it; core_pause when it costs more than is left. */
#define ENTER(target)                                                                              \
    do {                                                                                           \
        struct block *next_block = (target);                                                       \
        left -= next_block->count;                                                                 \
        if (unlikely(left < 0))                                                                    \
            TAIL core_pause(core, op, next_block, left);                                           \
        TAIL next_block->ops[0].run(core, next_block->ops, next_block, left);                      \
    } while (0)

/* Ends of execution: back to core_run(), with PC and `left` made exact. */
RARE op_handler core_pause;        /* before `block`, which was paid for: pay back */
RARE op_handler core_leave_before; /* before `op`: it has not happened */
RARE op_handler core_leave_after;  /* after `op`: it has */

/* The block's end leads to a block not linked yet: find or decode it, link, go on. */
RARE op_handler core_follow_taken;
RARE op_handler core_follow_fall;

/* PC of an operation. */
uint32_t core_op_pc(const struct op *op, const struct block *block);

static inline struct block **core_bucket(struct core *core, uint32_t key)
{
    return &core->buckets[(key >> 1) % CORE_BUCKETS];
}

#endif
