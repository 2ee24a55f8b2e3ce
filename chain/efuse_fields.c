/* Every field of the ESP32-C6 eFuse (efuse.md 2), in block and bit order. */
#include "chain/efuse.h"

#include <string.h>

#define NONE (-1)

/* name, other names, block, first bit, bits, WR_DIS bit, RD_DIS bit, meaning */
const struct efuse_field efuse_fields[] = {
    {"WR_DIS", NULL, 0, 0, 32, NONE, NONE, "write-disable bits"},
    {"RD_DIS", NULL, 0, 32, 7, 0, NONE, "read-disable bits for BLOCK4..BLOCK10"},
    {"SWAP_UART_SDIO_EN", NULL, 0, 39, 1, 2, NONE, "swap UART and SDIO pads"},
    {"DIS_ICACHE", NULL, 0, 40, 1, 2, NONE, "1 = cache off"},
    {"DIS_USB_JTAG", NULL, 0, 41, 1, 2, NONE, "1 = USB-to-JTAG off"},
    {"DIS_DOWNLOAD_ICACHE", NULL, 0, 42, 1, 2, NONE, "1 = cache off in download mode"},
    {"DIS_USB_SERIAL_JTAG", NULL, 0, 43, 1, 2, NONE, "1 = USB-Serial-JTAG off"},
    {"DIS_FORCE_DOWNLOAD", NULL, 0, 44, 1, 2, NONE, "1 = software cannot force download boot"},
    {"SPI_DOWNLOAD_MSPI_DIS", NULL, 0, 45, 1, 17, NONE, "1 = SPI0 off in download boot"},
    {"DIS_TWAI", "DIS_CAN", 0, 46, 1, 2, NONE, "1 = TWAI off"},
    {"JTAG_SEL_ENABLE", NULL, 0, 47, 1, 2, NONE, "1 = GPIO15 strap selects JTAG source"},
    {"SOFT_DIS_JTAG", NULL, 0, 48, 3, 31, NONE, "odd number of ones = JTAG soft-disabled"},
    {"DIS_PAD_JTAG", NULL, 0, 51, 1, 2, NONE, "1 = JTAG pins permanently off"},
    {"DIS_DOWNLOAD_MANUAL_ENCRYPT", NULL, 0, 52, 1, 2, NONE,
     "1 = manual encryption off in download boot"},
    {"USB_DREFH", NULL, 0, 53, 2, 30, NONE, "USB threshold"},
    {"USB_DREFL", NULL, 0, 55, 2, 30, NONE, "USB threshold"},
    {"USB_EXCHG_PINS", NULL, 0, 57, 1, 30, NONE, "1 = D+/D- swapped"},
    {"VDD_SPI_AS_GPIO", NULL, 0, 58, 1, 30, NONE, "1 = VDD_SPI pin is GPIO"},
    {"RPT4_RESERVED0_2", NULL, 0, 59, 2, NONE, NONE, "reserved"},
    {"RPT4_RESERVED0_1", NULL, 0, 61, 1, NONE, NONE, "reserved"},
    {"RPT4_RESERVED0_0", NULL, 0, 62, 2, NONE, NONE, "reserved"},
    {"RPT4_RESERVED1_0", NULL, 0, 64, 16, NONE, NONE, "reserved"},
    {"WDT_DELAY_SEL", NULL, 0, 80, 2, 3, NONE, "RTC watchdog start-up timeout multiplier select"},
    {"SPI_BOOT_CRYPT_CNT", NULL, 0, 82, 3, 4, NONE, "odd number of ones = flash encryption on"},
    {"SECURE_BOOT_KEY_REVOKE0", NULL, 0, 85, 1, 5, NONE, "revoke digest 0"},
    {"SECURE_BOOT_KEY_REVOKE1", NULL, 0, 86, 1, 6, NONE, "revoke digest 1"},
    {"SECURE_BOOT_KEY_REVOKE2", NULL, 0, 87, 1, 7, NONE, "revoke digest 2"},
    {"KEY_PURPOSE_0", "KEY0_PURPOSE", 0, 88, 4, 8, NONE, "purpose of KEY0"},
    {"KEY_PURPOSE_1", "KEY1_PURPOSE", 0, 92, 4, 9, NONE, "purpose of KEY1"},
    {"KEY_PURPOSE_2", "KEY2_PURPOSE", 0, 96, 4, 10, NONE, "purpose of KEY2"},
    {"KEY_PURPOSE_3", "KEY3_PURPOSE", 0, 100, 4, 11, NONE, "purpose of KEY3"},
    {"KEY_PURPOSE_4", "KEY4_PURPOSE", 0, 104, 4, 12, NONE, "purpose of KEY4"},
    {"KEY_PURPOSE_5", "KEY5_PURPOSE", 0, 108, 4, 13, NONE, "purpose of KEY5"},
    {"SEC_DPA_LEVEL", "DPA_SEC_LEVEL", 0, 112, 2, 14, NONE, "anti-DPA clock level"},
    {"CRYPT_DPA_ENABLE", NULL, 0, 114, 1, 1, NONE, "1 = anti-DPA on"},
    {"RPT4_RESERVED2_1", NULL, 0, 115, 1, NONE, NONE, "reserved"},
    {"SECURE_BOOT_EN", NULL, 0, 116, 1, 15, NONE, "1 = Secure Boot on"},
    {"SECURE_BOOT_AGGRESSIVE_REVOKE", NULL, 0, 117, 1, 16, NONE, "1 = aggressive revocation"},
    {"RPT4_RESERVED2_0", NULL, 0, 118, 6, NONE, NONE, "reserved"},
    {"FLASH_TPUW", NULL, 0, 124, 4, 18, NONE, "flash power-up wait, ms (15 doubles: 30 ms)"},
    {"DIS_DOWNLOAD_MODE", NULL, 0, 128, 1, 18, NONE, "1 = download boot off"},
    {"DIS_DIRECT_BOOT", NULL, 0, 129, 1, 18, NONE, "1 = direct boot off"},
    {"DIS_USB_SERIAL_JTAG_ROM_PRINT", "DIS_USB_PRINT", 0, 130, 1, 18, NONE,
     "1 = ROM does not print on USB"},
    {"RPT4_RESERVED3_5", NULL, 0, 131, 1, NONE, NONE, "reserved"},
    {"DIS_USB_SERIAL_JTAG_DOWNLOAD_MODE", NULL, 0, 132, 1, 18, NONE, "1 = no download over USB"},
    {"ENABLE_SECURITY_DOWNLOAD", NULL, 0, 133, 1, 18, NONE, "1 = secure download mode"},
    {"UART_PRINT_CONTROL", NULL, 0, 134, 2, 18, NONE,
     "0 print, 1 print if GPIO8 low, 2 print if GPIO8 high, 3 never"},
    {"RPT4_RESERVED3_4", NULL, 0, 136, 1, NONE, NONE, "reserved"},
    {"RPT4_RESERVED3_3", NULL, 0, 137, 1, NONE, NONE, "reserved"},
    {"RPT4_RESERVED3_2", NULL, 0, 138, 2, NONE, NONE, "reserved"},
    {"RPT4_RESERVED3_1", NULL, 0, 140, 1, NONE, NONE, "reserved"},
    {"FORCE_SEND_RESUME", NULL, 0, 141, 1, 18, NONE, "1 = ROM sends flash resume command"},
    {"SECURE_VERSION", NULL, 0, 142, 16, 18, NONE, "anti-rollback, count of ones"},
    {"SECURE_BOOT_DISABLE_FAST_WAKE", NULL, 0, 158, 1, 19, NONE, "1 = always verify on wake"},
    {"RPT4_RESERVED3_0", NULL, 0, 159, 1, NONE, NONE, "reserved"},
    {"DISABLE_WAFER_VERSION_MAJOR", NULL, 0, 160, 1, 19, NONE, "1 = ignore max chip revision"},
    {"DISABLE_BLK_VERSION_MAJOR", NULL, 0, 161, 1, 19, NONE, "1 = ignore max block revision"},
    {"RESERVED_0_162", NULL, 0, 162, 22, NONE, NONE, "reserved"},
    {"RPT4_RESERVED4_0", NULL, 0, 184, 8, NONE, NONE, "reserved"},
    {"MAC", "MAC_FACTORY", 1, 0, 48, 20, NONE, "factory MAC (see order note)"},
    {"MAC_EXT", NULL, 1, 48, 16, 20, NONE, "MAC extension FF FE"},
    {"ACTIVE_HP_DBIAS", NULL, 1, 64, 5, 20, NONE, "calibration"},
    {"ACTIVE_LP_DBIAS", NULL, 1, 69, 5, 20, NONE, "calibration"},
    {"LSLP_HP_DBG", NULL, 1, 74, 2, 20, NONE, "calibration"},
    {"LSLP_HP_DBIAS", NULL, 1, 76, 4, 20, NONE, "calibration"},
    {"DSLP_LP_DBG", NULL, 1, 80, 3, 20, NONE, "calibration"},
    {"DSLP_LP_DBIAS", NULL, 1, 83, 4, 20, NONE, "calibration"},
    {"DBIAS_VOL_GAP", NULL, 1, 87, 5, 20, NONE, "calibration"},
    {"SPI_PAD_CONF_1", NULL, 1, 92, 4, 20, NONE, "reserved/system"},
    {"SPI_PAD_CONF_2", NULL, 1, 96, 18, 20, NONE, "reserved/system"},
    {"WAFER_VERSION_MINOR", NULL, 1, 114, 4, 20, NONE, "chip revision minor"},
    {"WAFER_VERSION_MAJOR", NULL, 1, 118, 2, 20, NONE, "chip revision major"},
    {"PKG_VERSION", NULL, 1, 120, 3, 20, NONE, "package"},
    {"BLK_VERSION_MINOR", NULL, 1, 123, 3, 20, NONE, "eFuse block revision minor"},
    {"BLK_VERSION_MAJOR", NULL, 1, 126, 2, 20, NONE, "eFuse block revision major"},
    {"FLASH_CAP", NULL, 1, 128, 3, 20, NONE, "in-package flash: 1 = 4 MB, 2 = 8 MB"},
    {"FLASH_TEMP", NULL, 1, 131, 2, 20, NONE, "in-package flash temperature grade"},
    {"FLASH_VENDOR", NULL, 1, 133, 3, 20, NONE, "in-package flash vendor"},
    {"RESERVED_1_136", NULL, 1, 136, 24, 20, NONE, "reserved"},
    {"SYS_DATA_PART0_2", NULL, 1, 160, 32, 20, NONE, "reserved/system"},
    {"OPTIONAL_UNIQUE_ID", NULL, 2, 0, 128, 21, NONE, "128-bit unique id"},
    {"TEMP_CALIB", NULL, 2, 128, 9, 21, NONE, "temperature sensor calibration"},
    {"OCODE", NULL, 2, 137, 8, 21, NONE, "ADC calibration"},
    {"ADC1_INIT_CODE_ATTEN0", NULL, 2, 145, 10, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN1", NULL, 2, 155, 10, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN2", NULL, 2, 165, 10, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN3", NULL, 2, 175, 10, 21, NONE, "calibration"},
    {"ADC1_CAL_VOL_ATTEN0", NULL, 2, 185, 10, 21, NONE, "calibration"},
    {"ADC1_CAL_VOL_ATTEN1", NULL, 2, 195, 10, 21, NONE, "calibration"},
    {"ADC1_CAL_VOL_ATTEN2", NULL, 2, 205, 10, 21, NONE, "calibration"},
    {"ADC1_CAL_VOL_ATTEN3", NULL, 2, 215, 10, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN0_CH0", NULL, 2, 225, 4, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN0_CH1", NULL, 2, 229, 4, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN0_CH2", NULL, 2, 233, 4, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN0_CH3", NULL, 2, 237, 4, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN0_CH4", NULL, 2, 241, 4, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN0_CH5", NULL, 2, 245, 4, 21, NONE, "calibration"},
    {"ADC1_INIT_CODE_ATTEN0_CH6", NULL, 2, 249, 4, 21, NONE, "calibration"},
    {"RESERVED_2_253", NULL, 2, 253, 3, 21, NONE, "reserved"},
    {"BLOCK_USR_DATA", "USER_DATA", 3, 0, 192, 22, NONE, "user data (tools treat as 256 bits)"},
    {"RESERVED_3_192", NULL, 3, 192, 8, 22, NONE, "reserved"},
    {"CUSTOM_MAC", "MAC_CUSTOM USER_DATA_MAC_CUSTOM", 3, 200, 48, 22, NONE, "custom MAC"},
    {"RESERVED_3_248", NULL, 3, 248, 8, 22, NONE, "reserved"},
    {"BLOCK_KEY0", "KEY0", 4, 0, 256, 23, 0, "key block"},
    {"BLOCK_KEY1", "KEY1", 5, 0, 256, 24, 1, "key block"},
    {"BLOCK_KEY2", "KEY2", 6, 0, 256, 25, 2, "key block"},
    {"BLOCK_KEY3", "KEY3", 7, 0, 256, 26, 3, "key block"},
    {"BLOCK_KEY4", "KEY4", 8, 0, 256, 27, 4, "key block"},
    {"BLOCK_KEY5", "KEY5", 9, 0, 256, 28, 5, "key block"},
    {"BLOCK_SYS_DATA2", "SYS_DATA_PART2", 10, 0, 256, 29, 6, "system data part 2"},
};

const size_t efuse_field_count = sizeof efuse_fields / sizeof efuse_fields[0];

/* Is `name` one of the words of `names` (separated by single blanks)? */
static bool among(const char *name, const char *names)
{
    const size_t length = strlen(name);
    while (*names != '\0') {
        size_t word = 0;
        while (names[word] != '\0' && names[word] != ' ')
            word++;
        if (word == length && memcmp(name, names, length) == 0)
            return true;
        names += word + (names[word] == ' ' ? 1 : 0);
    }
    return false;
}

const struct efuse_field *efuse_field_find(const char *name)
{
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        if (strcmp(field->name, name) == 0 || (field->alias != NULL && among(name, field->alias)))
            return field;
    }
    return NULL;
}

