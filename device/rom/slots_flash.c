/* device/rom/slots_flash.c: the ROM's plain flash functions, on the hal's driver. */
#include "chain/reg/spimem.h"
#include "device/hal/flash.h"
#include "device/hal/hal.h"
#include "device/rom/slots.h"

#define LEGACY_DATA 0x4087FFECu /* rom_spiflash_legacy_data (slots.inc) */
#define BLOCK_BYTES 0x10000u

static struct rom_flash_chip chip;

static int result(int error)
{
    if (error == HAL_OK)
        return 0;
    return error == HAL_ETIMEOUT ? 2 : 1;
}

int esp_rom_spiflash_config_param(uint32_t device_id, uint32_t chip_size, uint32_t block_size,
                                  uint32_t sector_size, uint32_t page_size, uint32_t status_mask)
{
    chip = (struct rom_flash_chip){device_id,   chip_size, block_size,
                                   sector_size, page_size, status_mask};
    return 0;
}

void rom_flash_slots_init(void)
{
    esp_rom_spiflash_config_param(0, hal_flash_size(), BLOCK_BYTES, FLASH_SECTOR, FLASH_PAGE,
                                  0xFFFF);
    hal_write(LEGACY_DATA, (uint32_t)(uintptr_t)&chip);
}

/* Every operation of the driver ends with the chip idle. */
int esp_rom_spiflash_wait_idle(struct rom_flash_chip *which)
{
    (void)which;
    return 0;
}

int esp_rom_spiflash_write_encrypted(uint32_t address, uint32_t *data, uint32_t length)
{
    return result(hal_flash_write_encrypted(address, data, length));
}

int esp_rom_spiflash_erase_chip(void)
{
    return result(hal_flash_erase(0, hal_flash_size()));
}

int esp_rom_spiflash_erase_sector(uint32_t sector)
{
    return sector > UINT32_MAX / FLASH_SECTOR
               ? 1
               : result(hal_flash_erase(sector * FLASH_SECTOR, FLASH_SECTOR));
}

int esp_rom_spiflash_erase_block(uint32_t block)
{
    return block > UINT32_MAX / BLOCK_BYTES
               ? 1
               : result(hal_flash_erase(block * BLOCK_BYTES, BLOCK_BYTES));
}

int esp_rom_spiflash_write(uint32_t address, const uint32_t *from, int32_t length)
{
    return length < 0 ? 1 : result(hal_flash_write(address, from, (size_t)length));
}

int esp_rom_spiflash_read(uint32_t address, uint32_t *out, int32_t length)
{
    return length < 0 ? 1 : result(hal_flash_read(address, out, (size_t)length));
}

/* No protection bits are ever set by this ROM. */
int esp_rom_spiflash_unlock(void)
{
    return 0;
}

int SPIEraseArea(uint32_t start, uint32_t length)
{
    uint32_t whole = (length + FLASH_SECTOR - 1) & ~(FLASH_SECTOR - 1);
    return whole < length ? 1 : result(hal_flash_erase(start, whole));
}

/* The flash is attached since reset. */
void spi_flash_attach(uint32_t pins, bool legacy)
{
    (void)pins;
    (void)legacy;
}
