#include "tool/nvs_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chain/error.h"
#include "host/error.h"
#include "tool/cli.h"

static int refuse_entry(const char *name, const struct nvs_list *list,
                        const struct nvs_entry *entry, const char *text)
{
    char space[CLI_TEXT], key[CLI_TEXT];
    return host_fail(name, "key %s in namespace %s: %s", cli_printable(entry->key, key),
                     cli_printable(list->names[entry->namespace_index], space), text);
}

/* A namespace's name, which no other may have, nor the index another name. */
static int take_name(const char *name, struct nvs_list *list, const struct nvs_entry *entry)
{
    char *place = list->names[entry->data[0]];
    char text[CLI_TEXT];
    for (size_t i = 0; i < sizeof list->names / sizeof *list->names; i++) {
        if (place[0] != 0 || strcmp(list->names[i], entry->key) == 0)
            return host_fail(name, "namespace %s: its name or its number occurs twice",
                             cli_printable(entry->key, text));
    }
    memcpy(place, entry->key, sizeof entry->key);
    return HOST_DONE;
}

/* All entries but the namespaces' names, in flash order. */
static int take_entries(const char *name, const uint8_t *bytes, size_t length,
                        struct nvs_list *list, size_t *count)
{
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    *count = 0;
    int error = nvs_begin(&cursor, bytes, length);
    if (error == CHAIN_EALIGN)
        return host_fail(name, "is no NVS partition (its size is not a multiple of 4096)");
    if (error)
        return host_fail(name, "page %zu: is no NVS page: %s", cursor.page,
                         chain_error_text(error));
    list->entries = malloc(cursor.pages * NVS_PAGE_ENTRIES * sizeof *list->entries);
    if (list->entries == NULL)
        return host_fail(name, "not enough memory");
    while ((error = nvs_next(&cursor, &entry)) == CHAIN_OK) {
        if (entry.namespace_index != 0)
            list->entries[(*count)++] = entry;
        else if (take_name(name, list, &entry) != HOST_DONE)
            return HOST_FAILED;
    }
    if (error == CHAIN_EMISSING)
        return HOST_DONE;
    return host_fail(name, "page %zu, entry %u: %s (damaged, or encrypted NVS)", cursor.page,
                     cursor.slot, chain_error_text(error));
}

/* Chunks come behind every value a key can have. */
static int compare(const void *left, const void *right)
{
    const struct nvs_entry *a = left, *b = right;
    if (a->namespace_index != b->namespace_index)
        return a->namespace_index < b->namespace_index ? -1 : 1;
    const int key = strcmp(a->key, b->key);
    if (key != 0)
        return key;
    const int a_chunk = a->type == NVS_BLOB_DATA ? 1 + a->chunk : 0;
    const int b_chunk = b->type == NVS_BLOB_DATA ? 1 + b->chunk : 0;
    return a_chunk - b_chunk;
}

static bool same_key(const struct nvs_entry *a, const struct nvs_entry *b)
{
    return a->namespace_index == b->namespace_index && strcmp(a->key, b->key) == 0;
}

/* The chunks an index names, among `count` entries of its key; others are left-overs. */
static bool find_chunks(struct nvs_value *value, const struct nvs_entry *entries, size_t count)
{
    const struct nvs_blob blob = nvs_blob_index(value->head);
    uint64_t size = 0;
    size_t first = 1;
    while (first < count && entries[first].chunk < blob.first)
        first++;
    if (blob.count > count - first)
        return false;
    for (size_t i = 0; i < blob.count; i++) {
        if (entries[first + i].chunk != blob.first + i)
            return false;
        size += entries[first + i].size;
    }
    value->chunks = entries + first;
    value->count = blob.count;
    return size == blob.size;
}

/* `count` entries of one key, a value or none first, then chunks. */
static int take_value(const char *name, struct nvs_list *list, const struct nvs_entry *entries,
                      size_t count)
{
    struct nvs_value value = {.namespace_name = list->names[entries->namespace_index],
                              .head = entries};
    if (entries->type == NVS_BLOB_DATA)
        return HOST_DONE; /* an interrupted write: the device drops chunks without an index */
    if (value.namespace_name[0] == 0)
        return refuse_entry(name, list, entries, "its namespace has no name");
    if (count > 1 && entries[1].type != NVS_BLOB_DATA)
        return refuse_entry(name, list, entries, "occurs twice");
    if (entries->type == NVS_BLOB_INDEX && !find_chunks(&value, entries, count))
        return refuse_entry(name, list, entries, "chunks of the blob are missing");
    list->values[list->count++] = value;
    return HOST_DONE;
}

static int take_values(const char *name, struct nvs_list *list, size_t count)
{
    if (count > 0)
        qsort(list->entries, count, sizeof *list->entries, compare);
    list->values = malloc((count + 1) * sizeof *list->values);
    if (list->values == NULL)
        return host_fail(name, "not enough memory");
    for (size_t at = 0, end; at < count; at = end) {
        for (end = at + 1; end < count && same_key(&list->entries[at], &list->entries[end]);)
            end++;
        if (take_value(name, list, list->entries + at, end - at) != HOST_DONE)
            return HOST_FAILED;
    }
    return HOST_DONE;
}

int nvs_list_read(const char *name, const uint8_t *bytes, size_t length, struct nvs_list *list)
{
    size_t count;
    *list = (struct nvs_list){0};
    if (take_entries(name, bytes, length, list, &count) == HOST_DONE &&
        take_values(name, list, count) == HOST_DONE)
        return HOST_DONE;
    nvs_list_free(list);
    return HOST_FAILED;
}

void nvs_list_free(struct nvs_list *list)
{
    free(list->entries);
    free(list->values);
    list->entries = NULL;
    list->values = NULL;
    list->count = 0;
}
