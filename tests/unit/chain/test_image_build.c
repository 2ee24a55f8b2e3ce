/* The image writer: layout rules of formats.md 1.2-1.7 on ELF files made here, digest by digest and
 * byte by byte; tests/oracle compares with Espressif's own tool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/image_build.h"
#include "host/crypto.h"
#include "sample.h"

enum { PROGBITS = 1, STRTAB = 3, NOBITS = 8, INIT_ARRAY = 14 };

struct section {
    const char *name;
    uint32_t type;
    uint32_t addr;
    uint32_t size;
    uint8_t fill; /* every byte of it; 0 for a descriptor */
};

struct elf_file {
    uint8_t *bytes;
    size_t length;
    uint32_t table; /* offset of the section headers */
};

static void header_put(uint8_t *h, uint32_t name, uint32_t type, uint32_t addr, uint32_t offset,
                       uint32_t size)
{
    le32_store(h, name);
    le32_store(h + 4, type);
    le32_store(h + 12, addr);
    le32_store(h + 16, offset);
    le32_store(h + 20, size);
}

/* ELF header, section data, names, section headers; entry at the first section. */
static struct elf_file elf_make(const struct section *sections, size_t count)
{
    size_t data = 0, names = 1;
    for (size_t i = 0; i < count; i++) {
        data += sections[i].size;
        names += strlen(sections[i].name) + 1;
    }
    struct elf_file elf = {.table = (uint32_t)(52 + data + names)};
    elf.length = elf.table + 40 * (count + 1);
    elf.bytes = calloc(1, elf.length);

