/* tests/isa/runner.c: runs one flat program in HP SRAM until it writes its `tohost` word.
 *
 *   isa_runner PROGRAM.bin TOHOST_ADDRESS
 *
 * The RISC-V ISA tests write 1 for success and (failed test << 1 | 1) otherwise. Exit: 0 passed,
 * 1 failed (the test's number on stdout), 2 not run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/chip-core/bare.h"

#define MOST_INSTRUCTIONS 20000000u
#define SLICE             1000u

static int run(struct bare *bare, uint32_t tohost)
{
    for (uint64_t done = 0; done < MOST_INSTRUCTIONS; done += SLICE) {
        enum chip_stop stop = chip_run(bare->chip, SLICE);
        uint32_t verdict = bare_word(bare, tohost);
        if (verdict == 1)
            return 0;
        if (verdict != 0) {
            printf("failed at its test %u\n", verdict >> 1);
            return 1;
        }
        if (stop != CHIP_STOP_BUDGET) {
            printf("stopped (%d): %s\n", (int)stop, bare->last_note);
            return 1;
        }
    }
    printf("no verdict after %u instructions, PC 0x%08x\n", MOST_INSTRUCTIONS,
           chip_register(bare->chip, 32));
    return 1;
}

int main(int count, char **arguments)
{
    static uint8_t program[0x80000];
    struct bare bare;
    FILE *file = count == 3 ? fopen(arguments[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: isa_runner PROGRAM.bin TOHOST_ADDRESS\n");
        return 2;
    }
    size_t length = fread(program, 1, sizeof program, file);
    fclose(file);
    uint32_t tohost = (uint32_t)strtoul(arguments[2], NULL, 0);
    bare_new(&bare, 1);
    if (!chip_poke(bare.chip, BARE_CODE, program, length)) {
        fprintf(stderr, "isa_runner: %s does not fit HP SRAM\n", arguments[1]);
        return 2;
    }
    chip_set_register(bare.chip, 32, BARE_CODE);
    int verdict = run(&bare, tohost);
    bare_free(&bare);
    return verdict;
}
