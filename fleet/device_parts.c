/* fleet/device_parts.c: flash, boot control, clock and self-test of a native device. */
#include "fleet/device_parts.h"

#include "device/agent/journal.h"
#include "fleet/loop.h"
#include "fleet/script.h"
#include "fleet/views.h"

static int flash_erase(void *context, uint32_t offset)
{
    struct device *device = context;
    nor_erase(&device->flash, slots_passive(&device->slots), offset);
    return AGENT_OK;
}

static int flash_write(void *context, uint32_t offset, const void *bytes, size_t length)
{
    struct device *device = context;
    bool written = nor_write(&device->flash, slots_passive(&device->slots), offset, bytes, length);
    return written ? AGENT_OK : AGENT_EFLASH;
}

static const uint8_t *flash_map(void *context, enum agent_slot slot)
{
    struct device *device = context;
    unsigned place = slot == AGENT_RUNNING ? device->slots.running : slots_passive(&device->slots);
    device->mapped = loop_map(device->loop, device->flash.slot[place]);
    return device->mapped != NULL ? view_bytes(device->mapped) : NULL;
}

static void flash_unmap(void *context, enum agent_slot slot)
{
    struct device *device = context;
    (void)slot;
    loop_unmap(device->loop, device->mapped);
    device->mapped = NULL;
}

static unsigned boot_running(void *context)
{
    return ((const struct device *)context)->slots.running;
}

static unsigned boot_passive(void *context)
{
    return slots_passive(&((const struct device *)context)->slots);
}

static int boot_state(void *context, unsigned slot, int *state)
{
    return slots_state(&((const struct device *)context)->slots, slot, state);
}

static int boot_forget(void *context)
{
    return slots_forget_passive(&((const struct device *)context)->slots);
}

static int boot_set(void *context)
{
    return slots_set_boot(&((const struct device *)context)->slots);
}

static int boot_confirm(void *context)
{
    return slots_confirm(&((const struct device *)context)->slots);
}

static int boot_reject(void *context)
{
    return slots_reject(&((const struct device *)context)->slots);
}

static bool boot_power_was_cut(void *context)
{
    return !((const struct device *)context)->powered;
}

static void boot_reboot(void *context)
{
    ((struct device *)context)->resetting = true;
}

uint64_t device_now(const struct device *device)
{
    return loop_now(device->loop) - device->held_ms;
}

static uint32_t clock_ms(void *context)
{
    return (uint32_t)device_now(context);
}

static uint32_t clock_random(void *context)
{
    struct device *device = context;
    return (uint32_t)(script_random(&device->random) >> 32);
}

static int self_test(void *context)
{
    struct device *device = context;
    if ((device->behaviour & 1u << SCRIPT_CRASH) != 0) {
        device->resetting = true; /* the watchdog */
        return AGENT_AGAIN;
    }
    return (device->behaviour & 1u << SCRIPT_FAIL) != 0 ? AGENT_EFAILED : AGENT_OK;
}

void device_configure(struct device *device)
{
    device->config = *loop_agent_config(device->loop);
    device->config.token = device->token;
    device->config.device_id = device->config.tenant != NULL ? device->id : NULL;
    device->config.net = device_net(device);
    device->config.flash = (struct agent_flash){
        device, loop_slot_bytes(device->loop), flash_erase, flash_write, flash_map, flash_unmap};
    device->config.boot =
        (struct agent_boot){device,   boot_running, boot_passive, boot_state,         boot_forget,
                            boot_set, boot_confirm, boot_reject,  boot_power_was_cut, boot_reboot};
    device->config.store = journal_store(&device->journal);
    device->config.clock = (struct agent_clock){device, clock_ms, clock_random};
    device->config.self_test = self_test;
    device->config.event = device_event;
    device->config.context = device;
}
