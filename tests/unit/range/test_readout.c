/* Plaintext search, statistics and the report, on bytes whose answer is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "range/readout.h"
#include "range/report.h"

#define DUMP   0x10000u
#define SECTOR 4096u

/* Bytes that look random and are the same on every run (xorshift). */
static void noise(uint8_t *out, size_t length, uint32_t seed)
{
    for (size_t i = 0; i < length; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        out[i] = (uint8_t)seed;
    }
}

struct search_case {
    const char *name;
    const char *plain;
    size_t place; /* of the plaintext in the dump; DUMP = nowhere */
    uint64_t searched, found;
};

static const struct search_case search_cases[] = {
    {"absent", "a secret of twenty-six b", DUMP, 9, 0},
    {"present, aligned", "a secret of twenty-six b", 0x2000, 9, 9},
    {"present, odd offset", "a secret of twenty-six b", 0x1FFF, 9, 9},
    {"present at the very end", "a secret of twenty-six b", DUMP - 24, 9, 9},
    {"too short to search", "fifteen letters", 0x2000, 0, 0},
    {"filler is not telling", "aaaabbbbaaaabbbbaaaabbbb", 0x2000, 0, 0},
};

static void test_search(void **state)
{
    (void)state;
    static uint8_t dump[DUMP];
    for (size_t i = 0; i < sizeof search_cases / sizeof *search_cases; i++) {
        const struct search_case *c = &search_cases[i];
        size_t length = strlen(c->plain);
        struct readout_search result;
        noise(dump, sizeof dump, 1);
        if (c->place < DUMP)
            memcpy(dump + c->place, c->plain, length);
        print_message("%s\n", c->name);
        assert_int_equal(
            readout_search((const uint8_t *)c->plain, length, dump, sizeof dump, &result), 0);
        assert_int_equal(result.runs_searched, c->searched);
        assert_int_equal(result.runs_found, c->found);
        if (c->found > 0)
            assert_int_equal(result.first_found, c->place);
    }
}

static void test_histogram(void **state)
{
    (void)state;
    static uint8_t bytes[DUMP];
    struct readout_histogram histogram;

    memset(bytes, 0xFF, sizeof bytes);
    readout_histogram(bytes, sizeof bytes, &histogram);
    assert_int_equal(histogram.total, 0); /* erased flash says nothing */

    for (size_t i = 0; i < SECTOR; i++)
        bytes[i] = (uint8_t)i; /* exactly uniform, one sector */
    readout_histogram(bytes, sizeof bytes, &histogram);
    assert_int_equal(histogram.total, SECTOR);
    assert_int_equal(histogram.count[7], SECTOR / 256);
    assert_float_equal(histogram.entropy, 8.0, 1e-9);
    assert_float_equal(histogram.chi_square, 0.0, 1e-9);

    memset(bytes, 'x', SECTOR);
    readout_histogram(bytes, SECTOR, &histogram);
    assert_float_equal(histogram.entropy, 0.0, 1e-9);
    assert_float_equal(histogram.chi_square, 255.0 * SECTOR, 1e-3);
}

static void test_report(void **state)
{
    (void)state;
    static const struct report_check checks[] = {
        {"Boot", "a <tag> & \"quotes\"", "", REPORT_PASS},
        {"Boot", "second", "detail", REPORT_FAIL},
    };
    const struct report report = {
        .title = "T", .checks = checks, .check_count = 2, .device_log = "bell \a and <b>"};
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);
    assert_non_null(out);
    assert_int_equal(report_write(out, &report), 0);
    fclose(out);
    assert_non_null(strstr(page, "1 passed, 1 failed"));
    assert_non_null(strstr(page, "a &lt;tag&gt; &amp; &quot;quotes&quot;"));
    assert_non_null(strstr(page, "bell ? and &lt;b&gt;"));
    assert_null(strstr(page, "<tag>"));
    assert_null(strchr(page, '\a'));
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
