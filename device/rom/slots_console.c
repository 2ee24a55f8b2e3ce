/* device/rom/slots_console.c: printing for programs, through up to two installable outputs. */
#include <stdarg.h>

#include "device/hal/print.h"
#include "device/hal/uart.h"
#include "device/rom/rom.h"
#include "device/rom/slots.h"

static void (*outputs[2])(char c) = {0};

void ets_write_char_uart(char c)
{
    if (c == '\n')
        hal_uart_putc('\r');
    hal_uart_putc(c);
}

void ets_install_putc1(void (*put)(char c))
{
    outputs[0] = put;
}

void ets_install_putc2(void (*put)(char c))
{
    outputs[1] = put;
}

void ets_install_uart_printf(void)
{
    outputs[0] = ets_write_char_uart;
}

static void put_installed(void *context, char c)
{
    (void)context;
    for (int i = 0; i < 2; i++)
        if (outputs[i] != 0)
            outputs[i](c);
}

int ets_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = hal_vformat(put_installed, 0, format, arguments);
    va_end(arguments);
    return count;
}

int uart_tx_one_char(uint8_t c)
{
    hal_uart_putc((char)c);
    return 0;
}

int uart_tx_one_char2(uint8_t c)
{
    return uart_tx_one_char(c);
}

int uart_rx_one_char(uint8_t *c)
{
    int byte = hal_uart_getc();
    if (byte < 0)
        return 1;
    *c = (uint8_t)byte;
    return 0;
}

char uart_rx_one_char_block(void)
{
    int byte;
    do
        byte = hal_uart_getc();
    while (byte < 0);
    return (char)byte;
}

void uart_tx_flush(uint8_t uart)
{
    if (uart == 0)
        hal_uart_flush();
}

void uart_tx_wait_idle(uint8_t uart)
{
    uart_tx_flush(uart);
}

/* Only UART0 exists for the ROM; the choice is taken note of by doing nothing. */
void uart_tx_switch(uint8_t uart)
{
    (void)uart;
}
