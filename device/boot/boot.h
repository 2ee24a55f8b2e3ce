/* device/boot/boot.h: the parts of the second-stage bootloader.
 *
 * In SRAM, self-contained (no ROM function is called), without heap. Its way through a boot is
 * main.c; the parts below print what they find and answer with chain errors. ESP-IDF's semantics,
 * with the differences said in slots.h, chain/otadata.h and load.c.
 */
#ifndef DEVICE_BOOT_BOOT_H
#define DEVICE_BOOT_BOOT_H

#include "chain/efuse.h"
#include "chain/image.h"
#include "chain/otadata.h"
#include "chain/partition.h"
#include "chain/sigblock.h"

/* log.c: "I (ms) boot: ..." lines, level one of 'I', 'W', 'E'. */
void boot_log(char level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the eFuses ask of an app; read once. */
struct boot_policy {
    uint32_t secured; /* SECURE_BOOT_EN */
    struct sigblock_trust trust;
    uint16_t chip_rev;
    unsigned secure_version; /* anti-rollback floor */
};

void boot_policy_read(struct boot_policy *policy);

/* table.c: the partition table at 0x8000, checked against the flash chip, and printed. */
int boot_table_read(struct partition_table *table);

/* records.c: the otadata records through the decrypting mapping. */
void boot_records_read(const struct partition *partition, struct otadata *ota);
/* Erase, write (encrypted when the device is), read back; three attempts. HAL_OK or hal_error. */
int boot_record_write(const struct partition *partition, const struct otadata_write *write);
/* The steps at reset: trials that failed are given up, a new one is marked (chain/otadata.h). */
void boot_records_settle(const struct partition *partition, unsigned slots, struct otadata *ota);

/* An app in memory and mapped. */
struct boot_app {
    struct image image;
    struct image_app_desc desc;
    volatile uint32_t verdict; /* SIGBLOCK_TRUSTED: may run */
};

/* load.c: map, load and judge the app in `slot`. CHAIN_OK exactly when app->verdict says so. */
int boot_load(const struct partition *slot, const struct boot_policy *policy, struct boot_app *app);

/* gate.c: the last questions before foreign code runs, asked anew: the verdict from memory, the
 * anti-rollback floor from the eFuses. Enters the app, or stops. */
_Noreturn void boot_gate(const struct boot_app *app);

/* start.S: wipe what was ours and jump. */
void boot_enter(uint32_t entry);

/* One buffer of a sector, used by table.c and load.c in turn. */
extern uint8_t boot_sector[SIGBLOCK_SECTOR_BYTES];

#endif
