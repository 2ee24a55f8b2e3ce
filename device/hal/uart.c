/* device/hal/uart.c: UART0 by polling (soc.md 6). The ROM's line setting, 115200 8N1, is kept. */
#include "device/hal/uart.h"

#include "chain/reg/uart.h"
#include "chain/soc.h"
#include "device/hal/hal.h"

static uint32_t tx_count(void)
{
    return (hal_read(SOC_UART0 + UART_STATUS) >> 16) & 0xFF;
}

void hal_uart_putc(char c)
{
    while (tx_count() >= UART_FIFO_BYTES - 1)
        continue;
    hal_write(SOC_UART0 + UART_FIFO, (uint8_t)c);
}

void hal_uart_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hal_uart_putc(text[i]);
}

int hal_uart_getc(void)
{
    if ((hal_read(SOC_UART0 + UART_STATUS) & 0xFF) == 0)
        return -1;
    return (int)(hal_read(SOC_UART0 + UART_FIFO) & 0xFF);
}

void hal_uart_flush(void)
{
    /* The FIFO is empty one character before the line is idle: ask the transmitter as well. */
    while (tx_count() != 0 || ((hal_read(SOC_UART0 + UART_FSM_STATUS) >> 4) & 0xF) != 0)
        continue;
}
