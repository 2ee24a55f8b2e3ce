/* The partition CSV: the grammar of formats.md 3.3, the rules of 3.2, and where the finger points.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chain/error.h"
#include "chain/partition.h"

#define FLASH 0x400000u

/* The environment of these tests. */
static char *variable(const char *name)
{
    static char size[] = "16K", row[] = "v,data,nvs,0x9000,0x4000,", comment[] = "# no row",
                line[] = "v,data,nvs,,16K\nw,data,fat,,4K", dollar[] = "$SIZE",
                sixty_three[] = "4K", empty[] = "", big[1100];
    static const struct {
        const char *name;
        char *value;
    } set[] = {{"SIZE", size},
               {"Row_1", row},
               {"comment", comment},
               {"line", line},
               {"loop", dollar},
               {"EMPTY", empty},
               {"big", big},
               {"a23456789012345678901234567890123456789012345678901234567890123", sixty_three}};
    memset(big, ' ', sizeof big - 1);
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++) {
        if (strcmp(set[i].name, name) == 0)
            return set[i].value;
    }
    return NULL;
}

static int parse(const char *text, struct partition_table *table, struct partition_problem *problem)
{
    const struct partition_csv how = {
        .table_offset = PARTITION_TABLE_OFFSET, .flash_size = FLASH, .variable = variable};
    return partition_csv_parse(text, strlen(text), &how, table, problem);
}

/* Every freedom of the grammar in one text; the same table as Espressif's two-OTA default. */
static void freedoms_of_the_grammar(void **state)
{
    (void)state;
    static const char text[] = "\xEF\xBB\xBF# a comment, with a comma and a $variable\r\n"
                               "\r\n"
                               "   \t\n"
                               "nvs,data,nvs,,16K\n"
                               "  otadata , DATA,Ota , , 0x2000,\r"
                               "phy_init,1,1,0xF000,4k,,# ignored\n"
                               "factory,app,FACTORY,,1m\r\n"
                               "ota_0,0,0x10,,-0x210000,\n"
                               "ota_1,app,ota_1,0x210000,0x400K,encrypted:readonly";
    static const char printed[] = "# ESP-IDF Partition Table\n"
                                  "# Name, Type, SubType, Offset, Size, Flags\n"
                                  "nvs,data,nvs,0x9000,16K,\n"
                                  "otadata,data,ota,0xd000,8K,\n"
                                  "phy_init,data,phy,0xf000,4K,\n"
                                  "factory,app,factory,0x10000,1M,\n"
                                  "ota_0,app,ota_0,0x110000,1M,\n"
                                  "ota_1,app,ota_1,0x210000,1M,encrypted:readonly\n";
    struct partition_table table;
    struct partition_problem problem;
    char out[1024];
    assert_int_equal(parse(text, &table, &problem), CHAIN_OK);
    assert_int_equal(partition_csv_print(&table, out, sizeof out), CHAIN_OK);
    assert_string_equal(out, printed);
    /* And what is printed reads back as itself. */
    assert_int_equal(parse(printed, &table, &problem), CHAIN_OK);
    assert_int_equal(partition_csv_print(&table, out, sizeof out), CHAIN_OK);
    assert_string_equal(out, printed);
}

static void first_rows_describe_the_start_of_flash(void **state)
{
    (void)state;
    struct partition_table table;
    struct partition_problem problem;
    char out[512];
    assert_int_equal(parse("boot,bootloader,primary,,,\n"
                           "table,partition_table,primary,,,\n"
                           "nvs,data,nvs,,0x6000\n"
                           "boot2,bootloader,ota,,,\n"
                           "odd,0x40,7,,0x123\n"
                           "next,data,,,1K\n"
                           "app,app,test,,64K\n",
                           &table, &problem),
                     CHAIN_OK);
    assert_int_equal(partition_csv_print(&table, out, sizeof out), CHAIN_OK);
    assert_string_equal(strchr(strchr(out, '\n') + 1, '\n') + 1,
                        "boot,bootloader,primary,0x0,32K,\n"
                        "table,partition_table,primary,0x8000,4K,\n"
                        "nvs,data,nvs,0x9000,24K,\n"
                        "boot2,bootloader,ota,0xf000,32K,\n"
                        "odd,64,7,0x17000,0x123,\n"
                        "next,data,undefined,0x18000,1K,\n"
                        "app,app,test,0x20000,64K,\n");
}

