/* chain/partition_names.h: the keywords of the partition CSV, read and printed (formats.md 3.1).
 *
 * Shared by partition_csv.c and partition_print.c; callers use partition.h.
 */
#ifndef CHAIN_PARTITION_NAMES_H
#define CHAIN_PARTITION_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A keyword, case-insensitive, `length` bytes long. false when it is none. */
bool partition_type_parse(const char *word, size_t length, uint8_t *type);
bool partition_subtype_parse(uint8_t type, const char *word, size_t length, uint8_t *subtype);

/* Is it, letter by letter, the keyword of a type, or of a subtype of any type? */
bool partition_type_word(const char *word, size_t length, uint8_t *type);
bool partition_subtype_word(const char *word, size_t length);

#endif
