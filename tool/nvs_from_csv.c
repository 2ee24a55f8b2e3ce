#include "tool/nvs_from_csv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "chain/error.h"
#include "chain/nvs.h"
#include "chain/nvs_csv.h"
#include "host/error.h"
#include "tool/cli.h"
#include "tool/nvs_crypt.h"
#include "tool/nvs_list.h"

/* struct nvs_files on the file system: paths are relative to the working directory. *context is a
 * bool: what was wrong with a file has been said. */
static bool load_file(void *context, const char *path, size_t length, char **bytes, size_t *size)
{
    char name[PATH_MAX];
    struct buffer file;
    bool *said = context;
    if (length == 0 || length >= sizeof name)
        return false;
    memcpy(name, path, length);
    name[length] = 0;
    if (file_read(name, NVS_FILE_MAX, &file) != HOST_DONE) {
        *said = true;
        return false;
    }
    *bytes = (char *)file.bytes;
    *size = file.length;
    return true;
}

static void release_file(void *context, char *bytes)
{
    struct buffer file = {.bytes = (uint8_t *)bytes};
    (void)context;
    buffer_free(&file);
}

/* The CSV wrote each key once, whatever its type. */
static int refuse_twice(const char *name, const struct nvs_list *list)
{
    char key[CLI_TEXT], space[CLI_TEXT];
    const struct nvs_entry *twice = list->stale_count > 0 ? list->stale : NULL;
    for (size_t i = 1; i < list->count && twice == NULL; i++) {
        const struct nvs_value *a = &list->values[i - 1], *b = &list->values[i];
        if (a->namespace_name == b->namespace_name &&
            strcmp(a->head->entry.key, b->head->entry.key) == 0)
            twice = &b->head->entry;
    }
    if (twice == NULL)
        return HOST_DONE;
    return host_fail(name, "key %s in namespace %s: occurs twice", cli_printable(twice->key, key),
                     cli_printable(list->names[twice->namespace_index], space));
}

/* CSV into the partition, which is then read back: that finds keys that occur twice. */
static int fill(const char *name, struct buffer *csv, uint8_t *out, size_t size, size_t *used)
{
    bool said = false;
    const struct nvs_files files = {&said, load_file, release_file};
    struct nvs_writer writer;
    struct nvs_problem problem = {0};
    struct nvs_list list;
    int error = nvs_writer_begin(&writer, out, size);
    if (error)
        return host_fail(name, "%s", chain_error_text(error));
    error = nvs_csv_write((char *)csv->bytes, csv->length, &files, &writer, &problem);
    if (error && said)
        return HOST_FAILED;
    if (error && problem.line > 0)
        return host_fail(name, "line %u: %s", problem.line, problem.text);
    if (error)
        return host_fail(name, "%s", problem.text);
    *used = nvs_writer_end(&writer);
    if (nvs_list_read(name, out, *used, NVS_PLAIN, &list) != HOST_DONE)
        return HOST_FAILED;
    int status = refuse_twice(name, &list);
    nvs_list_free(&list);
    return status;
}

int nvs_from_csv(const char *path, const char *keys_path, size_t size, struct buffer *out)
{
    struct buffer csv;
    *out = (struct buffer){0};
    if (file_read(path, NVS_FILE_MAX, &csv) != HOST_DONE)
        return HOST_FAILED;
    const char *name = file_input_name(path);
    size_t used = 0;
    out->bytes = malloc(size);
    out->length = out->bytes ? size : 0;
    int status = out->bytes ? fill(name, &csv, out->bytes, size, &used)
                            : host_fail(name, "not enough memory");
    if (status == HOST_DONE && keys_path)
        status = nvs_crypt_file(name, keys_path, true, out->bytes, used);
    if (status == HOST_DONE)
        out->length = used;
    else
        buffer_free_secret(out);
    buffer_free_secret(&csv);
    return status;
}
