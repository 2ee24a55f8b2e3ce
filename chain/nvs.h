/* chain/nvs.h: NVS partitions in ESP-IDF's format (docs/nvs.md): writing them whole, as a factory
 * does, and walking through what is in one.
 *
 * Nothing is allocated: the caller owns the partition's bytes, entries point into them. The writer
 * makes the bytes Espressif's nvs_partition_gen makes (format version 2); the reader also takes
 * version 1. Encrypted NVS is neither written nor read.
 */
#ifndef CHAIN_NVS_H
#define CHAIN_NVS_H

#include <stddef.h>
#include <stdint.h>

#include "chain/nvs_source.h"

#define NVS_NAMESPACES_MAX 254u
#define NVS_STRING_MAX     3967u /* bytes without the NUL: the generator's own limit (nvs.md 4) */
#define NVS_CHUNKS_MAX     127u  /* of one blob */
#define NVS_WRITABLE_MIN   (3 * NVS_PAGE_BYTES) /* smaller partitions can only be read */

/* Low nibble of an integer's type: its bytes; NVS_SIGNED: two's complement. */
enum nvs_type {
    NVS_U8 = 0x01,
    NVS_U16 = 0x02,
    NVS_U32 = 0x04,
    NVS_U64 = 0x08,
    NVS_I8 = 0x11,
    NVS_I16 = 0x12,
    NVS_I32 = 0x14,
    NVS_I64 = 0x18,
    NVS_STRING = 0x21,
    NVS_BLOB = 0x41,       /* version 1: in one page */
    NVS_BLOB_DATA = 0x42,  /* version 2: one chunk */
    NVS_BLOB_INDEX = 0x48, /* version 2: how many chunks and bytes */
};
enum { NVS_SIGNED = 0x10 };

/* A partition being written. Members are the writer's own. */
struct nvs_writer {
    uint8_t *out;
    size_t size;
    size_t usable; /* bytes that pages may take */
    size_t page;   /* offset of the page being filled */
    unsigned slot; /* its first free entry */
    unsigned namespaces;
};

/* `out` has `size` bytes and lives until the end. EALIGN unless size is a positive multiple of a
 * page. From NVS_WRITABLE_MIN on the last page stays free: the device needs it to tidy up. */
int nvs_writer_begin(struct nvs_writer *writer, uint8_t *out, size_t size);

/* What follows belongs to this new namespace. Names and keys: 1 to NVS_KEY_MAX printable ASCII
 * characters (EFIELD); that none occurs twice is the caller's care. ESPACE: the partition is full,
 * or has NVS_NAMESPACES_MAX namespaces. Each also ends with EMISSING before any namespace. */
int nvs_write_namespace(struct nvs_writer *writer, const char *name, size_t length);

struct nvs_key {
    const char *text; /* need not end in a NUL */
    size_t length;
};

/* type: one of the eight integers; the low bytes of value are stored. */
int nvs_write_integer(struct nvs_writer *writer, struct nvs_key key, enum nvs_type type,
                      uint64_t value);
/* Without its NUL, which is added. EBOUNDS over NVS_STRING_MAX. */
int nvs_write_string(struct nvs_writer *writer, struct nvs_key key, const char *text,
                     size_t length);
/* EBOUNDS when it takes more than NVS_CHUNKS_MAX chunks. */
int nvs_write_blob(struct nvs_writer *writer, struct nvs_key key, const uint8_t *data,
                   size_t length);

/* The bytes that make the file: all, or, under NVS_WRITABLE_MIN, the pages in use. */
size_t nvs_writer_end(const struct nvs_writer *writer);

/* One entry, checked: both CRCs, span, key and type are right. */
struct nvs_entry {
    uint8_t namespace_index; /* 0: the entry names a namespace, data[0] is its index */
    uint8_t type;
    uint8_t chunk; /* of NVS_BLOB_DATA */
    char key[NVS_KEY_MAX + 1];
    const uint8_t *data; /* integers: little-endian; a string ends in its NUL */
    size_t size;
};

/* Where the reader is. page and slot also say where it found fault; the rest is its own. */
struct nvs_cursor {
    const uint8_t *bytes;
    size_t pages;
    size_t page;   /* number in flash order */
    unsigned slot; /* next entry; NVS_PAGE_ENTRIES: the page is done */
};

/* Checks every page's header. EALIGN: not a positive multiple of a page; EMAGIC: a page in no known
 * state, or one that calls itself empty and is not; ECHECKSUM, EFIELD: header CRC, version. */
int nvs_begin(struct nvs_cursor *cursor, const uint8_t *bytes, size_t length);

/* The next entry, pages in the order of their sequence numbers. EMISSING after the last one;
 * ECHECKSUM, EBOUNDS, EFIELD for an entry that the device would drop: then the walk is over. */
int nvs_next(struct nvs_cursor *cursor, struct nvs_entry *entry);

/* What an NVS_BLOB_INDEX entry says: bytes in all, and chunks first .. first + count - 1. */
struct nvs_blob {
    uint32_t size;
    uint8_t count;
    uint8_t first;
};
struct nvs_blob nvs_blob_index(const struct nvs_entry *entry);

/* The value of an integer, sign extended. */
uint64_t nvs_integer(const struct nvs_entry *entry);

#endif
