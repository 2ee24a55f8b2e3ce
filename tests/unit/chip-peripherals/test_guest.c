/* Peripherals under the real core: a guest's alarm comes at its instruction, asleep or busy, and a
 * watchdog and a software reset lead through the ROM again with their cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "chain/soc.h"
#include "chip/chip.h"
#include "tests/unit/chip-core/asm.h"

#define FLASH_BYTES (2u << 20)
#define MSTATUS     0x300
#define MIE         0x304
#define MTVEC       0x305
#define LINE1       (SOC_ROM_BASE + 0x104) /* vector of interrupt line 1 */

struct board {
    struct chip *chip;
    struct efuse efuse;
    uint8_t *flash;
    uint32_t rom[0x400];
};

static void board_start(struct board *board, const uint32_t *program, size_t words)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    struct chip_config config;
    memset(board->rom, 0, sizeof board->rom);
    memcpy(board->rom, program, 4 * words);
    board->rom[0x104 / 4] = J(0);
    board->flash = malloc(FLASH_BYTES);
    memset(board->flash, 0xFF, FLASH_BYTES);
    efuse_factory(&board->efuse, mac, 0);
    chip_config_init(&config);
    config.rom = (const uint8_t *)board->rom;
    config.rom_bytes = sizeof board->rom;
    config.flash = board->flash;
    config.flash_bytes = FLASH_BYTES;
    config.efuse = &board->efuse;
    assert_int_equal(chip_new(&config, &board->chip), CHIP_OK);
}

static void board_stop(struct board *board)
{
    chip_free(board->chip);
    free(board->flash);
}

/* Route SYSTIMER target 0 to line 1 and set it to count 500: instruction 5000. */
#define ARM_ALARM                                                                                  \
    LUI(a0, 0x40000), ADDI(a0, a0, 0x101), CSRW(MTVEC, a0), LUI(t1, 0x60010), LI(t2, 1),           \
        SW(t2, 4 * SOC_SOURCE_SYSTIMER0, t1), LUI(t1, 0x20001), LI(a1, 2), SW(a1, 0, t1),          \
        SW(t2, 0x14, t1), SW(t2, 0x90, t1), LI(a1, -1), CSRW(MIE, a1), LUI(t0, 0x6000A),           \
        LI(a1, 500), SW(a1, 0x20, t0), SW(t2, 0x50, t0), SW(t2, 0x64, t0), LW(a2, 0, t0),          \
        LUI(a1, 0x1000), ADD(a2, a2, a1), SW(a2, 0, t0), CSRRSI(zero, MSTATUS, 8)

static void check_alarm(const uint32_t *program, size_t words)
{
    struct board board;
    struct chip_stats stats;
    board_start(&board, program, words);
    chip_breakpoint(board.chip, LINE1);
    assert_int_equal(chip_run(board.chip, 100000), CHIP_STOP_BREAKPOINT);
    chip_get_stats(board.chip, &stats);
    assert_int_equal(stats.virtual_ns, 5000 * 1000 / SOC_CPU_MHZ);
    board_stop(&board);
}

static void alarm_wakes_the_sleeping_guest(void **state)
{
    static const uint32_t program[] = {ARM_ALARM, WFI, J(-4)};
    (void)state;
    check_alarm(program, COUNT(program));
}

static void alarm_interrupts_the_busy_guest(void **state)
{
    static const uint32_t program[] = {ARM_ALARM, ADDI(a3, a3, 1), J(-4)};
    (void)state;
    check_alarm(program, COUNT(program));
}

/* The reset cause goes to s0 and the guest waits; the first time it does `action`. */
static void check_reset(uint32_t upper, uint32_t offset, uint32_t value_upper, uint32_t cause)
{
    const uint32_t program[] = {
        LUI(t0, 0x600B0), LW(s0, 0x410, t0),    OPI(7, s0, s0, 0x1F), LI(t1, 1), BNE(s0, t1, 16),
        LUI(t0, upper),   LUI(t1, value_upper), SW(t1, offset, t0),   J(0),
    };
    struct board board;
    board_start(&board, program, COUNT(program));
    chip_limit_resets(board.chip, 1);
    assert_int_equal(chip_run(board.chip, 1000), CHIP_STOP_RESET_LIMIT);
    assert_int_equal(chip_run(board.chip, 100), CHIP_STOP_BUDGET);
    assert_int_equal(chip_register(board.chip, s0), cause);
    board_stop(&board);
}

