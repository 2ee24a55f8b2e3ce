#include "tool/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/error.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"

#define TABLE_FILE_MAX 65536u

struct table_place {
    uint32_t offset;     /* of the table in flash */
    uint32_t flash_size; /* bytes; 0 = not checked */
};

static void warn_of_entry(const char *name, const char *what,
                          const struct partition_problem *problem)
{
    fprintf(stderr, "trustchain: %s: %s %u: warning: %s\n", name, what, problem->line,
            problem->text);
}

static void warn_of_line(void *name, const struct partition_problem *problem)
{
    warn_of_entry(name, "line", problem);
}

static int read_binary(const char *name, const struct buffer *file, const struct table_place *place,
                       struct partition_table *table)
{
    struct partition_problem problem = {0};
    int error = partition_table_parse(file->bytes, file->length, place->flash_size, table, NULL);
    if (error)
        return host_fail(name, "is no valid partition table: %s", chain_error_text(error));
    if (partition_table_check(table, place->offset, place->flash_size, &problem) != CHAIN_OK)
        return host_fail(name, "entry %u: %s", problem.line, problem.text);
    for (size_t i = 0; i < table->count; i++) {
        problem.line = (unsigned)i + 1;
        if (partition_name_misleads(&table->entry[i], &problem))
            warn_of_entry(name, "entry", &problem);
    }
    return HOST_DONE;
}

static int read_csv(const char *name, const struct buffer *file, const struct table_place *place,
                    struct partition_table *table)
{
    char text[CLI_TEXT];
    struct partition_problem problem = {0};
    const struct partition_csv how = {.table_offset = place->offset,
                                      .flash_size = place->flash_size,
                                      .variable = getenv,
                                      .warn = warn_of_line,
                                      .context = text};
    cli_printable(name, text);
    int error = partition_csv_parse((const char *)file->bytes, file->length, &how, table, &problem);
    if (error == CHAIN_OK)
        return HOST_DONE;
    if (problem.line)
        return host_fail(name, "line %u: %s", problem.line, problem.text);
    return host_fail(name, "%s", problem.text[0] ? problem.text : chain_error_text(error));
}

static int parse(const char *name, const struct buffer *file, const struct table_place *place,
                 struct partition_table *table)
{
    static const uint8_t magic[2] = {0xAA, 0x50};
    bool binary = file->length >= sizeof magic && memcmp(file->bytes, magic, sizeof magic) == 0;
    return (binary ? read_binary : read_csv)(name, file, place, table);
}

int table_parse(const char *name, const struct buffer *file, uint32_t flash_size,
                struct partition_table *table)
{
    const struct table_place place = {PARTITION_TABLE_OFFSET, flash_size};
    return parse(name, file, &place, table);
}

int table_read_at(const char *path, uint32_t table_offset, uint32_t flash_size,
                  struct partition_table *table)
{
    const struct table_place place = {table_offset, flash_size};
    struct buffer file;
    if (file_read(path, TABLE_FILE_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = parse(file_input_name(path), &file, &place, table);
    buffer_free(&file);
    return status;
}

int table_read(const char *path, uint32_t flash_size, struct partition_table *table)
{
    return table_read_at(path, PARTITION_TABLE_OFFSET, flash_size, table);
}

bool partition_all_encrypted(const struct partition *partition)
{
    if (partition->type == PARTITION_APP || partition->type == PARTITION_BOOTLOADER ||
        partition_is_primary(partition))
        return false;
    if (partition->type == PARTITION_PARTITION_TABLE)
        return true;
    if (partition->type == PARTITION_DATA &&
        (partition->subtype == PARTITION_DATA_OTA || partition->subtype == PARTITION_DATA_TEE_OTA ||
         partition->subtype == PARTITION_DATA_NVS_KEYS))
        return true;
    return (partition->flags & PARTITION_ENCRYPTED) != 0;
}
