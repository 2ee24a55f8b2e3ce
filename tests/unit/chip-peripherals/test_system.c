/* Resets and their causes, boot mode, always-on registers, random numbers, and that every register
 * merely stored comes up with its documented value (soc.md 3, 19-21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"
#include "chain/reg/lp_aon.h"
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

static void software_resets(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_LP_AON + LP_AON_SYS_CFG, LP_AON_HPSYS_SW_RESET);
    assert_int_equal(chip->reset_cause, SOC_RESET_SW_SYS);
    chip->reset_cause = 0;
    bench_write(chip, SOC_LP_AON + LP_AON_CPUCORE0_CFG, LP_AON_CPU_SW_RESET);
    assert_int_equal(chip->reset_cause, SOC_RESET_SW_CPU);
    /* The bits do not stay. */
    assert_int_equal(bench_read(chip, SOC_LP_AON + LP_AON_SYS_CFG), 0);
}

static void reset_cause_and_store(void **state)
{
    static const struct {
        uint32_t cause;
        bool store_kept;
    } rows[] = {
        {SOC_RESET_POWERON, false}, {SOC_RESET_SW_SYS, true},    {SOC_RESET_TG0_SYS, true},
        {SOC_RESET_TG1_SYS, true},  {SOC_RESET_LPWDT_SYS, true}, {SOC_RESET_TG0_CPU, true},
        {SOC_RESET_SW_CPU, true},   {SOC_RESET_LPWDT_CPU, true}, {SOC_RESET_LPWDT_RTC, false},
        {SOC_RESET_TG1_CPU, true},  {SOC_RESET_SWDT, false},
    };
    struct chip *chip = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (uint32_t store = 0; store < 10; store++)
            bench_write(chip, SOC_LP_AON + LP_AON_STORE0 + 4 * store, 0x1000 + store);
        bench_reset(chip, rows[i].cause);
        assert_int_equal(bench_read(chip, SOC_LP_CLKRST + LP_CLKRST_RESET_CAUSE) & 0x1F,
                         rows[i].cause);
        for (uint32_t store = 0; store < 10; store++)
            assert_int_equal(bench_read(chip, SOC_LP_AON + LP_AON_STORE0 + 4 * store),
                             rows[i].store_kept ? 0x1000 + store : 0);
    }
}

static void boot_mode(void **state)
{
    struct chip *chip = *state;
    assert_int_equal(bench_read(chip, SOC_GPIO + GPIO_STRAP), SOC_STRAP_SPI_BOOT);
    assert_false(boot_is_download(chip));
    bench_write(chip, SOC_LP_AON + LP_AON_SYS_CFG, LP_AON_FORCE_DOWNLOAD);
    assert_false(boot_is_download(chip)); /* at the next reset */
    bench_reset(chip, SOC_RESET_SW_SYS);
    assert_true(boot_is_download(chip));
    efuse_burn_field(&chip->efuse, efuse_field_find("DIS_FORCE_DOWNLOAD"), 1);
    bench_reset(chip, SOC_RESET_SW_SYS);
    assert_false(boot_is_download(chip));
    chip->config.strap = SOC_STRAP_DOWNLOAD;
    bench_reset(chip, SOC_RESET_POWERON);
    assert_true(boot_is_download(chip));
    assert_int_equal(bench_read(chip, SOC_GPIO + GPIO_STRAP), SOC_STRAP_DOWNLOAD);
}

/* xoshiro256** seeded through splitmix64(1): upper halves, computed apart from this program. */
static void random_numbers_are_the_documented_ones(void **state)
{
    static const uint32_t want[] = {0xB3F2AF6D, 0x853B5596, 0x92F89756,
                                    0x642E1C7B, 0xB27A48E2, 0x24C12312};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(bench_read(*state, SOC_LPPERI + LPPERI_RNG_DATA), want[i]);
}

static void random_numbers(void **state)
{
    struct chip *chip = *state, *twin = bench_new(false, NULL);
    uint32_t first = bench_read(chip, SOC_LPPERI + LPPERI_RNG_DATA);
    assert_int_equal(bench_read(twin, SOC_LPPERI + LPPERI_RNG_DATA), first);
    uint32_t ones = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t number = bench_read(chip, SOC_LPPERI + LPPERI_RNG_DATA);
        assert_int_equal(bench_read(twin, SOC_LPPERI + LPPERI_RNG_DATA), number);
        ones += (uint32_t)__builtin_popcount(number);
    }
    assert_in_range(ones, 15600, 16400); /* of 32000 bits: within 4.5 sigma */

    /* A reset does not start the sequence again; a stopped clock stops it. */
    bench_reset(chip, SOC_RESET_POWERON);
    assert_int_not_equal(bench_read(chip, SOC_LPPERI + LPPERI_RNG_DATA), first);
    bench_write(chip, SOC_LPPERI + LPPERI_CLK_EN, 0);
    uint32_t stuck = bench_read(chip, SOC_LPPERI + LPPERI_RNG_DATA);
    assert_int_equal(bench_read(chip, SOC_LPPERI + LPPERI_RNG_DATA), stuck);
    bench_free(twin);
}

