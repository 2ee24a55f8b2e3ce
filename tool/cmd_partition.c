/* trustchain partition: the partition table, CSV and binary (formats.md 3). */
#include "tool/tool.h"

#include <stdio.h>

#include <sys/stat.h>

#include "chain/error.h"
#include "chain/partition.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/flash_source.h"
#include "tool/table.h"

struct partition_options {
    const char *output;
    struct flash_source source; /* what is read: mostly its path alone */
    uint32_t flash_size;
    bool json;
};

enum { OPTION_FLASH_SIZE = CLI_LONG, OPTION_JSON };

static error_t parse_partition(int key, char *text, struct argp_state *state)
{
    struct partition_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case OPTION_FLASH_SIZE:
        options->flash_size = cli_option_flash_size(state, text);
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    default:
        return flash_source_parse(key, text, &options->source, "partition table", state);
    }
}

static int partition_build(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the binary goes (default: stdout)", 0},
        {"flash-size", OPTION_FLASH_SIZE, "SIZE", 0, "refuse what does not fit, e.g. 4MB", 0},
        {"offset", 'a', "N", 0, "where the table is to be in flash (default 0x8000)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_partition,
        "CSV",
        "Make the 3072-byte binary partition table from CSV. $NAME and ${NAME} are environment "
        "variables.",
        NULL,
        NULL,
        NULL};
    struct partition_options options = {.output = "-"};
    options.source.table_offset = PARTITION_TABLE_OFFSET;
    struct partition_table table;
    uint8_t binary[PARTITION_TABLE_BYTES];
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = table_read_at(options.source.path, options.source.table_offset, options.flash_size,
                               &table);
    if (status != HOST_DONE)
        return status;
    int error = partition_table_build(&table, binary);
    if (error)
        return host_fail(options.source.path, "%s", chain_error_text(error));
    return file_write(options.output, binary, sizeof binary, 0644);
}

static int print_json(const struct partition_table *table)
{
    json_t *list = json_array();
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:I, s:I, s:b, s:b}", "label",
                                              entry->label, "type", entry->type, "subtype",
                                              entry->subtype, "offset", (json_int_t)entry->offset,
                                              "size", (json_int_t)entry->size, "encrypted",
                                              (entry->flags & PARTITION_ENCRYPTED) != 0, "readonly",
                                              (entry->flags & PARTITION_READONLY) != 0));
    }
    return cli_json_print(list);
}

/* No table, binary or CSV, is as long as a flash that holds one at its place. */
static bool is_dump(const struct flash_source *source)
{
    struct stat status;
    return source->key || source->efuse || source->offset_given ||
           (stat(source->path, &status) == 0 && S_ISREG(status.st_mode) &&
            status.st_size >= (off_t)(PARTITION_TABLE_OFFSET + PARTITION_TABLE_SECTOR));
}

static int read_shown(const struct partition_options *options, struct partition_table *table)
{
    if (!is_dump(&options->source))
        return table_read(options->source.path, options->flash_size, table);
    if (options->flash_size != 0)
        return host_usage("partition show", "--flash-size is for a table (a dump has its size)");
    return flash_dump_table(&options->source, table);
}

static int partition_show(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"flash-size", OPTION_FLASH_SIZE, "SIZE", 0, "refuse what does not fit, e.g. 4MB", 0},
        {"json", OPTION_JSON, NULL, 0, "print JSON instead of CSV", 0},
        FLASH_SOURCE_OPTIONS,
        {0}};
    static const struct argp argp = {
        options_known, parse_partition,
        "FILE",        "Print a partition table (binary, CSV, or the one in a flash dump) as CSV.",
        NULL,          NULL,
        NULL};
    struct partition_options options = {0};
    struct partition_table table;
    char csv[16384];
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = read_shown(&options, &table);
    if (status != HOST_DONE)
        return status;
    if (options.json)
        return print_json(&table);
    int error = partition_csv_print(&table, csv, sizeof csv);
    if (error)
        return host_fail(options.source.path, "%s", chain_error_text(error));
    fputs(csv, stdout);
    return HOST_DONE;
}

int cmd_partition(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"build", partition_build, "CSV to binary"},
        {"show", partition_show, "print a table"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
