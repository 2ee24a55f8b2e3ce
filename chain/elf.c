/* chain/elf.c: see elf.h. Field names follow the System V ABI, chapter 4. */
#include "chain/elf.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"

#define HEADER_BYTES         52u
#define SECTION_HEADER_BYTES 40u
#define CLASS_32             1
#define DATA_LITTLE_ENDIAN   1
#define MACHINE_RISCV        243

enum {
    SHT_PROGBITS = 1,
    SHT_STRTAB = 3,
    SHT_INIT_ARRAY = 14,
    SHT_FINI_ARRAY = 15,
    SHT_PREINIT_ARRAY = 16,
};

struct section_header {
    uint32_t name, type, addr, offset, size;
};

static struct section_header section_header_read(const struct elf *elf, size_t index)
{
    const uint8_t *h = elf->bytes + elf->section_table + index * SECTION_HEADER_BYTES;
    return (struct section_header){
        .name = le32_load(h),
        .type = le32_load(h + 4),
        .addr = le32_load(h + 12),
        .offset = le32_load(h + 16),
        .size = le32_load(h + 20),
    };
}

int elf_open(struct elf *elf, const uint8_t *bytes, size_t length)
{
    static const uint8_t ident[] = {0x7F, 'E', 'L', 'F', CLASS_32, DATA_LITTLE_ENDIAN};
    if (length < sizeof ident || memcmp(bytes, ident, sizeof ident) != 0)
        return CHAIN_EMAGIC;
    if (length < HEADER_BYTES)
        return CHAIN_ETRUNCATED;
    if (le16_load(bytes + 18) != MACHINE_RISCV)
        return CHAIN_EMAGIC;

    *elf = (struct elf){
        .bytes = bytes,
        .length = length,
        .entry = le32_load(bytes + 24),
        .section_table = le32_load(bytes + 32),
        .section_count = le16_load(bytes + 48),
    };
    uint16_t names_index = le16_load(bytes + 50);
    if (le16_load(bytes + 46) != SECTION_HEADER_BYTES || names_index >= elf->section_count)
        return CHAIN_EFIELD;
    if (!span_within(elf->section_table, elf->section_count * SECTION_HEADER_BYTES, length))
        return CHAIN_ETRUNCATED;

    struct section_header names = section_header_read(elf, names_index);
    if (names.type != SHT_STRTAB)
        return CHAIN_EFIELD;
    if (!span_within(names.offset, names.size, length))
        return CHAIN_ETRUNCATED;
    elf->names = names.offset;
    elf->names_size = names.size;
    return CHAIN_OK;
}

static bool is_loadable(const struct section_header *header)
{
    switch (header->type) {
    case SHT_PROGBITS:
    case SHT_INIT_ARRAY:
    case SHT_FINI_ARRAY:
    case SHT_PREINIT_ARRAY:
        return header->addr != 0 && header->size != 0;
    default:
        return false;
    }
}

int elf_sections(const struct elf *elf, struct elf_section *sections, size_t max, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < elf->section_count; i++) {
        struct section_header header = section_header_read(elf, i);
        if (!is_loadable(&header))
            continue;
        if (!span_within(header.offset, header.size, elf->length))
            return CHAIN_ETRUNCATED;
        if (*count == max)
            return CHAIN_ESPACE;
        sections[(*count)++] = (struct elf_section){
            .addr = header.addr,
            .offset = header.offset,
            .size = header.size,
            .name = header.name,
        };
    }
    return CHAIN_OK;
}

bool elf_section_is(const struct elf *elf, const struct elf_section *section, const char *name)
{
    size_t size = strlen(name) + 1;
    return span_within(section->name, size, elf->names_size) &&
           memcmp(elf->bytes + elf->names + section->name, name, size) == 0;
}
