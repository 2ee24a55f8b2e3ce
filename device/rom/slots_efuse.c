/* device/rom/slots_efuse.c: eFuse questions of programs (efuse.md). */
#include <string.h>

#include "chain/reg/efuse.h"
#include "chain/soc.h"
#include "device/hal/efuse.h"
#include "device/hal/hal.h"
#include "device/rom/slots.h"

#define FIRST_KEY_BLOCK 4
#define LAST_KEY_BLOCK  (FIRST_KEY_BLOCK + EFUSE_KEY_BLOCKS - 1)
#define NO_BLOCK        (-1)
#define PROGRAM_WORDS   11u /* 8 of data, 3 of parity */

static uint32_t ask(unsigned block, unsigned bit, unsigned length)
{
    struct efuse efuse;
    hal_efuse_read(&efuse);
    return efuse_bits(&efuse, block, bit, length);
}

int ets_efuse_read(void)
{
    hal_write(SOC_EFUSE + EFUSE_CONF, EFUSE_CONF_READ);
    hal_write(SOC_EFUSE + EFUSE_CMD, EFUSE_CMD_READ);
    while ((hal_read(SOC_EFUSE + EFUSE_CMD) & EFUSE_CMD_READ) != 0)
        continue;
    return 0;
}

void ets_efuse_clear_program_registers(void)
{
    for (uint32_t i = 0; i < PROGRAM_WORDS; i++)
        hal_write(SOC_EFUSE + EFUSE_PGM_DATA0 + 4 * i, 0);
}

uint32_t ets_efuse_get_read_register_address(int block)
{
    if (block < 0 || block >= EFUSE_BLOCKS)
        return 0;
    return SOC_EFUSE + EFUSE_RD_WR_DIS + (uint32_t)efuse_block_offset((unsigned)block);
}

int ets_efuse_get_key_purpose(int key_block)
{
    if (key_block < FIRST_KEY_BLOCK || key_block > LAST_KEY_BLOCK)
        return NO_BLOCK;
    return (int)ask(EFUSE_KEY_PURPOSE((unsigned)(key_block - FIRST_KEY_BLOCK)));
}

bool ets_efuse_key_block_unused(int key_block)
{
    struct efuse efuse;
    uint8_t any = 0;
    if (ets_efuse_get_key_purpose(key_block) != EFUSE_PURPOSE_USER)
        return false;
    hal_efuse_read(&efuse);
    unsigned key = (unsigned)(key_block - FIRST_KEY_BLOCK);
    for (size_t i = 0; i < 32; i++)
        any |= efuse.bytes[efuse_block_offset((unsigned)key_block) + i];
    /* WR_DIS bits 23..28 protect the keys, 8..13 their purposes; RD_DIS bits 0..5 hide them. */
    return any == 0 && efuse_bits(&efuse, 0, 23 + key, 1) == 0 &&
           efuse_bits(&efuse, 0, 8 + key, 1) == 0 && efuse_bits(&efuse, 0, 32 + key, 1) == 0;
}

int ets_efuse_find_unused_key_block(void)
{
    for (int block = FIRST_KEY_BLOCK; block <= LAST_KEY_BLOCK; block++)
        if (ets_efuse_key_block_unused(block))
            return block;
    return NO_BLOCK;
}

uint32_t ets_efuse_count_unused_key_blocks(void)
{
    uint32_t count = 0;
    for (int block = FIRST_KEY_BLOCK; block <= LAST_KEY_BLOCK; block++)
        count += ets_efuse_key_block_unused(block) ? 1 : 0;
    return count;
}

bool ets_efuse_find_purpose(int purpose, int *key_block)
{
    for (int block = FIRST_KEY_BLOCK; block <= LAST_KEY_BLOCK; block++) {
        if (ets_efuse_get_key_purpose(block) != purpose)
            continue;
        if (key_block != NULL)
            *key_block = block;
        return true;
    }
    return false;
}

void ets_efuse_rs_calculate(const void *data, void *parity)
{
    efuse_rs_encode(data, parity);
}

bool ets_efuse_secure_boot_enabled(void)
{
    return ask(EFUSE_SECURE_BOOT_EN) != 0;
}

bool ets_efuse_secure_boot_aggressive_revoke_enabled(void)
{
    return ask(EFUSE_SECURE_BOOT_AGGRESSIVE_REVOKE) != 0;
}

bool ets_efuse_cache_encryption_enabled(void)
{
    return hal_efuse_flash_encryption();
}

bool ets_efuse_download_modes_disabled(void)
{
    return ask(EFUSE_DIS_DOWNLOAD_MODE) != 0;
}

bool ets_efuse_direct_boot_mode_disabled(void)
{
    return ask(EFUSE_DIS_DIRECT_BOOT) != 0;
}

bool ets_efuse_security_download_modes_enabled(void)
{
    return ask(EFUSE_ENABLE_SECURITY_DOWNLOAD) != 0;
}

uint32_t ets_efuse_get_uart_print_control(void)
{
    return ask(EFUSE_UART_PRINT_CONTROL);
}

uint32_t ets_efuse_get_mac(uint8_t mac[6])
{
    struct efuse efuse;
    hal_efuse_read(&efuse);
    efuse_mac(&efuse, mac);
    return 0;
}
