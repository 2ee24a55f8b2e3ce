/* device/hal/uart.h: UART0, polling. */
#ifndef DEVICE_HAL_UART_H
#define DEVICE_HAL_UART_H

#include <stddef.h>

void hal_uart_putc(char c);
void hal_uart_write(const char *text, size_t length);
/* Next received byte or -1. */
int hal_uart_getc(void);
/* Wait until everything written has left the FIFO. */
void hal_uart_flush(void);

#endif
