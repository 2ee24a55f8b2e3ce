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
        cmocka_unit_test(test_markup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
