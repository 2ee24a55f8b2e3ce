/* A guest that writes anything anywhere: no register access may harm the host. Random words go to
 * random registers of every peripheral, favouring values that mean something, while time passes and
 * resets happen. What is checked is that the models keep their own promises, and, in the sanitized
 * build, every access they make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bench.h"
#include "chain/reg/openeth.h"
#include "chain/reg/rsa.h"
#include "chain/reg/spimem.h"
#include "chain/reg/timg.h"
#include "chip/flash.h"
#include "chip/peripherals.h"

#define ACCESSES 1000000u

static uint64_t random_state;

static uint32_t random_word(void)
{
    uint8_t bytes[4];
    bench_fill(bytes, sizeof bytes, random_state++ * 0x9E3779B97F4A7C15u);
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* Anything; small numbers; single bits; addresses in RAM; the words that open locks. */
static uint32_t random_value(void)
{
    static const uint32_t keys[] = {WDT_UNLOCK_KEY, 0x5A5A, 0x5AA5, 0xFFFFFFFF, 0};
    uint32_t word = random_word();
    switch (random_word() % 5) {
    case 0:
        return word;
    case 1:
        return word % 512;
    case 2:
        return 1u << (word % 32);
    case 3:
        return BENCH_RAM_BASE + word % (BENCH_RAM_BYTES + 64);
    default:
        return keys[word % 5];
    }
}

static uint32_t random_register(void)
{
    for (;;) {
        const struct peripheral *self = chip_peripherals[random_word() % chip_peripheral_count];
        uint32_t span = self->bytes < 0x1000 ? self->bytes : 0x1000;
        if (self->bytes != 0)
            return self->base + random_word() % span / 4 * 4;
    }
}

/* Writes that start something, which random ones seldom hit with everything else in place. */
static void start_something(struct chip *chip)
{
    static const struct {
        uint32_t address, value, random; /* bits taken at random */
    } starts[] = {
        {SOC_SPI1 + SPIMEM_CMD, SPIMEM_CMD_USR, 0},
        {SOC_SPI1 + SPIMEM_USER, SPIMEM_USER_COMMAND, 0x78000000},
        {SOC_SPI1 + SPIMEM_USER2, 7u << 28, 0xFF},
        {SOC_SPI1 + SPIMEM_MISO_DLEN, 0, 0x3FF},
        {SOC_SPI1 + SPIMEM_MOSI_DLEN, 0, 0x3FF},
        {SOC_HP_SYSTEM, 0, 0xF},
        {SOC_SPI0 + XTS_LINESIZE, 0, 3},
        {SOC_SPI0 + XTS_PHYSICAL, 0, 0x03FFFFF0},
        {SOC_SPI0 + XTS_TRIGGER, 1, 0},
        {SOC_SPI0 + XTS_RELEASE, 1, 0},
        {SOC_SPI0 + MMU_ITEM_INDEX, 0, 0xFF},
        {SOC_SPI0 + MMU_ITEM_CONTENT, MMU_VALID, MMU_SENSITIVE | MMU_PAGE_MASK},
        {SOC_RSA + RSA_START_MODMULT, 1, 0},
        {SOC_ETHERNET + OPENETH_MODER, 0, 0x23},
        {SOC_ETHERNET + OPENETH_TX_BD_NUM, 0, 0xFF},
        {SOC_ETHERNET + OPENETH_DESC, OPENETH_TXD_RD, 0xFFFF7800},
        {SOC_ETHERNET + OPENETH_DESC + 4, BENCH_RAM_BASE, 0xFFFF},
        {SOC_ETHERNET + OPENETH_DESC + 8, OPENETH_RXD_E, 0x6000},
    };
    size_t i = random_word() % (sizeof starts / sizeof starts[0]);
    bench_write(chip, starts[i].address, starts[i].value | (random_word() & starts[i].random));
}

static void receive_something(struct chip *chip)
{
    uint8_t frame[1514];
    bench_fill(frame, sizeof frame, random_state);
    memset(frame, 0xFF, 6);
    ethernet_deliver(chip, frame, random_word() % (sizeof frame + 1));
}

static void touch(struct chip *chip)
{
    uint32_t address = random_register(), bytes;
    if (random_word() % 3 == 0)
        start_something(chip);
    else if (random_word() % 3 == 0)
        bench_read(chip, address);
    else
        bench_write(chip, address, random_value());
    if (random_word() % 16 == 0)
        receive_something(chip);
    if (random_word() % 64 == 0)
        chip_flash_page(chip, random_word() % SOC_FLASH_BYTES, &bytes);
    if (random_word() % 16 == 0)
        bench_advance(chip, random_word() % 20000);
    if (chip->reset_cause != 0)
        bench_reset(chip, chip->reset_cause);
}

/* Flash written only where it was erased, and only by the part's own rules, has no way out of its
 * array; eFuse bits never fall. */
static void anything_anywhere(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        struct chip *chip = bench_new(round % 2 != 0, NULL);
        const uint8_t key[32] = {1, 2, 3};
        efuse_burn_key(&chip->efuse, 0, EFUSE_PURPOSE_XTS_AES_128_KEY, key);
        struct efuse before = chip->efuse;
        chip->config.strap = round < 2 ? SOC_STRAP_SPI_BOOT : SOC_STRAP_DOWNLOAD;
        random_state = round + 1;
        for (unsigned i = 0; i < ACCESSES / 4; i++)
            touch(chip);
        for (size_t i = 0; i < sizeof before.bytes; i++)
            assert_int_equal(before.bytes[i] & ~chip->efuse.bytes[i], 0);
        assert_true(chip_flash(chip)->size == BENCH_FLASH_BYTES);
        bench_free(chip);
    }
}

/* The flash part with random commands: within its page or block, or nothing. */
static void any_flash_command(void **state)
{
    struct chip *chip = bench_new(false, NULL);
    struct flash_chip *flash = chip_flash(chip);
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t out[300], in[64];
        bench_fill(out, sizeof out, i);
        struct flash_command command = {
            .opcode = (uint8_t)random_word(),
            .address = random_word() % 2 ? random_word() : 0u - random_word() % 512,
            .out = out,
            .out_length = random_word() % (sizeof out + 1),
            .in = in,
            .in_length = random_word() % (sizeof in + 1),
        };
        struct flash_change change = {0};
        uint64_t now = 1000000ull * i;
        if (random_word() % 2)
            flash->write_enabled = true;
        enum flash_answer answer = flash_run(flash, now, &command, &change);
        if (answer == FLASH_CHANGED) {
            assert_true(change.length <= BENCH_FLASH_BYTES - change.offset);
            assert_false(flash->write_enabled);
        }
        assert_int_not_equal(answer, FLASH_TORN);
    }
    bench_free(chip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_anywhere),
        cmocka_unit_test(any_flash_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
