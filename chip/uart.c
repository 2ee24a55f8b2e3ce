/* chip/uart.c: UART0 (soc.md 6).
 *
 * What the guest sends leaves at once: the transmit FIFO is always empty, so a driver never waits
 * and printing costs no virtual time. What the guest receives arrives no faster than the baud rate
 * it set: the host is asked for as many bytes as frames fit into the time since it was last asked,
 * when the guest looks at the FIFO, or every millisecond while a receive interrupt is enabled. The
 * host side waits while the FIFO is full; it never overflows.
 */
#include "chain/reg/uart.h"
#include "chain/soc.h"
#include "chip/peripherals.h"

#define UART_CONF0_RXFIFO_RST (1u << 22)
#define UART_TOUT_EN          (1u << 0)
#define UART_LINES_IDLE       0xE000C000u /* STATUS: CTSN, RXD, DTRN, RTSN, TXD high */
#define UART_AFIFO_EMPTY      0x0000000Au
#define UART_LOWPULSE         0x7C /* read-only; serial tools write here to pass time */
#define UART_INT_ALL          0x000FFFFFu
#define UART_INT_RX           (UART_INT_RXFIFO_FULL | UART_INT_RXFIFO_TOUT)
#define UART_FRAME_BITS       10u
#define UART_XTAL_MHZ         40u
#define UART_POLL_TIME        (1000u * SOC_CPU_MHZ)

static const struct stored_register uart_registers[] = {
    {UART_CLKDIV, 0x2B6, 0x00F00FFF},
    {0x18, 0x8, 0x1FF}, /* RX_FILT */
    {UART_CONF0, 0x0010001C, 0x00FFFFFF},
    {UART_CONF1, 0x6060, 0x003FFFFF},
    {0x2C, 0, 0x1FF},               /* HWFC_CONF */
    {0x30, 0, 0xFFFFFFFF},          /* SLEEP_CONF0 */
    {0x34, 0, 0xFF},                /* SLEEP_CONF1 */
    {0x38, 0x001404F0, 0x0FFFFFFF}, /* SLEEP_CONF2 */
    {0x3C, 0x1311, 0x007FFFFF},     /* SWFC_CONF0 */
    {0x40, 0xE000, 0xFFFF},         /* SWFC_CONF1 */
    {0x44, 0xA, 0xFF},              /* TXBRK_CONF */
    {0x48, 0x40100, 0xFFFFF},       /* IDLE_CONF */
    {0x4C, 0, 0x3FF},               /* RS485_CONF */
    {0x50, 0x901, 0xFFFF},          /* AT_CMD_PRECNT */
    {0x54, 0x901, 0xFFFF},          /* AT_CMD_POSTCNT */
    {0x58, 0xB, 0xFFFF},            /* AT_CMD_GAPTOUT */
    {0x5C, 0x32B, 0xFFFF},          /* AT_CMD_CHAR */
    {0x60, 0, 0x06000000},          /* MEM_CONF */
    {UART_TOUT_CONF, 0x28, 0xFFF},
    {0x74, 0xFFF, 0}, /* POSPULSE */
    {0x78, 0xFFF, 0}, /* NEGPULSE */
    {UART_LOWPULSE, 0xFFF, 0},
    {0x80, 0xFFF, 0}, /* HIGHPULSE */
    {UART_CLK_CONF, 0x03000000, 0x0F000000},
    {UART_DATE, 0x2201260, 0xFFFFFFFF},
    {UART_ID, 0x500, 0xFFFFFFFF},
};
static const struct stored_table uart_table = STORED_TABLE(uart_registers);

struct uart {
    uint32_t stored[sizeof(uart_registers) / sizeof(uart_registers[0])];
    uint8_t rx[UART_FIFO_BYTES];
    unsigned rx_first, rx_count;
    uint64_t rx_asked; /* when the host was last asked */
    uint32_t raw, enabled;
};

static struct uart *uart_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_uart0);
}

/* Latched causes, and the two that are levels of the FIFOs. */
static uint32_t uart_raw(struct uart *uart)
{
    uint32_t threshold = *stored_word(&uart_table, uart->stored, UART_CONF1) & 0xFF;
    uint32_t levels = UART_INT_TXFIFO_EMPTY;
    if (uart->rx_count > 0 && uart->rx_count >= threshold)
        levels |= UART_INT_RXFIFO_FULL;
    return uart->raw | levels;
}

static void uart_update_interrupt(struct chip *chip)
{
    struct uart *uart = uart_of(chip);
    chip_raise(chip, SOC_SOURCE_UART0, (uart_raw(uart) & uart->enabled) != 0);
}

/* Time of one character on the line, in instructions; the divider has four fraction bits. */
static uint64_t uart_frame_time(struct uart *uart)
{
    uint32_t clkdiv = *stored_word(&uart_table, uart->stored, UART_CLKDIV);
    uint64_t sixteenths = (clkdiv & 0xFFF) * 16u + (clkdiv >> 20);
    uint64_t time = sixteenths * UART_FRAME_BITS * (SOC_CPU_MHZ / UART_XTAL_MHZ) / 16u;
    return time > 0 ? time : 1;
}

