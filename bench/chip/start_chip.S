# bench/chip/start_chip.S: run the benchmark in HP SRAM of the virtual ESP32-C6. The result is left
# in a0; wfi with nothing enabled ends the run.
    .section .text.start
    .globl _start
_start:
    la      sp, stack_top
    la      t0, bss_start
    la      t1, bss_end
1:  sw      zero, 0(t0)
    addi    t0, t0, 4
    bltu    t0, t1, 1b
    call    watchdogs_off
    call    benchmark
2:  wfi
    j       2b
