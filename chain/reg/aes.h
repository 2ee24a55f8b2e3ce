/* chain/reg/aes.h: AES accelerator (soc.md 9).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_AES_H
#define CHAIN_REG_AES_H

#define AES_KEY        0x00 /* 8 words */
#define AES_TEXT_IN    0x20 /* 4 words */
#define AES_TEXT_OUT   0x30 /* 4 words */
#define AES_MODE       0x40 /* 0 enc-128, 2 enc-256, 4 dec-128, 6 dec-256 */
#define AES_TRIGGER    0x48
#define AES_STATE      0x4C /* 0 idle, 1 busy, 2 done */
#define AES_DMA_ENABLE 0x90
#define AES_DATE       0xB4

#endif