/* Take what the line has delivered since the last call. */
static void uart_receive(struct chip *chip)
{
    const struct chip_config *config = chip_config(chip);
    struct uart *uart = uart_of(chip);
    if (config->uart_rx == NULL)
        return;
    uint64_t frames = (chip_now(chip) - uart->rx_asked) / uart_frame_time(uart);
    if (frames == 0)
        return;
    uart->rx_asked = chip_now(chip);
    unsigned before = uart->rx_count;
    while (frames-- > 0 && uart->rx_count < UART_FIFO_BYTES) {
        int byte = config->uart_rx(config->context);
        if (byte < 0) {
            uint32_t tout = *stored_word(&uart_table, uart->stored, UART_TOUT_CONF);
            if (uart->rx_count > 0 && (tout & UART_TOUT_EN))
                uart->raw |= UART_INT_RXFIFO_TOUT;
            break;
        }
        uart->rx[(uart->rx_first + uart->rx_count++) % UART_FIFO_BYTES] = (uint8_t)byte;
    }
    if (uart->rx_count != before || (uart->raw & UART_INT_RX))
        uart_update_interrupt(chip);
}

static void uart_poll(struct chip *chip, unsigned id)
{
    uart_receive(chip);
    if (uart_of(chip)->enabled & UART_INT_RX)
        chip_schedule(chip, &peripheral_uart0, id, chip_now(chip) + UART_POLL_TIME, uart_poll);
}

static uint8_t uart_pop(struct chip *chip)
{
    struct uart *uart = uart_of(chip);
    uart_receive(chip);
    if (uart->rx_count == 0)
        return 0;
    uint8_t byte = uart->rx[uart->rx_first];
    uart->rx_first = (uart->rx_first + 1) % UART_FIFO_BYTES;
    uart->rx_count--;
    uart_update_interrupt(chip);
    return byte;
}

static int uart_init(struct chip *chip)
{
    return state_new(chip, &peripheral_uart0, sizeof(struct uart));
}

static void uart_reset(struct chip *chip, uint32_t cause)
{
    struct uart *uart = uart_of(chip);
    if (reset_is_cpu_only(cause))
        return;
    *uart = (struct uart){.rx_asked = chip_now(chip)};
    stored_reset(&uart_table, uart->stored);
    chip_schedule(chip, &peripheral_uart0, 0, UINT64_MAX, uart_poll);
    uart_update_interrupt(chip);
}

static void uart_free(struct chip *chip)
{
    state_free(chip, &peripheral_uart0);
}

static bool uart_read_word(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct uart *uart = uart_of(chip);
    switch (offset) {
    case UART_FIFO:
        *value = uart_pop(chip);
        return true;
    case UART_INT_RAW:
        uart_receive(chip);
        *value = uart_raw(uart);
        return true;
    case UART_INT_ST:
        *value = uart_raw(uart) & uart->enabled;
        return true;
    case UART_INT_ENA:
        *value = uart->enabled;
        return true;
    case UART_STATUS:
        uart_receive(chip);
        *value = UART_LINES_IDLE | uart->rx_count;
        return true;
    case UART_INT_CLR:
    case UART_FSM_STATUS:
    case UART_REG_UPDATE:
        *value = 0;
        return true;
    case UART_AFIFO:
        *value = UART_AFIFO_EMPTY;
        return true;
    }
    return stored_read(&uart_table, uart->stored, offset, value);
}

/* The bus hands accesses over as they are (narrow): a byte store to the FIFO must not pop it. */
static bool uart_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    uint32_t word;
    if (!uart_read_word(chip, offset & ~3u, &word))
        return false;
    *value = word >> (8 * (offset & 3));
    return true;
}

static void uart_send(struct chip *chip, uint8_t byte)
{
    const struct chip_config *config = chip_config(chip);
    if (config->uart_tx != NULL)
        config->uart_tx(config->context, byte);
    uart_of(chip)->raw |= UART_INT_TX_DONE;
}

static bool uart_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct uart *uart = uart_of(chip);
    switch (offset) {
    case UART_FIFO:
        uart_send(chip, (uint8_t)value);
        break;
    case UART_INT_RAW:
    case UART_INT_CLR:
        uart->raw &= ~value;
        break;
    case UART_INT_ENA:
        uart->enabled = value & UART_INT_ALL;
        uart_poll(chip, 0);
        break;
    case UART_REG_UPDATE:
        break;
    case UART_CONF0:
        if (value & UART_CONF0_RXFIFO_RST)
            uart->rx_count = 0;
        stored_write(&uart_table, uart->stored, offset, value);
        break;
    default:
        if (!stored_write(&uart_table, uart->stored, offset, value))
            return false;
    }
    uart_update_interrupt(chip);
    return true;
}

const struct peripheral peripheral_uart0 = {
    .name = "UART0",
    .base = SOC_UART0,
    .bytes = 0x1000,
    .init = uart_init,
    .reset = uart_reset,
    .free = uart_free,
    .read = uart_read,
    .write = uart_write,
    .narrow = true,
};
