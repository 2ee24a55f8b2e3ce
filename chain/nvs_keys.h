/* chain/nvs_keys.h: encrypted NVS (nvs.md 7): its keys partition, and whole partitions in memory.
 *
 * AES-256-XTS over each entry of 32 bytes on its own; the tweak is the entry's offset within the
 * partition. Page headers, bitmaps and free slots stay as they are.
 */
#ifndef CHAIN_NVS_KEYS_H
#define CHAIN_NVS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/nvs_source.h"

#define NVS_KEYS_RECORD_BYTES 68u /* keys and CRC, at the start of a keys partition */

/* EMISSING: all 0xFF, no keys were made yet; ECHECKSUM; EFIELD: data and tweak key are the same,
 * which no generator makes and XTS forbids. */
int nvs_keys_load(struct nvs_keys *keys, const uint8_t record[NVS_KEYS_RECORD_BYTES]);

void nvs_keys_store(const struct nvs_keys *keys, uint8_t record[NVS_KEYS_RECORD_BYTES]);

/* The slot that lies `offset` bytes into the partition, in place. ECRYPTO. */
int nvs_crypt_slot(const struct chain_crypto *crypto, const struct nvs_keys *keys, bool encrypt,
                   uint32_t offset, uint8_t slot[NVS_ENTRY_BYTES]);

/* A whole partition in place, the other way round with encrypt == false: every slot of its pages
 * in use that the bitmap does not call free, so that each undoes the other. EALIGN: the size is no
 * positive multiple of a page. */
int nvs_crypt(const struct chain_crypto *crypto, const struct nvs_keys *keys, bool encrypt,
              uint8_t *bytes, size_t size);

#endif
