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

#endif
