/* NVS: a value by its key, plain and encrypted, also after power cuts (nvs.md 7, 8). */
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
#include "chain/nvs_find.h"
#include "chain/nvs_keys.h"
#include "host/crypto.h"

#define SIZE (4 * NVS_PAGE_BYTES)
#define SLOT 32

static uint8_t flash[SIZE];

static struct nvs_writer writer;

static void open_space(const char *name)
{
    assert_int_equal(nvs_write_namespace(&writer, name, strlen(name)), CHAIN_OK);
}

static void begin(void)
{
    assert_int_equal(nvs_writer_begin(&writer, flash, SIZE), CHAIN_OK);
    open_space("space");
}

static void put_text(const char *key, const char *text)
{
    const struct nvs_key name = {key, strlen(key)};
    assert_int_equal(nvs_write_string(&writer, name, text, strlen(text)), CHAIN_OK);
}

static void put_number(const char *key, enum nvs_type type, uint64_t value)
{
    const struct nvs_key name = {key, strlen(key)};
    assert_int_equal(nvs_write_integer(&writer, name, type, value), CHAIN_OK);
}

static uint8_t *slot(size_t page, size_t number)
{
    return flash + page * NVS_PAGE_BYTES + 64 + number * SLOT;
}

static void set_state(size_t page, size_t number, unsigned bits)
{
    uint8_t *byte = flash + page * NVS_PAGE_BYTES + 32 + number / 4;
    const unsigned shift = number % 4 * 2;
    *byte = (uint8_t)((*byte & ~(3u << shift)) | bits << shift);
}

static const char *text_of(const struct nvs_source *source, const char *key)
{
    static char out[64];
    return nvs_find_string(source, "space", key, out, sizeof out) == CHAIN_OK ? out : "";
}

static const char *text_now(const char *key)
{
    const struct nvs_source source = nvs_memory(flash, SIZE);
    return text_of(&source, key);
}

static void test_values(void **state)
{
    static const struct {
        const char *space, *key;
        int error;
        uint64_t value;
    } cases[] = {
        {"space", "u8", CHAIN_OK, 200},
        {"space", "u16", CHAIN_OK, 60000},
        {"space", "u32", CHAIN_OK, UINT32_MAX},
        {"space", "u64", CHAIN_OK, UINT64_MAX},
        {"other", "u8", CHAIN_OK, 7},
        {"space", "i8", CHAIN_EMISSING, 0},   /* signed: another type */
        {"space", "text", CHAIN_EMISSING, 0}, /* a string */
        {"space", "u", CHAIN_EMISSING, 0},    /* the beginning of a key */
        {"space", "u88", CHAIN_EMISSING, 0},
        {"spac", "u8", CHAIN_EMISSING, 0},
        {"spaces", "u8", CHAIN_EMISSING, 0},
        {"", "u8", CHAIN_EMISSING, 0},
        {"space", "a key longer than any", CHAIN_EMISSING, 0},
    };
    (void)state;
    begin();
    put_number("u8", NVS_U8, 200);
    put_number("u16", NVS_U16, 60000);
    put_number("u32", NVS_U32, UINT32_MAX);
    put_number("u64", NVS_U64, UINT64_MAX);
    put_number("i8", NVS_I8, 1);
    put_text("text", "text");
    open_space("other");
    put_number("u8", NVS_U8, 7);
    const struct nvs_source source = nvs_memory(flash, SIZE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 0;
        int error = nvs_find_unsigned(&source, cases[i].space, cases[i].key, &value);
        if (error != cases[i].error || value != cases[i].value)
            fail_msg("%s/%s: %d, %llu", cases[i].space, cases[i].key, error,
                     (unsigned long long)value);
    }
}

static void test_room_for_a_string(void **state)
{
    static const size_t lengths[] = {0, 1, 31, 32, 33, 200};
    char text[201], out[300];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t length = lengths[i];
        memset(text, 'a' + (int)i, sizeof text);
        text[length] = 0;
        begin();
        put_text("text", text);
        const struct nvs_source source = nvs_memory(flash, SIZE);
        memset(out, 0x55, sizeof out);
        assert_int_equal(nvs_find_string(&source, "space", "text", out, length + 1), CHAIN_OK);
        assert_string_equal(out, text);
        assert_int_equal(out[length + 1], 0x55);
        assert_int_equal(nvs_find_string(&source, "space", "text", out, length), CHAIN_ESPACE);
    }
}