    static const uint8_t ident[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
    memcpy(elf.bytes, ident, sizeof ident);
    le16_store(elf.bytes + 16, 2);
    le16_store(elf.bytes + 18, 243);
    le32_store(elf.bytes + 24, count > 0 ? sections[0].addr : 0);
    le32_store(elf.bytes + 32, elf.table);
    le16_store(elf.bytes + 46, 40);
    le16_store(elf.bytes + 48, (uint16_t)(count + 1));
    le16_store(elf.bytes + 50, (uint16_t)count);

    uint32_t at = 52, name = 1, names_at = (uint32_t)(52 + data);
    uint8_t *header = elf.bytes + elf.table;
    for (size_t i = 0; i < count; i++, header += 40) {
        memset(elf.bytes + at, sections[i].fill, sections[i].size);
        strcpy((char *)elf.bytes + names_at + name, sections[i].name);
        header_put(header, name, sections[i].type, sections[i].addr, at, sections[i].size);
        at += sections[i].size;
        name += (uint32_t)strlen(sections[i].name) + 1;
    }
    header_put(header, 0, STRTAB, 0, names_at, (uint32_t)names);
    return elf;
}

struct built {
    uint8_t *bytes;
    size_t length;
    struct image image;
};

/* Builds into a buffer of exactly the size that image_build_bound() asks for. */
static int build(const struct elf_file *elf, const struct image_build_options *options,
                 struct built *built)
{
    size_t bound = image_build_bound(elf->bytes, elf->length);
    built->bytes = malloc(bound > 0 ? bound : 1);
    int error = image_build(elf->bytes, elf->length, options, &host_crypto, built->bytes, bound,
                            &built->length);
    if (error == CHAIN_OK) {
        assert_int_equal(image_parse(built->bytes, built->length, &built->image), CHAIN_OK);
        assert_int_equal(built->image.length, built->length);
        assert_int_equal(image_check_checksum(&built->image, built->bytes), CHAIN_OK);
        assert_int_equal(image_check_digest(&built->image, built->bytes, &host_crypto), CHAIN_OK);
    }
    return error;
}

static int build_sections(const struct section *sections, size_t count,
                          const struct image_build_options *options, struct built *built)
{
    struct elf_file elf = elf_make(sections, count);
    int error = build(&elf, options, built);
    free(elf.bytes);
    return error;
}

struct expected {
    uint32_t addr;
    uint32_t length;
};

/* Each case's segments as Espressif's tool 5.3.0 was seen to lay them out. */
static const struct {
    const char *name;
    struct section section[6];
    bool pad;
    struct expected segment[6];
} layouts[] = {
    {"neighbours merge, sizes grow to words",
     {{".a", PROGBITS, 0x40800000, 7, 1}, {".b", INIT_ARRAY, 0x40800008, 5, 2}},
     false,
     {{0x40800000, 16}}},
    {"a gap separates",
     {{".a", PROGBITS, 0x40800000, 4, 1}, {".b", PROGBITS, 0x40800008, 4, 2}},
     false,
     {{0x40800000, 4}, {0x40800008, 4}}},
    {"neighbours in memory but not in the ELF stay apart, in address order",
     {{".b", PROGBITS, 0x40800008, 8, 1}, {".a", PROGBITS, 0x40800000, 8, 2}},
     false,
     {{0x40800000, 8}, {0x40800008, 8}}},
    {"no bytes, no address, no program bits: not there",
     {{".a", PROGBITS, 0x40800000, 4, 1},
      {".bss", NOBITS, 0x40800100, 8, 0},
      {".empty", PROGBITS, 0x40800200, 0, 0},
      {".comment", PROGBITS, 0, 8, 7}},
     false,
     {{0x40800000, 4}}},
    {"the descriptor comes first, RAM fills the gap to the next flash segment",
     {{".flash.text", PROGBITS, 0x42000020, 64, 1},
      {".flash.appdesc", PROGBITS, 0x42010020, 256, 0},
      {".ram", PROGBITS, 0x40800000, 64, 2}},
     false,
     {{0x42010020, 256}, {0x40800000, 64}, {0, 0xFEA8}, {0x42000020, 64}}},
    {"a long RAM segment is split",
     {{".flash.appdesc", PROGBITS, 0x42000020, 256, 0},
      {".flash.text", PROGBITS, 0x42010020, 64, 1},
      {".ram", PROGBITS, 0x40800000, 0x10000, 2}},
     false,
     {{0x42000020, 256}, {0x40800000, 0xFEF0}, {0x42010020, 64}, {0x4080FEF0, 0x110}}},
    {"the boot descriptor comes first in RAM",
     {{".text", PROGBITS, 0x40800000, 64, 1}, {".dram0.bootdesc", PROGBITS, 0x40801000, 80, 2}},
     false,
     {{0x40801000, 80}, {0x40800000, 64}}},
    {"padding may skip a page, as the tool's does",
     {{".flash", PROGBITS, 0x42FFFFF0, 16, 1}},
     false,
     {{0, 0x1FFC8}, {0x42FFFFF0, 16}}},
    {"only a header is missing (here the tool gives up)",
     {{".flash.a", PROGBITS, 0x42000020, 0xFFD0, 1}, {".flash.b", PROGBITS, 0x42020000, 16, 2}},
     false,
     {{0x42000020, 0xFFD0}, {0, 0}, {0x42020000, 16}}},
    {"secure padding",
     {{".a", PROGBITS, 0x40800000, 0xFFA4, 1}},
     true,
     {{0x40800000, 0xFFA4}, {0, 4}}},
    {"secure padding of nothing",
     {{".a", PROGBITS, 0x40800000, 0xFFA8, 1}},
     true,
     {{0x40800000, 0xFFA8}, {0, 0}}},
    {"secure padding of nearly a page",
     {{".a", PROGBITS, 0x40800000, 0xFFAC, 1}},
     true,
     {{0x40800000, 0xFFAC}, {0, 0xFFFC}}},
};

static void layout_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        struct built built;
        struct image_build_options options = image_build_defaults;
        size_t sections = 0, segments = 0;
        while (sections < 6 && layouts[i].section[sections].name != NULL)
            sections++;
        options.secure_pad_v2 = layouts[i].pad;
        int error = build_sections(layouts[i].section, sections, &options, &built);
        if (error != CHAIN_OK)
            fail_msg("%s: error %d", layouts[i].name, error);
        for (; segments < built.image.segment_count; segments++) {
            const struct expected *want = &layouts[i].segment[segments];
            const struct image_segment *have = &built.image.segment[segments];
            if (have->load_addr != want->addr || have->length != want->length)
                fail_msg("%s: segment %zu is %08x+%x", layouts[i].name, segments, have->load_addr,
                         have->length);
        }
        if (segments < 6 &&
            (layouts[i].segment[segments].addr | layouts[i].segment[segments].length))
            fail_msg("%s: only %zu segments", layouts[i].name, segments);
        if (layouts[i].pad)
            assert_int_equal(built.length % 0x10000, 0);
        free(built.bytes);
    }
}

static void bytes_of_a_small_image(void **state)
{
    (void)state;
    static const struct section sections[] = {{".a", PROGBITS, 0x40800000, 6, 0x11}};
    static const uint8_t expected[48] = {
        0xE9, 1,    3,    0x32, 0x00, 0x00, 0x80, 0x40, 0xEE, 0,    0,    0,    0x0D, 0, 0, 0x66,
        0x00, 0x63, 0x00, 0,    0,    0,    0,    1,    0x00, 0x00, 0x80, 0x40, 8,    0, 0, 0,
        0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0,    0,    0,    0,    0,    0,    0,    0, 0, 0xEF};
    const struct image_build_options options = {.spi_mode = 3,
                                                .spi_speed = 2,
                                                .flash_size = 3,
                                                .min_rev_full = 102,
                                                .max_rev_full = 99,
                                                .append_digest = true};
    struct built built;
    uint8_t digest[32];
    assert_int_equal(build_sections(sections, 1, &options, &built), CHAIN_OK);
    assert_int_equal(built.length, 80);
    assert_memory_equal(built.bytes, expected, sizeof expected);
    SHA256(expected, sizeof expected, digest);
    assert_memory_equal(built.bytes + 48, digest, 32);
    free(built.bytes);

    struct image_build_options plain = options;
    plain.append_digest = false;
    assert_int_equal(build_sections(sections, 1, &plain, &built), CHAIN_OK);
    assert_int_equal(built.length, 48);
    assert_int_equal(built.bytes[23], 0);
    free(built.bytes);
}

