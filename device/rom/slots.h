/* device/rom/slots.h: the functions programs call at fixed ROM addresses (slots.inc).
 *
 * Names and meanings are Espressif's, so that drivers linked against their
 * addresses work. They run on the caller's stack and gp and keep their few bytes of state in the
 * ROM's data. A function absent here reports itself when called and resets the chip.
 */
#ifndef DEVICE_ROM_SLOTS_H
#define DEVICE_ROM_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* slots_console.c: printing and UART0. Status results: 0 done, 1 failed. */
int ets_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void ets_install_putc1(void (*put)(char c));
void ets_install_putc2(void (*put)(char c));
void ets_install_uart_printf(void);
void ets_write_char_uart(char c);
int uart_tx_one_char(uint8_t c);
int uart_tx_one_char2(uint8_t c);
int uart_rx_one_char(uint8_t *c);
char uart_rx_one_char_block(void);
void uart_tx_flush(uint8_t uart);
void uart_tx_wait_idle(uint8_t uart);
void uart_tx_switch(uint8_t uart);

/* slots_system.c: time, reset, interrupts. */
uint32_t rtc_get_reset_reason(int cpu);
void ets_delay_us(uint32_t microseconds);
uint32_t ets_get_cpu_frequency(void); /* CPU ticks a microsecond */
void ets_update_cpu_frequency(uint32_t ticks_per_us);
void software_reset(void);
void software_reset_cpu(int cpu);
void disable_default_watchdog(void);
void intr_matrix_set(int cpu, uint32_t source, uint32_t line);
void ets_intr_lock(void);
void ets_intr_unlock(void);
void esprv_intc_int_set_priority(int line, int priority);
void esprv_intc_int_set_threshold(int threshold);
void esprv_intc_int_enable(uint32_t mask);
void esprv_intc_int_disable(uint32_t mask);
void esprv_intc_int_set_type(int line, int edge);

/* slots_flash.c: results 0 done, 1 failed, 2 timed out. Addresses are flash offsets. */
struct rom_flash_chip {
    uint32_t device_id, chip_size, block_size, sector_size, page_size, status_mask;
};
void rom_flash_slots_init(void); /* fills the descriptor behind rom_spiflash_legacy_data */
int esp_rom_spiflash_wait_idle(struct rom_flash_chip *chip);
int esp_rom_spiflash_write_encrypted(uint32_t address, uint32_t *data, uint32_t length);
int esp_rom_spiflash_erase_chip(void);
int esp_rom_spiflash_erase_sector(uint32_t sector);
int esp_rom_spiflash_erase_block(uint32_t block);
int esp_rom_spiflash_write(uint32_t address, const uint32_t *from, int32_t length);
int esp_rom_spiflash_read(uint32_t address, uint32_t *out, int32_t length);
int esp_rom_spiflash_unlock(void);
int SPIEraseArea(uint32_t start, uint32_t length);
int esp_rom_spiflash_config_param(uint32_t device_id, uint32_t chip_size, uint32_t block_size,
                                  uint32_t sector_size, uint32_t page_size, uint32_t status_mask);
void spi_flash_attach(uint32_t pins, bool legacy);

/* slots_cache.c: what suspend and disable return goes back to resume and enable. */
void ROM_Boot_Cache_Init(void);
void Cache_MMU_Init(void);
void MMU_Set_Page_Mode(int mode);
int MMU_Get_Page_Mode(void);
uint32_t Cache_Get_ICache_Line_Size(void);
void Cache_Invalidate_ICache_All(void);
int Cache_Invalidate_Addr(uint32_t address, uint32_t size);
uint32_t Cache_Disable_ICache(void);
void Cache_Enable_ICache(uint32_t autoload);
uint32_t Cache_Suspend_ICache(void);
void Cache_Resume_ICache(uint32_t autoload);
void Cache_Freeze_ICache_Enable(int mode);
void Cache_Freeze_ICache_Disable(void);

/* slots_efuse.c */
int ets_efuse_read(void);
void ets_efuse_clear_program_registers(void);
uint32_t ets_efuse_get_read_register_address(int block);
int ets_efuse_get_key_purpose(int key_block); /* key_block: 4 = KEY0 */
bool ets_efuse_key_block_unused(int key_block);
int ets_efuse_find_unused_key_block(void);
uint32_t ets_efuse_count_unused_key_blocks(void);
bool ets_efuse_find_purpose(int purpose, int *key_block);
void ets_efuse_rs_calculate(const void *data, void *parity);
bool ets_efuse_secure_boot_enabled(void);
bool ets_efuse_secure_boot_aggressive_revoke_enabled(void);
bool ets_efuse_cache_encryption_enabled(void);
bool ets_efuse_download_modes_disabled(void);
bool ets_efuse_direct_boot_mode_disabled(void);
bool ets_efuse_security_download_modes_enabled(void);
uint32_t ets_efuse_get_uart_print_control(void);
uint32_t ets_efuse_get_mac(uint8_t mac[6]);

/* slots_hash.c: CRC of both bit orders (crc complemented on entry and exit), MD5. */
uint32_t crc32_be(uint32_t crc, const uint8_t *bytes, uint32_t length);
uint16_t crc16_le(uint16_t crc, const uint8_t *bytes, uint32_t length);
uint16_t crc16_be(uint16_t crc, const uint8_t *bytes, uint32_t length);
uint8_t crc8_le(uint8_t crc, const uint8_t *bytes, uint32_t length);
uint8_t crc8_be(uint8_t crc, const uint8_t *bytes, uint32_t length);

struct rom_md5 {
    uint32_t state[4];
    uint32_t bits[2];
    uint8_t block[64];
};
void MD5Init(struct rom_md5 *md5);
void MD5Update(struct rom_md5 *md5, const uint8_t *bytes, uint32_t length);
void MD5Final(uint8_t digest[16], struct rom_md5 *md5);

/* slots_sign.c: SHA-256 on the accelerator, keeping the state with the caller between calls (the
 * caller's structure is Espressif's, 216 bytes; its layout is the ROM's business), and the
 * signature check. */
struct rom_sha {
    uint32_t state[8];
    uint32_t bytes;
    uint32_t type;
    uint8_t block[64];
};
void ets_sha_enable(void);
void ets_sha_disable(void);
int ets_sha_init(struct rom_sha *sha, int type);
int ets_sha_starts(struct rom_sha *sha, uint16_t unused);
int ets_sha_update(struct rom_sha *sha, const uint8_t *bytes, uint32_t length, bool update);
int ets_sha_finish(struct rom_sha *sha, uint8_t *digest);
int ets_sha_clone(struct rom_sha *to, const struct rom_sha *from);

struct rom_trusted_keys {
    const void *digest[3]; /* NULL: none */
    bool allow_key_revoke;
};
bool ets_rsa_pss_verify(const uint8_t *key, const uint8_t *signature, const uint8_t *digest,
                        uint8_t *verified_digest);
uint32_t ets_secure_boot_verify_signature(const uint8_t *sector, const uint8_t *digest,
                                          const struct rom_trusted_keys *keys,
                                          uint8_t *verified_digest);
int ets_secure_boot_read_key_digests(struct rom_trusted_keys *keys);
void ets_secure_boot_revoke_public_key_digest(int index);

#endif
