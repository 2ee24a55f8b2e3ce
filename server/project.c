/* server/project.c: see server/project.h. */
#include "server/project.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/error.h"
#include "chain/partition.h"
#include "host/error.h"
#include "host/file.h"

#define CSV_BYTES_MAX 65536

struct reading {
    const char *folder;
    struct release_project *project;
    char wrong[128]; /* the first value that cannot be used, and why */
};

static bool join(char out[PATH_MAX], const char *folder, const char *path)
{
    int length = path[0] == '/' ? snprintf(out, PATH_MAX, "%s", path)
                                : snprintf(out, PATH_MAX, "%s/%s", folder, path);
    return length >= 0 && length < PATH_MAX;
}

static bool take_name(char out[NAME_BYTES_MAX + 1], const char *value)
{
    size_t length = strlen(value);
    if (!name_valid_product(value, length)) {
        return false;
    }
    memcpy(out, value, length + 1);
    return true;
}

static bool take_number(uint32_t *out, const char *value)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(value, &end, 0);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static bool take_flash_size(uint32_t *out, const char *value)
{
    static const char *const sizes[] = {"2MB", "4MB", "8MB", "16MB"};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strcmp(value, sizes[i]) == 0) {
            *out = 2u << 20 << i;
            return true;
        }
    }
    return false;
}

static bool take_switch(bool *out, const char *value)
{
    *out = strcmp(value, "on") == 0;
    return *out || strcmp(value, "off") == 0;
}

/* One setting; *known says whether there is such a key. */
static bool take(struct reading *reading, const char *key, const char *value, bool *known)
{
    struct release_project *project = reading->project;
    *known = true;
    if (strcmp(key, "product.name") == 0) {
        return take_name(project->product, value);
    }
    if (strcmp(key, "product.channel") == 0) {
        return take_name(project->channel, value);
    }
    if (strcmp(key, "update.url") == 0 || strcmp(key, "update.poll_seconds") == 0) {
        return true;
    }
    if (strcmp(key, "flash.size") == 0) {
        return take_flash_size(&project->flash_size, value);
    }
    if (strcmp(key, "flash.encryption") == 0) {
        return take_switch(&project->encryption, value);
    }
    if (strcmp(key, "release.folder") == 0) {
        return join(project->releases, reading->folder, value);
    }
    if (strcmp(key, "release.signing_key") == 0) {
        return join(project->signing_key, reading->folder, value);
    }
    if (strcmp(key, "release.min_secure_version") == 0) {
        return take_number(&project->min_secure_version, value);
    }
    *known = false;
    return false;
}

/* inih's callback: 1 goes on, 0 marks the line as wrong. */
static int on_value(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    char key[64];
    bool known;
    snprintf(key, sizeof key, "%.31s.%.31s", section, name);
    bool good = take(reading, key, value, &known);
    if (!good && reading->wrong[0] == '\0') {
        if (known) {
            snprintf(reading->wrong, sizeof reading->wrong, "[%.20s] %.24s cannot be \"%.64s\"",
                     section, name, value);
        } else {
            snprintf(reading->wrong, sizeof reading->wrong, "there is no setting [%.31s] %.31s",
                     section, name);
        }
    }
    return good ? 1 : 0;
}

static int set_defaults(const char *folder, struct release_project *project)
{
    memset(project, 0, sizeof *project);
    memcpy(project->channel, "stable", sizeof "stable");
    project->encryption = true;
    project->flash_size = 4u << 20;
    bool fits = join(project->releases, folder, "releases") &&
                join(project->signing_key, folder, "secure_keys/secure_boot_signing_key.pem") &&
                join(project->certificate, folder, "pki/server_cert.pem") &&
                join(project->key, folder, "pki/server_key.pem") &&
                join(project->partitions, folder, "partitions.csv") &&
                join(project->flash_key, folder, "secure_keys/flash_encryption_key.bin");
    return fits ? HOST_DONE : host_fail(folder, "this path is too long");
}

int release_project_read(const char *folder, struct release_project *project)
{
    char path[PATH_MAX];
    struct reading reading = {.folder = folder, .project = project};
    if (set_defaults(folder, project) != HOST_DONE || !join(path, folder, "trustchain.ini")) {
        return HOST_FAILED;
    }
    int line = ini_parse(path, on_value, &reading);
    if (line < 0) {
        return host_fail(path, "cannot be read: %s (trustchain init starts a project)",
                         strerror(errno));
    }
    if (line > 0) {
        return host_fail(path, "line %d: %s", line,
                         reading.wrong[0] != '\0' ? reading.wrong : "not \"name = value\"");
    }
    if (project->product[0] == '\0') {
        return host_fail(path, "names no product (add name = ... under [product])");
    }
    return HOST_DONE;
}

int release_project_slot_size(const char *folder, uint32_t *bytes)
{
    char path[PATH_MAX];
    struct buffer csv;
    struct partition_table table;
    struct partition_problem problem = {0};
    *bytes = 0;
    if (!join(path, folder, "partitions.csv")) {
        return host_fail(folder, "this path is too long");
    }
    if (file_read(path, CSV_BYTES_MAX, &csv) != HOST_DONE) {
        return HOST_FAILED;
    }
    int error = partition_csv_parse((const char *)csv.bytes, csv.length, PARTITION_TABLE_OFFSET, 0,
                                    &table, &problem);
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