static void software_resets(void **state)
{
    (void)state;
    check_reset(0x600B1, 0x34, 0x80000, SOC_RESET_SW_SYS);
    check_reset(0x600B1, 0x38, 0x10000, SOC_RESET_SW_CPU);
}

/* Nobody feeds the watchdog that guards the boot: 0x18CBA80 ticks of 80 MHz after reset. */
static void boot_watchdog(void **state)
{
    static const uint32_t program[] = {LUI(t0, 0x600B0), LW(s0, 0x410, t0), OPI(7, s0, s0, 0x1F),
                                       WFI, J(-4)};
    struct board board;
    struct chip_stats stats;
    (void)state;
    board_start(&board, program, COUNT(program));
    chip_limit_resets(board.chip, 1);
    assert_int_equal(chip_run(board.chip, UINT64_MAX), CHIP_STOP_RESET_LIMIT);
    chip_get_stats(board.chip, &stats);
    assert_int_equal(stats.virtual_ns, 0x18CBA80ull * 2 * 1000 / SOC_CPU_MHZ);
    assert_int_equal(stats.last_reset_cause, SOC_RESET_TG0_SYS);
    assert_int_equal(chip_run(board.chip, 100), CHIP_STOP_BUDGET);
    assert_int_equal(chip_register(board.chip, s0), SOC_RESET_TG0_SYS);
    board_stop(&board);
}

/* A handler that traps is a dead guest, until a watchdog bites. No instruction retires meanwhile.
 */
static void check_bite(const uint32_t *program, size_t words, uint64_t instructions, uint32_t cause)
{
    struct board board;
    struct chip_stats stats;
    board_start(&board, program, words);
    chip_limit_resets(board.chip, 1);
    assert_int_equal(chip_run(board.chip, UINT64_MAX), CHIP_STOP_RESET_LIMIT);
    chip_get_stats(board.chip, &stats);
    assert_int_equal(stats.virtual_ns, instructions * 1000 / SOC_CPU_MHZ);
    assert_true(stats.instructions < 10);
    assert_int_equal(stats.last_reset_cause, cause);
    board_stop(&board);
}

#define TG0_STAGE0 (0x18CBA80ull * 2)
#define LP_STAGE0  ((uint64_t)(0x30D40 << 1) * (SOC_CPU_MHZ * 1000) / 136)
#define TG0_OFF    LUI(t0, 0x60008), SW(zero, 0x48, t0)
#define LP_OFF                                                                                     \
    LUI(t0, 0x600B2), LUI(t1, 0x50D84), ADDI(t1, t1, -0x55F), SW(t1, -0x3E8, t0),                  \
        SW(zero, -0x400, t0)

static void a_watchdog_ends_a_trap_loop(void **state)
{
    static const uint32_t no_handler[] = {ILLEGAL};
    static const uint32_t lp_only[] = {TG0_OFF, LUI(t1, 0x10000), CSRW(MTVEC, t1), ECALL};
    (void)state;
    check_bite(no_handler, COUNT(no_handler), TG0_STAGE0, SOC_RESET_TG0_SYS);
    check_bite(lp_only, COUNT(lp_only), LP_STAGE0, SOC_RESET_LPWDT_RTC);
}

static void a_watchdog_ends_a_sleep(void **state)
{
    static const uint32_t lp_only[] = {TG0_OFF, CSRW(MIE, zero), WFI, J(-4)};
    (void)state;
    check_bite(lp_only, COUNT(lp_only), LP_STAGE0, SOC_RESET_LPWDT_RTC);
}

