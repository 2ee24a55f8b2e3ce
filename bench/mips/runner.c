/* bench/mips/runner.c: runs a flat program in HP SRAM of the virtual chip until it sleeps for good.
 *
 *   mips_runner PROGRAM.bin
 *
 * Prints "instructions seconds result", the result being a0.
 */
#include <stdio.h>
#include <time.h>

#include "tests/unit/chip-core/bare.h"

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
    static uint8_t program[0x80000];
    struct bare bare;
    struct chip_stats stats;
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: mips_runner PROGRAM.bin\n");
        return 2;
    }
    size_t length = fread(program, 1, sizeof program, file);
    fclose(file);
    bare_new(&bare, 1);
    if (!chip_poke(bare.chip, BARE_CODE, program, length)) {
        fprintf(stderr, "mips_runner: %s does not fit HP SRAM\n", arguments[1]);
        return 2;
    }
    chip_set_register(bare.chip, 32, BARE_CODE);
    double began = seconds();
    enum chip_stop stop = chip_run(bare.chip, UINT64_MAX);
    double took = seconds() - began;
    chip_get_stats(bare.chip, &stats);
    if (stop != CHIP_STOP_HALT)
        fprintf(stderr, "mips_runner: the program did not end\n");
    printf("%llu %.6f 0x%08x\n", (unsigned long long)stats.instructions, took,
           chip_register(bare.chip, 10));
    bare_free(&bare);
    return stop == CHIP_STOP_HALT ? 0 : 1;
}
