/* server/project.c: the files of a project folder (server/project.h). */
#include "server/project.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain/error.h"
#include "chain/partition.h"
#include "host/error.h"
#include "host/file.h"

#define CSV_BYTES_MAX 65536

static int path_in(char out[PATH_MAX], const char *folder, const char *name)
{
    int length = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return length >= 0 && length < PATH_MAX ? HOST_DONE
                                            : host_fail(folder, "this path is too long");
}

int release_project_read(const char *folder, struct release_project *project)
{
    char path[PATH_MAX];
    struct buffer text;
    struct ini_problem problem;
    if (path_in(path, folder, "trustchain.ini") != HOST_DONE) {
        return HOST_FAILED;
    }
    if (access(path, F_OK) != 0) {
        return host_fail(path, "cannot be read: %s (trustchain init starts a project)",
                         strerror(errno));
    }
    if (file_read(path, PROJECT_INI_MAX, &text) != HOST_DONE) {
        return HOST_FAILED;
    }
    bool good =
        release_project_parse((const char *)text.bytes, text.length, folder, project, &problem);
    buffer_free(&text);
    if (good) {
        return HOST_DONE;
    }
    return problem.line != 0 ? host_fail(path, "line %u: %s", problem.line, problem.text)
                             : host_fail(path, "%s", problem.text);
}

int release_project_slot_size(const char *folder, uint32_t *bytes)
{
    char path[PATH_MAX];
    struct buffer csv;
    struct partition_table table;
    struct partition_problem problem = {0};
    *bytes = 0;
    if (path_in(path, folder, "partitions.csv") != HOST_DONE) {
        return HOST_FAILED;
    }
    if (file_read(path, CSV_BYTES_MAX, &csv) != HOST_DONE) {
        return HOST_FAILED;
    }
    const struct partition_csv how = {.table_offset = PARTITION_TABLE_OFFSET, .variable = getenv};
    int error = partition_csv_parse((const char *)csv.bytes, csv.length, &how, &table, &problem);
    buffer_free(&csv);
    if (error != CHAIN_OK) {
        return host_fail(path, "line %u: %s", problem.line, problem.text);
    }
    for (size_t i = 0; i < table.count; i++) {
        const struct partition *entry = &table.entry[i];
        if (entry->type == PARTITION_APP && entry->subtype >= PARTITION_APP_OTA_0 &&
            entry->subtype <= PARTITION_APP_OTA_15 && (*bytes == 0 || entry->size < *bytes)) {
            *bytes = entry->size;
        }
    }
    return *bytes != 0 ? HOST_DONE : host_fail(path, "has no update slot (ota_0, ota_1)");
}
