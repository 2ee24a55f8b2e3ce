/* device/agent/json.h: JSON as a server answers it, read where it lies: no memory, no recursion.
 *
 * json_open() judges the whole text: RFC 8259 to the letter, UTF-8, at most JSON_DEPTH_MAX objects
 * and arrays within each other, nothing behind it. The values it leads to point into that text and
 * live as long. What is asked of a value of another kind, or is not there, answers false; so does a
 * member that an object has twice, since readers do not agree on which one counts.
 *
 * Host programs that hold an agent link jansson as well: none of these names is one of its.
 */
#ifndef DEVICE_AGENT_JSON_H
#define DEVICE_AGENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 16

/* One value, from its first to its last byte. */
struct json {
    const uint8_t *text;
    size_t length;
};

bool json_open(const uint8_t *bytes, size_t length, struct json *value);

bool json_member(struct json object, const char *name, struct json *value);

/* Counted from 0. */
bool json_element(struct json array, size_t index, struct json *value);

/* The characters of a string, escapes resolved, as UTF-8 with a NUL behind; false when they and
 * the NUL do not fit `size` bytes or a NUL is among them. */
bool json_text(struct json value, char *out, size_t size);

bool json_equals(struct json value, const char *text);

/* Plain digits below 2^32: no sign, fraction or exponent. */
bool json_number(struct json value, uint32_t *number);

#endif
