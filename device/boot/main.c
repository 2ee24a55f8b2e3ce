/* device/boot/main.c: one boot from the ROM's jump to the app's entry.
 *
 * The LP watchdog runs from the first line on and is left running for the app: an app that does not
 * take it over within BOOT_WATCHDOG_MS (hal_watchdog_arm() with its own time, then feeding) is
 * reset, and a trial that ends so is rolled back.
 */
#include "chain/error.h"
#include "device/boot/boot.h"
#include "device/boot/slots.h"
#include "device/hal/efuse.h"
#include "device/hal/flash.h"
#include "device/hal/hal.h"
#include "device/hal/mmu.h"
#include "device/hal/system.h"
#include "device/hal/uart.h"

#define BOOT_WATCHDOG_MS 9000u
#define FOLLOW_MAX       3 /* writes; slots.h says two are enough */

/* Too large for the stack. */
static struct partition_table table;
static struct boot_app app;

void boot_main(void);

/* Nothing may run. The reset limit of whoever watches the device ends the repetition. */
static _Noreturn void give_up(const char *why)
{
    boot_log('E', "%s; resetting", why);
    hal_sleep_us(100000);
    hal_reset();
}

void boot_policy_read(struct boot_policy *policy)
{
    struct efuse efuse;
    hal_efuse_read(&efuse);
    policy->secured = efuse_bits(&efuse, EFUSE_SECURE_BOOT_EN);
    policy->chip_rev = efuse_chip_revision(&efuse);
    policy->secure_version = efuse_secure_version(&efuse);
    hal_efuse_trust(&policy->trust);
}

static void greet(const struct boot_policy *policy)
{
    uint32_t size = hal_flash_size();
    boot_log('I', "Trustchain bootloader " BOOT_VERSION);
    boot_log('I', "chip revision: v%d.%d", policy->chip_rev / 100, policy->chip_rev % 100);
    boot_log('I', "SPI Flash Size : %luMB", size >> 20);
    boot_log('I', "secure boot: %s, flash encryption: %s, secure version: %u",
             policy->secured != 0 ? "on" : "off", hal_efuse_flash_encryption() ? "on" : "off",
             policy->secure_version);
}

/* Try one after the other; the index in `order` of the app that may run. */
static size_t load_first(const struct boot_order *order, const struct boot_policy *policy)
{
    for (size_t i = 0; i < order->count; i++) {
        const struct partition *slot = order->partition[i];
        int error = boot_load(slot, policy, &app);
        if (error == CHAIN_OK) {
            boot_log('I', "%s: version %s, secure version %lu, verified", slot->label,
                     app.desc.version, app.desc.secure_version);
            return i;
        }
        boot_log('E', "%s at 0x%lx refused: %s", slot->label, slot->offset,
                 chain_error_text(error));
    }
    give_up("No bootable app partitions in the partition table");
}

/* Make the records name the slot that boots (slots.h). */
static void follow(const struct partition *partition, unsigned slots, unsigned slot,
                   struct otadata *ota)
{
    for (int i = 0; i < FOLLOW_MAX; i++) {
        struct otadata_write write = boot_follow(ota, slots, slot);
        if (write.index < 0)
            return;
        boot_log('W', "otadata record %d: slot %u becomes the active one", write.index, slot);
        if (boot_record_write(partition, &write) != HAL_OK)
            return;
        boot_records_read(partition, ota);
    }
}

/* Anti-rollback: only an app that was confirmed raises the floor (formats.md 4.3). */
static void raise_floor(const struct otadata *ota, unsigned slots, unsigned slot,
                        const struct boot_policy *policy)
{
    uint32_t state;
    if (app.desc.secure_version <= policy->secure_version ||
        !otadata_slot_state(ota, slots, slot, &state) || state != OTADATA_VALID)
        return;
    int error = hal_efuse_raise_secure_version((unsigned)app.desc.secure_version);
    if (error == HAL_OK)
        boot_log('I', "secure version raised from %u to %lu", policy->secure_version,
                 app.desc.secure_version);
    else
        boot_log('E', "secure version stays %u: eFuse error %d", policy->secure_version, error);
}

static void record(const struct boot_order *order, size_t booted, const struct partition *partition,
                   struct otadata *ota, const struct boot_policy *policy)
{
    unsigned slots = boot_slots(&table);
    if (order->place[booted] < 0)
        return; /* factory and test have no record */
    unsigned slot = (unsigned)order->place[booted];
    if (order->initial) {
        struct otadata_write write = otadata_initial(slot);
        if (boot_record_write(partition, &write) == HAL_OK)
            boot_records_read(partition, ota);
    } else {
        follow(partition, slots, slot, ota);
    }
    raise_floor(ota, slots, slot, policy);
}

static _Noreturn void run(const struct partition *slot)
{
    boot_log('I', "Loaded app from partition at offset 0x%lx", slot->offset);
    hal_uart_flush();
    hal_watchdog_arm(BOOT_WATCHDOG_MS);
    boot_gate(&app);
}

/* Called by start.S on our own stack, .bss cleared. */
void boot_main(void)
{
    struct boot_policy policy;
    struct boot_order order;
    struct otadata ota;

    hal_trap_init();
    hal_watchdog_arm(BOOT_WATCHDOG_MS);
    hal_watchdog_take_over();
    hal_mmu_init();
    boot_policy_read(&policy);
    greet(&policy);

    int error = boot_table_read(&table);
    if (error != CHAIN_OK) {
        boot_log('E', "partition table at 0x%x refused: %s", PARTITION_TABLE_OFFSET,
                 chain_error_text(error));
        give_up("No partition table");
    }
    const struct partition *records = partition_find(&table, PARTITION_DATA, PARTITION_DATA_OTA);
    if (records != NULL)
        boot_records_settle(records, boot_slots(&table), &ota);
    boot_order(&table, records != NULL ? &ota : NULL, &order);
    size_t booted = load_first(&order, &policy);
    if (booted != 0)
        boot_log('W', "%s boots because no partition before it could",
                 order.partition[booted]->label);
    if (records != NULL)
        record(&order, booted, records, &ota, &policy);
    run(order.partition[booted]);
}
