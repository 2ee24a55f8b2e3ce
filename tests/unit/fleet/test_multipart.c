/* Bodies of multipart/form-data: what is read out of them, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/mgmt/multipart.h"

#define FORM "multipart/form-data; boundary=b"
#define NAME "Content-Disposition: form-data; name="

/* "name[filename]=data" of every part, then "." or "!" for broken. */
static const char *read_all(const char *type, const char *body)
{
    static char text[1024];
    struct multipart reader;
    struct multipart_part part;
    enum multipart_step step;
    size_t used = 0;
    if (!multipart_open(&reader, type, body, strlen(body)))
        return "?";
    while ((step = multipart_next(&reader, &part)) == MULTIPART_PART)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s%s=%.*s ", part.name,
                                 part.is_file ? "[" : "", part.filename, part.is_file ? "]" : "",
                                 (int)part.length, part.data);
    snprintf(text + used, sizeof text - used, "%s", step == MULTIPART_END ? "." : "!");
    return text;
}

static void bodies(void **state)
{
    static const struct {
        const char *type, *body, *read;
    } cases[] = {
        {FORM, "--b\r\n" NAME "\"a\"\r\n\r\n1\r\n--b--\r\n", "a=1 ."},
        {FORM, "--b\r\n" NAME "a\r\n\r\n1\r\n--b--", "a=1 ."},
        {FORM, "--b\r\n" NAME "\"a\"\r\n\r\n\r\n--b--\r\n", "a= ."},
        {FORM, "--b--\r\n", "."},
        {FORM,
         "--b\r\n" NAME "\"f\"; filename=\"x y.bin\"\r\nContent-Type: text/plain\r\n\r\n1\r\n2\r\n"
         "--b\r\ncontent-disposition:form-data;name=g\r\n\r\n--b\r\n--b--\r\n",
         "f[x y.bin]=1\r\n2 g=--b ."},
        {FORM, "--b\r\n" NAME "\"f\"; filename=\"a\\\"b%22c\"\r\n\r\n1\r\n--b--", "f[a\"b\"c]=1 ."},
        {FORM, "--b\r\n" NAME "\"f\"; filename=\"\"; x=y\r\n\r\n1\r\n--b--", "f[]=1 ."},
        {"Multipart/Form-Data;charset=utf-8; BOUNDARY=\"b c\"",
         "--b c\r\n" NAME "a\r\n\r\n1\r\n--b c--\r\n", "a=1 ."},
        /* types */
        {"multipart/form-data", "--b--\r\n", "?"},
        {"multipart/form-data; boundary=", "--b--\r\n", "?"},
        {"multipart/form-data; boundary=\"\"", "----\r\n", "?"},
        {"multipart/form-data; boundary=b; boundary=b", "--b--\r\n", "?"},
        {"multipart/form-data; boundary=b junk", "--b--\r\n", "?"},
        {"multipart/form-data; boundary=01234567890123456789012345678901234567890123456789"
         "012345678901234567890",
         "--b--\r\n", "?"},
        {"multipart/mixed; boundary=b", "--b--\r\n", "?"},
        /* bodies */
        {FORM, "", "?"},
        {FORM, "preamble\r\n--b--\r\n", "?"},
        {FORM, "--c--\r\n", "?"},
        {FORM, "--b", "?"},
        {FORM, "--b\n" NAME "a\n\n1\n--b--\n", "?"},
        {FORM, "--b--\r\nepilogue", "?"},
        {FORM, "--b\r\n", "!"},
        {FORM, "--b\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\n" NAME "a\r\n\r\n1", "!"},
        {FORM, "--b\r\n" NAME "a\r\n\r\n1\r\n--b", "!"},
        {FORM, "--b\r\n" NAME "a\r\n\r\n1\r\n--bc\r\n", "!"},
        {FORM, "--b\r\n" NAME "a\r\n\r\n1\r\n--b--junk", "!"},
        {FORM, "--b\r\n" NAME "a; name=b\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\n" NAME "\"\"\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\n" NAME "\"a\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\n" NAME "a; filename=x; filename=y\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\n" NAME "a\r\n" NAME "b\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\n" NAME "a\r\nContent-Transfer-Encoding: base64\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\n" NAME "\"a\tb\"\r\n\r\n1\r\n--b--", "!"},
        {FORM, "--b\r\nbroken header\r\n\r\n1\r\n--b--", "!"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *read = read_all(cases[i].type, cases[i].body);
        if (strcmp(read, cases[i].read) != 0)
            fail_msg("%s\n%s\n-> %s", cases[i].type, cases[i].body, read);
    }
}

static void bounds(void **state)
{
    static char body[64 * (MULTIPART_PARTS_MAX + 2)];
    static char head[MULTIPART_HEADERS_MAX + 64];
    static const char part[] = "--b\r\n" NAME "a\r\n\r\n1\r\n";
    size_t used = 0;
    (void)state;
    for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
        used += (size_t)sprintf(body + used, "%s", part);
    strcpy(body + used, "--b--");
    assert_non_null(strchr(read_all(FORM, body), '.'));
    sprintf(body + used, "%s--b--", part);
    assert_non_null(strchr(read_all(FORM, body), '!'));
    sprintf(head, "--b\r\nX: %0*d\r\n" NAME "a\r\n\r\n1\r\n--b--", MULTIPART_HEADERS_MAX, 0);
    assert_string_equal(read_all(FORM, head), "!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
