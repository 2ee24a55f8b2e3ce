/* UART0: FIFO, pace and interrupts (soc.md 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bench.h"
#include "chain/reg/uart.h"

/* 115200 baud from 40 MHz: divider 347 + 3/16; ten bits are 13887.5 instructions. */
#define CLKDIV_115200 (347u | 3u << 20)
#define FRAME         13887u

static char sent[64];
static size_t sent_length;
static const char *typed; /* what is left to receive */

static void on_tx(void *context, uint8_t byte)
{
    (void)context;
    sent[sent_length++ % sizeof sent] = (char)byte;
}

static int on_rx(void *context)
{
    (void)context;
    return typed != NULL && *typed != '\0' ? *typed++ : -1;
}

static int set_up(void **state)
{
    struct chip *chip = bench_new(false, NULL);
    chip->config.uart_tx = on_tx;
    chip->config.uart_rx = on_rx;
    bench_write(chip, SOC_UART0 + UART_CLKDIV, CLKDIV_115200);
    sent_length = 0;
    typed = NULL;
    *state = chip;
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

static unsigned received(struct chip *chip)
{
    return bench_read(chip, SOC_UART0 + UART_STATUS) & 0xFF;
}

static void sending_never_waits(void **state)
{
    struct chip *chip = *state;
    for (const char *c = "Hello"; *c != '\0'; c++)
        bench_write(chip, SOC_UART0 + UART_FIFO, (uint8_t)*c);
    assert_int_equal(bench_read(chip, SOC_UART0 + UART_STATUS) >> 16 & 0xFF, 0);
    assert_int_equal(sent_length, 5);
    assert_memory_equal(sent, "Hello", 5);
    assert_true(bench_read(chip, SOC_UART0 + UART_INT_RAW) & UART_INT_TX_DONE);
    bench_write(chip, SOC_UART0 + UART_INT_CLR, UART_INT_TX_DONE);
    assert_false(bench_read(chip, SOC_UART0 + UART_INT_RAW) & UART_INT_TX_DONE);
}

/* A byte store is not a read and write of the word: nothing is popped. */
static void byte_stores_do_not_pop(void **state)
{
    struct chip *chip = *state;
    typed = "x";
    bench_advance(chip, 10 * FRAME);
    assert_int_equal(received(chip), 1);
    bench_write_byte(chip, SOC_UART0 + UART_FIFO, '!');
    assert_int_equal(received(chip), 1);
    assert_int_equal(sent[0], '!');
    assert_int_equal(bench_read(chip, SOC_UART0 + UART_FIFO), 'x');
    assert_int_equal(received(chip), 0);
}

static void bytes_come_at_line_speed(void **state)
{
    struct chip *chip = *state;
    received(chip);
    typed = "abcdefgh";
    bench_advance(chip, FRAME - 1);
    assert_int_equal(received(chip), 0);
    bench_advance(chip, 2);
    assert_int_equal(received(chip), 1);
    bench_advance(chip, 3 * FRAME + 3);
    assert_int_equal(received(chip), 4);
    for (const char *c = "abcd"; *c != '\0'; c++)
        assert_int_equal(bench_read(chip, SOC_UART0 + UART_FIFO), *c);
    bench_advance(chip, 100 * FRAME);
    assert_int_equal(received(chip), 4);
}

static void line_speed_follows_the_divider(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_UART0 + UART_CLKDIV, 20); /* 2 Mbaud: 800 instructions a frame */
    received(chip);
    typed = "abcdefgh";
    bench_advance(chip, 5 * 800);
    assert_int_equal(received(chip), 5);
}

static void a_full_fifo_makes_the_host_wait(void **state)
{
    struct chip *chip = *state;
    static char text[301];
    memset(text, 'y', 300);
    text[200] = 'z';
    typed = text;
    bench_advance(chip, 1000 * FRAME);
    assert_int_equal(received(chip), UART_FIFO_BYTES);
    for (unsigned i = 0; i < 200; i++) {
        if (received(chip) == 0)
            bench_advance(chip, 200 * FRAME);
        assert_int_equal(bench_read(chip, SOC_UART0 + UART_FIFO), 'y');
    }
    bench_advance(chip, 1000 * FRAME);
    received(chip);
    assert_int_equal(bench_read(chip, SOC_UART0 + UART_FIFO), 'z');
    assert_false(bench_read(chip, SOC_UART0 + UART_INT_RAW) & UART_INT_RXFIFO_OVF);

    bench_write(chip, SOC_UART0 + UART_CONF0, 1u << 22); /* RXFIFO_RST */
    assert_true(received(chip) < UART_FIFO_BYTES);
}

static void receive_interrupts_wake_a_sleeping_guest(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_UART0 + UART_CONF1, 3);
    bench_write(chip, SOC_UART0 + UART_TOUT_CONF, 1);
    bench_write(chip, SOC_UART0 + UART_INT_ENA, UART_INT_RXFIFO_FULL);
    typed = "12";
    bench_advance(chip, 5000 * SOC_CPU_MHZ);
    assert_false(chip->level[SOC_SOURCE_UART0]);
    typed = "3";
    bench_advance(chip, 2000 * SOC_CPU_MHZ);
    assert_true(chip->level[SOC_SOURCE_UART0]);
    bench_read(chip, SOC_UART0 + UART_FIFO);
    assert_false(chip->level[SOC_SOURCE_UART0]);

    /* Fewer than the threshold, then silence. */
    bench_write(chip, SOC_UART0 + UART_INT_CLR, UART_INT_RXFIFO_TOUT);
    bench_write(chip, SOC_UART0 + UART_INT_ENA, UART_INT_RXFIFO_TOUT);
    bench_advance(chip, 5000 * SOC_CPU_MHZ);
    assert_true(chip->level[SOC_SOURCE_UART0]);
    assert_int_equal(bench_read(chip, SOC_UART0 + UART_INT_ST), UART_INT_RXFIFO_TOUT);
}

static void registers(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_UART0 + UART_REG_UPDATE, 1);
    assert_int_equal(bench_read(chip, SOC_UART0 + UART_REG_UPDATE), 0);
    assert_int_equal(bench_read(chip, SOC_UART0 + UART_CLKDIV), CLKDIV_115200);
    bench_write(chip, SOC_UART0 + 0x7C, 0); /* serial tools pass time with it */
    assert_true(chip->known);
    bench_read(chip, SOC_UART0 + 0xA0);
    assert_false(chip->known);
    bench_reset(chip, SOC_RESET_SW_CPU);
    assert_int_equal(bench_read(chip, SOC_UART0 + UART_CLKDIV), CLKDIV_115200);
    bench_reset(chip, SOC_RESET_SW_SYS);
    assert_int_equal(bench_read(chip, SOC_UART0 + UART_CLKDIV), 0x2B6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(sending_never_waits),
        TEST(byte_stores_do_not_pop),
        TEST(bytes_come_at_line_speed),
        TEST(line_speed_follows_the_divider),
        TEST(a_full_fifo_makes_the_host_wait),
        TEST(receive_interrupts_wake_a_sleeping_guest),
        TEST(registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
