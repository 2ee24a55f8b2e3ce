/* device/hal/aes.c: the AES accelerator, block mode (soc.md 9). */
#include "chain/bytes.h"
#include "chain/reg/aes.h"
#include "chain/soc.h"
#include "device/hal/crypto.h"
#include "device/hal/hal.h"

#define AES_STATE_BUSY 1u
#define MODE_256       2u
#define MODE_DECRYPT   4u

static void load(uint32_t memory, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i += 4)
        hal_write(SOC_AES + memory + i, le32_load(bytes + i));
}

void hal_aes_block(const uint8_t *key, unsigned key_bytes, int encrypt, const uint8_t in[16],
                   uint8_t out[16])
{
    hal_write(SOC_AES + AES_DMA_ENABLE, 0);
    load(AES_KEY, key, key_bytes);
    hal_write(SOC_AES + AES_MODE, (key_bytes == 32 ? MODE_256 : 0) | (encrypt ? 0 : MODE_DECRYPT));
    load(AES_TEXT_IN, in, 16);
    hal_write(SOC_AES + AES_TRIGGER, 1);
    while (hal_read(SOC_AES + AES_STATE) == AES_STATE_BUSY)
        continue;
    for (uint32_t i = 0; i < 16; i += 4)
        le32_store(out + i, hal_read(SOC_AES + AES_TEXT_OUT + i));
}
