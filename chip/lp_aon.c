/* chip/lp_aon.c: the always-on registers (LP_AON) and the reset cause (LP_CLKRST) (soc.md 20).
 *
 * LP_AON keeps its registers over all but power-on and RTC resets, and starts software resets. The
 * boot mode is decided here at every reset, from the strapping pins and FORCE_DOWNLOAD_BOOT, for
 * the blocks that depend on it.
 */
#include "chain/reg/lp_aon.h"

#include "chain/soc.h"
#include "chip/peripherals.h"

#define STRAP_FLASH_BOOT (1u << 3) /* GPIO9 */
#define CORE0_RESET_FLAG (1u << 5)
#define RESET_FLAG_SET   (1u << 30)
#define RESET_FLAG_CLR   (1u << 31)
#define CAUSE_CLR        (1u << 29)

static const struct stored_register lp_aon_registers[] = {
    {0x00, 0, 0xFFFFFFFF}, /* STORE0..9 */
    {0x04, 0, 0xFFFFFFFF},
    {0x08, 0, 0xFFFFFFFF},
    {0x0C, 0, 0xFFFFFFFF},
    {0x10, 0, 0xFFFFFFFF},
    {0x14, 0, 0xFFFFFFFF},
    {0x18, 0, 0xFFFFFFFF},
    {0x1C, 0, 0xFFFFFFFF},
    {0x20, 0, 0xFFFFFFFF},
    {0x24, 0, 0xFFFFFFFF},
    {0x28, 0, 0xFF},       /* GPIO_MUX */
    {0x2C, 0, 0xFFFFFFFF}, /* GPIO_HOLD0, 1 */
    {0x30, 0, 0xFFFFFFFF},
    {LP_AON_SYS_CFG, 0, LP_AON_FORCE_DOWNLOAD},
    {LP_AON_CPUCORE0_CFG, 0x40000000, 0xE00000FF},
    {0x3C, 0, 0x80000000},          /* IO_MUX */
    {0x40, 0, 0xFFFF8000},          /* EXT_WAKEUP_CNTL */
    {0x44, 0, 0x80000000},          /* USB */
    {0x48, 0xB0200000, 0x80FF0000}, /* LPBUS */
    {0x4C, 0x02800000, 0xFFC00000}, /* SDIO_ACTIVE */
    {0x50, 0, 0x80000000},          /* LPCORE */
    {0x54, 0, 0xE0000000},          /* SAR_CCT */
    {0x3FC, 0x2205280, 0xFFFFFFFF}, /* DATE */
};
static const struct stored_table lp_aon_table = STORED_TABLE(lp_aon_registers);

struct lp_aon {
    uint32_t stored[sizeof(lp_aon_registers) / sizeof(lp_aon_registers[0])];
    bool download;
};

static struct lp_aon *lp_aon_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_lp_aon);
}

bool boot_is_download(const struct chip *chip)
{
    return lp_aon_of(chip)->download;
}

static int lp_aon_init(struct chip *chip)
{
    return state_new(chip, &peripheral_lp_aon, sizeof(struct lp_aon));
}

static void lp_aon_reset(struct chip *chip, uint32_t cause)
{
    struct lp_aon *lp_aon = lp_aon_of(chip);
    if (reset_is_rtc(cause))
        stored_reset(&lp_aon_table, lp_aon->stored);
    const struct chip_config *config = chip_config(chip);
    bool forced =
        *stored_word(&lp_aon_table, lp_aon->stored, LP_AON_SYS_CFG) & LP_AON_FORCE_DOWNLOAD;
    if (efuse_bits(config->efuse, EFUSE_DIS_FORCE_DOWNLOAD))
        forced = false;
    bool download = forced || (config->strap & STRAP_FLASH_BOOT) == 0;
    if (download != lp_aon->download)
        cache_drop_all(chip); /* a CPU reset alone keeps pages, but not over the gate's closing */
    lp_aon->download = download;
}

static void lp_aon_free(struct chip *chip)
{
    state_free(chip, &peripheral_lp_aon);
}

static bool lp_aon_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    return stored_read(&lp_aon_table, lp_aon_of(chip)->stored, offset, value);
}

static bool lp_aon_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    if (!stored_write(&lp_aon_table, lp_aon_of(chip)->stored, offset, value))
        return false;
    if (offset == LP_AON_SYS_CFG && (value & LP_AON_HPSYS_SW_RESET))
        chip_request_reset(chip, SOC_RESET_SW_SYS);
    if (offset == LP_AON_CPUCORE0_CFG && (value & LP_AON_CPU_SW_RESET))
        chip_request_reset(chip, SOC_RESET_SW_CPU);
    return true;
}

const struct peripheral peripheral_lp_aon = {
    .name = "LP_AON",
    .base = SOC_LP_AON,
    .bytes = 0x400,
    .init = lp_aon_init,
    .reset = lp_aon_reset,
    .free = lp_aon_free,
    .read = lp_aon_read,
    .write = lp_aon_write,
};

/* --- LP_CLKRST ------------------------------------------------------------------------------ */

static const struct stored_register clkrst_registers[] = {
    {0x000, 0x4, 0x7FF},             /* LP_CLK_CONF */
    {0x008, 0, 0x80000000},          /* LP_CLK_EN */
    {0x00C, 0, 0xF0000000},          /* LP_RST_EN */
    {0x014, 0x04400000, 0xFFC00000}, /* CPU_RESET */
};
static const struct stored_table clkrst_table = STORED_TABLE(clkrst_registers);

struct clkrst {
    uint32_t stored[sizeof(clkrst_registers) / sizeof(clkrst_registers[0])];
    uint32_t cause, flag;
};

static struct clkrst *clkrst_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_clkrst);
}

static int clkrst_init(struct chip *chip)
{
    return state_new(chip, &peripheral_clkrst, sizeof(struct clkrst));
}

static void clkrst_reset(struct chip *chip, uint32_t cause)
{
    struct clkrst *clkrst = clkrst_of(chip);
    if (reset_is_rtc(cause))
        stored_reset(&clkrst_table, clkrst->stored);
    clkrst->cause = cause;
    clkrst->flag = CORE0_RESET_FLAG;
}

static void clkrst_free(struct chip *chip)
{
    state_free(chip, &peripheral_clkrst);
}

static bool clkrst_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    const struct clkrst *clkrst = clkrst_of(chip);
    if (offset == LP_CLKRST_RESET_CAUSE) {
        *value = clkrst->cause | clkrst->flag;
        return true;
    }
    return stored_read(&clkrst_table, clkrst->stored, offset, value);
}

static bool clkrst_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct clkrst *clkrst = clkrst_of(chip);
    if (offset != LP_CLKRST_RESET_CAUSE)
        return stored_write(&clkrst_table, clkrst->stored, offset, value);
    if (value & CAUSE_CLR)
        clkrst->cause = 0;
    if (value & RESET_FLAG_SET)
        clkrst->flag = CORE0_RESET_FLAG;
    if (value & RESET_FLAG_CLR)
        clkrst->flag = 0;
    return true;
}

const struct peripheral peripheral_clkrst = {
    .name = "LP_CLKRST",
    .base = SOC_LP_CLKRST,
    .bytes = 0x400,
    .init = clkrst_init,
    .reset = clkrst_reset,
    .free = clkrst_free,
    .read = clkrst_read,
    .write = clkrst_write,
};
