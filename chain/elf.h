/* chain/elf.h: what an image needs from an ELF file: entry point and loadable sections.
 *
 * Reads a 32-bit little-endian RISC-V ELF given as (pointer, length), untrusted; keeps nothing and
 * allocates nothing. A section is loadable when it has an address, bytes, and a type that carries
 * them (program bits, constructor and destructor tables): what Espressif's elf2image takes.
 */
#ifndef CHAIN_ELF_H
#define CHAIN_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_section {
    uint32_t addr;
    uint32_t offset; /* of its bytes in the ELF; offset + size lies inside */
    uint32_t size;   /* not 0 */
    uint32_t name;   /* opaque, for elf_section_is() */
};

struct elf {
    const uint8_t *bytes; /* the caller's */
    size_t length;
    uint32_t entry;
    uint32_t section_table; /* offset and count of the section headers */
    uint32_t section_count;
    uint32_t names; /* offset and size of the section names */
    uint32_t names_size;
};

/* EMAGIC (another kind of file), ETRUNCATED, EFIELD. */
int elf_open(struct elf *elf, const uint8_t *bytes, size_t length);

/* The loadable sections in file order. ETRUNCATED, ESPACE when there are more than `max`. */
int elf_sections(const struct elf *elf, struct elf_section *sections, size_t max, size_t *count);

bool elf_section_is(const struct elf *elf, const struct elf_section *section, const char *name);

#endif