/* A value and its newer one, and what may have become of either. Slots 1, 2: old; 3, 4: new. */
static void test_newest_counts(void **state)
{
    static const struct {
        const char *name;
        size_t slot;
        int bits; /* of the slot in the bitmap; < 0: a byte of the slot is changed */
        const char *found;
    } cases[] = {
        {"both written", 1, 2, "new"},
        {"old one erased, as it should be", 1, 0, "new"},
        {"old one erased halfway", 2, 0, "new"},
        {"new one erased", 3, 0, "old"},
        {"new one written halfway", 4, 3, "old"},
        {"new one erased halfway", 4, 0, "old"},
        {"new one's head never written", 3, 3, "old"},
        {"slot in no state", 3, 1, "old"},
        {"new one's head damaged", 3, -1, "old"},
        {"new one's text damaged", 4, -1, "old"},
        {"old one's text damaged", 2, -1, "new"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        put_text("text", "old");
        put_text("text", "new");
        if (cases[i].bits < 0)
            slot(0, cases[i].slot)[1] ^= 0x40;
        else
            set_state(0, cases[i].slot, (unsigned)cases[i].bits);
        if (strcmp(text_now("text"), cases[i].found) != 0)
            fail_msg("%s: '%s'", cases[i].name, text_now("text"));
    }
}

/* Newer is the page with the greater sequence number, wherever it lies. */
static void test_pages(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        uint8_t value;
        bool seal;
        const char *found;
    } cases[] = {
        {"sound", 0, 0xFE, false, "new"},
        {"new page's header damaged", 9, 0, false, "old"},
        {"new page given up", 0, 0xF0, false, "old"},
        {"new page of version 1", 8, 0xFF, true, "new"},
        {"new page of no known state", 0, 0xF1, false, "old"},
        {"old page being moved", NVS_PAGE_BYTES, 0xF8, false, "new"},
        {"new page being moved", 0, 0xF8, false, "new"},
        {"version to come", 8, 0xFD, true, ""},
    };
    static uint8_t first[NVS_PAGE_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        put_text("text", "old");
        while (writer.slot < NVS_PAGE_ENTRIES)
            put_number("n", NVS_U8, 1);
        put_text("text", "new");
        memcpy(first, flash, sizeof first); /* the newer page comes first in flash */
        memcpy(flash, flash + NVS_PAGE_BYTES, NVS_PAGE_BYTES);
        memcpy(flash + NVS_PAGE_BYTES, first, sizeof first);
        flash[cases[i].offset] = cases[i].value;
        if (cases[i].seal)
            le32_store(flash + 28, crc32_le(0xFFFFFFFF, flash + 4, 24));
        if (strcmp(text_now("text"), cases[i].found) != 0)
            fail_msg("%s: '%s'", cases[i].name, text_now("text"));
    }
    const struct nvs_source source = nvs_memory(flash, SIZE);
    uint64_t value;
    assert_int_equal(nvs_find_unsigned(&source, "space", "n", &value), CHAIN_EFIELD);
}

/* What a device programs, byte by byte, in ESP-IDF's order; power may fail after each. */
static uint8_t before[SIZE], after[SIZE];
static struct {
    size_t offset;
    uint8_t value;
} plan[1000];
static size_t planned;

static void plan_bytes(size_t offset, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        assert_in_range(planned, 0, sizeof plan / sizeof *plan - 1);
        after[offset + i] &= bytes[i]; /* flash only clears bits */
        plan[planned].offset = offset + i;
        plan[planned++].value = after[offset + i];
    }
}

/* Two bits of the bitmap. */
static void plan_state(size_t page, size_t number, unsigned bits)
{
    const unsigned shift = number % 4 * 2;
    const uint8_t mask = (uint8_t) ~((bits ^ 3u) << shift);
    plan_bytes(page * NVS_PAGE_BYTES + 32 + number / 4, &mask, 1);
}

