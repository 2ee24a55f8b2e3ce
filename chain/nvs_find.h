/* chain/nvs_find.h: one value out of an NVS partition, as a device reads its settings.
 *
 * Needs no memory but the stack. Reads as ESP-IDF does after a power cut: pages and entries whose
 * CRC is wrong, pages given up and entries erased or written halfway count as absent; of a key
 * that occurs twice the newest counts (the later page by sequence number, there the later slot).
 * Nothing is written: what ESP-IDF tidies up at start stays.
 *
 * Both: EMISSING when there is no such value; EALIGN when source->size is no positive multiple of a
 * page; EFIELD: a page of an unknown version; ECRYPTO; else what source->read answered. On failure
 * the output is unspecified. A value of another type is another value, as with nvs_get_*().
 */
#ifndef CHAIN_NVS_FIND_H
#define CHAIN_NVS_FIND_H

#include <stddef.h>
#include <stdint.h>

#include "chain/nvs_source.h"

/* With its NUL. ESPACE when `size` bytes do not hold it. */
int nvs_find_string(const struct nvs_source *source, const char *space, const char *key, char *out,
                    size_t size);

/* Of type u8, u16, u32 or u64. */
int nvs_find_unsigned(const struct nvs_source *source, const char *space, const char *key,
                      uint64_t *value);

#endif