static void elf_digest_is_patched(void **state)
{
    (void)state;
    struct section sections[] = {{".flash.rodata", PROGBITS, 0x42000020, 256, 0}};
    struct image_build_options options = image_build_defaults;
    static const uint8_t zeros[32];
    struct built built;
    uint8_t digest[32];

    struct elf_file elf = elf_make(sections, 1);
    assert_int_equal(build(&elf, &options, &built), CHAIN_OK);
    assert_memory_equal(built.bytes + 0xB0, zeros, 32);
    free(built.bytes);
    options.elf_digest = true;
    assert_int_equal(build(&elf, &options, &built), CHAIN_OK);
    SHA256(elf.bytes, elf.length, digest);
    assert_memory_equal(built.bytes + 0xB0, digest, 32);
    free(built.bytes);
    free(elf.bytes);

    options.elf_digest = false; /* a descriptor is enough of a reason */
    sections[0].name = ".flash.appdesc";
    elf = elf_make(sections, 1);
    assert_int_equal(build(&elf, &options, &built), CHAIN_OK);
    SHA256(elf.bytes, elf.length, digest);
    assert_memory_equal(built.bytes + 0xB0, digest, 32);
    free(built.bytes);
    free(elf.bytes);
}

static const struct {
    const char *name;
    struct section section[3];
    bool elf_digest;
    int expected;
} refusals[] = {
    {"nothing to load", {{".comment", PROGBITS, 0, 8, 1}}, false, CHAIN_EMISSING},
    {"address of no memory", {{".a", PROGBITS, 0x3FC80000, 8, 1}}, false, CHAIN_EBOUNDS},
    {"address that is not loaded", {{".a", PROGBITS, 0x10000, 8, 1}}, false, CHAIN_EBOUNDS},
    {"over the end of HP SRAM", {{".a", PROGBITS, 0x4087FFFC, 5, 1}}, false, CHAIN_EBOUNDS},
    {"flash off a word", {{".a", PROGBITS, 0x42000022, 8, 1}}, false, CHAIN_EALIGN},
    {"RAM sections overlap",
     {{".a", PROGBITS, 0x40800000, 8, 1}, {".b", PROGBITS, 0x40800004, 8, 1}},
     false,
     CHAIN_EOVERLAP},
    {"RAM sections at one address",
     {{".a", PROGBITS, 0x40800000, 8, 1}, {".b", PROGBITS, 0x40800000, 8, 1}},
     false,
     CHAIN_EOVERLAP},
    {"two flash segments in a page",
     {{".a", PROGBITS, 0x42000020, 8, 1}, {".b", PROGBITS, 0x42000040, 8, 1}},
     false,
     CHAIN_EOVERLAP},
    {"a flash segment that reaches into the page of the next",
     {{".a", PROGBITS, 0x42000020, 0x10000, 1}, {".b", PROGBITS, 0x42010200, 8, 1}},
     false,
     CHAIN_EOVERLAP},
    {"no zeros for the ELF digest", {{".a", PROGBITS, 0x42000020, 256, 1}}, true, CHAIN_EFIELD},
    {"ELF digest over a segment's end",
     {{".a", PROGBITS, 0x42000020, 160, 0}},
     true,
     CHAIN_EBOUNDS},
    {"short descriptor", {{".flash.appdesc", PROGBITS, 0x42000020, 252, 0}}, false, CHAIN_EBOUNDS},
    {"descriptor of a page the MMU does not have",
     {{".flash.appdesc", PROGBITS, 0x42000020, 256, 12}},
     false,
     CHAIN_EFIELD},
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct built built;
        struct image_build_options options = image_build_defaults;
        size_t sections = 0;
        while (sections < 3 && refusals[i].section[sections].name != NULL)
            sections++;
        options.elf_digest = refusals[i].elf_digest;
        int error = build_sections(refusals[i].section, sections, &options, &built);
        free(built.bytes);
        if (error != refusals[i].expected)
            fail_msg("%s: %d instead of %d", refusals[i].name, error, refusals[i].expected);
    }
}

