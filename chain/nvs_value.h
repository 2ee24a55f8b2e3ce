/* chain/nvs_value.h: the values of an NVS CSV, text to bytes (nvs.md 5). In place: what comes out
 * is never longer than what went in. */
#ifndef CHAIN_NVS_VALUE_H
#define CHAIN_NVS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/nvs.h"

struct nvs_text {
    char *bytes;
    size_t length;
};

/* Without the blanks around it. */
struct nvs_text nvs_text_strip(struct nvs_text text);

/* Decimal with an optional sign that fits the integer type. */
bool nvs_value_integer(struct nvs_text text, enum nvs_type type, uint64_t *value);

/* Pairs of hex digits. */
bool nvs_value_hex(struct nvs_text *text);

/* Base64 with its padding; blanks anywhere. */
bool nvs_value_base64(struct nvs_text *text);

/* The encodings blob_fill(N;0xHH) and blob_sz_fill(N;0xHH): N bytes, and what fills them behind the
 * value; the second is counted. */
struct nvs_fill {
    bool counted;
    size_t size;
    uint8_t pad;
};
/* False when the encoding is another, or not of this form. */
bool nvs_value_fill(struct nvs_text encoding, struct nvs_fill *fill);

#endif
