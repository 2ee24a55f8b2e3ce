/* chip/core_block.c: the cache of decoded blocks.
 *
 * Blocks live in one arena and are only ever dropped all together: when code was overwritten, the
 * flash window or protection changed, or the arena is full. Links between blocks can therefore
 * never dangle, and decoding anew is cheap. Overwriting is noticed by marks on SRAM granules.
 */
#include <stdlib.h>
#include <string.h>

#include "chip/core_ops.h"
#include "chip/memory.h"

#define HANDLER_ENTRY(name) [OPCODE_##name] = op_##name,
static op_handler *const handlers[OPCODE_COUNT] = {OPCODES(HANDLER_ENTRY)};
#undef HANDLER_ENTRY

static size_t block_bytes(uint32_t count)
{
    return sizeof(struct block) + (count + 1) * sizeof(struct op);
}

bool core_init(struct core *core, struct chip *chip, uint8_t *ram)
{
    core->chip = chip;
    core->ram = ram;
    core->arena = malloc(CORE_ARENA_BYTES);
    core->scratch = malloc(block_bytes(BLOCK_OPS));
    return core->arena != NULL && core->scratch != NULL;
}

void core_free(struct core *core)
{
    free(core->arena);
    free(core->scratch);
}

void core_flush(struct core *core)
{
    memset(core->buckets, 0, sizeof core->buckets);
    for (size_t i = 0; i < CORE_GRANULES; i++)
        core->granule[i] &= (uint8_t)~GRANULE_CODE;
    core->arena_used = 0;
    core->lp_code = false;
    core->flash_code = false;
    core->attention = true;
}

void core_code_written(struct core *core, uint32_t ram_offset, size_t length)
{
    if (length == 0)
        return;
    size_t last = (ram_offset + length - 1) / CORE_GRANULE;
    for (size_t i = ram_offset / CORE_GRANULE; i <= last; i++) {
        if (core->granule[i] & GRANULE_CODE) {
            core_flush(core);
            return;
        }
    }
}

void core_flash_changed(struct core *core)
{
    memset(core->flash, 0, sizeof core->flash);
    if (core->flash_code)
        core_flush(core);
}

/* Remember that [pc, pc + size) is decoded code. */
static void mark(struct core *core, uint32_t pc, uint32_t size)
{
    uint32_t offset = pc - SOC_HP_SRAM_BASE;
    if (offset < SOC_HP_SRAM_BYTES) {
        core->granule[offset / CORE_GRANULE] |= GRANULE_CODE;
        core->granule[(offset + size - 1) / CORE_GRANULE] |= GRANULE_CODE;
    } else if (pc - SOC_FLASH_BASE < SOC_FLASH_BYTES) {
        core->flash_code = true;
    } else if (pc - SOC_LP_SRAM_BASE < SOC_LP_SRAM_BYTES) {
        core->lp_code = true;
    }
}

/* The instruction bits at `pc`; false with the address that cannot be fetched. */
static bool fetch(struct core *core, uint32_t pc, uint32_t *word, uint32_t *failed)
{
    uint32_t high = 0;
    *failed = pc;
    if (bus_fetch(core->chip, pc, word) != BUS_OK)
        return false;
    if (decode_is_compressed(*word))
        return true;
    *failed = pc + 2;
    if (bus_fetch(core->chip, pc + 2, &high) != BUS_OK)
        return false;
    *word |= high << 16;
    return true;
}

static void emit(struct op *op, const struct instruction *instruction)
{
    *op = (struct op){
        .run = handlers[instruction->opcode],
        .imm = instruction->imm,
        .rd = instruction->rd,
        .rs1 = instruction->rs1,
        .rs2 = instruction->rs2,
        .place = instruction->size == 4 ? OP_LONG : 0,
    };
}

/* Is an instruction at `pc` the next page's, in part at least? It may never be reached, and
 * fetching from a page that is not there has effects. */
static bool leaves_page(uint32_t pc)
{
    return (pc + 2) % CORE_FLASH_PAGE <= 2;
}

/* Decode up to `most` instructions at `pc` into `block`. False: not even one can be fetched, and
 * the trap was taken. A later one that cannot is left to trap when it is reached. */
static bool block_decode(struct core *core, struct block *block, uint32_t pc, uint32_t most)
{
    uint32_t count = 0, word, failed;
    enum opcode last = OPCODE_nop;
    block->key = pc | core->user;
    block->taken = block->fall = NULL;
    while (count < most && !OPCODE_ENDS_BLOCK(last)) {
        if (count != 0 && (pc == core->breakpoint || leaves_page(pc)))
            break;
        if (!fetch(core, pc, &word, &failed)) {
            if (count != 0)
                break;
            core_trap(core, TRAP_FETCH_ACCESS, failed);
            return false;
        }
        struct instruction instruction = decode(word, pc);
        emit(&block->ops[count++], &instruction);
        mark(core, pc, instruction.size);
        pc += instruction.size;
        last = instruction.opcode;
    }
    if (!OPCODE_ENDS_BLOCK(last))
        block->ops[count] = (struct op){.run = op_next};
    block->count = count;
    block->end = pc;
    for (uint32_t i = 0; i < count; i++)
        block->ops[i].place |= (uint8_t)(count - i);
    return true;
}

static struct block *block_new(struct core *core, uint32_t pc)
{
    if (core->arena_used + block_bytes(BLOCK_OPS) > CORE_ARENA_BYTES)
        core_flush(core);
    struct block *block = (struct block *)(void *)(core->arena + core->arena_used);
    if (!block_decode(core, block, pc, BLOCK_OPS))
        return NULL;
    core->arena_used += block_bytes(block->count);
    struct block **bucket = core_bucket(core, block->key);
    block->chain = *bucket;
    *bucket = block;
    return block;
}

/* Find the block in its bucket and move it to the front, where jalr looks. */
static struct block *block_find(struct core *core, uint32_t key)
{
    struct block **bucket = core_bucket(core, key);
    for (struct block **link = bucket; *link != NULL; link = &(*link)->chain) {
        struct block *block = *link;
        if (block->key != key)
            continue;
        *link = block->chain;
        block->chain = *bucket;
        *bucket = block;
        return block;
    }
    return NULL;
}

struct block *core_block_at(struct core *core, uint32_t pc)
{
    if (core->breakpoint != 0 && pc == core->breakpoint) {
        core->at_breakpoint = !core->step_over;
        core->attention = true;
        return NULL;
    }
    struct block *block = block_find(core, pc | core->user);
    if (block != NULL)
        return block;
    chip_code_entered(core->chip, pc);
    return block_new(core, pc);
}

struct block *core_block_cut(struct core *core, uint32_t pc, uint32_t count)
{
    return block_decode(core, core->scratch, pc, count < BLOCK_OPS ? count : BLOCK_OPS)
               ? core->scratch
               : NULL;
}