/* Values straight from the register tables of soc.md. */
static void reset_values(void **state)
{
    static const struct {
        uint32_t address, value;
    } rows[] = {
        {SOC_PCR + 0x000, 0x1},          {SOC_PCR + 0x004, 0x700000},
        {SOC_PCR + 0x018, 0x5},          {SOC_PCR + 0x0CC, 0x1},
        {SOC_PCR + 0x0D4, 0x2},          {SOC_PCR + 0x110, 0x28000200},
        {SOC_PCR + 0x124, 0x1E014},      {SOC_PCR + 0xFFC, 0x2206150},
        {SOC_UART0 + 0x14, 0x2B6},       {SOC_UART0 + 0x8C, 0x2201260},
        {SOC_SPI1 + 0x08, 0x802CA00C},   {SOC_SPI1 + 0x1C, 0x5C000047},
        {SOC_SPI1 + 0x20, 0x70000000},   {SOC_SPI0 + 0x14, 0x30103},
        {SOC_TIMG0 + 0x48, 0x4C000},     {SOC_TIMG0 + 0x64, 0x50D83AA1},
        {SOC_LP_WDT + 0x00, 0x13214},    {SOC_LP_WDT + 0x1C, 0x12C00000},
        {SOC_LP_AON + 0x38, 0x40000000}, {SOC_SYSTIMER + 0x00, 0x46000000},
        {SOC_LPPERI + 0x00, 0x7F000000}, {SOC_EXTMEM + 0x9C, 0x3F},
        {SOC_SHA + 0x2C, 0x20201229},    {SOC_RSA + 0x820, 1},
        {SOC_ETHERNET + 0x00, 0xA000},
    };
    struct chip *chip = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t value = bench_read(chip, rows[i].address);
        if (!chip->known || value != rows[i].value)
            fail_msg("0x%08x reads 0x%x, not 0x%x", rows[i].address, value, rows[i].value);
    }
    bench_write(chip, SOC_PCR + 0x124, 0); /* read-only */
    assert_int_equal(bench_read(chip, SOC_PCR + 0x124), 0x1E014);
    bench_write(chip, SOC_PCR + 0x0CC, 0xFFFFFFFF);
    assert_int_equal(bench_read(chip, SOC_PCR + 0x0CC), 3);
    bench_reset(chip, SOC_RESET_SW_SYS);
    assert_int_equal(bench_read(chip, SOC_PCR + 0x0CC), 1);
}

/* No two peripherals claim the same address, and none is found by chance in another's gap. */
static void address_map(void **state)
{
    (void)state;
    for (size_t i = 0; i < chip_peripheral_count; i++) {
        const struct peripheral *a = chip_peripherals[i];
        for (size_t j = i + 1; j < chip_peripheral_count; j++) {
            const struct peripheral *b = chip_peripherals[j];
            if (a->bytes == 0 || b->bytes == 0)
                continue; /* the core's own, not on this bench */
            bool apart = a->base + a->bytes <= b->base || b->base + b->bytes <= a->base;
            if (!apart)
                fail_msg("%s and %s overlap", a->name, b->name);
        }
    }
}

static void unknown_registers_are_told(void **state)
{
    static const uint32_t addresses[] = {
        SOC_PCR + 0x140,   SOC_GPIO + 0x04,   SOC_SPI1 + 0x040,     SOC_EFUSE + 0x200,
        SOC_SHA + 0x1C,    SOC_AES + 0x94,    SOC_RSA + 0x834,      SOC_TIMG0 + 0x24,
        SOC_LP_WDT + 0x34, SOC_LP_AON + 0x60, SOC_LPPERI + 0x10,    SOC_SYSTIMER + 0x8C,
        SOC_EXTMEM + 0x00, SOC_HP_SYSTEM + 4, SOC_USB_SERIAL + 8,   SOC_ETHERNET + 0x0C,
        SOC_IO_MUX + 0x80, SOC_LP_CLKRST + 4, SOC_SPI0 + 0x35C + 4, SOC_UART0 + 0x28,
    };
    struct chip *chip = *state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        bench_read(chip, addresses[i]);
        if (chip->known)
            fail_msg("0x%08x can be read", addresses[i]);
        bench_write(chip, addresses[i], 1);
        if (chip->known)
            fail_msg("0x%08x can be written", addresses[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(software_resets),
        TEST(reset_cause_and_store),
        TEST(boot_mode),
        TEST(random_numbers),
        TEST(random_numbers_are_the_documented_ones),
        TEST(reset_values),
        TEST(address_map),
        TEST(unknown_registers_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
