/* The flash chip, alone and through SPI1: what a NOR part does and refuses (soc.md 14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "chain/reg/spimem.h"
#include "chip/flash.h"
#include "chip/peripherals.h"

static int set_up(void **state)
{
    *state = bench_new(false, NULL);
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

static uint8_t status_of(struct chip *chip)
{
    uint8_t status;
    bench_spi(chip, FLASH_CMD_RDSR, -1, NULL, 0, &status, 1);
    return status;
}

/* Each row programs `data` over `before`; the array then holds `after`. */
static void programming_only_clears_bits(void **state)
{
    static const struct {
        uint8_t before, data, after;
    } rows[] = {{0xFF, 0x5A, 0x5A}, {0x5A, 0xFF, 0x5A}, {0xF0, 0x3C, 0x30}, {0x00, 0xFF, 0x00}};
    struct chip *chip = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        chip->flash[0x1000] = rows[i].before;
        bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x1000, &rows[i].data, 1);
        assert_int_equal(chip->flash[0x1000], rows[i].after);
    }
    assert_int_equal(chip->programs, 4);
}

static void writes_need_the_enable_latch(void **state)
{
    struct chip *chip = *state;
    const uint8_t data[4] = {1, 2, 3, 4};
    bench_spi(chip, FLASH_CMD_PROGRAM, 0, data, 4, NULL, 0);
    assert_int_equal(chip->flash[0], 0xFF);

    bench_spi(chip, FLASH_CMD_WREN, -1, NULL, 0, NULL, 0);
    assert_int_equal(status_of(chip), FLASH_STATUS_WEL);
    bench_spi(chip, FLASH_CMD_WRDI, -1, NULL, 0, NULL, 0);
    bench_spi(chip, FLASH_CMD_PROGRAM, 0, data, 4, NULL, 0);
    assert_int_equal(chip->flash[0], 0xFF);

    /* One latch, one operation. */
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0, data, 4);
    bench_spi(chip, FLASH_CMD_PROGRAM, 8, data, 4, NULL, 0);
    assert_memory_equal(chip->flash, data, 4);
    assert_int_equal(chip->flash[8], 0xFF);

    chip->flash[0x2000] = 0;
    bench_spi(chip, FLASH_CMD_ERASE4K, 0x2000, NULL, 0, NULL, 0);
    assert_int_equal(chip->flash[0x2000], 0);
}

static void busy_part_ignores_all_but_status(void **state)
{
    struct chip *chip = *state;
    const uint8_t data = 0;
    uint8_t id[3];
    bench_spi(chip, FLASH_CMD_WREN, -1, NULL, 0, NULL, 0);
    bench_spi(chip, FLASH_CMD_ERASE4K, 0, NULL, 0, NULL, 0);
    assert_int_equal(status_of(chip), FLASH_STATUS_WIP);
    bench_spi(chip, FLASH_CMD_RDID, -1, NULL, 0, id, 3);
    assert_int_equal(id[0], 0xFF);
    bench_spi(chip, FLASH_CMD_WREN, -1, NULL, 0, NULL, 0);
    bench_spi(chip, FLASH_CMD_PROGRAM, 0, &data, 1, NULL, 0);
    assert_int_equal(chip->flash[0], 0xFF);

    bench_advance(chip, FLASH_US_ERASE4K * SOC_CPU_MHZ - 1);
    assert_int_equal(status_of(chip), FLASH_STATUS_WIP);
    bench_advance(chip, 1);
    assert_int_equal(status_of(chip), 0);
}

static void a_program_wraps_inside_its_page(void **state)
{
    struct chip *chip = *state;
    uint8_t data[16];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x12F8, data, sizeof data);
    assert_memory_equal(chip->flash + 0x12F8, data, 8);
    assert_memory_equal(chip->flash + 0x1200, data + 8, 8);
    assert_int_equal(chip->flash[0x1300], 0xFF);
}

static void erases_cover_their_block(void **state)
{
    static const struct {
        uint8_t opcode;
        uint32_t at, first, bytes;
    } rows[] = {
        {FLASH_CMD_ERASE4K, 0x5123, 0x5000, 0x1000},
        {FLASH_CMD_ERASE32K, 0x1A000, 0x18000, 0x8000},
        {FLASH_CMD_ERASE64K, 0x2FFFF, 0x20000, 0x10000},
        {FLASH_CMD_ERASE_ALL, 0, 0, BENCH_FLASH_BYTES},
        {FLASH_CMD_ERASE4K, BENCH_FLASH_BYTES + 0x3000, 0x3000, 0x1000}, /* upper bits ignored */
    };
    struct chip *chip = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(chip->flash, 0, BENCH_FLASH_BYTES);
        uint32_t wear = chip_flash(chip)->wear[rows[i].first / FLASH_SECTOR];
        bench_spi_write(chip, rows[i].opcode, rows[i].at, NULL, 0);
        for (uint32_t a = 0; a < BENCH_FLASH_BYTES; a++) {
            bool inside = a - rows[i].first < rows[i].bytes;
            if (chip->flash[a] != (inside ? 0xFF : 0))
                fail_msg("row %zu: byte 0x%x is 0x%02x", i, a, chip->flash[a]);
        }
        assert_int_equal(chip_flash(chip)->wear[rows[i].first / FLASH_SECTOR], wear + 1);
    }
    assert_int_equal(chip->erases, sizeof rows / sizeof rows[0]);
    assert_int_equal(chip_flash(chip)->wear[0x30000 / FLASH_SECTOR], 1);
}

