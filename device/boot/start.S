/* device/boot/start.S: from the ROM, with interrupts off and the flash cache on; to the app. */
    .section .boot.start, "ax"
    .globl _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, boot_stack_top
    la t0, boot_bss_start
    la t1, boot_bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  call boot_main
3:  j 3b

/* boot_enter(entry): wipe our data and stack, leave no value in a register, go. The app gets the
 * stack ESP-IDF's bootloader leaves it: the ROM's, 8 KB below 0x4087E610. */
    .globl boot_enter
boot_enter:
    la t0, boot_bss_start
    la t1, boot_bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  la t1, boot_stack_top
    li t2, -8192
    add t0, t1, t2
3:  sw zero, 0(t0)
    addi t0, t0, 4
    bltu t0, t1, 3b
    mv t3, a0
    .irp reg, ra, gp, tp, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7
    li \reg, 0
    .endr
    .irp reg, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t0, t1, t2, t4, t5, t6
    li \reg, 0
    .endr
    li sp, 0x4087E610
    fence.i
    jr t3
