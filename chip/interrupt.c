/* chip/interrupt.c: interrupt matrix, PLIC and software interrupts (soc.md 5).
 *
 * A peripheral's source is routed by the matrix (INTMTX) to one of the CPU's lines 1..31. The PLIC
 * offers the core the pending, enabled line of highest priority that reaches the threshold, the
 * lower number on a tie. A level line follows its sources; an edge line latches until CLEAR. INTPRI
 * only serves for the four interrupts software raises itself. The PLIC's user copy is storage:
 * nothing is delegated to user mode here.
 */
#include <stdlib.h>
#include <string.h>

#include "chain/reg/intc.h"
#include "chain/soc.h"
#include "chip/bus.h"

#define STATUS_WORDS     3u
#define MATRIX_CLOCK     0x140u
#define PLIC_CLAIM       0x94u
#define PLIC_BYTES       0x400u
#define PLIC_LINES       32u
#define SOURCE_FROM_CPU0 22u
#define CLINT_LINES      0x88u /* mip bits the CLINT drives (clint.c) */

struct matrix {
    uint8_t route[INTMTX_SOURCES];
    uint32_t level[STATUS_WORDS]; /* of each source */
    uint32_t clock_gate;
};

struct plic {
    uint32_t enable, type, clear, threshold, claim;
    uint8_t priority[PLIC_LINES];
    uint32_t inputs;  /* levels of the lines, as the matrix drives them */
    uint32_t latched; /* edge lines that rose and were not cleared */
};

static uint32_t plic_pending(const struct plic *plic)
{
    return (plic->inputs & ~plic->type) | (plic->latched & plic->type);
}

/* The line the core should take now, 0 = none. */
static unsigned plic_select(const struct plic *plic, uint32_t mask)
{
    uint32_t candidates = plic_pending(plic) & plic->enable & mask;
    unsigned best = 0;
    for (unsigned line = 1; line < PLIC_LINES; line++) {
        if (!(candidates >> line & 1) || plic->priority[line] < plic->threshold)
            continue;
        if (plic->priority[line] > (best ? plic->priority[best] : 0))
            best = line;
    }
    return best;
}

void chip_interrupts_changed(struct chip *chip)
{
    const struct plic *plic = chip_state(chip, &chip_plic_m);
    chip_set_interrupt_pending(chip, ~CLINT_LINES, plic_pending(plic));
    chip_set_interrupt_line(chip, plic_select(plic, chip_interrupt_enable(chip)));
}

/* Carry the sources' levels through the matrix to the lines. */
static void matrix_drive(struct chip *chip)
{
    const struct matrix *matrix = chip_state(chip, &chip_intmtx);
    struct plic *plic = chip_state(chip, &chip_plic_m);
    uint32_t inputs = 0;
    for (unsigned word = 0; word < STATUS_WORDS; word++) {
        for (uint32_t raised = matrix->level[word]; raised != 0; raised &= raised - 1)
            inputs |= 1u << matrix->route[32 * word + (unsigned)__builtin_ctz(raised)];
    }
    inputs &= ~1u; /* line 0: not routed */
    plic->latched |= inputs & ~plic->inputs;
    plic->inputs = inputs;
    chip_interrupts_changed(chip);
}

void chip_raise(struct chip *chip, unsigned source, bool level)
{
    struct matrix *matrix = chip_state(chip, &chip_intmtx);
    if (source >= INTMTX_SOURCES)
        return;
    uint32_t *word = &matrix->level[source / 32], bit = 1u << source % 32;
    if (((*word & bit) != 0) == level)
        return;
    *word ^= bit;
    matrix_drive(chip);
}

/* Interrupt matrix. */

static int matrix_init(struct chip *chip)
{
    struct matrix *matrix = calloc(1, sizeof *matrix);
    if (matrix == NULL)
        return CHIP_EMEMORY;
    chip_set_state(chip, &chip_intmtx, matrix);
    return CHIP_OK;
}

/* Levels stay: each peripheral drives its own at its own reset. */
static void matrix_reset(struct chip *chip, uint32_t cause)
{
    struct matrix *matrix = chip_state(chip, &chip_intmtx);
    (void)cause;
    memset(matrix->route, 0, sizeof matrix->route);
    matrix->clock_gate = 1;
    matrix_drive(chip);
}

static void matrix_free(struct chip *chip)
{
    free(chip_state(chip, &chip_intmtx));
}

static bool matrix_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    const struct matrix *matrix = chip_state(chip, &chip_intmtx);
    if (offset < 4 * INTMTX_SOURCES)
        *value = matrix->route[offset / 4];
    else if (offset - INTMTX_STATUS0 < 4 * STATUS_WORDS)
        *value = matrix->level[(offset - INTMTX_STATUS0) / 4];
    else if (offset == MATRIX_CLOCK)
        *value = matrix->clock_gate;
    else
        return false;
    return true;
}

static bool matrix_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct matrix *matrix = chip_state(chip, &chip_intmtx);
    if (offset < 4 * INTMTX_SOURCES) {
        matrix->route[offset / 4] = value & 31;
        matrix_drive(chip);
    } else if (offset == MATRIX_CLOCK) {
        matrix->clock_gate = value & 1;
    } else {
        return offset - INTMTX_STATUS0 < 4 * STATUS_WORDS; /* read-only */
    }
    return true;
}

