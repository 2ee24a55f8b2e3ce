/* chip/rom/rom.S: see rom.h. */
    .section .rodata
    .balign 16
    .global chip_rom_image
    .global chip_rom_image_bytes
    .type chip_rom_image, @object
    .type chip_rom_image_bytes, @object
chip_rom_image:
    .incbin CHIP_ROM_FILE
.Lend:
    .size chip_rom_image, .Lend - chip_rom_image
    .balign 4
chip_rom_image_bytes:
    .long .Lend - chip_rom_image
    .size chip_rom_image_bytes, 4
    .section .note.GNU-stack, "", @progbits
