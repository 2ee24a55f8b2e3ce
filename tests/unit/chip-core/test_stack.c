/* tests/unit/chip-core/test_stack.c: however long the guest runs, the host's stack does not grow.
 *
 * The core's handlers call each other in tail position. A handler that the compiler cannot end in
 * a jump leaves a frame behind each time it runs, which no other test notices: so every kind runs
 * 100,000 times here, on a thread whose stack could not hold a tenth of that.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/chip-core/asm.h"
#include "tests/unit/chip-core/bare.h"

#define STACK_BYTES  (256u << 10)
#define INSTRUCTIONS 200000u
#define RAM_WORD     (BARE_CODE + 0x1000u)
#define MSCRATCH     0x340
#define MCYCLE       0xB00

struct stack_case {
    const char *name;
    uint32_t instruction; /* with t0 = probe, t1 = flash window, t2 = a word of RAM, s0 = t2 + 1,
                             s1 = the instruction behind this one */
};

static const struct stack_case cases[] = {
    {"arithmetic", ADDI(a0, a0, 1)},
    {"load from a peripheral", LW(a0, PROBE_WORD, t0)},
    {"store to a peripheral", SW(a0, PROBE_WORD, t0)},
    {"load from flash", LW(a0, 0, t1)},
    {"load from RAM", LW(a0, 0, t2)},
    {"store to RAM", SW(a0, 0, t2)},
    {"misaligned load", LW(a0, 0, s0)},
    {"misaligned store", SW(a0, 0, s0)},
    {"byte load from a peripheral", LOAD(0, a0, PROBE_WORD, t0)},
    {"lr.w", AMO(2, a0, t2, zero)},
    {"sc.w", AMO(3, a0, t2, a1)},
    {"amoadd.w", AMO(0, a0, t2, a1)},
    {"amomaxu.w", AMO(0x1C, a0, t2, a1)},
    {"CSR read", CSRR(a0, MCYCLE)},
    {"CSR write", CSRW(MSCRATCH, a0)},
    {"CSR set and read", CSRRS(a0, MSCRATCH, a1)},
    {"CSR clear by immediate", CSRRCI(a0, MSCRATCH, 1)},
    {"multiply", OPR(1, 0, a0, a0, a1)},
    {"divide", OPR(1, 4, a0, a0, a1)},
    {"fence.i", FENCE_I},
    {"branch not taken", BNE(zero, zero, 8)},
    {"jump", J(4)},
    {"indirect jump", JALR(zero, 0, s1)},
    {"branch taken", BEQ(zero, zero, 4)},
    {"byte load from flash", LOAD(4, a0, 0, t1)},
    {"store to code", SW(a0, 4, s1)},
};

static void *run(void *argument)
{
    struct bare *bare = argument;
    return (void *)(uintptr_t)chip_run(bare->chip, INSTRUCTIONS);
}

/* The loop on a thread with a small stack; an overflow ends this program. */
static enum chip_stop run_on_small_stack(struct bare *bare)
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *stop;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run, bare), 0);
    assert_int_equal(pthread_join(thread, &stop), 0);
    pthread_attr_destroy(&attributes);
    return (enum chip_stop)(uintptr_t)stop;
}

static void the_stack_stays_small(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const uint32_t loop[] = {cases[i].instruction, J(-4)};
        struct chip_stats stats;
        struct bare bare;
        print_message("%s\n", cases[i].name);
        bare_new(&bare, 1);
        bare_load(&bare, loop, COUNT(loop));
        chip_set_register(bare.chip, t0, BARE_PROBE);
        chip_set_register(bare.chip, t1, BARE_FLASH);
        chip_set_register(bare.chip, t2, RAM_WORD);
        chip_set_register(bare.chip, s0, RAM_WORD + 1);
        chip_set_register(bare.chip, s1, BARE_CODE + 4);
        assert_int_equal(run_on_small_stack(&bare), CHIP_STOP_BUDGET);
        chip_get_stats(bare.chip, &stats);
        assert_int_equal(stats.instructions, INSTRUCTIONS);
        bare_free(&bare);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_stack_stays_small)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
