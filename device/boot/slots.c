/* device/boot/slots.c: see slots.h. */
#include "device/boot/slots.h"

#include "chain/bytes.h"

#define SLOTS_MAX 16

/* What the records say of the slot forbids it to be tried before others. */
static bool recorded_bad(const struct otadata *ota, unsigned slots, int place)
{
    uint32_t state;
    if (ota == NULL || place < 0 || !otadata_slot_state(ota, slots, (unsigned)place, &state))
        return false;
    return state == OTADATA_INVALID || state == OTADATA_ABORTED;
}

static bool nothing_recorded(const struct otadata *ota, unsigned slots)
{
    uint32_t state;
    for (unsigned slot = 0; slot < slots; slot++)
        if (otadata_slot_state(ota, slots, slot, &state))
            return false;
    return true;
}

static const struct partition *partition_of(const struct partition_table *table, int place)
{
    if (place == BOOT_FACTORY)
        return partition_find(table, PARTITION_APP, PARTITION_APP_FACTORY);
    if (place == BOOT_TEST)
        return partition_find(table, PARTITION_APP, PARTITION_APP_TEST);
    return partition_find(table, PARTITION_APP, (uint8_t)(PARTITION_APP_OTA_0 + place));
}

/* ESP-IDF's order: the chosen one, down to factory, up from the chosen one, test. */
static size_t plain_order(int chosen, int slots, int place[BOOT_ORDER_MAX])
{
    size_t count = 0;
    for (int i = chosen; i >= BOOT_FACTORY; i--)
        place[count++] = i;
    for (int i = chosen + 1; i < slots; i++)
        place[count++] = i;
    place[count++] = BOOT_TEST;
    return count;
}

unsigned boot_slots(const struct partition_table *table)
{
    size_t count = partition_ota_count(table);
    return count > SLOTS_MAX ? SLOTS_MAX : (unsigned)count;
}

void boot_order(const struct partition_table *table, const struct otadata *ota,
                struct boot_order *order)
{
    const bool factory = partition_of(table, BOOT_FACTORY) != NULL;
    const unsigned slots = boot_slots(table);
    int chosen = factory || slots == 0 ? BOOT_FACTORY : 0;
    order->initial = false;
    if (ota != NULL && slots > 0) {
        int active = otadata_active(ota);
        if (active >= 0)
            chosen = (int)otadata_slot(ota->record[active].seq, slots);
        order->initial = active < 0 && !factory && nothing_recorded(ota, slots);
    }

    int place[BOOT_ORDER_MAX];
    size_t places = plain_order(chosen, (int)slots, place);
    order->count = 0;
    for (int bad = 0; bad <= 1; bad++) {
        for (size_t i = 0; i < places; i++) {
            const struct partition *partition = partition_of(table, place[i]);
            if (partition == NULL || recorded_bad(ota, slots, place[i]) != (bad == 1))
                continue;
            order->place[order->count] = place[i];
            order->partition[order->count++] = partition;
        }
    }
}

struct otadata_write boot_follow(const struct otadata *ota, unsigned slots, unsigned slot)
{
    const int active = otadata_active(ota);
    if (active >= 0) {
        const struct otadata_record *self = &ota->record[active], *other = &ota->record[1 - active];
        if (otadata_slot(self->seq, slots) == slot)
            return (struct otadata_write){.index = -1};
        /* The other record already names a slot: giving up the active one is all it takes. */
        if (otadata_record_bootable(other) && otadata_slot(other->seq, slots) == slot)
            return otadata_reject(ota, slots);
    }
    struct otadata_write write = otadata_set_boot(ota, slots, slot);
    if (write.index >= 0)
        otadata_record_build(write.bytes, le32_load(write.bytes), OTADATA_PENDING_VERIFY);
    return write;
}