uint32_t efuse_get(const struct efuse *efuse, const struct efuse_field *field)
{
    return efuse_bits(efuse, field->block, field->bit, field->length);
}

void efuse_field_bytes(const struct efuse *efuse, const struct efuse_field *field, uint8_t *out)
{
    for (unsigned done = 0; done < field->length; done += 8) {
        const unsigned left = field->length - done;
        *out++ = (uint8_t)efuse_bits(efuse, field->block, field->bit + done, left < 8 ? left : 8);
    }
}

const char *efuse_purpose_name(unsigned purpose)
{
    static const char *const names[] = {
        [EFUSE_PURPOSE_USER] = "USER",
        [1] = "RESERVED",
        [EFUSE_PURPOSE_XTS_AES_128_KEY] = "XTS_AES_128_KEY",
        [EFUSE_PURPOSE_HMAC_DOWN_ALL] = "HMAC_DOWN_ALL",
        [EFUSE_PURPOSE_HMAC_DOWN_JTAG] = "HMAC_DOWN_JTAG",
        [EFUSE_PURPOSE_HMAC_DOWN_DIGITAL_SIGNATURE] = "HMAC_DOWN_DIGITAL_SIGNATURE",
        [EFUSE_PURPOSE_HMAC_UP] = "HMAC_UP",
        [EFUSE_PURPOSE_SECURE_BOOT_DIGEST0] = "SECURE_BOOT_DIGEST0",
        [EFUSE_PURPOSE_SECURE_BOOT_DIGEST1] = "SECURE_BOOT_DIGEST1",
        [EFUSE_PURPOSE_SECURE_BOOT_DIGEST2] = "SECURE_BOOT_DIGEST2",
    };
    return purpose < sizeof names / sizeof names[0] ? names[purpose] : NULL;
}
