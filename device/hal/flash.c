/* device/hal/flash.c: one user-defined SPI1 transaction after the other (soc.md 14), and the
 * manual encryption block (flash-encryption.md 5).
 *
 * Everything here is HAL_IRAM and calls nothing else: no memcpy, no division, no table in .rodata.
 */
#include "device/hal/flash.h"

#include "chain/reg/spimem.h"
#include "chain/soc.h"
#include "device/hal/efuse.h"
#include "device/hal/hal.h"
#include "device/hal/internal.h"
#include "device/hal/system.h"

#define USER_PHASES                                                                                \
    (SPIMEM_USER_COMMAND | SPIMEM_USER_ADDR | SPIMEM_USER_DUMMY | SPIMEM_USER_MISO |               \
     SPIMEM_USER_MOSI)
#define NO_ADDRESS   UINT32_MAX
#define ADDRESS_BITS 24u
#define BLOCK_64K    0x10000u
#define XTS_ROW      32u

#define BUS_TIMEOUT_US     10000u
#define PROGRAM_TIMEOUT_US 100000u
#define SECTOR_TIMEOUT_US  1000000u
#define BLOCK_TIMEOUT_US   4000000u

/* command, address, then out_bytes from W0.. or in_bytes into W0... */
HAL_IRAM static int transact(uint32_t command, uint32_t address, uint32_t out_bytes,
                             uint32_t in_bytes)
{
    uint32_t phases = SPIMEM_USER_COMMAND;
    if (address != NO_ADDRESS) {
        phases |= SPIMEM_USER_ADDR;
        hal_write(SOC_SPI1 + SPIMEM_USER1, (ADDRESS_BITS - 1) << 26);
        hal_write(SOC_SPI1 + SPIMEM_ADDR, address);
    }
    if (out_bytes != 0) {
        phases |= SPIMEM_USER_MOSI;
        hal_write(SOC_SPI1 + SPIMEM_MOSI_DLEN, out_bytes * 8 - 1);
    }
    if (in_bytes != 0) {
        phases |= SPIMEM_USER_MISO;
        hal_write(SOC_SPI1 + SPIMEM_MISO_DLEN, in_bytes * 8 - 1);
    }
    uint32_t user = hal_read(SOC_SPI1 + SPIMEM_USER) & ~USER_PHASES;
    hal_write(SOC_SPI1 + SPIMEM_USER, user | phases);
    hal_write(SOC_SPI1 + SPIMEM_USER2, 7u << 28 | command);
    hal_write(SOC_SPI1 + SPIMEM_CMD, SPIMEM_CMD_USR);
    uint64_t deadline = hal_time_us() + BUS_TIMEOUT_US;
    while ((hal_read(SOC_SPI1 + SPIMEM_CMD) & SPIMEM_CMD_USR) != 0)
        if (hal_time_us() > deadline)
            return HAL_ETIMEOUT;
    return HAL_OK;
}

/* Start a program or erase and wait until the chip is done with it. */
HAL_IRAM static int change(uint32_t command, uint32_t address, uint32_t out_bytes,
                           uint32_t timeout_us)
{
    int error = transact(command, address, out_bytes, 0);
    uint64_t deadline = hal_time_us() + timeout_us;
    while (error == HAL_OK) {
        error = transact(FLASH_CMD_RDSR, NO_ADDRESS, 0, 1);
        if (error == HAL_OK && (hal_read(SOC_SPI1 + SPIMEM_W0) & FLASH_STATUS_WIP) == 0)
            return HAL_OK;
        if (hal_time_us() > deadline)
            error = HAL_ETIMEOUT;
    }
    return error;
}

HAL_IRAM static int erase_one(uint32_t command, uint32_t offset, uint32_t timeout_us)
{
    uint32_t status = hal_irq_disable();
    int error = transact(FLASH_CMD_WREN, NO_ADDRESS, 0, 0);
    if (error == HAL_OK)
        error = change(command, offset, 0, timeout_us);
    hal_irq_restore(status);
    return error;
}

/* Program what the bus carries: the W words, or the released result of the encryption block. */
HAL_IRAM static int program_one(uint32_t offset, uint32_t length, const uint32_t *words)
{
    int error = transact(FLASH_CMD_WREN, NO_ADDRESS, 0, 0);
    for (uint32_t i = 0; i < length / 4; i++)
        hal_write(SOC_SPI1 + SPIMEM_W0 + 4 * i, words != 0 ? words[i] : UINT32_MAX);
    return error == HAL_OK ? change(FLASH_CMD_PROGRAM, offset, length, PROGRAM_TIMEOUT_US) : error;
}

/* Four bytes of any alignment, little-endian. */
HAL_IRAM static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

HAL_IRAM uint32_t hal_flash_size(void)
{
    uint32_t status = hal_irq_disable();
    int error = transact(FLASH_CMD_RDID, NO_ADDRESS, 0, 3);
    uint32_t id = hal_read(SOC_SPI1 + SPIMEM_W0);
    hal_irq_restore(status);
    uint32_t log2 = (id >> 16) & 0xFF;
    /* Manufacturer 0 or 0xFF: nobody drives the line. */
    if (error != HAL_OK || (id & 0xFF) == 0 || (id & 0xFF) == 0xFF || log2 < 16 || log2 > 24)
        return 0;
    return 1u << log2;
}

HAL_IRAM static int check(uint32_t offset, size_t length, uint32_t unit)
{
    uint32_t size = hal_flash_size();
    if (((offset | (uint32_t)length) & (unit - 1)) != 0)
        return HAL_EALIGN;
    return offset <= size && length <= size - offset ? HAL_OK : HAL_EBOUNDS;
}

