/* chip/pcr.c: clock and reset control (PCR) as storage (soc.md 21).
 *
 * Every register keeps what is written and starts with its documented reset value; no clock is ever
 * really off, no frequency changes, and the reset bits do not reset anything.
 */
#include "chain/soc.h"
#include "chip/peripherals.h"

static const struct stored_register pcr_registers[] = {
    {0x000, 0x00000001, 0x00000003}, /* UART0_CONF */
    {0x004, 0x00700000, 0x007FFFFF}, /* UART0_SCLK_CONF */
    {0x008, 0x00000002, 0x00000006}, /* UART0_PD_CTRL */
    {0x00c, 0x00000001, 0x00000003}, /* UART1_CONF */
    {0x010, 0x00700000, 0x007FFFFF}, /* UART1_SCLK_CONF */
    {0x014, 0x00000002, 0x00000006}, /* UART1_PD_CTRL */
    {0x018, 0x00000005, 0x00000007}, /* MSPI_CONF */
    {0x01c, 0x00000300, 0x0000FFFF}, /* MSPI_CLK_CONF */
    {0x020, 0x00000001, 0x00000003}, /* I2C_CONF */
    {0x024, 0x00400000, 0x005FFFFF}, /* I2C_SCLK_CONF */
    {0x028, 0x00000001, 0x00000003}, /* UHCI_CONF */
    {0x02c, 0x00000001, 0x00000003}, /* RMT_CONF */
    {0x030, 0x00501000, 0x007FFFFF}, /* RMT_SCLK_CONF */
    {0x034, 0x00000001, 0x00000003}, /* LEDC_CONF */
    {0x038, 0x00400000, 0x00700000}, /* LEDC_SCLK_CONF */
    {0x03c, 0x00000001, 0x00000003}, /* TIMERGROUP0_CONF */
    {0x040, 0x00400000, 0x00700000}, /* TIMERGROUP0_TIMER_CLK_CONF */
    {0x044, 0x00400000, 0x00700000}, /* TIMERGROUP0_WDT_CLK_CONF */
    {0x048, 0x00000001, 0x00000003}, /* TIMERGROUP1_CONF */
    {0x04c, 0x00400000, 0x00700000}, /* TIMERGROUP1_TIMER_CLK_CONF */
    {0x050, 0x00400000, 0x00700000}, /* TIMERGROUP1_WDT_CLK_CONF */
    {0x054, 0x00000001, 0x00000003}, /* SYSTIMER_CONF */
    {0x058, 0x00400000, 0x00500000}, /* SYSTIMER_FUNC_CLK_CONF */
    {0x05c, 0x00000001, 0x00000003}, /* TWAI0_CONF */
    {0x060, 0x00400000, 0x00500000}, /* TWAI0_FUNC_CLK_CONF */
    {0x064, 0x00000001, 0x00000003}, /* TWAI1_CONF */
    {0x068, 0x00400000, 0x00500000}, /* TWAI1_FUNC_CLK_CONF */
    {0x06c, 0x00000001, 0x00000003}, /* I2S_CONF */
    {0x070, 0x00402000, 0x007FF000}, /* I2S_TX_CLKM_CONF */
    {0x074, 0x00000200, 0x0FFFFFFF}, /* I2S_TX_CLKM_DIV_CONF */
    {0x078, 0x00402000, 0x00FFF000}, /* I2S_RX_CLKM_CONF */
    {0x07c, 0x00000200, 0x0FFFFFFF}, /* I2S_RX_CLKM_DIV_CONF */
    {0x080, 0x00000005, 0x0000000F}, /* SARADC_CONF */
    {0x084, 0x00404000, 0x007FFFFF}, /* SARADC_CLKM_CONF */
    {0x088, 0x00400000, 0x00D00000}, /* TSENS_CLK_CONF */
    {0x08c, 0x00000001, 0x00000003}, /* USB_DEVICE_CONF */
    {0x090, 0x00000001, 0x00000003}, /* INTMTX_CONF */
    {0x094, 0x00000001, 0x00000003}, /* PCNT_CONF */
    {0x098, 0x00000001, 0x00000003}, /* ETM_CONF */
    {0x09c, 0x00000001, 0x00000003}, /* PWM_CONF */
    {0x0a0, 0x00404000, 0x007FF000}, /* PWM_CLK_CONF */
    {0x0a4, 0x00000001, 0x00000003}, /* PARL_IO_CONF */
    {0x0a8, 0x00040000, 0x000FFFFF}, /* PARL_CLK_RX_CONF */
    {0x0ac, 0x00040000, 0x000FFFFF}, /* PARL_CLK_TX_CONF */
    {0x0b0, 0x00000001, 0x00000003}, /* SDIO_SLAVE_CONF */
    {0x0b4, 0x0000001D, 0x0000001F}, /* PVT_MONITOR_CONF */
    {0x0b8, 0x00400000, 0x0050000F}, /* PVT_MONITOR_FUNC_CLK_CONF */
    {0x0bc, 0x00000001, 0x00000003}, /* GDMA_CONF */
    {0x0c0, 0x00000001, 0x00000003}, /* SPI2_CONF */
    {0x0c4, 0x00400000, 0x00700000}, /* SPI2_CLKM_CONF */
    {0x0c8, 0x00000001, 0x00000003}, /* AES_CONF */
    {0x0cc, 0x00000001, 0x00000003}, /* SHA_CONF */
    {0x0d0, 0x00000001, 0x00000003}, /* RSA_CONF */
    {0x0d4, 0x00000002, 0x00000007}, /* RSA_PD_CTRL */
    {0x0d8, 0x00000001, 0x00000003}, /* ECC_CONF */
    {0x0dc, 0x00000002, 0x00000007}, /* ECC_PD_CTRL */
    {0x0e0, 0x00000001, 0x00000003}, /* DS_CONF */
    {0x0e4, 0x00000001, 0x00000003}, /* HMAC_CONF */
    {0x0e8, 0x00000001, 0x00000003}, /* IOMUX_CONF */
    {0x0ec, 0x00700000, 0x00700000}, /* IOMUX_CLK_CONF */
    {0x0f0, 0x00000001, 0x00000003}, /* MEM_MONITOR_CONF */
    {0x0f4, 0x00000000, 0x00000003}, /* REGDMA_CONF */
    {0x0f8, 0x00000000, 0x00000003}, /* RETENTION_CONF */
    {0x0fc, 0x00000001, 0x00000003}, /* TRACE_CONF */
    {0x100, 0x00000001, 0x00000003}, /* ASSIST_CONF */
    {0x104, 0x00000001, 0x00000003}, /* CACHE_CONF */
    {0x108, 0x00000001, 0x00000003}, /* MODEM_APB_CONF */
    {0x10c, 0x00000000, 0x00000006}, /* TIMEOUT_CONF */
    {0x110, 0x28000200, 0x7F03FFFF}, /* SYSCLK_CONF */
    {0x114, 0x0000000D, 0x000000FF}, /* CPU_WAITI_CONF */
    {0x118, 0x00000000, 0x0001FFFF}, /* CPU_FREQ_CONF */
    {0x11c, 0x00000300, 0x0000FFFF}, /* AHB_FREQ_CONF */
    {0x120, 0x00000000, 0x0000FFFF}, /* APB_FREQ_CONF */
    {0x124, 0x0001E014, 0x00000000}, /* SYSCLK_FREQ_QUERY_0 */
    {0x128, 0x0000007F, 0x0000007F}, /* PLL_DIV_CLK_EN */
    {0x12c, 0x000007FF, 0x000007FF}, /* CTRL_CLK_OUT_EN */
    {0x130, 0x00010727, 0x0003FFFF}, /* CTRL_TICK_CONF */
    {0x134, 0x00000000, 0x00000003}, /* CTRL_32K_CONF */
    {0x138, 0x0000700F, 0x001FFFFF}, /* SRAM_POWER_CONF */
    {0xff0, 0x00000002, 0x00000003}, /* RESET_EVENT_BYPASS */
    {0xff4, 0xFFFFFFFF, 0xFFFFFFFF}, /* FPGA_DEBUG */
    {0xff8, 0x00000000, 0x00000001}, /* CLOCK_GATE */
    {0xffc, 0x02206150, 0x0FFFFFFF}, /* DATE */
};
static const struct stored_table pcr_table = STORED_TABLE(pcr_registers);

struct pcr {
    uint32_t stored[sizeof(pcr_registers) / sizeof(pcr_registers[0])];
};

static struct pcr *pcr_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_pcr);
}

static int pcr_init(struct chip *chip)
{
    return state_new(chip, &peripheral_pcr, sizeof(struct pcr));
}

static void pcr_reset(struct chip *chip, uint32_t cause)
{
    if (!reset_is_cpu_only(cause))
        stored_reset(&pcr_table, pcr_of(chip)->stored);
}

static void pcr_free(struct chip *chip)
{
    state_free(chip, &peripheral_pcr);
}

static bool pcr_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    return stored_read(&pcr_table, pcr_of(chip)->stored, offset, value);
}

static bool pcr_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    return stored_write(&pcr_table, pcr_of(chip)->stored, offset, value);
}

const struct peripheral peripheral_pcr = {
    .name = "PCR",
    .base = SOC_PCR,
    .bytes = 0x1000,
    .init = pcr_init,
    .reset = pcr_reset,
    .free = pcr_free,
    .read = pcr_read,
    .write = pcr_write,
};
