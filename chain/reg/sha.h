/* chain/reg/sha.h: SHA accelerator (soc.md 8).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_SHA_H
#define CHAIN_REG_SHA_H

#define SHA_MODE          0x00
#define SHA_DMA_BLOCK_NUM 0x0C
#define SHA_START         0x10
#define SHA_CONTINUE      0x14
#define SHA_BUSY          0x18
#define SHA_DMA_START     0x1C
#define SHA_DMA_CONTINUE  0x20
#define SHA_CLEAR_IRQ     0x24
#define SHA_IRQ_ENA       0x28
#define SHA_H             0x40 /* 8 words used by SHA-256 */
#define SHA_M             0x80 /* 16 words */
#define SHA_MODE_SHA1     0
#define SHA_MODE_SHA224   1
#define SHA_MODE_SHA256   2

#endif
