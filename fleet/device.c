/* fleet/device.c: power, boot and the steps of the agent. See device.h. */
#include "fleet/device.h"

#include <string.h>

#include "chain/image.h"
#include "chain/otadata.h"
#include "chain/partition.h"
#include "device/agent/journal.h"
#include "device/boot/slots.h"
#include "fleet/device_parts.h"
#include "fleet/loop.h"
#include "fleet/script.h"
#include "fleet/views.h"

#define SLOTS         2
#define STEPS_AT_ONCE 64 /* of the agent, then others have their turn */

const char *device_phase_word(enum device_phase phase)
{
    static const char *const words[DEVICE_PHASES] = {"off", "quiet", "downloading", "installing",
                                                     "trial"};
    return words[phase];
}

const char *device_outcome_word(enum device_outcome outcome)
{
    static const char *const words[DEVICE_OUTCOMES] = {"untried", "updated", "rolled_back",
                                                       "refused"};
    return words[outcome];
}

/* The bootloader's work */

static void read_otadata(const struct device *device, struct otadata *ota)
{
    uint8_t record[2][OTADATA_RECORD_BYTES];
    for (uint32_t i = 0; i < 2; i++)
        (void)device->otadata.read(device->otadata.context, i * OTADATA_SECTOR_BYTES, record[i],
                                   sizeof record[i]);
    otadata_parse(record[0], record[1], ota);
}

static void write_otadata(const struct device *device, const struct otadata_write *change)
{
    uint32_t offset = (uint32_t)change->index * OTADATA_SECTOR_BYTES;
    (void)device->otadata.erase(device->otadata.context, offset);
    (void)device->otadata.write(device->otadata.context, offset, change->bytes,
                                sizeof change->bytes);
}

/* The two slots are all that the bootloader's order needs of a partition table. */
static const struct partition_table *table(void)
{
    static const struct partition_table two = {
        .count = SLOTS,
        .entry = {{.type = PARTITION_APP, .subtype = PARTITION_APP_OTA_0},
                  {.type = PARTITION_APP, .subtype = PARTITION_APP_OTA_0 + 1}},
    };
    return &two;
}

/* formats.md 4.1: what is written at reset, then the first slot in order that holds an image. */
static void bootloader(struct device *device)
{
    struct otadata ota;
    struct otadata_write change;
    struct boot_order order;
    struct image_app_desc desc;
    bool trial = false;
    read_otadata(device, &ota);
    while ((change = otadata_boot_step(&ota, SLOTS, &trial)).index >= 0) {
        write_otadata(device, &change);
        read_otadata(device, &ota);
    }
    boot_order(table(), &ota, &order);
    for (size_t i = 0; i < order.count; i++) {
        unsigned slot = (unsigned)order.place[i];
        const struct sector *first = device->flash.slot[slot][0];
        if (first == NULL || image_app_desc_read(first->bytes, SECTOR_BYTES, &desc) != 0)
            continue;
        device->slots.running = slot;
        memcpy(device->version, desc.version, sizeof device->version);
        break;
    }
    if (order.initial) {
        change = otadata_initial(device->slots.running);
        write_otadata(device, &change);
        return;
    }
    while ((change = boot_follow(&ota, SLOTS, device->slots.running)).index >= 0) {
        write_otadata(device, &change);
        read_otadata(device, &ota);
    }
}

static void boot(struct device *device)
{
    device->resetting = false;
    device_hang_up(device);
    bootloader(device);
    device_configure(device);
    agent_init(&device->agent, &device->config);
}

bool device_start(struct device *device, const uint8_t *image, size_t length)
{
    struct sectors *store = loop_sectors(device->loop);
    if (!nor_init(&device->flash, store, loop_slot_bytes(device->loop)) ||
        !nor_write(&device->flash, 0, 0, image, length))
        return false;
    device->otadata = nor_region(&device->flash.otadata);
    device->journal = nor_region(&device->flash.journal);
    device->slots = (struct slots){&device->otadata, SLOTS, 0};
    device->phase = DEVICE_OFF;
    boot(device);
    device->powered = true; /* from now on it is a reset that boots it */
    if ((device->behaviour & 1u << SCRIPT_OFFLINE) == 0)
        device->phase = DEVICE_QUIET;
    return true;
}

void device_free(struct device *device)
{
    device_hang_up(device);
    line_forget_session(&device->line);
    nor_free(&device->flash);
}

uint64_t device_step(struct device *device)
{
    uint32_t wait = 0;
    for (unsigned i = 0; i < STEPS_AT_ONCE && wait == 0 && !device->waiting; i++) {
        wait = agent_poll(&device->agent);
        if (device->resetting) {
            boot(device);
            wait = 0;
        }
    }
    if (device->waiting)
        return UINT64_MAX;
    uint64_t now = device_now(device);
    if (wait > 0 && device->slow_until > now && device->slow_until - now < wait)
        return device->slow_until - now;
    return wait;
}