/* An entry: its head, then its data, each before its bits. */
static void plan_entry(size_t page, size_t number, const uint8_t *bytes, size_t slots)
{
    const size_t at = page * NVS_PAGE_BYTES + 64 + number * SLOT;
    plan_bytes(at, bytes, SLOT);
    plan_state(page, number, 2);
    for (size_t i = 1; i < slots; i++)
        plan_bytes(at + i * SLOT, bytes + i * SLOT, SLOT);
    for (size_t i = slots - 1; i > 0; i--)
        plan_state(page, number + i, 2);
}

static void begin_plan(void)
{
    memcpy(before, flash, SIZE);
    memcpy(after, flash, SIZE);
    planned = 0;
}

static void cut_after(size_t bytes)
{
    memcpy(flash, before, SIZE);
    for (size_t i = 0; i < bytes; i++)
        flash[plan[i].offset] = plan[i].value;
}

/* A longer value takes an older one's place. It is the old one until all of the new one is marked,
 * and the new one from then on. */
static void test_power_fails_in_an_update(void **state)
{
    static const char old[] = "old", new[] = "new, and of more than thirty-two bytes";
    static uint8_t entry[3 * SLOT];
    (void)state;
    begin();
    put_text("text", old);
    put_text("text", new);
    memcpy(entry, slot(0, 3), sizeof entry);
    begin();
    put_text("text", old);
    begin_plan();
    plan_entry(0, 3, entry, 3);
    const size_t complete = planned;
    plan_state(0, 2, 0);
    plan_state(0, 1, 0);
    for (size_t cut = 0; cut <= planned; cut++) {
        cut_after(cut);
        if (strcmp(text_now("text"), cut < complete ? old : new) != 0)
            fail_msg("after %zu bytes of %zu: '%s'", cut, planned, text_now("text"));
    }
}

/* A page's entries move to a new one, and the page is erased: nothing is ever missing. */
static void test_power_fails_while_a_page_moves(void **state)
{
    static const uint8_t freeing[] = {0xF8};
    uint8_t header[32];
    (void)state;
    begin();
    put_text("gone", "x");
    put_text("text", "value");
    put_number("n", NVS_U8, 1);
    set_state(0, 1, 0);
    set_state(0, 2, 0);
    begin_plan();
    memcpy(header, flash, sizeof header);
    le32_store(header + 4, 1); /* sequence number */
    le32_store(header + 28, crc32_le(0xFFFFFFFF, header + 4, 24));
    plan_bytes(0, freeing, sizeof freeing);
    plan_bytes(NVS_PAGE_BYTES, header, sizeof header);
    plan_entry(1, 0, slot(0, 0), 1);
    plan_entry(1, 1, slot(0, 3), 2);
    plan_entry(1, 3, slot(0, 5), 1);
    for (size_t cut = 0; cut <= planned + 1; cut++) {
        const struct nvs_source source = nvs_memory(flash, SIZE);
        uint64_t value = 0;
        cut_after(cut <= planned ? cut : planned);
        if (cut > planned)
            memset(flash, 0xFF, NVS_PAGE_BYTES);
        if (strcmp(text_now("text"), "value") != 0 || text_now("gone")[0] != 0 ||
            nvs_find_unsigned(&source, "space", "n", &value) != CHAIN_OK || value != 1)
            fail_msg("after %zu bytes of %zu: '%s'", cut, planned, text_now("text"));
    }
}

/* Flash that fails from a certain read on. */
static int failing(void *context, uint32_t offset, void *out, size_t length)
{
    int *good = context;
    assert_true(offset <= SIZE && length <= SIZE - offset);
    assert_true(offset % 32 == 0 && length % 32 == 0);
    if (--*good < 0)
        return CHAIN_EPROTECTED;
    memcpy(out, flash + offset, length);
    return CHAIN_OK;
}