static void variables_are_put_in(void **state)
{
    (void)state;
    struct partition_table table;
    struct partition_problem problem;
    char out[512];
    assert_int_equal(
        parse("$comment $NONE is never asked for\n"
              "  $EMPTY  \n"
              "${Row_1}encrypted\n"
              "a$EMPTY-b,data,fat,,${SIZE},\n"
              "c,data,fat,,$a23456789012345678901234567890123456789012345678901234567890123\n",
              &table, &problem),
        CHAIN_ESYNTAX); /* what makes it a comment comes too late for a variable that is not set */
    assert_int_equal(problem.line, 1);
    assert_int_equal(
        parse("$comment\n"
              "  $EMPTY  \n"
              "${Row_1}encrypted\n"
              "a$EMPTY-b,data,fat,,${SIZE},\n"
              "c,data,fat,,$a23456789012345678901234567890123456789012345678901234567890123\n",
              &table, &problem),
        CHAIN_OK);
    assert_int_equal(partition_csv_print(&table, out, sizeof out), CHAIN_OK);
    assert_string_equal(strchr(strchr(out, '\n') + 1, '\n') + 1, "v,data,nvs,0x9000,16K,encrypted\n"
                                                                 "a-b,data,fat,0xd000,16K,\n"
                                                                 "c,data,fat,0x11000,4K,\n");
    const struct partition_csv none = {.table_offset = PARTITION_TABLE_OFFSET};
    assert_int_equal(partition_csv_parse("a,data,fat,,$SIZE", 17, &none, &table, &problem),
                     CHAIN_ESYNTAX);
    assert_string_equal(problem.text, "variable 'SIZE' is not set (set it, or write the value)");
}

/* What Python's int(text, 0), strip() and splitlines() make of a file. */
static void numbers_blanks_and_lines_are_pythons(void **state)
{
    (void)state;
    struct partition_table table;
    struct partition_problem problem;
    char out[512];
    assert_int_equal(parse("\xC2\xA0"
                           "a\xE3\x80\x80,data,0X8_3,+0x9000,0b1_0000 K\v"
                           "b\t,0o1,0x_6,,1kk\xE2\x80\xA8"
                           "#\xC2\x85"
                           "c,data,00,,0o20_000",
                           &table, &problem),
                     CHAIN_OK);
    assert_int_equal(partition_csv_print(&table, out, sizeof out), CHAIN_OK);
    assert_string_equal(strchr(strchr(out, '\n') + 1, '\n') + 1, "a,data,littlefs,0x9000,16K,\n"
                                                                 "b,data,undefined,0xd000,1M,\n"
                                                                 "c,data,ota,0x10d000,8K,\n");
    static const char *const none[] = {"1__0", "_1",  "1_",  "0x", "0x_",  "0b2",
                                       "0o8",  "+-1", "- 1", "01", "0_1",  "1kKm",
                                       "KK",   "1 0", "0xg", "+",  "0x1_", "0_x1"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        char row[64];
        (void)snprintf(row, sizeof row, "a,data,fat,,%s", none[i]);
        assert_int_equal(parse(row, &table, &problem), CHAIN_ESYNTAX);
        assert_non_null(strstr(problem.text, "is no size"));
    }
}

struct warnings {
    unsigned count, lines;
    char last[160];
};

static void note_warning(void *context, const struct partition_problem *problem)
{
    struct warnings *warnings = context;
    warnings->count++;
    warnings->lines = 100 * warnings->lines + problem->line;
    memcpy(warnings->last, problem->text, sizeof warnings->last);
}

static void misleading_names_are_warned_of(void **state)
{
    (void)state;
    struct warnings warnings = {0};
    struct partition_table table;
    struct partition_problem problem;
    const struct partition_csv how = {
        .table_offset = PARTITION_TABLE_OFFSET, .warn = note_warning, .context = &warnings};
    static const char text[] = "nvs,data,nvs,,16K\n"
                               "# not these: own word, own type, other letters\n"
                               "Factory,data,fat,,4K\n"
                               "data,data,phy,,4K\n"
                               "app,data,fat,,4K\n" /* 5 */
                               "otadata,data,ota,,8K\n"
                               "coredump,data,fat,,4K\n" /* 7 */
                               "ota_1,app,ota_0,,64K\n"  /* 8 */
                               "tee_0,0x40,0x30,,4K\n";  /* 9 */
    assert_int_equal(partition_csv_parse(text, strlen(text), &how, &table, &problem), CHAIN_OK);
    assert_int_equal(warnings.count, 4);
    assert_int_equal(warnings.lines, 5070809);
    assert_string_equal(warnings.last, "'tee_0' is a partition subtype, and this one has another "
                                       "(a mistake?)");
    warnings.count = 0; /* none of a table that is refused */
    assert_int_equal(
        partition_csv_parse("app,data,fat,,4K\nb,app,test,,1", 30, &how, &table, &problem),
        CHAIN_EALIGN);
    assert_int_equal(warnings.count, 0);
}

