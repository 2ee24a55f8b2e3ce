/* chain/nvs_source.h: where the bytes of an NVS partition come from: flash, a file, memory; plain
 * or encrypted (nvs.md 7).
 */
#ifndef CHAIN_NVS_SOURCE_H
#define CHAIN_NVS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "chain/crypto.h"

#define NVS_PAGE_BYTES   4096u
#define NVS_ENTRY_BYTES  32u
#define NVS_PAGE_ENTRIES 126u
#define NVS_KEY_MAX      15u

/* An AES-256 data key, then an AES-256 tweak key. Secret. */
struct nvs_keys {
    uint8_t xts[XTS256_KEY_BYTES];
};

/* The caller fills it in and keeps it alive while it is read from. */
struct nvs_source {
    void *context; /* the caller's own, for read */
    /* `length` bytes as they lie in the partition from `offset` on, both multiples of 32;
     * offset + length <= size. An error is handed through to who asked. */
    int (*read)(void *context, uint32_t offset, void *out, size_t length);
    uint32_t size;                     /* of the partition: a positive multiple of a page */
    const struct nvs_keys *keys;       /* NULL: the partition is plain */
    const struct chain_crypto *crypto; /* used with keys only: its aes256_xts */
};

/* A plain partition in memory: `size` bytes, which stay the caller's. */
struct nvs_source nvs_memory(const uint8_t *bytes, uint32_t size);

#endif
