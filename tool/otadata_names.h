/* tool/otadata_names.h: the words for the state of an OTA slot, as ESP-IDF has them. */
#ifndef TOOL_OTADATA_NAMES_H
#define TOOL_OTADATA_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* "unknown" for what is no state. */
const char *otadata_state_name(uint32_t state);

/* In small or capital letters; false when it is none of the six words. */
bool otadata_state_parse(const char *text, uint32_t *state);

#endif