struct refusal {
    const char *text;
    int verdict;
    unsigned line;
    const char *says; /* part of the message */
};

static const struct refusal refusals[] = {
    {"", CHAIN_EMISSING, 0, "no partition at all"},
    {"# nothing\n\n", CHAIN_EMISSING, 0, "no partition at all"},
    {"a\n", CHAIN_ESYNTAX, 1, "the type is missing"},
    {"\n#\na,application,,,4K\n", CHAIN_ESYNTAX, 3, "type 'application' is unknown"},
    {"a,0xff,0,,4K\n", CHAIN_ESYNTAX, 1, "out of range"},
    {"a,-1,0,,4K\n", CHAIN_ESYNTAX, 1, "out of range"},
    {"a,app,,,64K\n", CHAIN_ESYNTAX, 1, "an app needs a subtype"},
    {"a,app,nvs,,64K\n", CHAIN_ESYNTAX, 1, "subtype 'nvs' is no subtype of this type"},
    {"a,data,256,,4K\n", CHAIN_ESYNTAX, 1, "out of range"},
    {"a,data,fat,nowhere,4K\n", CHAIN_ESYNTAX, 1, "offset 'nowhere' is no offset"},
    {"a,data,fat,-0x9000,4K\n", CHAIN_ESYNTAX, 1, "is no offset"},
    {"a,data,fat\n", CHAIN_ESYNTAX, 1, "the size is missing"},
    {"a,data,fat,,4X\n", CHAIN_ESYNTAX, 1, "size '4X' is no size"},
    {"a,data,fat,,010\n", CHAIN_ESYNTAX, 1, "is no size"},
    {"a,data,fat,,0x\n", CHAIN_ESYNTAX, 1, "is no size"},
    {"a,data,fat,,K\n", CHAIN_ESYNTAX, 1, "is no size"},
    {"a,data,fat,,-\n", CHAIN_ESYNTAX, 1, "is no size"},
    {"a,data,fat,,4294967296\n", CHAIN_ESYNTAX, 1, "is no size"},
    {"a,data,fat,,4096M\n", CHAIN_ESYNTAX, 1, "is no size"},
    {"a,data,fat,,18446744073709555712\n", CHAIN_ESYNTAX, 1, "is no size"}, /* 2^64 + 4096 */
    {"a,data,fat,0x10000,-0x10000\n", CHAIN_ESYNTAX, 1, "ends before the partition starts"},
    {"a,data,fat,,0xFFFFFFFF\n", CHAIN_ESYNTAX, 1, "is beyond 4 GB"},
    {"a,data,fat,,4K,secret\n", CHAIN_ESYNTAX, 1, "flags 'secret' is unknown"},
    {"a,data,fat,,4K,Encrypted\n", CHAIN_ESYNTAX, 1, "is unknown"},
    {"seventeen_letters,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "too long"},
    {"a,data,fat,,$NONE\n", CHAIN_ESYNTAX, 1, "variable 'NONE' is not set"},
    {"#\n${NONE}a,data,fat,,4K\n", CHAIN_ESYNTAX, 2, "variable 'NONE' is not set"},
    {"a,data,fat,,${}\n", CHAIN_ESYNTAX, 1, "a '$' without a variable"},
    {"a,data,fat,,${SIZE\n", CHAIN_ESYNTAX, 1, "a '$' without a variable"},
    {"a$,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "a '$' without a variable"},
    {"a,data,fat,,4K,$", CHAIN_ESYNTAX, 1, "a '$' without a variable"},
    {"$$SIZE,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "a '$' without a variable"},
    {"a,data,fat,,$loop\n", CHAIN_ESYNTAX, 1, "variable 'loop' has a '$' in its value"},
    {"a,data,fat,,$SIZE.\n", CHAIN_ESYNTAX, 1, "size '16K.' is no size"},
    {"a,data,fat,,4K,,$big\n", CHAIN_ESYNTAX, 1, "the row is too long with its variables"},
    {"$line\n", CHAIN_ESYNTAX, 1, "a control character"},
    {"a,data,fat,,$a234567890123456789012345678901234567890123456789012345678901234\n",
     CHAIN_ESYNTAX, 1, "is not set"},
    {"a\tb,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "has a tab in it"},
    {"\xFF,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "not UTF-8"},
    {"\xC0\x80,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "not UTF-8"},         /* overlong */
    {"\xED\xA0\x80,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "not UTF-8"},     /* surrogate */
    {"\xF4\x90\x80\x80,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "not UTF-8"}, /* too high */
    {"\xE2\x82,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "not UTF-8"},         /* cut */
    {"a,data,fat,,4K,\xE2\x82", CHAIN_ESYNTAX, 1, "not UTF-8"},         /* cut at the end */
    {"a\x01,data,fat,,4K\n", CHAIN_ESYNTAX, 1, "a control character"},
    {"\xFF\xFE"
     "a",
     CHAIN_ESYNTAX, 1, "UTF-16"},
    {"r,bootloader,recovery,,\n", CHAIN_ESYNTAX, 1, "needs an offset"},
    {"a,data,fat,0x8000,4K\n", CHAIN_EOVERLAP, 1, "the first free offset here is 0x9000"},
    {"a,data,fat,,8K\n\nb,data,fat,0xA000,4K\n", CHAIN_EOVERLAP, 3, "free offset here is 0xb000"},
    {"a,data,fat,0x9800,4K\n", CHAIN_EALIGN, 1, "starts at 0x9800"},
    {"a,app,factory,0x18000,64K\n", CHAIN_EALIGN, 1, "multiple of 0x10000"},
    {"a,app,factory,,0x10800\n", CHAIN_EALIGN, 1, "has size 0x10800"},
    {"a,data,fat,,0\n", CHAIN_EFIELD, 1, "has size 0"},
    {"a,data,fat,,4K\n#\na,data,nvs,,16K\n", CHAIN_EDUPLICATE, 3, "'a' is already the name"},
    {"a,data,ota,,4K\n", CHAIN_EFIELD, 1, "otadata is two sectors"},
    {"a,data,ota,,8K\nb,data,ota,,8K\n", CHAIN_EDUPLICATE, 2, "a second otadata"},
    {"a,data,tee_ota,,8K\nb,data,tee_ota,,8K\n", CHAIN_EDUPLICATE, 2, "a second otadata"},
    {"a,data,tee_ota,,4K\n", CHAIN_EFIELD, 1, "otadata is two sectors"},
    {"a,data,ota,,8K,readonly\n", CHAIN_EFIELD, 1, "readonly flag"},
    {"a,data,coredump,,8K,readonly\n", CHAIN_EFIELD, 1, "readonly flag"},
    {"a,data,nvs,,8K\n", CHAIN_EFIELD, 1, "writable NVS needs 0x3000"},
    {"a,data,fat,,4M\n", CHAIN_EBOUNDS, 1, "does not fit the flash of 0x400000"},
    {"x,data,ota,,8K\n\na,app,ota_1,,64K\n", CHAIN_EMISSING, 3, "'a' is ota_1 after a gap"},
    {"a,app,ota_0,,64K\nb,app,ota_0,,64K\n", CHAIN_EDUPLICATE, 2, "ota_0 again"},
    {"t,partition_table,primary,,\nu,partition_table,primary,,\n", CHAIN_EOVERLAP, 2, "overlaps"},
};

static void what_is_refused_and_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *expected = &refusals[i];
        struct partition_table table;
        struct partition_problem problem;
        const int verdict = parse(expected->text, &table, &problem);
        if (verdict != expected->verdict || problem.line != expected->line ||
            strstr(problem.text, expected->says) == NULL)
            fail_msg("case %zu: %d, line %u: %s", i, verdict, problem.line, problem.text);
    }
}

static void what_is_allowed_at_the_edge(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "sixteen_letters_,data,fat,,4K\n",
        "a,data,nvs,,8K,readonly\n",
        "a,data,nvs,,12K\n",
        "a,data,fat,,-4M\n",
        "a,0xFE,255,,1\n",
        "a,data,,,4K\n",
        "a,data,fat,,4K,encrypted:\n",
        ",data,fat,,4K\n",
        "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x91,data,fat,,4K\n",
        "a,DATA,0X82,,4K",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct partition_table table;
        struct partition_problem problem;
        if (parse(texts[i], &table, &problem) != CHAIN_OK)
            fail_msg("%s: %s", texts[i], problem.text);
    }
}

static void table_is_checked_without_a_text_too(void **state)
{
    (void)state;
    struct partition_problem problem;
    struct partition_table table = {.count = 2,
                                    .entry = {{PARTITION_DATA, 0x81, 0x20000, 0x1000, 0, "a"},
                                              {PARTITION_DATA, 0x81, 0x10000, 0x10000, 0, "b"}}};
    assert_int_equal(partition_table_check(&table, 0x8000, 0, &problem), CHAIN_OK);
    table.entry[1].size++;
    assert_int_equal(partition_table_check(&table, 0x8000, 0, &problem), CHAIN_EOVERLAP);
    assert_int_equal(problem.line, 2);
    table.entry[1] = (struct partition){PARTITION_DATA, 0x81, 0x21000, 0x1000, 0, "b"};
    assert_int_equal(partition_table_check(&table, 0x8000, 0, &problem), CHAIN_OK);
    table.entry[0].size = 0x1001;
    assert_int_equal(partition_table_check(&table, 0x8000, 0, &problem), CHAIN_EOVERLAP);
    table.entry[1] = (struct partition){PARTITION_DATA, 0x81, 0x8000, 0x1000, 0, "b"};
    assert_int_equal(partition_table_check(&table, 0x8000, 0, &problem), CHAIN_EOVERLAP);
    table.entry[1] = (struct partition){PARTITION_DATA, 0x81, 0xFFFFF000, 0x2000, 0, "b"};
    assert_int_equal(partition_table_check(&table, 0x8000, 0, &problem), CHAIN_EBOUNDS);
    table.entry[1].size = 0x1000; /* ends at 4 GB exactly: not expressible in 32 bits */
    assert_int_equal(partition_table_check(&table, 0x8000, 0, &problem), CHAIN_EBOUNDS);
}

static void only_what_reads_back_is_printed(void **state)
{
    (void)state;
    static const char *const labels[] = {"a,b", "#a", " a", "a ", "a\nb", "$a", "a\x7F", "\xFF"};
    struct partition_table table = {.count = 1,
                                    .entry = {{PARTITION_DATA, 0x81, 0x9000, 0x1000, 0, ""}}};
    char out[256];
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        strcpy(table.entry[0].label, labels[i]);
        assert_int_equal(partition_csv_print(&table, out, sizeof out), CHAIN_EFIELD);
    }
    strcpy(table.entry[0].label, "a b");
    assert_int_equal(partition_csv_print(&table, out, sizeof out), CHAIN_OK);
    const size_t needed = strlen(out) + 1;
    assert_int_equal(partition_csv_print(&table, out, needed), CHAIN_OK);
    assert_int_equal(partition_csv_print(&table, out, needed - 1), CHAIN_ESPACE);
    assert_int_equal(partition_csv_print(&table, out, 0), CHAIN_ESPACE);
    table.entry[0].flags = 4;
    assert_int_equal(partition_csv_print(&table, out, sizeof out), CHAIN_EFIELD);
}

static void at_most_94_rows(void **state)
{
    (void)state;
    static const char digits[] = "0123456789";
    static char text[95 * 16];
    const struct partition_csv how = {.table_offset = 0x8000, .flash_size = FLASH};
    struct partition_table table;
    struct partition_problem problem;
    for (unsigned i = 0; i < 95; i++) {
        memcpy(text + 16 * i, "nn,data,fat,,4K\n", 16);
        text[16 * i] = digits[i / 10];
        text[16 * i + 1] = digits[i % 10];
    }
    assert_int_equal(partition_csv_parse(text, 94 * 16, &how, &table, &problem), CHAIN_OK);
    assert_int_equal(partition_csv_parse(text, 95 * 16, &how, &table, &problem), CHAIN_ESPACE);
    assert_int_equal(problem.line, 95);
}

static void names_of_types(void **state)
{
    (void)state;
    assert_string_equal(partition_type_name(3), "partition_table");
    assert_null(partition_type_name(4));
    assert_string_equal(partition_subtype_name(PARTITION_APP, 0x1F), "ota_15");
    assert_string_equal(partition_subtype_name(PARTITION_DATA, 0x90), "tee_ota");
    assert_string_equal(partition_subtype_name(PARTITION_BOOTLOADER, 2), "recovery");
    assert_null(partition_subtype_name(PARTITION_APP, 0x21));
    assert_null(partition_subtype_name(0x40, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freedoms_of_the_grammar),
        cmocka_unit_test(first_rows_describe_the_start_of_flash),
        cmocka_unit_test(variables_are_put_in),
        cmocka_unit_test(numbers_blanks_and_lines_are_pythons),
        cmocka_unit_test(misleading_names_are_warned_of),
        cmocka_unit_test(what_is_refused_and_why),
        cmocka_unit_test(what_is_allowed_at_the_edge),
        cmocka_unit_test(table_is_checked_without_a_text_too),
        cmocka_unit_test(only_what_reads_back_is_printed),
        cmocka_unit_test(at_most_94_rows),
        cmocka_unit_test(names_of_types),
    };
    return cmocka_run_group_tests_name("partition CSV", tests, NULL, NULL);
}
