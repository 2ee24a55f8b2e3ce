/* chip/core_memory.c: loads, stores and atomics.
 *
 * Each has a short way (HP SRAM, flash window) on host memory and a long way through the bus, which
 * knows the other memories, peripherals, protection, alignment and decoded code.
 */
#include <string.h>

#include "chip/core_ops.h"
#include "chip/memory.h"

#define WIDTH(funct3) (1u << (funct3) % 4)

static uint32_t extended(uint32_t value, unsigned funct3)
{
    switch (funct3) {
    case 0:
        return (uint32_t)(int32_t)(int8_t)value;
    case 1:
        return (uint32_t)(int32_t)(int16_t)value;
    default:
        return value;
    }
}

/* Before talking to the bus: time and PC exact for peripherals that ask, and for what they call. */
static void bus_begin(struct core *core, const struct op *op, const struct block *block,
                      int64_t left)
{
    core->left = left + (op->place & OP_REMAINING);
    core->op = op;
    core->block = block;
}

/* After it. False: the core has left the block, before the operation if it failed (`cause` is that
 * of an access fault; the misaligned one's number is one less), behind it if something is due. */
static bool bus_end(struct core *core, const struct op *op, struct block *block, int64_t left,
                    enum bus_result result, enum trap_cause cause, uint32_t address)
{
    core->op = NULL;
    if (result != BUS_OK) {
        core_leave_before(core, op, block, left);
        core_trap(core, result == BUS_MISALIGNED ? cause - 1 : cause, address);
        return false;
    }
    if (core->attention) {
        core_leave_after(core, op, block, left);
        return false;
    }
    return true;
}

static RARE HANDLER(load_bus)
{
    uint32_t address = RS1 + IMM;
    bus_begin(core, op, block, left);
    enum bus_result result = bus_load(core->chip, address, WIDTH(op->rs2), &core->value);
    if (result == BUS_OK)
        RD = extended(core->value, op->rs2);
    if (!bus_end(core, op, block, left, result, TRAP_LOAD_ACCESS, address))
        return;
    NEXT;
}

/* Flash window pages that were read before; the first time goes through the bus. */
static HANDLER(load_flash)
{
    uint32_t offset = RS1 + IMM - SOC_FLASH_BASE, value;
    if (likely(offset < core->flash_limit)) {
        const uint8_t *page = core->flash[offset / CORE_FLASH_PAGE];
        uint32_t within = offset % CORE_FLASH_PAGE;
        if (likely(page != NULL && within <= CORE_FLASH_PAGE - 4)) {
            memcpy(&value, page + within, sizeof value);
            RD = extended(op->rs2 == 4   ? value & 0xFF
                          : op->rs2 == 5 ? value & 0xFFFF
                                         : value,
                          op->rs2);
            NEXT;
        }
    }
    TAIL load_bus(core, op, block, left);
}

#define LOAD(name, type)                                                                           \
    OP(name)                                                                                       \
    {                                                                                              \
        uint32_t offset = RS1 + IMM - SOC_HP_SRAM_BASE;                                            \
        if (likely(offset < core->load_limit)) {                                                   \
            type value;                                                                            \
            memcpy(&value, core->ram + offset, sizeof value);                                      \
            RD = (uint32_t)(int32_t)value;                                                         \
            NEXT;                                                                                  \
        }                                                                                          \
        TAIL load_flash(core, op, block, left);                                                    \
    }

LOAD(lb, int8_t)
LOAD(lh, int16_t)
LOAD(lw, int32_t)
LOAD(lbu, uint8_t)
LOAD(lhu, uint16_t)

static RARE HANDLER(store_bus)
{
    uint32_t address = RS1 + IMM;
    bus_begin(core, op, block, left);
    enum bus_result result = bus_store(core->chip, address, WIDTH(op->rd), RS2);
    if (!bus_end(core, op, block, left, result, TRAP_STORE_ACCESS, address))
        return;
    NEXT;
}

/* A misaligned store may touch two granules: the bus looks at both. */
#define STORE(name, type)                                                                          \
    OP(name)                                                                                       \
    {                                                                                              \
        uint32_t offset = RS1 + IMM - SOC_HP_SRAM_BASE;                                            \
        if (likely(offset < core->store_limit && offset % sizeof(type) == 0 &&                     \
                   core->granule[offset / CORE_GRANULE] == 0)) {                                   \
            type value = (type)RS2;                                                                \
            memcpy(core->ram + offset, &value, sizeof value);                                      \
            NEXT;                                                                                  \
        }                                                                                          \
        TAIL store_bus(core, op, block, left);                                                     \
    }

STORE(sb, uint8_t)
STORE(sh, uint16_t)
STORE(sw, uint32_t)

/* lr.w: a word load that leaves a reservation. */
OP(lr)
{
    uint32_t address = RS1;
    enum bus_result result = BUS_MISALIGNED;
    bus_begin(core, op, block, left);
    if (address % 4 == 0)
        result = bus_load(core->chip, address, 4, &core->value);
    if (result == BUS_OK) {
        RD = core->value;
        core->reserved = true;
        core->reservation = address;
    }
    if (!bus_end(core, op, block, left, result, TRAP_LOAD_ACCESS, address))
        return;
    NEXT;
}

/* sc.w: stores and yields 0 when the reservation is for this word, else 1; then it is gone. */
OP(sc)
{
    uint32_t address = RS1;
    bool holds = core->reserved && core->reservation == address;
    enum bus_result result = address % 4 ? BUS_MISALIGNED : BUS_OK;
    bus_begin(core, op, block, left);
    if (result == BUS_OK && holds)
        result = bus_store(core->chip, address, 4, RS2);
    if (result == BUS_OK) {
        core->reserved = false;
        RD = holds ? 0 : 1;
    }
    if (!bus_end(core, op, block, left, result, TRAP_STORE_ACCESS, address))
        return;
    NEXT;
}

static uint32_t amo_result(uint32_t funct5, uint32_t old, uint32_t operand)
{
    switch (funct5) {
    case 0x00:
        return old + operand;
    case 0x01:
        return operand; /* swap */
    case 0x04:
        return old ^ operand;
    case 0x08:
        return old | operand;
    case 0x0C:
        return old & operand;
    case 0x10:
        return (int32_t)old < (int32_t)operand ? old : operand;
    case 0x14:
        return (int32_t)old > (int32_t)operand ? old : operand;
    case 0x18:
        return old < operand ? old : operand;
    default: /* 0x1C: maxu */
        return old > operand ? old : operand;
    }
}

/* amo*.w: both halves must be permitted, and a failure of either is a store's. */
OP(amo)
{
    uint32_t address = RS1;
    enum bus_result result = BUS_MISALIGNED;
    bus_begin(core, op, block, left);
    if (address % 4 == 0)
        result = bus_load(core->chip, address, 4, &core->value);
    uint32_t old = core->value;
    if (result == BUS_OK)
        result = bus_store(core->chip, address, 4, amo_result(IMM, old, RS2));
    if (result == BUS_OK)
        RD = old;
    if (!bus_end(core, op, block, left, result, TRAP_STORE_ACCESS, address))
        return;
    NEXT;
}
