#include "tool/table.h"

#include <string.h>

#include "chain/error.h"
#include "host/error.h"
#include "host/file.h"

#define TABLE_FILE_MAX 65536u

static int read_binary(const char *name, const struct buffer *file, uint32_t flash_size,
                       struct partition_table *table)
{
    struct partition_problem problem = {0};
    int error = partition_table_parse(file->bytes, file->length, flash_size, table, NULL);
    if (error)
        return host_fail(name, "is no valid partition table: %s", chain_error_text(error));
    if (partition_table_check(table, PARTITION_TABLE_OFFSET, flash_size, &problem) == CHAIN_OK)
        return HOST_DONE;
    return host_fail(name, "entry %u: %s", problem.line, problem.text);
}

static int read_csv(const char *name, const struct buffer *file, uint32_t flash_size,
                    struct partition_table *table)
{
    struct partition_problem problem = {0};
    int error = partition_csv_parse((const char *)file->bytes, file->length, PARTITION_TABLE_OFFSET,
                                    flash_size, table, &problem);
    if (error == CHAIN_OK)
        return HOST_DONE;
    if (problem.line)
        return host_fail(name, "line %u: %s", problem.line, problem.text);
    return host_fail(name, "%s", problem.text[0] ? problem.text : chain_error_text(error));
}

int table_parse(const char *name, const struct buffer *file, uint32_t flash_size,
                struct partition_table *table)
{
    static const uint8_t magic[2] = {0xAA, 0x50};
    bool binary = file->length >= sizeof magic && memcmp(file->bytes, magic, sizeof magic) == 0;
    return binary ? read_binary(name, file, flash_size, table)
                  : read_csv(name, file, flash_size, table);
}

int table_read(const char *path, uint32_t flash_size, struct partition_table *table)
{
    struct buffer file;
    if (file_read(path, TABLE_FILE_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = table_parse(file_input_name(path), &file, flash_size, table);
    buffer_free(&file);
    return status;
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