static void test_source_fails(void **state)
{
    (void)state;
    begin();
    put_text("text", "value");
    char out[8];
    int reads = 0, left = 0, error;
    struct nvs_source source = {.context = &left, .read = failing, .size = SIZE};
    do {
        left = reads++;
        error = nvs_find_string(&source, "space", "text", out, sizeof out);
        assert_true(error == CHAIN_OK || error == CHAIN_EPROTECTED);
    } while (error != CHAIN_OK);
    assert_string_equal(out, "value");
    assert_in_range(reads, 10, 100);
    source.size = SIZE - 1;
    assert_int_equal(nvs_find_string(&source, "space", "text", out, sizeof out), CHAIN_EALIGN);
    source.size = 0;
    assert_int_equal(nvs_find_string(&source, "space", "text", out, sizeof out), CHAIN_EALIGN);
}

static struct nvs_keys some_keys(uint8_t seed)
{
    struct nvs_keys keys;
    for (size_t i = 0; i < sizeof keys.xts; i++)
        keys.xts[i] = (uint8_t)(seed + 3 * i);
    return keys;
}

static void test_encrypted(void **state)
{
    static uint8_t plain[SIZE];
    const struct nvs_keys keys = some_keys(1), others = some_keys(2);
    (void)state;
    begin();
    put_text("text", "a value of more than thirty-two bytes");
    put_number("n", NVS_U32, 99);
    set_state(0, 3, 0); /* erased: encrypted all the same */
    put_text("text", "new");
    memcpy(plain, flash, SIZE);
    assert_int_equal(nvs_crypt(&host_crypto, &keys, true, flash, SIZE), CHAIN_OK);
    assert_memory_equal(flash, plain, 64);
    for (size_t i = 0; i < 7; i++)
        assert_memory_not_equal(slot(0, i), plain + 64 + i * SLOT, SLOT);
    assert_memory_equal(slot(0, 7), plain + 64 + 7 * SLOT, SIZE - 64 - 7 * SLOT);

    struct nvs_source source = nvs_memory(flash, SIZE);
    assert_string_equal(text_of(&source, "text"), ""); /* without keys */
    source.keys = &keys;
    assert_int_equal(nvs_find_string(&source, "space", "text", (char[8]){0}, 8), CHAIN_ECRYPTO);
    source.crypto = &host_crypto;
    assert_string_equal(text_of(&source, "text"), "new");
    source.keys = &others;
    assert_string_equal(text_of(&source, "text"), "");
    assert_int_equal(nvs_crypt(&host_crypto, &keys, false, flash, SIZE), CHAIN_OK);
    assert_memory_equal(flash, plain, SIZE);
    assert_int_equal(nvs_crypt(&host_crypto, &keys, false, flash, SIZE - 1), CHAIN_EALIGN);
}

static void test_keys_record(void **state)
{
    uint8_t record[NVS_KEYS_RECORD_BYTES];
    const struct nvs_keys keys = some_keys(9);
    struct nvs_keys loaded;
    (void)state;
    memset(record, 0xFF, sizeof record);
    assert_int_equal(nvs_keys_load(&loaded, record), CHAIN_EMISSING);
    nvs_keys_store(&keys, record);
    assert_int_equal(le32_load(record + 64),
                     crc32_le(crc32_le(0xFFFFFFFF, record, 32), record + 32, 32));
    assert_int_equal(nvs_keys_load(&loaded, record), CHAIN_OK);
    assert_memory_equal(loaded.xts, keys.xts, sizeof keys.xts);
    for (size_t i = 0; i < sizeof record; i++) {
        record[i] ^= 1;
        assert_int_equal(nvs_keys_load(&loaded, record), CHAIN_ECHECKSUM);
        record[i] ^= 1;
    }
    memcpy(loaded.xts, keys.xts, 32);
    memcpy(loaded.xts + 32, keys.xts, 32);
    nvs_keys_store(&loaded, record);
    assert_int_equal(nvs_keys_load(&loaded, record), CHAIN_EFIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_room_for_a_string),
        cmocka_unit_test(test_newest_counts),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_source_fails),
        cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_keys_record),
        cmocka_unit_test(test_power_fails_in_an_update),
        cmocka_unit_test(test_power_fails_while_a_page_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
