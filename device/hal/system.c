/* device/hal/system.c: random numbers, reset and its cause (soc.md 19, 20). */
#include "device/hal/system.h"

#include "chain/reg/lp_aon.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/uart.h"

uint32_t hal_random(void)
{
    /* Successive reads need time to gather noise: mix several, some microseconds apart. */
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value = (value << 7 | value >> 25) ^ hal_read(SOC_LPPERI + LPPERI_RNG_DATA);
        hal_delay_us(1);
    }
    return value;
}

void hal_random_bytes(void *out, size_t length)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < length;) {
        uint32_t word = hal_random();
        for (int n = 0; n < 4 && i < length; n++, word >>= 8)
            bytes[i++] = (uint8_t)word;
    }
}

uint32_t hal_reset_cause(void)
{
    return hal_read(SOC_LP_CLKRST + LP_CLKRST_RESET_CAUSE) & 0x1F;
}

_Noreturn void hal_reset(void)
{
    hal_uart_flush();
    hal_irq_disable();
    for (;;)
        hal_write(SOC_LP_AON + LP_AON_SYS_CFG, LP_AON_HPSYS_SW_RESET);
}
