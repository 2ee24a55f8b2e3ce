/* tests/unit/agent/test_json.c: what is JSON and what is not, and what is read from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/agent/json.h"

#define DEEP_16 "[[[[[[[[[[[[[[[["
#define SHUT_16 "]]]]]]]]]]]]]]]]"

static const char *const good[] = {
    "0",
    "-0",
    "10",
    "1.5",
    "-1.5e+10",
    "1E-2",
    "true",
    "false",
    "null",
    "\"\"",
    "{}",
    "[]",
    " \t\r\n{ } \n",
    "[ 1 , 2 ]",
    "{\"a\":1,\"b\":[{}]}",
    "{ \"a\" : { \"b\" : [ ] } }",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
    "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
    "\"\xEE\x80\x80\xF4\x8F\xBF\xBF\x7F\"",
    "\"\\ud83d\\uDE00\"",
    "\"\\u0000\"",
    DEEP_16 SHUT_16,
    "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]",
};

static const char *const bad[] = {
    "",
    " ",
    "01",
    "+1",
    ".5",
    "1.",
    "1e",
    "1e+",
    "-",
    "0x1",
    "NaN",
    "truth",
    "tru",
    "nul",
    "True",
    "'a'",
    "\"",
    "\"a",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u123g\"",
    "\"\n\"",
    "\"\x1F\"",
    "\"\\ud83d\"",
    "\"\\ud83dx\"",
    "\"\\ud83d\\u0041\"",
    "\"\\ude00\"",
    "\"\\ud83d\\ud83d\"",
    "\"\x80\"",
    "\"\xC0\x80\"",
    "\"\xC1\xBF\"",
    "\"\xE0\x9F\xBF\"",
    "\"\xED\xA0\x80\"",
    "\"\xF0\x8F\xBF\xBF\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\xF8\x88\x80\x80\x80\"",
    "\"\xC3\"",
    "\"\xE2\x82\"",
    "\"\xE2(\xAC\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1]",
    "{\"a\":1 \"b\":2}",
    "{}{}",
    "1 2",
    "[]x",
    "// x\n1",
    "[1]\x01",
    "\xEF\xBB\xBF{}",
    "[" DEEP_16 SHUT_16 "]",
    DEEP_16 "{\"a\":1}" SHUT_16,
};

/* A copy of exactly that size, so that the sanitizer sees one byte too far. */
static bool opens(const char *text, size_t length)
{
    uint8_t *bytes = malloc(length > 0 ? length : 1);
    struct json value;
    memcpy(bytes, text, length);
    bool result = json_open(bytes, length, &value);
    free(bytes);
    return result;
}

static void test_syntax(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!opens(good[i], strlen(good[i])))
            fail_msg("refused: %s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (opens(bad[i], strlen(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    }
    assert_false(opens("1\0", 2));
    assert_false(opens("\"\0\"", 3));
}

/* No beginning of a text that ends with its brace is a text. */
static void test_beginnings(void **state)
{
    static const char text[] = "{\"a\":[1,\"\xE2\x82\xAC\\u00e9\",{\"b\":null}],\"c\":-1.5e3}";
    (void)state;
    assert_true(opens(text, sizeof text - 1));
    for (size_t i = 0; i < sizeof text - 1; i++)
        assert_false(opens(text, i));
}

static struct json open(const char *text)
{
    struct json value;
    assert_true(json_open((const uint8_t *)text, strlen(text), &value));
    return value;
}

static void test_members(void **state)
{
    (void)state;
    struct json value,
        object = open(" { \"a\" : 1, \"b\": { \"a\": 2 }, \"\\u0063\":[ 7 ,{}, \"x\" ],"
                      "\"twice\":1,\"twice\":2, \"\":3 } ");
    uint32_t number;
    assert_true(json_member(object, "a", &value) && json_number(value, &number));
    assert_int_equal(number, 1);
    assert_true(json_member(object, "b", &value) && json_member(value, "a", &value));
    assert_true(json_number(value, &number));
    assert_int_equal(number, 2);
    assert_true(json_member(object, "", &value) && json_number(value, &number));
    assert_int_equal(number, 3);
    assert_false(json_member(object, "twice", &value));
    assert_false(json_member(object, "d", &value));
    assert_false(json_member(object, "aa", &value));
    struct json array;
    assert_true(json_member(object, "c", &array));
    assert_false(json_member(array, "a", &value));
    assert_true(json_element(array, 0, &value) && json_number(value, &number));
    assert_int_equal(number, 7);
    assert_true(json_element(array, 1, &value));
    assert_int_equal(value.length, 2);
    assert_true(json_element(array, 2, &value) && json_equals(value, "x"));
    assert_false(json_element(array, 3, &value));
    assert_false(json_element(object, 0, &value));
    assert_false(json_element(open("[]"), 0, &value));
    assert_false(json_member(open("{}"), "", &value));
}

static void test_strings(void **state)
{
    char out[16];
    (void)state;
    assert_true(json_text(open("\"a\\\"\\\\\\/\\n\\u00e9\\u20AC\""), out, sizeof out));
    assert_string_equal(out, "a\"\\/\n\xC3\xA9\xE2\x82\xAC");
    assert_true(json_text(open("\"\\ud83d\\ude00\xF0\x9F\x98\x80\""), out, sizeof out));
    assert_string_equal(out, "\xF0\x9F\x98\x80\xF0\x9F\x98\x80");
    assert_true(json_text(open("\"123456789012345\""), out, sizeof out));
    assert_false(json_text(open("\"1234567890123456\""), out, sizeof out));
    assert_false(json_text(open("\"12345678901234\xC3\xA9\""), out, sizeof out));
    assert_false(json_text(open("\"a\\u0000b\""), out, sizeof out));
    assert_false(json_text(open("1"), out, sizeof out));
    assert_true(json_text(open("\"\""), out, 1));
    assert_true(json_equals(open("\"\xC3\xA9\""), "\xC3\xA9"));
    assert_true(json_equals(open("\"\\u00E9\""), "\xC3\xA9"));
    assert_false(json_equals(open("\"ab\""), "a"));
    assert_false(json_equals(open("\"a\""), "ab"));
    assert_false(json_equals(open("\"a\\u0000\""), "a"));
    assert_false(json_equals(open("null"), "null"));
}

static void test_numbers(void **state)
{
    static const char *const others[] = {
        "4294967296", "99999999999999999999", "-1", "1.0", "1e1", "\"1\"", "true", "[]", "{}"};
    uint32_t number = 7;
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(json_number(open(others[i]), &number));
    assert_int_equal(number, 7);
    assert_true(json_number(open("4294967295"), &number));
    assert_int_equal(number, UINT32_MAX);
    assert_true(json_number(open("0"), &number));
    assert_int_equal(number, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),  cmocka_unit_test(test_beginnings),
        cmocka_unit_test(test_members), cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