static void reads_go_on_over_the_end(void **state)
{
    static const uint8_t opcodes[] = {0x03, 0x0B, 0x3B, 0x6B, 0xBB, 0xEB};
    struct chip *chip = *state;
    uint8_t in[8];
    bench_fill(chip->flash, 16, 1);
    bench_fill(chip->flash + BENCH_FLASH_BYTES - 16, 16, 2);
    for (size_t i = 0; i < sizeof opcodes; i++) {
        bench_spi(chip, opcodes[i], BENCH_FLASH_BYTES - 4, NULL, 0, in, sizeof in);
        assert_memory_equal(in, chip->flash + BENCH_FLASH_BYTES - 4, 4);
        assert_memory_equal(in + 4, chip->flash, 4);
    }
}

static void identity_follows_the_size(void **state)
{
    static const struct {
        size_t bytes;
        int error;
        uint32_t id;
    } rows[] = {
        {2u << 20, CHIP_OK, 0x1540EF}, {4u << 20, CHIP_OK, 0x1640EF},
        {8u << 20, CHIP_OK, 0x1740EF}, {16u << 20, CHIP_OK, 0x1840EF},
        {1u << 20, CHIP_ECONFIG, 0},   {3u << 20, CHIP_ECONFIG, 0},
        {32u << 20, CHIP_ECONFIG, 0},  {(4u << 20) - 1, CHIP_ECONFIG, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct flash_chip flash;
        uint8_t *bytes = malloc(16);
        assert_int_equal(flash_init(&flash, bytes, rows[i].bytes), rows[i].error);
        if (rows[i].error == CHIP_OK) {
            assert_int_equal(flash_jedec_id(&flash), rows[i].id);
            flash_free(&flash);
        }
        free(bytes);
    }
    /* Over the wire, by USR and by the predefined command. */
    struct chip *chip = *state;
    uint8_t id[3];
    bench_spi(chip, FLASH_CMD_RDID, -1, NULL, 0, id, 3);
    assert_memory_equal(id, "\xEF\x40\x15", 3);
    bench_write(chip, SOC_SPI1 + SPIMEM_CMD, SPIMEM_CMD_RDID);
    assert_int_equal(bench_read(chip, SOC_SPI1 + SPIMEM_W0), 0x1540EF);
    assert_int_equal(bench_read(chip, SOC_SPI1 + SPIMEM_CMD), 0);
}

static void sfdp_tells_density_and_erases(void **state)
{
    struct chip *chip = *state;
    uint8_t sfdp[64];
    bench_spi(chip, FLASH_CMD_SFDP, 0, NULL, 0, sfdp, 16);
    assert_memory_equal(sfdp, "SFDP", 4);
    assert_int_equal(sfdp[12], 0x80);
    bench_spi(chip, FLASH_CMD_SFDP, 0x80, NULL, 0, sfdp, 40);
    assert_memory_equal(sfdp + 4, "\xFF\xFF\xFF\x00", 4); /* 2^24 - 1 bits */
    assert_memory_equal(sfdp + 28, "\x0C\x20\x0F\x52\x10\xD8", 6);
    assert_int_equal(sfdp[36], 0xFF); /* behind the table */
    bench_spi(chip, FLASH_CMD_SFDP, 0xFFFFF0, NULL, 0, sfdp, 4);
    assert_memory_equal(sfdp, "\xFF\xFF\xFF\xFF", 4);
}

static void status_registers(void **state)
{
    struct chip *chip = *state;
    uint8_t out[2] = {0x1C, 0x02}, in;
    bench_spi(chip, FLASH_CMD_WRSR, -1, out, 2, NULL, 0);
    assert_int_equal(status_of(chip), 0); /* no latch */
    bench_spi_write(chip, FLASH_CMD_WRSR, -1, out, 2);
    assert_int_equal(status_of(chip), 0x1C);
    bench_spi(chip, 0x35, -1, NULL, 0, &in, 1);
    assert_int_equal(in, 0x02);

    /* All block protect bits: nothing can be written. */
    const uint8_t zero = 0;
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0, &zero, 1);
    bench_spi_write(chip, FLASH_CMD_ERASE_ALL, -1, NULL, 0);
    assert_int_equal(chip->flash[0], 0xFF);
    assert_int_equal(chip->erases, 0);

    /* Predefined commands go the same way: WREN, WRSR of RD_STATUS, RDSR back into it. */
    bench_spi(chip, FLASH_CMD_WRDI, -1, NULL, 0, NULL, 0);
    bench_write(chip, SOC_SPI1 + SPIMEM_RD_STATUS, 0x40);
    bench_write(chip, SOC_SPI1 + SPIMEM_CMD, 1u << 30);
    bench_write(chip, SOC_SPI1 + SPIMEM_CMD, 1u << 26);
    bench_advance(chip, FLASH_US_STATUS * SOC_CPU_MHZ);
    bench_write(chip, SOC_SPI1 + SPIMEM_RD_STATUS, 0);
    bench_write(chip, SOC_SPI1 + SPIMEM_CMD, 1u << 27);
    assert_int_equal(bench_read(chip, SOC_SPI1 + SPIMEM_RD_STATUS), 0x40);
}

