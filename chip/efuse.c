/* chip/efuse.c: the eFuse controller (efuse.md 6).
 *
 * The fuses are the caller's struct efuse; chain/efuse.h knows their rules and does every program.
 * Between fuses and the rest of the chip lies the shadow, loaded by READ_CMD and by every reset but
 * those of the CPU alone: software reads it through the protection mask, the key users (cache,
 * manual encryption) read it whole.
 *
 * A program that the rules refuse leaves the fuses as they were and says so in a note. Where
 * silicon would have burned a block whose Reed-Solomon code no longer fits (wrong check value, or
 * a block programmed twice), RD_RS_ERR shows that block as failed, until the next such reset.
 */
#include "chain/reg/efuse.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/efuse.h"
#include "chain/error.h"
#include "chain/soc.h"
#include "chip/peripherals.h"

#define PGM_WORDS          11 /* PGM_DATA0..7, PGM_CHECK0..2 */
#define STATUS_IDLE        1u
#define RS_FAIL            0x8u
#define INT_READ_DONE      (1u << 0)
#define INT_PGM_DONE       (1u << 1)
#define CMD_BLOCK_MASK     0xFu
#define RD_REPEAT_ERR_LAST 0x190u

static const struct stored_register efuse_registers[] = {
    {EFUSE_CLK, 0x2, 0x00010007}, {EFUSE_CONF, 0, 0xFFFF},
    {0x1E8, 0, 0x0003FFFF}, /* DAC_CONF: timing only, as are the next four */
    {0x1EC, 0, 0xFFFFFFFF}, /* RD_TIM_CONF */
    {0x1F0, 0, 0xFFFFFFFF}, /* WR_TIM_CONF1 */
    {0x1F4, 0, 0xFFFFFFFF}, /* WR_TIM_CONF2 */
    {0x1F8, 0, 0x001FFFFF}, /* WR_TIM_CONF0_RS_BYPASS */
    {EFUSE_DATE, 0, 0x0FFFFFFF},
};
static const struct stored_table efuse_table = STORED_TABLE(efuse_registers);

struct controller {
    uint32_t stored[sizeof(efuse_registers) / sizeof(efuse_registers[0])];
    struct efuse shadow;  /* what hardware sees */
    struct efuse visible; /* what software sees: read-protected blocks are zero */
    uint32_t program[PGM_WORDS];
    uint32_t rs_error[2];
    uint32_t block;
    uint32_t raw, enabled;
};

static struct controller *controller_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_efuse);
}

const struct efuse *efuse_shadow(const struct chip *chip)
{
    return &controller_of(chip)->shadow;
}

static void controller_load(struct chip *chip)
{
    struct controller *controller = controller_of(chip);
    const struct efuse *fuses = chip_config(chip)->efuse;
    if (memcmp(&controller->shadow, fuses, sizeof(*fuses)) == 0)
        return;
    controller->shadow = *fuses;
    efuse_read_masked(fuses, &controller->visible);
    cache_drop_all(chip);
}

/* BLOCK1 has its four bits at 0 of RD_RS_ERR0, BLOCK9 at 0 of RD_RS_ERR1. */
static void controller_mark_broken(struct controller *controller, unsigned block)
{
    if (block >= 1)
        controller->rs_error[(block - 1) / 8] |= RS_FAIL << (4 * ((block - 1) % 8));
}

static void controller_program(struct chip *chip, unsigned block)
{
    struct controller *controller = controller_of(chip);
    uint8_t bytes[4 * PGM_WORDS];
    for (size_t i = 0; i < PGM_WORDS; i++)
        le32_store(bytes + 4 * i, controller->program[i]);
    int error = efuse_program(chip_config(chip)->efuse, block, bytes, bytes + 32);
    if (error == CHAIN_ECHECKSUM || error == CHAIN_EDUPLICATE)
        controller_mark_broken(controller, block);
    if (error == CHAIN_OK)
        chip_note(chip, "eFuse block %u programmed", block);
    else
        chip_note(chip, "eFuse block %u not programmed: %s", block, chain_error_text(error));
}

static void controller_command(struct chip *chip, uint32_t command)
{
    struct controller *controller = controller_of(chip);
    uint32_t op_code = *stored_word(&efuse_table, controller->stored, EFUSE_CONF);
    controller->block = (command >> EFUSE_CMD_BLOCK_SHIFT) & CMD_BLOCK_MASK;
    if ((command & EFUSE_CMD_PROGRAM) && op_code == EFUSE_CONF_PROGRAM) {
        controller_program(chip, controller->block);
        controller->raw |= INT_PGM_DONE;
    }
    if ((command & EFUSE_CMD_READ) && op_code == EFUSE_CONF_READ) {
        controller_load(chip);
        controller->raw |= INT_READ_DONE;
    }
}

static int controller_init(struct chip *chip)
{
    return state_new(chip, &peripheral_efuse, sizeof(struct controller));
}

static void controller_reset(struct chip *chip, uint32_t cause)
{
    struct controller *controller = controller_of(chip);
    if (reset_is_cpu_only(cause))
        return;
    *controller = (struct controller){.shadow = controller->shadow, .visible = controller->visible};
    stored_reset(&efuse_table, controller->stored);
    controller_load(chip);
    chip_raise(chip, SOC_SOURCE_EFUSE, false);
}

static void controller_free(struct chip *chip)
{
    state_free(chip, &peripheral_efuse);
}

static bool controller_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct controller *controller = controller_of(chip);
    if (offset < EFUSE_RD_WR_DIS) {
        *value = controller->program[offset / 4];
        return true;
    }
    if (offset < EFUSE_RD_END) {
        *value = le32_load(controller->visible.bytes + (offset - EFUSE_RD_WR_DIS));
        return true;
    }
    if (offset <= RD_REPEAT_ERR_LAST) {
        *value = 0; /* BLOCK0 never fails here */
        return true;
    }
    switch (offset) {
    case EFUSE_RD_RS_ERR0:
    case EFUSE_RD_RS_ERR1:
        *value = controller->rs_error[(offset - EFUSE_RD_RS_ERR0) / 4];
        return true;
    case EFUSE_STATUS:
        *value = STATUS_IDLE;
        return true;
    case EFUSE_CMD: /* the command bits have cleared themselves */
        *value = controller->block << EFUSE_CMD_BLOCK_SHIFT;
        return true;
    case EFUSE_INT_RAW:
        *value = controller->raw;
        return true;
    case EFUSE_INT_ST:
        *value = controller->raw & controller->enabled;
        return true;
    case EFUSE_INT_ENA:
        *value = controller->enabled;
        return true;
    }
    return stored_read(&efuse_table, controller->stored, offset, value);
}

static bool controller_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct controller *controller = controller_of(chip);
    if (offset < EFUSE_RD_WR_DIS) {
        controller->program[offset / 4] = value;
        return true;
    }
    switch (offset) {
    case EFUSE_CMD:
        controller_command(chip, value);
        break;
    case EFUSE_INT_ENA:
        controller->enabled = value & (INT_READ_DONE | INT_PGM_DONE);
        break;
    case EFUSE_INT_CLR:
        controller->raw &= ~value;
        break;
    default:
        return stored_write(&efuse_table, controller->stored, offset, value);
    }
    chip_raise(chip, SOC_SOURCE_EFUSE, (controller->raw & controller->enabled) != 0);
    return true;
}

const struct peripheral peripheral_efuse = {
    .name = "EFUSE",
    .base = SOC_EFUSE,
    .bytes = 0x400,
    .init = controller_init,
    .reset = controller_reset,
    .free = controller_free,
    .read = controller_read,
    .write = controller_write,
};
