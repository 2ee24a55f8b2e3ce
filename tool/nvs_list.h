/* tool/nvs_list.h: what an NVS partition holds, as a list of values: chunks put together,
 * namespaces by name, each key of a type once: as the device finds it. */
#ifndef TOOL_NVS_LIST_H
#define TOOL_NVS_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "chain/nvs.h"

#define NVS_FILE_MAX (16u << 20) /* the largest flash of a C6 */

/* What the bytes are, for what is said about damage. */
enum nvs_state { NVS_PLAIN, NVS_DECRYPTED };

struct nvs_item {
    struct nvs_entry entry;
    const uint8_t *data; /* a string's, a blob's or a chunk's entry.size bytes */
    size_t order;        /* of writing */
};

struct nvs_value {
    const char *namespace_name;
    const struct nvs_item *head;   /* the integer, string, version 1 blob, or the blob's index */
    const struct nvs_item *chunks; /* of a blob with an index: count of them, in order */
    size_t count;
};

struct nvs_list {
    const uint8_t *bytes; /* the partition */
    size_t length;
    enum nvs_state state;
    struct nvs_item *items;   /* sorted by namespace, key, type, chunk */
    struct nvs_value *values; /* in the same order */
    size_t count;
    struct nvs_entry *stale; /* what a power cut left: written or erased halfway (their fault), or
                              * older than another; in flash order */
    size_t stale_count;
    char names[256][NVS_KEY_MAX + 1];
};

/* Prints the one line (host/error.h) about `name` and returns HOST_FAILED
 * when it is not sound; *list is then empty. The bytes outlive the list. */
int nvs_list_read(const char *name, const uint8_t *bytes, size_t length, enum nvs_state state,
                  struct nvs_list *list);

void nvs_list_free(struct nvs_list *list);

#endif
