/* bench/chip/runner.c: runs a flat program in HP SRAM of the virtual chip until it sleeps for good.
 *
 *   mips_runner PROGRAM.bin
 *
 * Prints "instructions seconds result", the result being a0.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chain/soc.h"
#include "chip/chip.h"

#define FLASH_BYTES (2u << 20)
#define REGISTER_PC 32

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A powered-on chip with the program in place, before its first instruction; NULL on failure. */
static struct chip *load(const uint8_t *program, size_t length)
{
    static uint8_t flash[FLASH_BYTES];
    static struct efuse efuse;
    struct chip_config config;
    struct chip *chip;

    memset(flash, 0xFF, sizeof flash);
    chip_config_init(&config);
    config.flash = flash;
    config.flash_bytes = sizeof flash;
    config.efuse = &efuse;
    if (chip_new(&config, &chip) != CHIP_OK)
        return NULL;
    chip_run(chip, 0);
    if (!chip_poke(chip, SOC_HP_SRAM_BASE, program, length)) {
        chip_free(chip);
        return NULL;
    }
    chip_set_register(chip, REGISTER_PC, SOC_HP_SRAM_BASE);
    return chip;
}

int main(int count, char **arguments)
{
    static uint8_t program[SOC_HP_SRAM_BYTES];
    struct chip_stats stats;
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: mips_runner PROGRAM.bin\n");
        return 2;
    }
    size_t length = fread(program, 1, sizeof program, file);
    fclose(file);
    struct chip *chip = load(program, length);
    if (chip == NULL) {
        fprintf(stderr, "mips_runner: %s cannot be run\n", arguments[1]);
        return 2;
    }
    double began = seconds();
    enum chip_stop stop = chip_run(chip, UINT64_MAX);
    double took = seconds() - began;
    chip_get_stats(chip, &stats);
    if (stop != CHIP_STOP_HALT)
        fprintf(stderr, "mips_runner: the program did not end\n");
    printf("%llu %.6f 0x%08x\n", (unsigned long long)stats.instructions, took,
           chip_register(chip, 10));
    chip_free(chip);
    return stop == CHIP_STOP_HALT ? 0 : 1;
}
