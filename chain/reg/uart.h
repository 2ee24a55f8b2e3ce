/* chain/reg/uart.h: UART registers (soc.md 6).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_UART_H
#define CHAIN_REG_UART_H

#define UART_FIFO       0x00
#define UART_INT_RAW    0x04
#define UART_INT_ST     0x08
#define UART_INT_ENA    0x0C
#define UART_INT_CLR    0x10
#define UART_CLKDIV     0x14
#define UART_STATUS     0x1C /* [7:0] RX count, [23:16] TX count */
#define UART_CONF0      0x20
#define UART_CONF1      0x24 /* [7:0] RX full threshold, [15:8] TX empty threshold */
#define UART_TOUT_CONF  0x64
#define UART_FSM_STATUS 0x70
#define UART_CLK_CONF   0x88
#define UART_DATE       0x8C
#define UART_AFIFO      0x90
#define UART_REG_UPDATE 0x98 /* bit 0 self-clears */
#define UART_ID         0x9C

#define UART_FIFO_BYTES       128
#define UART_INT_RXFIFO_FULL  (1u << 0)
#define UART_INT_TXFIFO_EMPTY (1u << 1)
#define UART_INT_RXFIFO_OVF   (1u << 4)
#define UART_INT_RXFIFO_TOUT  (1u << 8)
#define UART_INT_TX_DONE      (1u << 14)

#endif
