/* device/rom/start.S: the fixed beginning of the ROM.
 *
 *   0x40000000  reset: the CPU starts here
 *   0x40000010  chip id, 0x40000014 ECO version
 *   0x40000018  function slots, 4 bytes each: a jump to the function, or, where this ROM has none,
 *               a call that reports the slot and resets. The table is slots.inc.
 *
 * Slot functions run with the caller's gp, so nothing in the ROM is addressed relative to gp (it is
 * linked without relaxation).
 */
    .section .rom.start, "ax"
    .option norelax
    .option norvc
    .globl _start
_start:
    j rom_start
    .org 0x10
    .word 13
    .word 0

    .globl rom_slots
rom_slots:
    .set slot_at, 0x40000018
    .macro MISSING until
    .rept (\until - slot_at) / 4
    jal t0, rom_slot_missing /* leaves ra, the caller's return address, alone */
    .endr
    .endm
    .macro SLOT address, function
    MISSING \address
    j \function
    .set slot_at, \address + 4
    .endm
#include "device/rom/slots.inc"
    MISSING 0x40001600 /* the last of Espressif's lie at about 0x400014xx */

    .option rvc
rom_start:
    li sp, 0x4087E610
    la t0, rom_bss_start
    la t1, rom_bss_end
1:  sw zero, 0(t0)
    addi t0, t0, 4
    bltu t0, t1, 1b
    call rom_main
2:  j 2b

/* t0 = slot + 4, ra = return address of the caller. */
rom_slot_missing:
    addi a0, t0, -4
    mv a1, ra
    tail rom_report_missing_slot

/* rom_enter(entry): leave for the bootloader. It sets its own stack. */
    .globl rom_enter
rom_enter:
    fence.i
    jr a0
