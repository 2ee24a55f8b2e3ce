/* NVS: layout, limits and verdicts of chain/nvs_write.c and chain/nvs_read.c (nvs.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/nvs.h"

#define SIZE (6 * NVS_PAGE_BYTES)

static uint8_t flash[SIZE];
static uint8_t data[600000];

static const struct nvs_key key = {"key", 3};

static struct nvs_writer begin(size_t size)
{
    struct nvs_writer writer;
    assert_int_equal(nvs_writer_begin(&writer, flash, size), CHAIN_OK);
    assert_int_equal(nvs_write_namespace(&writer, "space", 5), CHAIN_OK);
    return writer;
}

static int put_blob(struct nvs_writer *writer, size_t length)
{
    return nvs_write_blob(writer, key, &(struct nvs_blob_parts){.data = data, .length = length});
}

static struct nvs_entry entry_number(size_t number)
{
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    const struct nvs_source source = nvs_memory(flash, SIZE);
    assert_int_equal(nvs_begin(&cursor, &source), CHAIN_OK);
    do {
        assert_int_equal(nvs_next(&cursor, &entry), CHAIN_OK);
        assert_int_equal(entry.fault, CHAIN_OK);
    } while (number-- > 0);
    return entry;
}

/* nvs.md 1 to 3, by hand. */
static void test_layout(void **state)
{
    static const uint8_t integer[24] = {1, NVS_I16, 1, 0xFF, 0, 0, 0, 0, 'k', 'e', 'y', 0,
                                        0, 0,       0, 0,    0, 0, 0, 0, 0,   0,   0,   0};
    static const uint8_t minus_two[8] = {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    (void)state;
    struct nvs_writer writer = begin(SIZE);
    assert_int_equal(nvs_write_integer(&writer, key, NVS_I16, (uint64_t)-2), CHAIN_OK);
    assert_int_equal(nvs_write_string(&writer, key, "text", 4), CHAIN_OK);
    assert_int_equal(nvs_writer_end(&writer), SIZE);

    assert_int_equal(le32_load(flash), 0xFFFFFFFE);
    assert_int_equal(le32_load(flash + 4), 0);
    assert_int_equal(flash[8], 0xFE);
    assert_int_equal(le32_load(flash + 28), crc32_le(0xFFFFFFFF, flash + 4, 24));
    assert_int_equal(flash[32], 0xAA); /* four slots written, and no more */
    assert_int_equal(flash[33], 0xFF);

    const uint8_t *second = flash + 64 + 32;
    assert_memory_equal(second, integer, 4);
    assert_memory_equal(second + 8, integer + 8, 16);
    assert_memory_equal(second + 24, minus_two, 8);
    const uint8_t *third = flash + 64 + 64;
    assert_int_equal(third[2], 2);
    assert_int_equal(le16_load(third + 24), 5);
    assert_int_equal(le32_load(third + 28), crc32_le(0xFFFFFFFF, "text", 5));
    assert_memory_equal(third + 32, "text", 5);
    assert_int_equal(third[37], 0xFF);
}

static void test_integers_come_back(void **state)
{
    static const struct {
        enum nvs_type type;
        uint64_t value;
    } cases[] = {
        {NVS_U8, 0xFF},       {NVS_I8, (uint64_t)-128},       {NVS_I8, 127},
        {NVS_U16, 0xFFFF},    {NVS_I16, (uint64_t)INT16_MIN}, {NVS_U32, UINT32_MAX},
        {NVS_I32, INT32_MAX}, {NVS_I32, (uint64_t)INT32_MIN}, {NVS_U64, UINT64_MAX},
        {NVS_I64, INT64_MAX}, {NVS_I64, (uint64_t)INT64_MIN},
    };
    (void)state;
    struct nvs_writer writer = begin(SIZE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(nvs_write_integer(&writer, key, cases[i].type, cases[i].value), CHAIN_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct nvs_entry entry = entry_number(i + 1);
        assert_int_equal(entry.type, cases[i].type);
        assert_true(nvs_integer(&entry) == cases[i].value);
    }
}

/* A blob over pages: chunk sizes, index, page states. */
static void test_blob_over_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    struct nvs_writer writer = begin(SIZE);
    assert_int_equal(put_blob(&writer, 5000), CHAIN_OK);
    const struct nvs_entry first = entry_number(1), second = entry_number(2);
    const struct nvs_entry index = entry_number(3);
    assert_int_equal(first.type, NVS_BLOB_DATA);
    assert_int_equal(first.size, 124 * 32); /* behind the namespace and its own entry */
    assert_int_equal(second.size, 5000 - 124 * 32);
    assert_int_equal(first.chunk, 0);
    assert_int_equal(second.chunk, 1);
    assert_memory_equal(flash + first.offset, data, first.size);
    assert_memory_equal(flash + second.offset, data + first.size, second.size);
    assert_int_equal(nvs_blob_index(&index).size, 5000);
    assert_int_equal(nvs_blob_index(&index).count, 2);
    assert_int_equal(nvs_blob_index(&index).first, 0);
    assert_int_equal(le32_load(flash), 0xFFFFFFFC);
    assert_int_equal(le32_load(flash + NVS_PAGE_BYTES), 0xFFFFFFFE);
    assert_int_equal(le32_load(flash + NVS_PAGE_BYTES + 4), 1);
    assert_int_equal(le32_load(flash + 2 * NVS_PAGE_BYTES), 0xFFFFFFFF);
}

static void test_limits(void **state)
{
    struct nvs_writer writer;
    (void)state;
    assert_int_equal(nvs_writer_begin(&writer, flash, 0), CHAIN_EALIGN);
    assert_int_equal(nvs_writer_begin(&writer, flash, NVS_PAGE_BYTES + 1), CHAIN_EALIGN);
    assert_int_equal(nvs_writer_begin(&writer, flash, SIZE), CHAIN_OK);
    assert_int_equal(nvs_write_integer(&writer, key, NVS_U8, 1), CHAIN_EMISSING);
    assert_int_equal(nvs_write_namespace(&writer, "", 0), CHAIN_EFIELD);
    assert_int_equal(nvs_write_namespace(&writer, "0123456789abcdef", 16), CHAIN_EFIELD);
    assert_int_equal(nvs_write_namespace(&writer, "\x7f", 1), CHAIN_EFIELD);
    assert_int_equal(nvs_write_namespace(&writer, "0123456789abcde", 15), CHAIN_OK);
    for (unsigned i = 1; i < NVS_NAMESPACES_MAX; i++)
        assert_int_equal(nvs_write_namespace(&writer, "n", 1), CHAIN_OK);
    assert_int_equal(nvs_write_namespace(&writer, "n", 1), CHAIN_ESPACE);

    writer = begin(SIZE);
    memset(data, 'x', NVS_STRING_MAX + 1);
    assert_int_equal(nvs_write_string(&writer, key, (const char *)data, NVS_STRING_MAX + 1),
                     CHAIN_EBOUNDS);
    assert_int_equal(nvs_write_string(&writer, key, (const char *)data, NVS_STRING_MAX), CHAIN_OK);
    /* It would have ended with the first page's last slot: it is on the second. */
    assert_int_equal(le32_load(flash), 0xFFFFFFFC);
    assert_int_equal(flash[NVS_PAGE_BYTES + 64 + 1], NVS_STRING);
}

/* From three pages on one stays free; a smaller partition is only as long as it is full. */
static void test_space(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        size_t pages; /* that can be written */
    } cases[] = {{1, 1}, {2, 2}, {3, 2}, {6, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nvs_writer writer = begin(cases[i].size * NVS_PAGE_BYTES);
        for (size_t n = 1; n < cases[i].pages * NVS_PAGE_ENTRIES; n++)
            assert_int_equal(nvs_write_integer(&writer, key, NVS_U8, n & 0xFF), CHAIN_OK);
        assert_int_equal(nvs_write_integer(&writer, key, NVS_U8, 0), CHAIN_ESPACE);
        assert_int_equal(nvs_writer_end(&writer), cases[i].size * NVS_PAGE_BYTES);
    }
    struct nvs_writer writer = begin(2 * NVS_PAGE_BYTES);
    assert_int_equal(nvs_writer_end(&writer), NVS_PAGE_BYTES);
    assert_int_equal(put_blob(&writer, NVS_BLOB_MAX), CHAIN_ESPACE);
}

static void test_chunk_limit(void **state)
{
    static uint8_t large[131 * NVS_PAGE_BYTES];
    struct nvs_writer writer;
    (void)state;
    assert_int_equal(nvs_writer_begin(&writer, large, sizeof large), CHAIN_OK);
    assert_int_equal(nvs_write_namespace(&writer, "space", 5), CHAIN_OK);
    assert_int_equal(put_blob(&writer, NVS_CHUNKS_MAX * 4000 - 31), CHAIN_EBOUNDS);
    assert_int_equal(nvs_writer_begin(&writer, large, sizeof large), CHAIN_OK);
    assert_int_equal(nvs_write_namespace(&writer, "space", 5), CHAIN_OK);
    assert_int_equal(put_blob(&writer, NVS_CHUNKS_MAX * 4000 - 32), CHAIN_OK);
}

enum repair { AS_IS, PAGE_CRC, ENTRY_CRC };

/* A byte changed in a partition of one namespace and one string, the CRC over it set right again
 * where said, and what the walk then says. */
static void test_verdicts(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        uint8_t value;
        enum repair repair;
        int verdict;
    } cases[] = {
        {"nothing", 8, 0xFE, AS_IS, CHAIN_EMISSING},
        {"version 1", 8, 0xFF, PAGE_CRC, CHAIN_EMISSING},
        {"unknown version", 8, 0xFD, PAGE_CRC, CHAIN_EFIELD},
        {"page header", 9, 0, AS_IS, CHAIN_ECHECKSUM},
        {"page state unknown", 0, 0xF1, AS_IS, CHAIN_EMAGIC},
        {"page state freeing", 0, 0xF8, AS_IS, CHAIN_EMISSING},
        {"empty page that is not", 0, 0xFF, AS_IS, CHAIN_EMAGIC},
        {"page given up", 0, 0xF0, AS_IS, CHAIN_EMISSING},
        {"byte in a blank page", 3 * NVS_PAGE_BYTES + 99, 0, AS_IS, CHAIN_EMAGIC},
        {"slot state 01", 32, 0xA9, AS_IS, CHAIN_EFIELD},
        {"data slot not written", 32, 0xEA, AS_IS, CHAIN_ETRUNCATED},
        {"string erased", 32, 0x82, AS_IS, CHAIN_ECHECKSUM}, /* data would be an entry */
        {"string all erased", 32, 0x02, AS_IS, CHAIN_EMISSING},
        {"entry header", 64 + 32 + 9, 'x', AS_IS, CHAIN_ECHECKSUM},
        {"entry type unknown", 64 + 32 + 1, 0x22, ENTRY_CRC, CHAIN_EFIELD},
        {"type not of this span", 64 + 32 + 1, NVS_U8, ENTRY_CRC, CHAIN_EBOUNDS},
        {"span 0", 64 + 32 + 2, 0, ENTRY_CRC, CHAIN_EBOUNDS},
        {"span over the page", 64 + 32 + 2, 126, ENTRY_CRC, CHAIN_EBOUNDS},
        {"span over blank slots", 64 + 32 + 2, 4, ENTRY_CRC, CHAIN_ETRUNCATED},
        {"key empty", 64 + 32 + 8, 0, ENTRY_CRC, CHAIN_EFIELD},
        {"namespace 0 for a string", 64 + 32, 0, ENTRY_CRC, CHAIN_EFIELD},
        {"size over the span", 64 + 32 + 24, 65, ENTRY_CRC, CHAIN_EBOUNDS},
        {"size under the span", 64 + 32 + 24, 32, ENTRY_CRC, CHAIN_EBOUNDS},
        {"data", 64 + 64, 'x', AS_IS, CHAIN_ECHECKSUM},
        {"namespace index 0", 64 + 24, 0, ENTRY_CRC, CHAIN_EFIELD},
        {"namespace index 255", 64 + 24, 255, ENTRY_CRC, CHAIN_EFIELD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nvs_cursor cursor;
        struct nvs_entry entry;
        struct nvs_writer writer = begin(SIZE);
        memset(data, 'a', 40);
        assert_int_equal(nvs_write_string(&writer, key, (const char *)data, 40), CHAIN_OK);
        flash[cases[i].offset] = cases[i].value;
        uint8_t *raw = flash + cases[i].offset / 32 * 32;
        if (cases[i].repair == PAGE_CRC)
            le32_store(flash + 28, crc32_le(0xFFFFFFFF, flash + 4, 24));
        if (cases[i].repair == ENTRY_CRC)
            le32_store(raw + 4, crc32_le(crc32_le(0xFFFFFFFF, raw, 4), raw + 8, 24));
        const struct nvs_source source = nvs_memory(flash, SIZE);
        uint32_t page;
        int verdict = nvs_check_pages(&source, &page);
        if (verdict == CHAIN_OK)
            verdict = nvs_begin(&cursor, &source);
        while (verdict == CHAIN_OK && (verdict = nvs_next(&cursor, &entry)) == CHAIN_OK)
            verdict = entry.fault;
        if (verdict != cases[i].verdict)
            fail_msg("%s: %d, not %d", cases[i].name, verdict, cases[i].verdict);
    }
}

static int verdict_of_second(void)
{
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    uint8_t *raw = flash + 64 + 32;
    le32_store(raw + 28, crc32_le(0xFFFFFFFF, raw + 32, le16_load(raw + 24)));
    le32_store(raw + 4, crc32_le(crc32_le(0xFFFFFFFF, raw, 4), raw + 8, 24));
    const struct nvs_source source = nvs_memory(flash, SIZE);
    assert_int_equal(nvs_begin(&cursor, &source), CHAIN_OK);
    assert_int_equal(nvs_next(&cursor, &entry), CHAIN_OK);
    assert_int_equal(nvs_next(&cursor, &entry), CHAIN_OK);
    return entry.fault;
}

/* Both would let a reader of C strings run on. */
static void test_ends_of_strings(void **state)
{
    (void)state;
    struct nvs_writer writer = begin(SIZE);
    assert_int_equal(nvs_write_string(&writer, key, "text", 4), CHAIN_OK);
    assert_int_equal(verdict_of_second(), CHAIN_OK);
    flash[64 + 32 + 32 + 4] = 'x';
    assert_int_equal(verdict_of_second(), CHAIN_EFIELD);
    flash[64 + 32 + 32 + 4] = 0;
    memset(flash + 64 + 32 + 8, 'k', 16);
    assert_int_equal(verdict_of_second(), CHAIN_EFIELD);
}

/* Pages are read by sequence number, wherever they lie. */
static void test_page_order(void **state)
{
    static uint8_t swapped[NVS_PAGE_BYTES];
    (void)state;
    struct nvs_writer writer = begin(SIZE);
    for (unsigned n = 1; n < 2 * NVS_PAGE_ENTRIES; n++)
        assert_int_equal(nvs_write_integer(&writer, key, NVS_U16, n), CHAIN_OK);
    memcpy(swapped, flash, NVS_PAGE_BYTES);
    memcpy(flash, flash + NVS_PAGE_BYTES, NVS_PAGE_BYTES);
    memcpy(flash + NVS_PAGE_BYTES, flash + 2 * NVS_PAGE_BYTES, NVS_PAGE_BYTES);
    memcpy(flash + 4 * NVS_PAGE_BYTES, swapped, NVS_PAGE_BYTES);
    for (unsigned n = 1; n < 2 * NVS_PAGE_ENTRIES; n++) {
        const struct nvs_entry entry = entry_number(n);
        assert_int_equal(nvs_integer(&entry), n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),          cmocka_unit_test(test_integers_come_back),
        cmocka_unit_test(test_blob_over_pages), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_space),           cmocka_unit_test(test_chunk_limit),
        cmocka_unit_test(test_verdicts),        cmocka_unit_test(test_page_order),
        cmocka_unit_test(test_ends_of_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
