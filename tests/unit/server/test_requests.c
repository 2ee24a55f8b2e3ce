/* What requests may say: paths, ranges, entity tags, log text. Tables of input and verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/etag.h"
#include "server/log.h"
#include "server/range.h"
#include "server/release/ota_target.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define X16          "xxxxxxxxxxxxxxxx"
#define X64          X16 X16 X16 X16

static void paths(void **state)
{
    static const struct {
        const char *path;
        enum target_kind kind;
        const char *product, *channel;
    } table[] = {
        {"/healthz", TARGET_HEALTH, "", ""},
        {"/ota/thermo/stable.bin", TARGET_IMAGE, "thermo", "stable"},
        {"/ota/thermo/stable.json", TARGET_INFO, "thermo", "stable"},
        {"/ota/A-b_c.9/v1.0.bin", TARGET_IMAGE, "A-b_c.9", "v1.0"},
        {"/ota/a/b.json.bin", TARGET_IMAGE, "a", "b.json"},
        {"/ota/a/..b.bin", TARGET_NONE, "", ""},
        {"/ota/a/b..bin", TARGET_IMAGE, "a", "b."},
        {"/ota/" X64 "/" X64 ".bin", TARGET_IMAGE, X64, X64},
        {"/ota/" X64 "x/a.bin", TARGET_NONE, "", ""},
        {"/ota/a/" X64 "x.bin", TARGET_NONE, "", ""},
        {"", TARGET_NONE, "", ""},
        {"/", TARGET_NONE, "", ""},
        {"*", TARGET_NONE, "", ""},
        {"/healthz/", TARGET_NONE, "", ""},
        {"/healthzz", TARGET_NONE, "", ""},
        {"healthz", TARGET_NONE, "", ""},
        {"/ota", TARGET_NONE, "", ""},
        {"/ota/", TARGET_NONE, "", ""},
        {"/ota//", TARGET_NONE, "", ""},
        {"/ota/a/", TARGET_NONE, "", ""},
        {"/ota/a/b", TARGET_NONE, "", ""},
        {"/ota/a/.bin", TARGET_NONE, "", ""},
        {"/ota/a/..bin", TARGET_NONE, "", ""},
        {"/ota//b.bin", TARGET_NONE, "", ""},
        {"/ota/a/b/c.bin", TARGET_NONE, "", ""},
        {"/ota/../b.bin", TARGET_NONE, "", ""},
        {"/ota/./b.bin", TARGET_NONE, "", ""},
        {"/ota/.a/b.bin", TARGET_NONE, "", ""},
        {"/ota/a/b.BIN", TARGET_NONE, "", ""},
        {"/ota/a/b.bin?x", TARGET_NONE, "", ""},
        {"/ota/a/b.bin#x", TARGET_NONE, "", ""},
        {"/ota/a%2fb/c.bin", TARGET_NONE, "", ""},
        {"/ota/a\\b/c.bin", TARGET_NONE, "", ""},
        {"/ota/a b/c.bin", TARGET_NONE, "", ""},
        {"/ota/\xc3\xa4/c.bin", TARGET_NONE, "", ""},
        {"/ota/artifacts/c.bin", TARGET_NONE, "", ""},
        {"/ota/artifacts2/c.bin", TARGET_IMAGE, "artifacts2", "c"},
        {"//ota/a/b.bin", TARGET_NONE, "", ""},
        {"https://h/ota/a/b.bin", TARGET_NONE, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct ota_target target = ota_target_parse(table[i].path, strlen(table[i].path));
        if (target.kind != table[i].kind) {
            fail_msg("%s: kind %d", table[i].path, (int)target.kind);
        }
        assert_string_equal(target.product, table[i].product);
        assert_string_equal(target.channel, table[i].channel);
    }
    assert_int_equal(ota_target_parse("/healthz\0x", 10).kind, TARGET_NONE);
    assert_int_equal(ota_target_parse("/ota/a/b\0.bin", 13).kind, TARGET_NONE);
}

static void ranges(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        enum range_verdict verdict;
        uint64_t first, last;
    } table[] = {
        {"bytes=0-0", 100, RANGE_PART, 0, 0},
        {"bytes=0-99", 100, RANGE_PART, 0, 99},
        {"bytes=0-100", 100, RANGE_PART, 0, 99},
        {"bytes=99-", 100, RANGE_PART, 99, 99},
        {"bytes=10-", 100, RANGE_PART, 10, 99},
        {"BYTES=1-2", 100, RANGE_PART, 1, 2},
        {"bytes= 1-2 ", 100, RANGE_PART, 1, 2},
        {"bytes=007-008", 100, RANGE_PART, 7, 8},
        {"bytes=-1", 100, RANGE_PART, 99, 99},
        {"bytes=-100", 100, RANGE_PART, 0, 99},
        {"bytes=-101", 100, RANGE_PART, 0, 99},
        {"bytes=-99999999999999999999999", 100, RANGE_PART, 0, 99},
        {"bytes=0-18446744073709551615", 100, RANGE_PART, 0, 99},
        {"bytes=0-18446744073709551616", 100, RANGE_PART, 0, 99},
        {"bytes=18446744073709551614-18446744073709551614", UINT64_MAX, RANGE_PART, UINT64_MAX - 1,
         UINT64_MAX - 1},
        {"bytes=100-", 100, RANGE_UNSATISFIABLE, 0, 99},
        {"bytes=100-200", 100, RANGE_UNSATISFIABLE, 0, 99},
        {"bytes=18446744073709551616-", 100, RANGE_UNSATISFIABLE, 0, 99},
        {"bytes=-0", 100, RANGE_UNSATISFIABLE, 0, 99},
        {"bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-5", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"", 100, RANGE_WHOLE, 0, 99},
        {"bytes", 100, RANGE_WHOLE, 0, 99},
        {"bytes=", 100, RANGE_WHOLE, 0, 99},
        {"bytes=-", 100, RANGE_WHOLE, 0, 99},
        {"bytes=--1", 100, RANGE_WHOLE, 0, 99},
        {"bytes=1", 100, RANGE_WHOLE, 0, 99},
        {"bytes=2-1", 100, RANGE_WHOLE, 0, 99},
        {"bytes=200-100", 100, RANGE_WHOLE, 0, 99},
        {"bytes=1-2,", 100, RANGE_PART, 1, 2},
        {"bytes= , ,1-2", 100, RANGE_PART, 1, 2},
        {"bytes=,", 100, RANGE_WHOLE, 0, 99},
        {"bytes=1-2,100-", 100, RANGE_PART, 1, 2},
        {"bytes=100-,200-300,-0", 100, RANGE_UNSATISFIABLE, 0, 99},
        {"bytes=1 -2", 100, RANGE_WHOLE, 0, 99},
        {"bytes=+1-2", 100, RANGE_WHOLE, 0, 99},
        {"bytes=0x1-2", 100, RANGE_WHOLE, 0, 99},
        {"bytes =1-2", 100, RANGE_WHOLE, 0, 99},
        {"items=1-2", 100, RANGE_WHOLE, 0, 99},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct ranges ranges;
        enum range_verdict verdict =
            ranges_parse(table[i].text, strlen(table[i].text), table[i].size, &ranges);
        const struct range range = ranges.part[0];
        assert_int_equal(ranges.count, 1);
        if (verdict != table[i].verdict || range.first != table[i].first ||
            range.last != table[i].last) {
            fail_msg("%s of %llu: verdict %d, %llu-%llu", table[i].text,
                     (unsigned long long)table[i].size, (int)verdict,
                     (unsigned long long)range.first, (unsigned long long)range.last);
        }
    }
}

/* Several: those that overlap are one, the others stay apart and in their order. */
static void several_ranges(void **state)
{
    static const struct {
        const char *text, *parts; /* of 100 bytes */
    } table[] = {
        {"bytes=0-9,10-19", "0-9 10-19 "},
        {"bytes=50-59,0-9", "50-59 0-9 "},
        {"bytes=0-0,-1", "0-0 99-99 "},
        {"bytes=0-9, 5-14", "0-14 "},
        {"bytes=0-9,9-9", "0-9 "},
        {"bytes=-1,-2", "98-99 "},
        {"bytes=10-19,30-39,50-59,15-55,0-1", "10-59 0-1 "},
        {"bytes=30-39,10-19,15-35,90-200", "10-39 90-99 "},
        {"bytes=0-,0-,0-,0-", "0-99 "},
        {"bytes=1-2,100-,3-4,-0", "1-2 3-4 "},
        {"bytes=1-2,x", "0-99 "},
        {"bytes=1-2,4-3", "0-99 "},
        {"bytes=1-2;3-4", "0-99 "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct ranges ranges;
        char parts[200] = "";
        ranges_parse(table[i].text, strlen(table[i].text), 100, &ranges);
        for (size_t k = 0; k < ranges.count; k++)
            snprintf(parts + strlen(parts), sizeof parts - strlen(parts), "%d-%d ",
                     (int)ranges.part[k].first, (int)ranges.part[k].last);
        if (strcmp(parts, table[i].parts) != 0)
            fail_msg("%s: %s", table[i].text, parts);
    }
}

/* As many as RANGES_MAX, whatever becomes of them; one more is the whole file. */
static void too_many_ranges(void **state)
{
    char text[12 * (RANGES_MAX + 2)] = "bytes=";
    struct ranges ranges;
    (void)state;
    for (unsigned i = 0; i < RANGES_MAX; i++)
        snprintf(text + strlen(text), 12, "%s%u-%u", i > 0 ? "," : "", 3 * i, 3 * i + 1);
    assert_int_equal(ranges_parse(text, strlen(text), 1000, &ranges), RANGE_PART);
    assert_int_equal(ranges.count, RANGES_MAX);
    assert_int_equal(ranges.part[RANGES_MAX - 1].first, 3 * (RANGES_MAX - 1));
    strcat(text, ",0-0");
    assert_int_equal(ranges_parse(text, strlen(text), 1000, &ranges), RANGE_WHOLE);
    assert_int_equal(ranges.count, 1);
    assert_int_equal(ranges.part[0].last, 999);
}

static void etags(void **state)
{
    static const struct {
        const char *list;
        bool strong, weak;
    } table[] = {
        {"\"abc\"", true, true},
        {"*", true, true},
        {"W/\"abc\"", false, true},
        {"\"x\", \"abc\"", true, true},
        {"\"x\",\"abc\"", true, true},
        {",, ,\t\"abc\"", true, true},
        {"\"a,bc\", W/\"abc\"", false, true},
        {"W/\"abc\", \"abc\"", true, true},
        {"\"abc\" garbage", true, true},
        {"garbage \"abc\"", false, false},
        {"", false, false},
        {",", false, false},
        {"abc", false, false},
        {"\"abc", false, false},
        {"\"", false, false},
        {"W/", false, false},
        {"W/W/\"abc\"", false, false},
        {"w/\"abc\"", false, false},
        {"\"ABC\"", false, false},
        {"\"ab\"", false, false},
        {"\"abcd\"", false, false},
        {"**", false, false},
        {"* ", false, false},
        {"\"*\"", false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *list = table[i].list;
        bool strong = etag_list_matches(list, strlen(list), "\"abc\"", ETAG_STRONG);
        bool weak = etag_list_matches(list, strlen(list), "\"abc\"", ETAG_WEAK);
        if (strong != table[i].strong || weak != table[i].weak) {
            fail_msg("[%s]: strong %d, weak %d", list, strong, weak);
        }
    }
    assert_true(etag_is("\"abc\"", 5, "\"abc\""));
    assert_false(etag_is("W/\"abc\"", 7, "\"abc\""));
    assert_false(etag_is("\"abc\" ", 6, "\"abc\""));
    assert_false(etag_is("*", 1, "\"abc\""));
}

/* The parsers take (pointer, length): run over exact heap copies, so that a sanitizer sees one
 * byte too many. */
static void lengths(void **state)
{
    static const char *const texts[] = {"bytes=12-34",        "bytes=-5",
                                        "\"abc\", W/\"def\"", "/ota/thermo/stable.json",
                                        "/healthz",           "W/"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t length = 1; length <= strlen(texts[i]); length++) {
            struct ranges ranges;
            char *copy = malloc(length);
            assert_non_null(copy);
            memcpy(copy, texts[i], length);
            ranges_parse(copy, length, 100, &ranges);
            assert_true(ranges.part[0].first <= ranges.part[0].last && ranges.part[0].last < 100);
            etag_list_matches(copy, length, "\"zzz\"", ETAG_WEAK);
            ota_target_parse(copy, length);
            free(copy);
        }
    }
}

static void log_text(void **state)
{
    char out[8];
    (void)state;
    assert_string_equal(log_clean(out, sizeof out, "abc", 3), "abc");
    assert_string_equal(log_clean(out, sizeof out, "a\nb\033\"\\ c", 8), "a?b????");
    assert_string_equal(log_clean(out, sizeof out, "abcdefghijk", 11), "abcdefg");
    assert_string_equal(log_clean(out, sizeof out, "\x80\xff\x7f", 3), "???");
    assert_string_equal(log_clean(out, sizeof out, "", 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),          cmocka_unit_test(ranges),
        cmocka_unit_test(several_ranges), cmocka_unit_test(too_many_ranges),
        cmocka_unit_test(etags),          cmocka_unit_test(lengths),
        cmocka_unit_test(log_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