HAL_IRAM int hal_flash_read(uint32_t offset, void *out, size_t length)
{
    uint8_t *bytes = out;
    int error = check(offset, length, 1);
    while (error == HAL_OK && length > 0) {
        uint32_t chunk = length < SPIMEM_W_BYTES ? (uint32_t)length : SPIMEM_W_BYTES;
        uint32_t status = hal_irq_disable();
        error = transact(FLASH_CMD_READ, offset, 0, chunk);
        uint32_t word = 0;
        for (uint32_t i = 0; error == HAL_OK && i < chunk; i++, word >>= 8) {
            if (i % 4 == 0)
                word = hal_read(SOC_SPI1 + SPIMEM_W0 + i);
            *bytes++ = (uint8_t)word;
        }
        hal_irq_restore(status);
        offset += chunk;
        length -= chunk;
    }
    return error;
}

HAL_IRAM int hal_flash_erase(uint32_t offset, size_t length)
{
    int error = check(offset, length, FLASH_SECTOR);
    while (error == HAL_OK && length > 0) {
        uint32_t step = FLASH_SECTOR;
        if (offset % BLOCK_64K == 0 && length >= BLOCK_64K) {
            step = BLOCK_64K;
            error = erase_one(FLASH_CMD_ERASE64K, offset, BLOCK_TIMEOUT_US);
        } else {
            error = erase_one(FLASH_CMD_ERASE4K, offset, SECTOR_TIMEOUT_US);
        }
        offset += step;
        length -= step;
    }
    hal_cache_invalidate();
    return error;
}

HAL_IRAM int hal_flash_write(uint32_t offset, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    uint32_t words[SPIMEM_W_BYTES / 4];
    int error = check(offset, length, 4);
    while (error == HAL_OK && length > 0) {
        /* At most the 64 bytes of the buffer, and never over the end of a page. */
        uint32_t chunk = SPIMEM_W_BYTES - offset % SPIMEM_W_BYTES;
        if (chunk > length)
            chunk = (uint32_t)length;
        for (uint32_t i = 0; i < chunk; i += 4)
            words[i / 4] = word_at(from + i);
        uint32_t status = hal_irq_disable();
        error = program_one(offset, chunk, words);
        hal_irq_restore(status);
        from += chunk;
        offset += chunk;
        length -= chunk;
    }
    hal_cache_invalidate();
    return error;
}

/* Let the encryption block work on one row and show the result to SPI1. */
HAL_IRAM static int xts_prepare(uint32_t offset, const uint8_t *row)
{
    hal_write(SOC_SPI0 + XTS_LINESIZE, XTS_ROW >> 5);
    hal_write(SOC_SPI0 + XTS_DESTINATION, 0);
    hal_write(SOC_SPI0 + XTS_PHYSICAL, offset);
    for (uint32_t i = 0; i < XTS_ROW; i += 4)
        hal_write(SOC_SPI0 + XTS_PLAIN + (offset + i) % 64, word_at(row + i));
    hal_write(SOC_SPI0 + XTS_TRIGGER, 1);
    uint64_t deadline = hal_time_us() + BUS_TIMEOUT_US;
    while (hal_read(SOC_SPI0 + XTS_STATE) == XTS_STATE_BUSY)
        if (hal_time_us() > deadline)
            return HAL_ETIMEOUT;
    hal_write(SOC_SPI0 + XTS_RELEASE, 1);
    while (hal_read(SOC_SPI0 + XTS_STATE) != XTS_STATE_RELEASED)
        if (hal_time_us() > deadline)
            return HAL_ETIMEOUT;
    return HAL_OK;
}

HAL_IRAM static int write_row(uint32_t offset, const uint8_t *row)
{
    uint32_t gates = hal_read(SOC_HP_SYSTEM + HP_SYSTEM_ENCRYPT_CTRL);
    hal_write(SOC_HP_SYSTEM + HP_SYSTEM_ENCRYPT_CTRL,
              gates | HP_SYSTEM_SPI_MANUAL_ENCRYPT | HP_SYSTEM_DOWNLOAD_MANUAL_ENCRYPT);
    int error = xts_prepare(offset, row);
    /* The W words hold ones: should the block not take the bus over, nothing is programmed, and
     * above all no plaintext. */
    if (error == HAL_OK)
        error = program_one(offset, XTS_ROW, 0);
    hal_write(SOC_SPI0 + XTS_DESTROY, 1);
    hal_write(SOC_HP_SYSTEM + HP_SYSTEM_ENCRYPT_CTRL, gates & ~HP_SYSTEM_SPI_MANUAL_ENCRYPT);
    return error;
}

HAL_IRAM int hal_flash_write_encrypted(uint32_t offset, const void *bytes, size_t length)
{
    const uint8_t *row = bytes;
    uint8_t copy[XTS_ROW];
    int error = check(offset, length, XTS_ROW);
    for (; error == HAL_OK && length > 0; offset += XTS_ROW, row += XTS_ROW, length -= XTS_ROW) {
        for (uint32_t i = 0; i < XTS_ROW; i++)
            ((volatile uint8_t *)copy)[i] = row[i];
        uint32_t status = hal_irq_disable();
        error = write_row(offset, copy);
        hal_irq_restore(status);
    }
    hal_cache_invalidate();
    return error;
}

HAL_IRAM int hal_flash_write_auto(uint32_t offset, const void *bytes, size_t length)
{
    if (hal_efuse_flash_encryption())
        return hal_flash_write_encrypted(offset, bytes, length);
    if (((offset | (uint32_t)length) & (XTS_ROW - 1)) != 0)
        return HAL_EALIGN; /* the same callers fail on every device */
    return hal_flash_write(offset, bytes, length);
}
