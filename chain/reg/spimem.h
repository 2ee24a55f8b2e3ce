/* chain/reg/spimem.h: flash controller (SPI0/SPI1), MMU and manual encryption block (soc.md 4, 14;
 * flash-encryption.md 5). Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_SPIMEM_H
#define CHAIN_REG_SPIMEM_H

#define SPIMEM_CMD       0x000
#define SPIMEM_ADDR      0x004
#define SPIMEM_CTRL      0x008
#define SPIMEM_CLOCK     0x014
#define SPIMEM_USER      0x018
#define SPIMEM_USER1     0x01C /* [31:26] address bits - 1, [5:0] dummy cycles - 1 */
#define SPIMEM_USER2     0x020 /* [31:28] command bits - 1, [15:0] command */
#define SPIMEM_MOSI_DLEN 0x024 /* bits - 1 */
#define SPIMEM_MISO_DLEN 0x028 /* bits - 1 */
#define SPIMEM_RD_STATUS 0x02C
#define SPIMEM_MISC      0x034
#define SPIMEM_W0        0x058 /* 16 words */
#define SPIMEM_W_BYTES   64

#define SPIMEM_CMD_USR      (1u << 18)
#define SPIMEM_CMD_RDID     (1u << 28)
#define SPIMEM_USER_MOSI    (1u << 27)
#define SPIMEM_USER_MISO    (1u << 28)
#define SPIMEM_USER_DUMMY   (1u << 29)
#define SPIMEM_USER_ADDR    (1u << 30)
#define SPIMEM_USER_COMMAND (1u << 31)

/* Flash chip commands. */
#define FLASH_CMD_WRSR      0x01
#define FLASH_CMD_PROGRAM   0x02
#define FLASH_CMD_READ      0x03
#define FLASH_CMD_WRDI      0x04
#define FLASH_CMD_RDSR      0x05
#define FLASH_CMD_WREN      0x06
#define FLASH_CMD_FASTREAD  0x0B
#define FLASH_CMD_ERASE4K   0x20
#define FLASH_CMD_ERASE32K  0x52
#define FLASH_CMD_ERASE64K  0xD8
#define FLASH_CMD_ERASE_ALL 0xC7
#define FLASH_CMD_SFDP      0x5A
#define FLASH_CMD_RDID      0x9F
#define FLASH_STATUS_WIP    (1u << 0)
#define FLASH_STATUS_WEL    (1u << 1)
#define FLASH_SECTOR        4096u
#define FLASH_PAGE          256u

/* On SPI0: MMU. */
#define MMU_ITEM_CONTENT 0x37C
#define MMU_ITEM_INDEX   0x380
#define MMU_POWER_CTRL   0x384 /* [4:3] page size: 0 = 64, 1 = 32, 2 = 16, 3 = 8 KB */
#define MMU_PAGE_MASK    0x1FFu
#define MMU_VALID        (1u << 9)
#define MMU_SENSITIVE    (1u << 10) /* decrypt */

/* On SPI0: manual XTS encryption. */
#define XTS_PLAIN          0x300 /* 64 bytes; byte position = flash address % 64 */
#define XTS_LINESIZE       0x340 /* 0: 16, 1: 32, 2: 64 bytes */
#define XTS_DESTINATION    0x344
#define XTS_PHYSICAL       0x348
#define XTS_TRIGGER        0x34C
#define XTS_RELEASE        0x350
#define XTS_DESTROY        0x354
#define XTS_STATE          0x358
#define XTS_DATE           0x35C
#define XTS_STATE_IDLE     0
#define XTS_STATE_BUSY     1
#define XTS_STATE_DONE     2
#define XTS_STATE_RELEASED 3

/* HP_SYSTEM + 0: gates of the manual block. */
#define HP_SYSTEM_ENCRYPT_CTRL            0x0
#define HP_SYSTEM_SPI_MANUAL_ENCRYPT      (1u << 0)
#define HP_SYSTEM_DOWNLOAD_G0CB_DECRYPT   (1u << 2)
#define HP_SYSTEM_DOWNLOAD_MANUAL_ENCRYPT (1u << 3)

#endif
