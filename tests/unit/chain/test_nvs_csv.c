/* The NVS CSV (nvs.md 5): what is refused, on which line and why; what values become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/error.h"
#include "chain/nvs_csv.h"

#define SIZE (3 * NVS_PAGE_BYTES)
#define HEAD "key,type,encoding,value\n"
#define OPEN HEAD "s,namespace,,\n"

static uint8_t flash[SIZE];

static int write_bytes(const char *text, size_t length, const struct nvs_files *files,
                       struct nvs_problem *problem)
{
    static char copy[16384];
    struct nvs_writer writer;
    assert_true(length <= sizeof copy);
    memcpy(copy, text, length);
    assert_int_equal(nvs_writer_begin(&writer, flash, SIZE), CHAIN_OK);
    return nvs_csv_write(copy, length, files, &writer, problem);
}

static int write_csv(const char *text, struct nvs_problem *problem)
{
    return write_bytes(text, strlen(text), NULL, problem);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text;
        int error;
        unsigned line;
        const char *why;
    } cases[] = {
        {"", CHAIN_EMISSING, 1, "must name the columns"},
        {"# c\nkey,type,value\n", CHAIN_EMISSING, 2, "must name the columns"},
        {HEAD "\xff", CHAIN_ESYNTAX, 0, "is not UTF-8 text"},
        {HEAD "k,data,u8,1\n", CHAIN_EMISSING, 2, "key 'k': comes before the first namespace"},
        {OPEN "\n#\nk,data,u8,256\n", CHAIN_EFIELD, 5, "no decimal number"},
        {OPEN "k,data,u8,\n", CHAIN_EFIELD, 3, "no decimal number"},
        {OPEN "k,data,u8,-1\n", CHAIN_EFIELD, 3, "no decimal number"},
        {OPEN "k,data,i8,-129\n", CHAIN_EFIELD, 3, "no decimal number"},
        {OPEN "k,data,i8,128\n", CHAIN_EFIELD, 3, "no decimal number"},
        {OPEN "k,data,u64,18446744073709551616\n", CHAIN_EFIELD, 3, "no decimal number"},
        {OPEN "k,data,i64,9223372036854775808\n", CHAIN_EFIELD, 3, "no decimal number"},
        {OPEN "k,data,u16,0x10\n", CHAIN_EFIELD, 3, "no decimal number"},
        {OPEN "k,data,u7,1\n", CHAIN_EFIELD, 3, "unknown encoding"},
        {OPEN "k,data,blob_fill(2;0x00),abc\n", CHAIN_EBOUNDS, 3, "longer than its encoding"},
        {OPEN "k,data,blob_fill(508001;0x00),\n", CHAIN_EBOUNDS, 3, "at most 127 chunks"},
        {OPEN "k,data,blob_fill(99999999999999999999;0x00),\n", CHAIN_EBOUNDS, 3, "127 chunks"},
        {OPEN "k,data,blob_fill(18446744073709551617;0x00),\n", CHAIN_EBOUNDS, 3, "127 chunks"},
        {OPEN "k,data,blob_fill(1;0x00)x,a\n", CHAIN_EFIELD, 3, "unknown encoding"},
        {OPEN "k,data,blob_fill(508000;0x00),\n", CHAIN_ESPACE, 3, "does not fit"},
        {OPEN "k,data,blob_fill(2;0x0),a\n", CHAIN_EFIELD, 3, "blob_sz_fill(...))"},
        {OPEN "k,data,blob_fill(2;0x000),a\n", CHAIN_EFIELD, 3, "unknown encoding"},
        {OPEN "k,data,blob_fill(2;00),a\n", CHAIN_EFIELD, 3, "unknown encoding"},
        {OPEN "k,data,blob_fill(;0x00),a\n", CHAIN_EFIELD, 3, "unknown encoding"},
        {OPEN "k,data,blob_fill(2;0x0g),a\n", CHAIN_EFIELD, 3, "unknown encoding"},
        {OPEN "k,data,blob_fill(2;0x00,a\n", CHAIN_EFIELD, 3, "unknown encoding"},
        {OPEN "k,data,blob_sz_fill,a\n", CHAIN_EFIELD, 3, "unknown encoding"},
        {OPEN "k,data,binary\n", CHAIN_EMISSING, 3, "ends before its value"},
        {OPEN "k,blob,u8,1\n", CHAIN_EFIELD, 3, "unknown type"},
        {OPEN "k,file,binary,x\n", CHAIN_EMISSING, 3, "cannot be read"},
        {OPEN "k,data,hex2bin,abc\n", CHAIN_EFIELD, 3, "pairs of hex"},
        {OPEN "k,data,hex2bin,zz\n", CHAIN_EFIELD, 3, "pairs of hex"},
        {OPEN "k,data,base64,QQ=\n", CHAIN_EFIELD, 3, "base64"},
        {OPEN "k,data,base64,Q===\n", CHAIN_EFIELD, 3, "base64"},
        {OPEN "k,data,base64,QQ==QQ==\n", CHAIN_EFIELD, 3, "base64"},
        {OPEN "k,data,base64,QUJD=\n", CHAIN_EFIELD, 3, "base64"},
        {OPEN "k,data,base64,QQ======\n", CHAIN_EFIELD, 3, "base64"},
        {OPEN "k,data,base64,QQ=Q\n", CHAIN_EFIELD, 3, "base64"},
        {OPEN "k,data,base64,Q!==\n", CHAIN_EFIELD, 3, "base64"},
        {OPEN "0123456789abcdef,data,u8,1\n", CHAIN_EFIELD, 3, "1 to 15 printable"},
        {OPEN "\xc3\xa4,data,u8,1\n", CHAIN_EFIELD, 3, "1 to 15 printable"},
        {OPEN ",data,u8,1\n", CHAIN_EFIELD, 3, "1 to 15 printable"},
        {OPEN "t,namespace,,\ns,namespace,,\n", CHAIN_EDUPLICATE, 4, "left before"},
        {OPEN "k,data,string,\"a\nb", CHAIN_ESYNTAX, 4, "ends within quotes"},
        {OPEN "k,data,string,\"a\"b\n", CHAIN_ESYNTAX, 3, "follows a closing quote"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nvs_problem problem;
        const int error = write_csv(cases[i].text, &problem);
        if (error != cases[i].error || problem.line != cases[i].line ||
            strstr(problem.text, cases[i].why) == NULL)
            fail_msg("%s: %d, line %u: %s", cases[i].text, error, problem.line, problem.text);
    }
}

/* The value of the one key, whose entry follows the namespace's. */
static struct nvs_entry value_of(const char *text)
{
    struct nvs_problem problem;
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    assert_int_equal(write_csv(text, &problem), CHAIN_OK);
    const struct nvs_source source = nvs_memory(flash, SIZE);
    assert_int_equal(nvs_begin(&cursor, &source), CHAIN_OK);
    assert_int_equal(nvs_next(&cursor, &entry), CHAIN_OK);
    assert_int_equal(nvs_next(&cursor, &entry), CHAIN_OK);
    assert_string_equal(entry.key, "k");
    return entry;
}

