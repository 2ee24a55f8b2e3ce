/* tool/nvs_list.h: what an NVS partition holds, as a list of values: chunks put together,
 * namespaces by name, each key once. */
#ifndef TOOL_NVS_LIST_H
#define TOOL_NVS_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "chain/nvs.h"

/* A value. Its entries are in the partition's bytes, which outlive the list. */
struct nvs_value {
    const char *namespace_name;
    const struct nvs_entry *head;   /* the integer, string, version 1 blob, or the blob's index */
    const struct nvs_entry *chunks; /* of a blob with an index: count of them, in order */
    size_t count;
};

struct nvs_list {
    struct nvs_entry *entries; /* sorted by namespace, key, type, chunk */
    struct nvs_value *values;  /* in the same order */
    size_t count;
    char names[256][NVS_KEY_MAX + 1];
};

/* Prints the one line (host/error.h) about `name` and returns HOST_FAILED when the partition is not
 * sound; *list is then empty. */
int nvs_list_read(const char *name, const uint8_t *bytes, size_t length, struct nvs_list *list);

void nvs_list_free(struct nvs_list *list);

#endif
