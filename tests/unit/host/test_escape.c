/* host/escape.h: what stays, what is escaped, and where the room ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/escape.h"

static void test_url(void **state)
{
    static const struct {
        const char *text, *escaped;
    } rows[] = {
        {"", ""},
        {"aZ09-._~:@", "aZ09-._~:@"},
        {"a b", "a%20b"},
        {"a/b?c#d%e&f=g", "a%2Fb%3Fc%23d%25e%26f%3Dg"},
        {"..", ".."},
        {"\x01\x7F\x80\xFF", "%01%7F%80%FF"},
        {"+,;\"'\\", "%2B%2C%3B%22%27%5C"},
    };
    char out[64];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(strlen(rows[i].escaped) < ESCAPED_URL(strlen(rows[i].text)));
        assert_ptr_equal(escape_url(rows[i].text, out, sizeof out), out);
        assert_string_equal(out, rows[i].escaped);
    }
}

static void test_url_cut(void **state)
{
    static const char *const cut[] = {NULL, "", "a", "a", "a", "a%20", "a%20b", "a%20b"};
    char out[16];
    (void)state;
    for (size_t size = 1; size < sizeof cut / sizeof cut[0]; size++) {
        memset(out, '#', sizeof out);
        escape_url("a b", out, size);
        assert_string_equal(out, cut[size]);
        assert_int_equal(out[size], '#');
    }
}

static void test_url_back(void **state)
{
    static const struct {
        const char *text;
        bool plus;
        const char *plain; /* NULL: refused */
    } rows[] = {
        {"", false, ""},
        {"a%20b%2Fc%2f", false, "a b/c/"},
        {"a+b", false, "a+b"},
        {"a+b%2B", true, "a b+"},
        {"%C3%BC", false, "\xC3\xBC"},
        {"%", false, NULL},
        {"%4", false, NULL},
        {"%4G", false, NULL},
        {"%00", false, NULL},
        {"a%0Ab", false, NULL},
        {"%7F", false, NULL},
        {"%C3", false, NULL},
        {"12345678", false, NULL}, /* and no room for the NUL */
    };
    char out[8];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int length =
            unescape_url(rows[i].text, strlen(rows[i].text), rows[i].plus, out, sizeof out);
        if (length != (rows[i].plain != NULL ? (int)strlen(rows[i].plain) : -1))
            fail_msg("%s: %d", rows[i].text, length);
        if (rows[i].plain != NULL)
            assert_string_equal(out, rows[i].plain);
    }
    assert_int_equal(unescape_url("a%20", 3, false, out, sizeof out), -1); /* ends before */
}

static void test_markup(void **state)
{
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);
    (void)state;
    escape_markup("<b a=\"x\">&amp; 'y'\n\t\r\a\x1B[0m\xC3\xBC\x7F~", out);
    fclose(out);
    assert_string_equal(page, "&lt;b a=&quot;x&quot;&gt;&amp;amp; 'y'\n\t??[0m???~");
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url),
        cmocka_unit_test(test_url_cut),
        cmocka_unit_test(test_url_back),
        cmocka_unit_test(test_markup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