/* Only without any does the run end by itself, also when something else is still to happen. */
static void no_watchdog_no_way_out(void **state)
{
    static const uint32_t sleeping[] = {TG0_OFF, LP_OFF, WFI, J(-4)};
    static const uint32_t trapping[] = {TG0_OFF,          LP_OFF,          ARM_ALARM,
                                        LUI(t1, 0x10000), CSRW(MTVEC, t1), ECALL};
    struct board board;
    struct chip_stats stats;
    (void)state;
    board_start(&board, sleeping, COUNT(sleeping));
    assert_int_equal(chip_run(board.chip, UINT64_MAX), CHIP_STOP_HALT);
    board_stop(&board);
    board_start(&board, trapping, COUNT(trapping));
    assert_int_equal(chip_run(board.chip, UINT64_MAX), CHIP_STOP_HALT);
    chip_get_stats(board.chip, &stats);
    assert_int_equal(stats.virtual_ns, stats.instructions * 1000 / SOC_CPU_MHZ); /* no time lost */
    board_stop(&board);
}

/* One random instruction: half of them loads, stores and atomics through registers that point at
 * peripherals, memories and their ends, the rest any bits at all. */
static uint32_t random_instruction(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    uint32_t bits = (uint32_t)(*seed >> 32);
    switch (*seed >> 29 & 7) {
    case 0:
        return (bits & ~0x707Fu) | 0x2023u; /* sw */
    case 1:
        return (bits & ~0x707Fu) | 0x2003u; /* lw */
    case 2:
        return (bits & ~0x707Fu) | 0x202Fu; /* lr, sc, amo */
    case 3:
        return (bits & ~0x7Fu) | 0x73u; /* CSRs and the rest of SYSTEM */
    default:
        return bits;
    }
}

/* A guest whose code is noise, also what it jumps to and what the trap handler does: it ends in
 * some way every time, within its budget, and no eFuse bit falls. */
static void a_guest_of_noise(void **state)
{
    static const uint32_t places[] = {
        SOC_UART0,    SOC_SPI0 + 0x300, SOC_SPI1,   SOC_TIMG0,  SOC_EFUSE,        SOC_LP_WDT,
        SOC_SYSTIMER, SOC_ETHERNET,     SOC_EXTMEM, SOC_INTMTX, SOC_PLIC,         SOC_CLINT,
        0x4087FFFE,   SOC_FLASH_BASE,   0x42FFFFFE, SOC_LP_AON, SOC_HP_SRAM_BASE, 0x50003FFE,
        SOC_ROM_BASE, SOC_RSA + 0x800,  SOC_AES,    SOC_SHA,    SOC_SPI0 + 0x37C, 0xFFFFFFFE,
    };
    struct chip_stats stats;
    uint64_t retired = 0;
    unsigned unknown = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint32_t noise[0x400];
        uint64_t random = seed;
        struct board board;
        for (size_t i = 0; i < COUNT(noise); i++)
            noise[i] = random_instruction(&random);
        board_start(&board, noise, COUNT(noise));
        struct efuse before = board.efuse;
        assert_int_equal(chip_run(board.chip, 0), CHIP_STOP_BUDGET);
        for (unsigned i = 1; i < 32; i++)
            chip_set_register(board.chip, i, places[(i + seed) % COUNT(places)]);
        for (unsigned i = 0; i < 20; i++) {
            chip_set_register(board.chip, 32, SOC_ROM_BASE + 4 * (uint32_t)((37 * i) % 0x400));
            chip_run(board.chip, 20000);
        }
        for (size_t i = 0; i < sizeof before.bytes; i++)
            assert_int_equal(before.bytes[i] & ~board.efuse.bytes[i], 0);
        chip_get_stats(board.chip, &stats);
        retired += stats.instructions;
        unknown += stats.unknown_registers;
        board_stop(&board);
    }
    print_message("%u instructions, %u unknown registers\n", (unsigned)retired, unknown);
    assert_true(retired > 10000 && unknown > 100); /* it does get somewhere */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alarm_wakes_the_sleeping_guest),
        cmocka_unit_test(alarm_interrupts_the_busy_guest),
        cmocka_unit_test(software_resets),
        cmocka_unit_test(boot_watchdog),
        cmocka_unit_test(a_watchdog_ends_a_trap_loop),
        cmocka_unit_test(a_watchdog_ends_a_sleep),
        cmocka_unit_test(no_watchdog_no_way_out),
        cmocka_unit_test(a_guest_of_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
