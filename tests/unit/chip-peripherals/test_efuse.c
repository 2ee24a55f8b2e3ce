/* The eFuse controller: one-time rules, protections and shadow, through its registers (efuse.md 6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bench.h"
#include "chain/bytes.h"
#include "chain/reg/efuse.h"
#include "chip/peripherals.h"

#define READ_BLOCK0 (SOC_EFUSE + EFUSE_RD_WR_DIS)
#define READ_KEY0   (SOC_EFUSE + 0x9C)

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

static void burn_bit(struct chip *chip, unsigned bit)
{
    uint8_t data[24] = {0};
    data[bit / 8] = (uint8_t)(1u << (bit % 8));
    bench_burn(chip, 0, data, sizeof data);
}

static void bits_only_go_up(void **state)
{
    struct chip *chip = *state;
    burn_bit(chip, 82);
    burn_bit(chip, 83);
    assert_int_equal(bench_read(chip, READ_BLOCK0 + 8) >> 18 & 7, 3);
    const uint8_t zeros[24] = {0};
    bench_burn(chip, 0, zeros, sizeof zeros);
    assert_int_equal(bench_read(chip, READ_BLOCK0 + 8) >> 18 & 7, 3);
    assert_int_equal(efuse_bits(&chip->efuse, EFUSE_SPI_BOOT_CRYPT_CNT), 3);
}

static void the_op_code_is_needed(void **state)
{
    struct chip *chip = *state;
    const uint32_t command = EFUSE_CMD_PROGRAM; /* block 0 */
    bench_write(chip, SOC_EFUSE + EFUSE_PGM_DATA0 + 8, 1u << 18);
    bench_write(chip, SOC_EFUSE + EFUSE_CMD, command);
    assert_int_equal(efuse_bits(&chip->efuse, EFUSE_SPI_BOOT_CRYPT_CNT), 0);
    bench_write(chip, SOC_EFUSE + EFUSE_CONF, EFUSE_CONF_READ);
    bench_write(chip, SOC_EFUSE + EFUSE_CMD, command);
    assert_int_equal(efuse_bits(&chip->efuse, EFUSE_SPI_BOOT_CRYPT_CNT), 0);
    bench_write(chip, SOC_EFUSE + EFUSE_CONF, EFUSE_CONF_PROGRAM);
    bench_write(chip, SOC_EFUSE + EFUSE_CMD, command);
    assert_int_equal(efuse_bits(&chip->efuse, EFUSE_SPI_BOOT_CRYPT_CNT), 1);
    assert_int_equal(bench_read(chip, SOC_EFUSE + EFUSE_CMD), 0);
}

static void registers_change_at_the_read_command(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_EFUSE + EFUSE_PGM_DATA0 + 8, 1u << 18);
    bench_write(chip, SOC_EFUSE + EFUSE_CONF, EFUSE_CONF_PROGRAM);
    bench_write(chip, SOC_EFUSE + EFUSE_CMD, EFUSE_CMD_PROGRAM);
    assert_int_equal(bench_read(chip, READ_BLOCK0 + 8) >> 18 & 7, 0);
    bench_reset(chip, SOC_RESET_SW_CPU);
    assert_int_equal(bench_read(chip, READ_BLOCK0 + 8) >> 18 & 7, 0);
    bench_reset(chip, SOC_RESET_SW_SYS);
    assert_int_equal(bench_read(chip, READ_BLOCK0 + 8) >> 18 & 7, 1);
}

static void keys_are_written_once(void **state)
{
    struct chip *chip = *state;
    uint8_t key[32], other[32], seen[32];
    bench_fill(key, sizeof key, 1);
    bench_fill(other, sizeof other, 2);
    bench_burn(chip, 4, key, 32);
    bench_read_bytes(chip, READ_KEY0, seen, 32);
    assert_memory_equal(seen, key, 32);
    assert_int_equal(bench_read(chip, SOC_EFUSE + EFUSE_RD_RS_ERR0), 0);

    bench_burn(chip, 4, other, 32);
    bench_read_bytes(chip, READ_KEY0, seen, 32);
    assert_memory_equal(seen, key, 32);
    assert_int_equal(bench_read(chip, SOC_EFUSE + EFUSE_RD_RS_ERR0), 0x8u << 12);
}

static void a_wrong_check_value_shows(void **state)
{
    struct chip *chip = *state;
    uint8_t data[44] = {1, 2, 3};
    bench_write_bytes(chip, SOC_EFUSE + EFUSE_PGM_DATA0, data, sizeof data);
    bench_write(chip, SOC_EFUSE + EFUSE_CONF, EFUSE_CONF_PROGRAM);
    bench_write(chip, SOC_EFUSE + EFUSE_CMD, EFUSE_CMD_PROGRAM | 9u << EFUSE_CMD_BLOCK_SHIFT);
    assert_int_equal(bench_read(chip, SOC_EFUSE + EFUSE_RD_RS_ERR1), 0x8);
    assert_int_equal(bench_read(chip, SOC_EFUSE + EFUSE_RD_RS_ERR0), 0);
    const uint8_t zeros[32] = {0};
    assert_memory_equal(chip->efuse.bytes + efuse_block_offset(9), zeros, 32);
}

static void write_protection(void **state)
{
    struct chip *chip = *state;
    uint8_t key[32];
    bench_fill(key, sizeof key, 3);
    burn_bit(chip, 23); /* KEY0 */
    bench_burn(chip, 4, key, 32);
    assert_int_equal(bench_read(chip, READ_KEY0), 0);
    burn_bit(chip, 4); /* SPI_BOOT_CRYPT_CNT */
    burn_bit(chip, 82);
    assert_int_equal(bench_read(chip, READ_BLOCK0 + 8) >> 18 & 7, 0);
}

static void read_protection_hides_from_software_only(void **state)
{
    struct chip *chip = *state;
    uint8_t key[32], seen[32], found[32];
    const uint8_t zeros[32] = {0};
    bench_fill(key, sizeof key, 4);
    bench_burn(chip, 4, key, 32);
    burn_bit(chip, 90); /* KEY_PURPOSE_0 = 4 */
    burn_bit(chip, 32); /* RD_DIS of KEY0 */
    bench_read_bytes(chip, READ_KEY0, seen, 32);
    assert_memory_equal(seen, zeros, 32);
    assert_int_equal(efuse_xts_key(efuse_shadow(chip), found), 0);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(found[i], key[31 - i]);
}

static void interrupts(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_EFUSE + EFUSE_INT_ENA, 2);
    burn_bit(chip, 82);
    assert_int_equal(bench_read(chip, SOC_EFUSE + EFUSE_INT_RAW), 3);
    assert_int_equal(bench_read(chip, SOC_EFUSE + EFUSE_INT_ST), 2);
    assert_true(chip->level[SOC_SOURCE_EFUSE]);
    bench_write(chip, SOC_EFUSE + EFUSE_INT_CLR, 2);
    assert_false(chip->level[SOC_SOURCE_EFUSE]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bits_only_go_up),
        TEST(the_op_code_is_needed),
        TEST(registers_change_at_the_read_command),
        TEST(keys_are_written_once),
        TEST(a_wrong_check_value_shows),
        TEST(write_protection),
        TEST(read_protection_hides_from_software_only),
        TEST(interrupts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