static void sleep_reset_and_unknown(void **state)
{
    struct chip *chip = *state;
    uint8_t in[3];
    bench_spi(chip, 0xB9, -1, NULL, 0, NULL, 0);
    bench_spi(chip, FLASH_CMD_RDID, -1, NULL, 0, in, 3);
    assert_int_equal(in[0], 0xFF);
    bench_spi(chip, 0xAB, -1, NULL, 0, NULL, 0);
    bench_spi(chip, FLASH_CMD_RDID, -1, NULL, 0, in, 3);
    assert_int_equal(in[0], 0xEF);

    bench_spi(chip, FLASH_CMD_WREN, -1, NULL, 0, NULL, 0);
    bench_spi(chip, 0x99, -1, NULL, 0, NULL, 0); /* not armed */
    assert_int_equal(status_of(chip), FLASH_STATUS_WEL);
    bench_spi(chip, 0x66, -1, NULL, 0, NULL, 0);
    bench_spi(chip, 0x99, -1, NULL, 0, NULL, 0);
    assert_int_equal(status_of(chip), 0);

    unsigned notes = chip->notes;
    bench_spi(chip, 0xE1, -1, NULL, 0, in, 1);
    assert_int_equal(chip->notes, notes + 1);
    assert_int_equal(in[0], 0xFF);
}

static void torn_program(void **state)
{
    struct chip *chip = *state;
    uint8_t data[32] = {0};
    chip_cut_power(chip, CHIP_FLASH_PROGRAM, 0x1000, 0x1000, 2);
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x3000, data, 32); /* elsewhere: not counted */
    bench_spi_write(chip, FLASH_CMD_ERASE4K, 0x1000, NULL, 0);  /* another kind */
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x1000, data, 32); /* the first */
    assert_false(chip->power_lost);
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x1FE0, data, 32); /* the second, at the range's end */
    assert_true(chip->power_lost);
    assert_memory_equal(chip->flash + 0x1FE0, data, 16);
    assert_int_equal(chip->flash[0x1FF0], 0x0F);
    for (unsigned i = 17; i < 32; i++)
        assert_int_equal(chip->flash[0x1FE0 + i], 0xFF);
    assert_non_null(strstr(chip->last_note, "torn"));

    /* Once struck it is disarmed. */
    chip->power_lost = false;
    bench_reset(chip, SOC_RESET_POWERON);
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x1000, data, 32);
    assert_false(chip->power_lost);
}

static void torn_erase(void **state)
{
    struct chip *chip = *state;
    memset(chip->flash, 0, 0x4000);
    chip_cut_power(chip, CHIP_FLASH_ANY, 0x2FFF, 1, 1);
    bench_spi_write(chip, FLASH_CMD_ERASE4K, 0x3000, NULL, 0);
    assert_false(chip->power_lost);
    bench_spi_write(chip, FLASH_CMD_ERASE4K, 0x2000, NULL, 0);
    assert_true(chip->power_lost);
    assert_int_equal(chip->flash[0x1FFF], 0);
    assert_int_equal(chip->flash[0x2000], 0xFF);
    assert_int_equal(chip->flash[0x27FF], 0xFF);
    assert_int_equal(chip->flash[0x2800], 0x55);
    assert_int_equal(chip->flash[0x28FF], 0x55);
    assert_int_equal(chip->flash[0x2900], 0);
    assert_int_equal(chip->flash[0x2FFF], 0);
    assert_int_equal(chip_flash(chip)->wear[2], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(programming_only_clears_bits),
        TEST(writes_need_the_enable_latch),
        TEST(busy_part_ignores_all_but_status),
        TEST(a_program_wraps_inside_its_page),
        TEST(erases_cover_their_block),
        TEST(reads_go_on_over_the_end),
        TEST(identity_follows_the_size),
        TEST(sfdp_tells_density_and_erases),
        TEST(status_registers),
        TEST(sleep_reset_and_unknown),
        TEST(torn_program),
        TEST(torn_erase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