const struct peripheral chip_intmtx = {
    .name = "INTMTX",
    .base = SOC_INTMTX,
    .bytes = 0x800,
    .init = matrix_init,
    .reset = matrix_reset,
    .free = matrix_free,
    .read = matrix_read,
    .write = matrix_write,
};

/* PLIC: the same registers for machine and user mode. */

static int plic_init(struct chip *chip, const struct peripheral *self)
{
    struct plic *plic = calloc(1, sizeof *plic);
    if (plic == NULL)
        return CHIP_EMEMORY;
    chip_set_state(chip, self, plic);
    return CHIP_OK;
}

static bool plic_read(const struct plic *plic, uint32_t offset, uint32_t *value)
{
    if (offset - PLIC_PRI0 < 4 * PLIC_LINES) {
        *value = plic->priority[(offset - PLIC_PRI0) / 4];
        return true;
    }
    switch (offset) {
    case PLIC_ENABLE:
        *value = plic->enable;
        return true;
    case PLIC_TYPE:
        *value = plic->type;
        return true;
    case PLIC_CLEAR:
        *value = plic->clear;
        return true;
    case PLIC_PENDING:
        *value = plic_pending(plic);
        return true;
    case PLIC_THRESH:
        *value = plic->threshold;
        return true;
    case PLIC_CLAIM:
        *value = plic->claim;
        return true;
    default:
        return false;
    }
}

static bool plic_write(struct plic *plic, uint32_t offset, uint32_t value)
{
    if (offset - PLIC_PRI0 < 4 * PLIC_LINES) {
        plic->priority[(offset - PLIC_PRI0) / 4] = value & 15;
        return true;
    }
    switch (offset) {
    case PLIC_ENABLE:
        plic->enable = value;
        return true;
    case PLIC_TYPE:
        plic->type = value;
        plic->latched |= plic->inputs & ~plic->type;
        return true;
    case PLIC_CLEAR: /* an edge seen while the bit stands is lost too */
        plic->clear = value;
        plic->latched &= ~value;
        return true;
    case PLIC_PENDING:
        return true;
    case PLIC_THRESH:
        plic->threshold = value & 0xFF;
        return true;
    case PLIC_CLAIM:
        plic->claim = value;
        return true;
    default:
        return false;
    }
}

static int plic_m_init(struct chip *chip)
{
    return plic_init(chip, &chip_plic_m);
}

static void plic_m_reset(struct chip *chip, uint32_t cause)
{
    struct plic *plic = chip_state(chip, &chip_plic_m);
    (void)cause;
    *plic = (struct plic){.inputs = plic->inputs};
    chip_interrupts_changed(chip);
}

static void plic_m_free(struct chip *chip)
{
    free(chip_state(chip, &chip_plic_m));
}

static bool plic_m_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    return plic_read(chip_state(chip, &chip_plic_m), offset, value);
}

static bool plic_m_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    bool known = plic_write(chip_state(chip, &chip_plic_m), offset, value);
    chip_interrupts_changed(chip);
    return known;
}

const struct peripheral chip_plic_m = {
    .name = "PLIC machine",
    .base = SOC_PLIC,
    .bytes = PLIC_BYTES,
    .init = plic_m_init,
    .reset = plic_m_reset,
    .free = plic_m_free,
    .read = plic_m_read,
    .write = plic_m_write,
};

static int plic_u_init(struct chip *chip)
{
    return plic_init(chip, &chip_plic_u);
}

static void plic_u_reset(struct chip *chip, uint32_t cause)
{
    struct plic *plic = chip_state(chip, &chip_plic_u);
    (void)cause;
    *plic = (struct plic){0};
}

static void plic_u_free(struct chip *chip)
{
    free(chip_state(chip, &chip_plic_u));
}

static bool plic_u_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    return plic_read(chip_state(chip, &chip_plic_u), offset, value);
}

static bool plic_u_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    return plic_write(chip_state(chip, &chip_plic_u), offset, value);
}

const struct peripheral chip_plic_u = {
    .name = "PLIC user",
    .base = SOC_PLIC + PLIC_BYTES,
    .bytes = PLIC_BYTES,
    .init = plic_u_init,
    .reset = plic_u_reset,
    .free = plic_u_free,
    .read = plic_u_read,
    .write = plic_u_write,
};

/* INTPRI: software interrupts. Their state is the level of their sources. */

static void intpri_reset(struct chip *chip, uint32_t cause)
{
    (void)cause;
    for (unsigned i = 0; i < 4; i++)
        chip_raise(chip, SOURCE_FROM_CPU0 + i, false);
}

static bool intpri_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    const struct matrix *matrix = chip_state(chip, &chip_intmtx);
    if (offset - INTPRI_FROM_CPU0 >= 16)
        return false;
    *value = matrix->level[0] >> (SOURCE_FROM_CPU0 + (offset - INTPRI_FROM_CPU0) / 4) & 1;
    return true;
}

static bool intpri_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    if (offset - INTPRI_FROM_CPU0 >= 16)
        return false;
    chip_raise(chip, SOURCE_FROM_CPU0 + (offset - INTPRI_FROM_CPU0) / 4, value & 1);
    return true;
}

const struct peripheral chip_intpri = {
    .name = "INTPRI",
    .base = SOC_INTPRI,
    .bytes = 0x1000,
    .reset = intpri_reset,
    .read = intpri_read,
    .write = intpri_write,
};
