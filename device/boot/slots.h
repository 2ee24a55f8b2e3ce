/* device/boot/slots.h: which partitions are tried, in which order, and what is recorded when
 * another than the chosen one boots (formats.md 4.1). Pure; tested on the host.
 *
 * The order is ESP-IDF's with one improvement: a slot whose record says INVALID or ABORTED is
 * tried after all others instead of in its place, so that giving up on one image does not lead
 * straight back to it.
 */
#ifndef DEVICE_BOOT_SLOTS_H
#define DEVICE_BOOT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "chain/otadata.h"
#include "chain/partition.h"

/* A place an app can be: an ota slot 0..15, or one of these. */
#define BOOT_FACTORY (-1)
#define BOOT_TEST    (-2)

#define BOOT_ORDER_MAX 18 /* 16 slots, factory, test */

struct boot_order {
    size_t count;
    int place[BOOT_ORDER_MAX]; /* each at most once, only existing partitions */
    const struct partition *partition[BOOT_ORDER_MAX];
    bool initial; /* no readable record: the slot that boots is to be recorded as VALID */
};

/* Number of ota slots, the N of formats.md 4. */
unsigned boot_slots(const struct partition_table *table);

/* `ota` after the boot steps; NULL when the table has no otadata partition. */
void boot_order(const struct partition_table *table, const struct otadata *ota,
                struct boot_order *order);

/* `slot` boots although the records say something else: what to write so that they name it (index
 * -1: they do). Call with the records read again until then; two writes at most. The slot ends
 * up PENDING_VERIFY when nothing was recorded about it: its app has to confirm. */
struct otadata_write boot_follow(const struct otadata *ota, unsigned slots, unsigned slot);

#endif
