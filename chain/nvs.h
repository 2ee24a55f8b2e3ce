/* chain/nvs.h: NVS partitions in ESP-IDF's format (docs/nvs.md): writing them whole, as a factory
 * does, and walking through what is in one.
 *
 * Nothing is allocated. The writer fills the caller's bytes as Espressif's nvs_partition_gen does
 * (format version 2), plain: chain/nvs_keys.h encrypts them afterwards. The reader also takes
 * version 1, and encrypted partitions through their source.
 */
#ifndef CHAIN_NVS_H
#define CHAIN_NVS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/nvs_source.h"

#define NVS_NAMESPACES_MAX 254u
#define NVS_STRING_MAX     3967u /* bytes without the NUL: the generator's own limit (nvs.md 4) */
#define NVS_CHUNKS_MAX     127u  /* of one blob: ESP-IDF's own limit (nvs.md 4) */
#define NVS_BLOB_MAX       (NVS_CHUNKS_MAX * (NVS_PAGE_ENTRIES - 1) * NVS_ENTRY_BYTES)
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

/* A blob's bytes: data, before it, when counted, its length as four bytes, and after it padding. */
struct nvs_blob_parts {
    const uint8_t *data;
    size_t length;
    bool counted;
    size_t padding; /* bytes of value pad */
    uint8_t pad;
};
/* EBOUNDS when it takes more than NVS_CHUNKS_MAX chunks. */
int nvs_write_blob(struct nvs_writer *writer, struct nvs_key key,
                   const struct nvs_blob_parts *parts);

/* The bytes that make the file: all, or, under NVS_WRITABLE_MIN, the pages in use. */
size_t nvs_writer_end(const struct nvs_writer *writer);

/* One entry, checked: both CRCs, span, key and type are right, unless `fault` says otherwise; then
 * the device drops it, and of what follows only page and slot can be relied on. */
struct nvs_entry {
    int fault;               /* CHAIN_OK; ETRUNCATED: written or erased halfway; ECHECKSUM, EBOUNDS,
                              * EFIELD: damaged */
    uint8_t namespace_index; /* 0: the entry names a namespace, value[0] is its index */
    uint8_t type;
    uint8_t chunk; /* of NVS_BLOB_DATA */
    char key[NVS_KEY_MAX + 1];
    uint8_t value[8]; /* of an integer, little-endian, or a blob's index */
    size_t size;      /* bytes of the value; a string's with its NUL, which is there */
    uint32_t offset;  /* in the partition: where a string's, blob's or chunk's bytes are */
    uint32_t page;    /* number in flash order */
    unsigned slot;
};

/* Where the reader is. Members are its own. */
struct nvs_cursor {
    const struct nvs_source *source;
    bool begun; /* a page is open: */
    uint32_t page, sequence;
    unsigned next;      /* slot; NVS_PAGE_ENTRIES: the page is done */
    uint8_t bitmap[32]; /* of the page */
};

/* Every page's header, in flash order: EMAGIC: a page in no known state, or one that calls itself
 * empty and is not; ECHECKSUM, EFIELD: header CRC, version. *page is the one at fault. EALIGN: the
 * size is no positive multiple of a page. */
int nvs_check_pages(const struct nvs_source *source, uint32_t *page);

/* EALIGN as above. The source stays until the walk is over. */
int nvs_begin(struct nvs_cursor *cursor, const struct nvs_source *source);

/* The next entry, pages in the order of their sequence numbers: the order of writing. As the device
 * does, pages in no known state or with a wrong CRC are passed over; entries that it drops come
 * with their fault. EMISSING after the last one; EFIELD: a page of an unknown version; else what
 * the source answered. */
int nvs_next(struct nvs_cursor *cursor, struct nvs_entry *entry);

/* Its `size` bytes. */
int nvs_entry_data(const struct nvs_source *source, const struct nvs_entry *entry, void *out);

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
