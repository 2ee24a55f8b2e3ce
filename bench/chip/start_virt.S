# bench/chip/start_virt.S: run the benchmark on QEMU's "virt" machine, in RAM. The test finisher at
# 0x100000 ends the run: 0x5555 is success, (code << 16 | 0x3333) failure.
    .section .text.start
    .globl _start
_start:
    la      sp, stack_top
    la      t0, bss_start
    la      t1, bss_end
1:  sw      zero, 0(t0)
    addi    t0, t0, 4
    bltu    t0, t1, 1b
    call    benchmark
    li      t0, EXPECTED
    li      t1, 0x5555
    beq     a0, t0, 2f
    li      t1, 0x13333
2:  li      t0, 0x100000
    sw      t1, 0(t0)
3:  j       3b
