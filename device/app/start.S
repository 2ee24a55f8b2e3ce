/* device/app/start.S: from the bootloader, with all of the image in place and interrupts off.
 * The stack is painted, so that memory.c can see how deep it went. */
    .section .text.start, "ax"
    .globl _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la tp, app_thread_start
    la sp, app_stack_top
    la t0, app_bss_start
    la t1, app_bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  la t0, app_stack_bottom
    li t2, 0xA5A5A5A5
3:  bgeu t0, sp, 4f
    sw t2, 0(t0)
    addi t0, t0, 4
    j 3b
4:  call app_main
5:  j 5b