static void counts_are_limited(void **state)
{
    (void)state;
    struct section sections[130];
    struct built built;
    struct image_build_options options = image_build_defaults;
    for (uint32_t i = 0; i < 130; i++)
        sections[i] = (struct section){".s", PROGBITS, 0x40800000 + 16 * i, 8, 1};
    assert_int_equal(build_sections(sections, 16, &options, &built), CHAIN_OK);
    assert_int_equal(built.image.segment_count, 16);
    free(built.bytes);
    assert_int_equal(build_sections(sections, 17, &options, &built), CHAIN_ESPACE);
    free(built.bytes);
    options.secure_pad_v2 = true;
    assert_int_equal(build_sections(sections, 16, &options, &built), CHAIN_ESPACE);
    free(built.bytes);
    assert_int_equal(build_sections(sections, 129, &options, &built), CHAIN_ESPACE);
    free(built.bytes);
    options.append_digest = false;
    assert_int_equal(build_sections(sections, 2, &options, &built), CHAIN_EFIELD);
    free(built.bytes);
}

static void small_buffers_are_refused(void **state)
{
    (void)state;
    static const struct section sections[] = {{".flash.appdesc", PROGBITS, 0x42000020, 256, 0},
                                              {".ram", PROGBITS, 0x40800000, 64, 2}};
    struct elf_file elf = elf_make(sections, 2);
    struct image_build_options options = image_build_defaults;
    size_t length;
    for (size_t size = 0; size <= 400; size++) {
        uint8_t *out = malloc(size > 0 ? size : 1);
        int error = image_build(elf.bytes, elf.length, &options, &host_crypto, out, size, &length);
        assert_int_equal(error, size < 400 ? CHAIN_ESPACE : CHAIN_OK);
        free(out);
    }
    assert_int_equal(length, 400);
    free(elf.bytes);
}

/* An ELF cut anywhere or damaged anywhere never leads outside of it. */
static void damaged_elfs_are_harmless(void **state)
{
    (void)state;
    static const struct section sections[] = {{".flash.appdesc", PROGBITS, 0x42000020, 256, 0},
                                              {".ram", PROGBITS, 0x40800000, 64, 2}};
    struct elf_file elf = elf_make(sections, 2);
    struct built built;
    for (size_t length = 0; length < elf.length; length++) {
        struct elf_file cut = {.bytes = malloc(length > 0 ? length : 1), .length = length};
        memcpy(cut.bytes, elf.bytes, length);
        assert_int_equal(build(&cut, &image_build_defaults, &built),
                         length < 6 ? CHAIN_EMAGIC : CHAIN_ETRUNCATED);
        assert_int_equal(image_build_bound(cut.bytes, length), 0);
        free(built.bytes);
        free(cut.bytes);
    }
    for (size_t at = 0; at < elf.length; at++) {
        if (at >= 52 && at < elf.table)
            continue; /* section data */
        for (unsigned value = 0; value < 256; value += 17) {
            uint8_t was = elf.bytes[at];
            elf.bytes[at] = (uint8_t)value;
            (void)build(&elf, &image_build_defaults, &built);
            free(built.bytes);
            elf.bytes[at] = was;
        }
    }
    free(elf.bytes);
}

static void other_files_are_named(void **state)
{
    (void)state;
    static const struct section sections[] = {{".ram", PROGBITS, 0x40800000, 64, 2}};
    static const struct {
        size_t offset;
        unsigned width;
        uint32_t value;
        int expected;
    } table[] = {
        {0, 1, 0x7E, CHAIN_EMAGIC},            /* not an ELF */
        {4, 1, 2, CHAIN_EMAGIC},               /* 64 bits */
        {5, 1, 2, CHAIN_EMAGIC},               /* big-endian */
        {18, 2, 94, CHAIN_EMAGIC},             /* Xtensa */
        {32, 4, 0xFFFFFFF0, CHAIN_ETRUNCATED}, /* section headers beyond the end */
        {46, 2, 64, CHAIN_EFIELD},             /* section header size */
        {48, 2, 0xFFFF, CHAIN_ETRUNCATED},     /* number of sections */
        {50, 2, 2, CHAIN_EFIELD},              /* names in a section that is not there */
        {50, 2, 0, CHAIN_EFIELD},              /* names in a section of another type */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct elf_file elf = elf_make(sections, 1);
        struct built built;
        sample_poke(elf.bytes, table[i].offset, table[i].width, table[i].value);
        int error = build(&elf, &image_build_defaults, &built);
        if (error != table[i].expected)
            fail_msg("row %zu: %d instead of %d", i, error, table[i].expected);
        free(built.bytes);
        free(elf.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_rules),
        cmocka_unit_test(bytes_of_a_small_image),
        cmocka_unit_test(elf_digest_is_patched),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(counts_are_limited),
        cmocka_unit_test(small_buffers_are_refused),
        cmocka_unit_test(damaged_elfs_are_harmless),
        cmocka_unit_test(other_files_are_named),
    };
    return cmocka_run_group_tests_name("image_build", tests, NULL, NULL);
}
