/* device/hal/efuse.c: the eFuse controller (efuse.md 6). */
#include "device/hal/efuse.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/reg/efuse.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/system.h"

#define BLOCK0_WORDS         6u
#define SECURE_VERSION_WORD  4u /* BLOCK0 bit 142 */
#define SECURE_VERSION_SHIFT 14u
#define SECURE_VERSION_BITS  16u
#define REVOKE_WORD          2u /* BLOCK0 bit 85 */
#define REVOKE_SHIFT         21u
#define CRYPT_CNT_WORD       2u /* BLOCK0 bit 82 */
#define CRYPT_CNT_SHIFT      18u
#define WDT_DELAY_WORD       2u /* BLOCK0 bit 80 */
#define WDT_DELAY_SHIFT      16u
#define SECURE_BOOT_WORD     3u /* BLOCK0 bit 116 */
#define SECURE_BOOT_SHIFT    20u
#define COMMAND_TIMEOUT_US   100000u

HAL_IRAM static uint32_t block0_word(unsigned word)
{
    return hal_read(SOC_EFUSE + EFUSE_RD_WR_DIS + 4 * word);
}

void hal_efuse_read(struct efuse *out)
{
    for (uint32_t i = 0; i < EFUSE_IMAGE_BYTES; i += 4)
        le32_store(out->bytes + i, hal_read(SOC_EFUSE + EFUSE_RD_WR_DIS + i));
}

HAL_IRAM bool hal_efuse_flash_encryption(void) /* the flash driver asks */
{
    uint32_t count = block0_word(CRYPT_CNT_WORD) >> CRYPT_CNT_SHIFT;
    return ((count ^ count >> 1 ^ count >> 2) & 1) != 0;
}

void hal_efuse_trust(struct sigblock_trust *trust)
{
    struct efuse efuse;
    struct sigblock_trust again;
    memset(trust, 0, sizeof *trust);
    memset(&again, 0, sizeof again);
    hal_efuse_read(&efuse);
    efuse_trust(&efuse, trust);
    hal_efuse_read(&efuse);
    efuse_trust(&efuse, &again);
    if (memcmp(trust, &again, sizeof again) != 0)
        trust->count = 0;
}

bool hal_efuse_secure_boot(void)
{
    return (block0_word(SECURE_BOOT_WORD) >> SECURE_BOOT_SHIFT & 1) != 0;
}

unsigned hal_efuse_secure_version(void)
{
    uint32_t field = block0_word(SECURE_VERSION_WORD) >> SECURE_VERSION_SHIFT;
    unsigned ones = 0;
    for (unsigned bit = 0; bit < SECURE_VERSION_BITS; bit++)
        ones += field >> bit & 1;
    return ones;
}

unsigned hal_efuse_watchdog_delay(void)
{
    return (block0_word(WDT_DELAY_WORD) >> WDT_DELAY_SHIFT) & 3;
}

static int command(uint32_t op_code, uint32_t bits)
{
    uint64_t deadline = hal_time_us() + COMMAND_TIMEOUT_US;
    hal_write(SOC_EFUSE + EFUSE_CONF, op_code);
    hal_write(SOC_EFUSE + EFUSE_CMD, bits);
    while ((hal_read(SOC_EFUSE + EFUSE_CMD) & (EFUSE_CMD_READ | EFUSE_CMD_PROGRAM)) != 0)
        if (hal_time_us() > deadline)
            return HAL_ETIMEOUT;
    return HAL_OK;
}

/* OR `mask` into one word of BLOCK0 and see that it took. */
static int block0_burn(unsigned word, uint32_t mask)
{
    for (unsigned i = 0; i < BLOCK0_WORDS; i++)
        hal_write(SOC_EFUSE + EFUSE_PGM_DATA0 + 4 * i, i == word ? mask : 0);
    int error = command(EFUSE_CONF_PROGRAM, EFUSE_CMD_PROGRAM);
    for (unsigned i = 0; i < BLOCK0_WORDS; i++)
        hal_write(SOC_EFUSE + EFUSE_PGM_DATA0 + 4 * i, 0);
    if (error == HAL_OK)
        error = command(EFUSE_CONF_READ, EFUSE_CMD_READ);
    if (error != HAL_OK)
        return error;
    return (block0_word(word) & mask) == mask ? HAL_OK : HAL_EVERIFY;
}

int hal_efuse_raise_secure_version(unsigned version)
{
    if (version > SECURE_VERSION_BITS)
        return HAL_EBOUNDS;
    uint32_t old = block0_word(SECURE_VERSION_WORD) >> SECURE_VERSION_SHIFT;
    uint32_t mask = 0;
    unsigned ones = hal_efuse_secure_version();
    for (unsigned bit = 0; ones < version; bit++) {
        if (((old >> bit) & 1) == 0) {
            mask |= 1u << bit;
            ones++;
        }
    }
    return mask == 0 ? HAL_OK : block0_burn(SECURE_VERSION_WORD, mask << SECURE_VERSION_SHIFT);
}

int hal_efuse_revoke_key(unsigned slot)
{
    if (slot >= SIGBLOCK_MAX)
        return HAL_EBOUNDS;
    return block0_burn(REVOKE_WORD, 1u << (REVOKE_SHIFT + slot));
}
