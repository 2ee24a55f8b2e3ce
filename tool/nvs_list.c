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

/* A namespace's name, which no other index may have, nor the index another name. While a page is
 * being moved the entry is there twice. */
static int take_name(const char *name, struct nvs_list *list, const struct nvs_entry *entry)
{
    char *place = list->names[entry->value[0]];
    char text[CLI_TEXT];
    for (size_t i = 0; i < sizeof list->names / sizeof *list->names; i++) {
        const bool same_name = strcmp(list->names[i], entry->key) == 0;
        const bool same_place = list->names[i] == place;
        if (same_place ? place[0] != 0 && !same_name : same_name)
            return host_fail(name, "namespace %s: its name or its number occurs twice",
                             cli_printable(entry->key, text));
    }
    memcpy(place, entry->key, sizeof entry->key);
    return HOST_DONE;
}

static int take_entry(const char *name, struct nvs_list *list, const struct nvs_entry *entry,
                      size_t *count)
{
    if (entry->fault == CHAIN_ETRUNCATED) {
        list->stale[list->stale_count++] = *entry;
        return HOST_DONE;
    }
    if (entry->fault)
        return host_fail(name, "page %u, entry %u: %s (%s)", (unsigned)entry->page, entry->slot,
                         chain_error_text(entry->fault),
                         list->state == NVS_DECRYPTED ? "damaged, or other keys"
                                                      : "damaged, or encrypted: --keys");
    if (entry->namespace_index == 0)
        return take_name(name, list, entry);
    list->items[*count] = (struct nvs_item){*entry, list->bytes + entry->offset, *count};
    ++*count;
    return HOST_DONE;
}

/* All entries but the namespaces' names, in the order of writing. */
static int take_entries(const char *name, struct nvs_list *list, size_t *count)
{
    const struct nvs_source source = nvs_memory(list->bytes, (uint32_t)list->length);
    const size_t most = list->length / NVS_PAGE_BYTES * NVS_PAGE_ENTRIES + 1;
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    uint32_t page;
    *count = 0;
    int error = nvs_check_pages(&source, &page);
    if (error == CHAIN_EALIGN)
        return host_fail(name, "is no NVS partition (its size is not a multiple of 4096)");
    if (error)
        return host_fail(name, "page %u: is no NVS page: %s", (unsigned)page,
                         chain_error_text(error));
    list->items = malloc(most * sizeof *list->items);
    list->stale = malloc(most * sizeof *list->stale);
    if (list->items == NULL || list->stale == NULL)
        return host_fail(name, "not enough memory");
    error = nvs_begin(&cursor, &source);
    while (error == CHAIN_OK && (error = nvs_next(&cursor, &entry)) == CHAIN_OK) {
        if (take_entry(name, list, &entry, count) != HOST_DONE)
            return HOST_FAILED;
    }
    return error == CHAIN_EMISSING ? HOST_DONE : host_fail(name, "%s", chain_error_text(error));
}

#define CHUNK_KIND 0x100u /* and the chunk's number; behind every type */

/* What replaces what: a blob's index the blob of version 1. Chunks come last. */
static unsigned kind(const struct nvs_item *item)
{
    switch (item->entry.type) {
    case NVS_BLOB_INDEX:
        return NVS_BLOB;
    case NVS_BLOB_DATA:
        return CHUNK_KIND + item->entry.chunk;
    default:
        return item->entry.type;
    }
}

/* Without regard to the order of writing. */
static int compare_places(const struct nvs_item *a, const struct nvs_item *b)
{
    if (a->entry.namespace_index != b->entry.namespace_index)
        return a->entry.namespace_index < b->entry.namespace_index ? -1 : 1;
    const int key = strcmp(a->entry.key, b->entry.key);
    return key != 0 ? key : (int)kind(a) - (int)kind(b);
}

static int compare(const void *left, const void *right)
{
    const struct nvs_item *a = left, *b = right;
    const int place = compare_places(a, b);
    return place != 0 ? place : (a->order > b->order) - (a->order < b->order);
}

static int compare_stale(const void *left, const void *right)
{
    const struct nvs_entry *a = left, *b = right;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* Of those at the same place only the last written stays; new count. */
static size_t drop_older(struct nvs_list *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && compare_places(&list->items[i], &list->items[i + 1]) == 0)
            list->stale[list->stale_count++] = list->items[i].entry;
        else
            list->items[kept++] = list->items[i];
    }
    return kept;
}

static bool same_key(const struct nvs_item *a, const struct nvs_item *b)
{
    return a->entry.namespace_index == b->entry.namespace_index &&
           strcmp(a->entry.key, b->entry.key) == 0;
}

/* The chunks an index names, among `count` items from the first of its key's on; others are
 * left-overs. */
static bool find_chunks(struct nvs_value *value, const struct nvs_item *items, size_t count)
{
    const struct nvs_blob blob = nvs_blob_index(&value->head->entry);
    uint64_t size = 0;
    size_t first = 0;
    while (first < count && kind(&items[first]) < CHUNK_KIND + blob.first)
        first++;
    if (blob.count > count - first)
        return false;
    for (size_t i = 0; i < blob.count; i++) {
        if (kind(&items[first + i]) != CHUNK_KIND + blob.first + i)
            return false;
        size += items[first + i].entry.size;
    }
    value->chunks = items + first;
    value->count = blob.count;
    return size == blob.size;
}

/* `count` items of one key: values of several types, then chunks. Chunks alone are an interrupted
 * write: the device drops them. */
static int take_values(const char *name, struct nvs_list *list, const struct nvs_item *items,
                       size_t count)
{
    for (size_t i = 0; i < count && items[i].entry.type != NVS_BLOB_DATA; i++) {
        struct nvs_value value = {.namespace_name = list->names[items[i].entry.namespace_index],
                                  .head = &items[i]};
        if (value.namespace_name[0] == 0)
            return refuse_entry(name, list, &items[i].entry, "its namespace has no name");
        if (items[i].entry.type == NVS_BLOB_INDEX && !find_chunks(&value, items, count))
            return refuse_entry(name, list, &items[i].entry, "chunks of the blob are missing");
        list->values[list->count++] = value;
    }
    return HOST_DONE;
}

static int sort_out(const char *name, struct nvs_list *list, size_t count)
{
    if (count > 0)
        qsort(list->items, count, sizeof *list->items, compare);
    count = drop_older(list, count);
    if (list->stale_count > 0)
        qsort(list->stale, list->stale_count, sizeof *list->stale, compare_stale);
    list->values = malloc((count + 1) * sizeof *list->values);
    if (list->values == NULL)
        return host_fail(name, "not enough memory");
    for (size_t at = 0, end; at < count; at = end) {
        for (end = at + 1; end < count && same_key(&list->items[at], &list->items[end]);)
            end++;
        if (take_values(name, list, list->items + at, end - at) != HOST_DONE)
            return HOST_FAILED;
    }
    return HOST_DONE;
}

int nvs_list_read(const char *name, const uint8_t *bytes, size_t length, enum nvs_state state,
                  struct nvs_list *list)
{
    size_t count;
    *list = (struct nvs_list){.bytes = bytes, .length = length, .state = state};
    if (take_entries(name, list, &count) == HOST_DONE && sort_out(name, list, count) == HOST_DONE)
        return HOST_DONE;
    nvs_list_free(list);
    return HOST_FAILED;
}

void nvs_list_free(struct nvs_list *list)
{
    free(list->items);
    free(list->values);
    free(list->stale);
    list->items = NULL;
    list->values = NULL;
    list->stale = NULL;
    list->count = list->stale_count = 0;
}
