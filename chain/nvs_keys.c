#include "chain/nvs_keys.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/nvs_layout.h"

enum { RECORD_CRC = XTS256_KEY_BYTES, HALF = XTS256_KEY_BYTES / 2 };

static uint32_t record_crc(const uint8_t *record)
{
    return crc32_le(0xFFFFFFFFu, record, XTS256_KEY_BYTES);
}

int nvs_keys_load(struct nvs_keys *keys, const uint8_t record[NVS_KEYS_RECORD_BYTES])
{
    size_t blank = 0;
    while (blank < NVS_KEYS_RECORD_BYTES && record[blank] == 0xFF)
        blank++;
    if (blank == NVS_KEYS_RECORD_BYTES)
        return CHAIN_EMISSING;
    if (le32_load(record + RECORD_CRC) != record_crc(record))
        return CHAIN_ECHECKSUM;
    uint8_t difference = 0;
    for (size_t i = 0; i < HALF; i++)
        difference |= record[i] ^ record[HALF + i];
    if (difference == 0)
        return CHAIN_EFIELD;
    memcpy(keys->xts, record, sizeof keys->xts);
    return CHAIN_OK;
}

void nvs_keys_store(const struct nvs_keys *keys, uint8_t record[NVS_KEYS_RECORD_BYTES])
{
    memcpy(record, keys->xts, sizeof keys->xts);
    le32_store(record + RECORD_CRC, record_crc(record));
}

int nvs_crypt_slot(const struct chain_crypto *crypto, const struct nvs_keys *keys, bool encrypt,
                   uint32_t offset, uint8_t slot[NVS_ENTRY_BYTES])
{
    uint8_t tweak[16] = {0};
    if (crypto == NULL || crypto->aes256_xts == NULL)
        return CHAIN_ECRYPTO;
    le32_store(tweak, offset);
    return crypto->aes256_xts(crypto, encrypt, keys->xts, tweak, slot, slot, NVS_ENTRY_BYTES);
}

static int crypt_page(const struct chain_crypto *crypto, const struct nvs_keys *keys, bool encrypt,
                      uint8_t *page, uint32_t offset)
{
    for (unsigned slot = 0; slot < NVS_PAGE_ENTRIES; slot++) {
        if (nvs_slot_state(page + PAGE_BITMAP, slot) == SLOT_EMPTY)
            continue;
        const uint32_t at = PAGE_SLOTS + slot * NVS_ENTRY_BYTES;
        int error = nvs_crypt_slot(crypto, keys, encrypt, offset + at, page + at);
        if (error)
            return error;
    }
    return CHAIN_OK;
}

int nvs_crypt(const struct chain_crypto *crypto, const struct nvs_keys *keys, bool encrypt,
              uint8_t *bytes, size_t size)
{
    if (size == 0 || size % NVS_PAGE_BYTES != 0 || size > UINT32_MAX)
        return CHAIN_EALIGN;
    for (size_t page = 0; page < size; page += NVS_PAGE_BYTES) {
        if (!nvs_holds_entries(bytes + page))
            continue;
        int error = crypt_page(crypto, keys, encrypt, bytes + page, (uint32_t)page);
        if (error)
            return error;
    }
    return CHAIN_OK;
}