static void test_values(void **state)
{
    static const struct {
        const char *text;
        const char *bytes;
        size_t size;
    } cases[] = {
        {OPEN "k,data,string,text", "text", 5},
        {OPEN "k,data,string,\n", "", 1},
        {OPEN "k,data,string,\"a \"\"b\"\", c\"\n", "a \"b\", c", 9},
        {OPEN "k,data,string,\"a\r\nb\rc\"\r\n", "a\nb\nc", 6},
        {OPEN "k,data,string,\"a\n#gone\nb\"\n", "a\nb", 4},
        {"value,x,encoding,type,key\nt,,string,data,k\n", NULL, 0},
        {OPEN "s,namespace,,\nk,data,binary,raw,more\n", "raw", 3},
        {OPEN "k,data,hex2bin, 00fFa0 \n", "\0\xff\xa0", 3},
        {OPEN "k,data,base64,QUJD\n", "ABC", 3},
        {OPEN "k,data,base64,QUI=\n", "AB", 2},
        {OPEN "k,data,base64, Q Q= =\n", "A", 1},
        {OPEN "k,data,base64,+/+/\n", "\xfb\xff\xbf", 3},
        {OPEN "k,data,blob_fill(5;0xaB),abc\n", "abc\xab\xab", 5},
        {OPEN "k,data,blob_fill(03;0x00),abc\n", "abc", 3},
        {OPEN "k,data,blob_fill(2;0x41),\n", "AA", 2},
        {OPEN "k,data,blob_fill(0;0x41),\n", "", 0},
        {OPEN "k,data,blob_sz_fill(4;0xFF),ab\n", "\2\0\0\0ab\xff\xff", 8},
        {OPEN "k,data,blob_sz_fill(0;0xFF),\n", "\0\0\0\0", 4},
        {OPEN "k,data,i8, -128 \n", "\x80", 1},
        {OPEN "k,data,u64,18446744073709551615\n", "\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        {OPEN "k,data,u16,+007\n", "\7\0", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nvs_problem problem;
        if (cases[i].bytes == NULL) { /* columns in another order: the row is understood */
            assert_int_equal(write_csv(cases[i].text, &problem), CHAIN_EMISSING);
            assert_string_equal(problem.text, "key 'k': comes before the first namespace");
            continue;
        }
        const struct nvs_entry entry = value_of(cases[i].text);
        const struct nvs_source source = nvs_memory(flash, SIZE);
        uint8_t bytes[32];
        assert_in_range(entry.size, 0, sizeof bytes);
        assert_int_equal(nvs_entry_data(&source, &entry, bytes), CHAIN_OK);
        if (entry.size != cases[i].size || memcmp(bytes, cases[i].bytes, entry.size) != 0)
            fail_msg("%s: %zu bytes", cases[i].text, entry.size);
    }
}

/* The one file there is: "named" holds *context. */
struct content {
    char bytes[8];
    size_t length;
    unsigned held; /* loaded and not yet given back */
};

static bool load(void *context, const char *path, size_t length, char **bytes, size_t *size)
{
    struct content *content = context;
    if (length != 5 || memcmp(path, "named", 5) != 0)
        return false;
    content->held++;
    *bytes = content->bytes;
    *size = content->length;
    return true;
}

static void release(void *context, char *bytes)
{
    struct content *content = context;
    assert_ptr_equal(bytes, content->bytes);
    content->held--;
}

static void test_files(void **state)
{
    static const struct {
        const char *row;
        struct content content;
        int error;
        const char *why;
    } cases[] = {
        {OPEN "k,file,binary,named\n", {"a\0\xff", 3, 0}, CHAIN_OK, ""},
        {OPEN "k,file,hex2bin,named\n", {"00ff\n", 5, 0}, CHAIN_OK, ""},
        {OPEN "k,file,u8,named\n", {"12\n", 3, 0}, CHAIN_OK, ""},
        {OPEN "k,file,u8,named\n", {"x", 1, 0}, CHAIN_EFIELD, "no decimal number"},
        {OPEN "k,file,string,named\n", {"a\0b", 3, 0}, CHAIN_EFIELD, "NUL byte"},
        {OPEN "k,file,string,named\n", {"\xff", 1, 0}, CHAIN_EFIELD, "must be UTF-8"},
        {OPEN "k,file,string,other\n", {"a", 1, 0}, CHAIN_EMISSING, "cannot be read"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nvs_problem problem;
        struct content content = cases[i].content;
        const struct nvs_files files = {&content, load, release};
        const int error = write_bytes(cases[i].row, strlen(cases[i].row), &files, &problem);
        if (error != cases[i].error || strstr(problem.text, cases[i].why) == NULL)
            fail_msg("%s: %d: %s", cases[i].row, error, problem.text);
        assert_int_equal(content.held, 0);
    }
}

static void test_nul_in_text(void **state)
{
    static const char text[] = OPEN "k,data,string,a\0b\n";
    struct nvs_problem problem;
    (void)state;
    assert_int_equal(write_bytes(text, sizeof text - 1, NULL, &problem), CHAIN_ESYNTAX);
    assert_int_equal(problem.line, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_nul_in_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
