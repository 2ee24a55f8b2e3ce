/* device/app/update.c: see update.h. */
#include "device/app/update.h"

#include "chain/soc.h"
#include "device/agent/agent.h"
#include "device/agent/journal.h"
#include "device/agent/slots.h"
#include "device/app/app.h"
#include "device/app/log.h"
#include "device/app/memory.h"
#include "device/app/self_test.h"
#include "device/app/tls.h"
#include "device/hal/crypto.h"
#include "device/hal/efuse.h"
#include "device/hal/flash.h"
#include "device/hal/hal.h"
#include "device/hal/system.h"

#define RESET_BROWN_OUT 0x0Fu /* soc.md 3.4 */

#define BACKOFF_MS     1000u
#define BACKOFF_MAX_MS 60000u
#define TRIAL_MS       60000u

static struct {
    struct flash_map *map;
    struct slots slots;
    struct sigblock_trust trust;
    struct agent_config config;
    struct agent agent;
    bool quiet;        /* "up to date" was said and nothing has happened since */
    bool just_updated; /* say the memory peaks once this image has talked to the server */
} update;

static const struct partition *slot_of(enum agent_slot which)
{
    unsigned passive = slots_passive(&update.slots);
    return &update.map->slot[which == AGENT_RUNNING ? update.map->running : passive];
}

static int flash_erase(void *context, uint32_t offset)
{
    (void)context;
    const struct partition *slot = slot_of(AGENT_PASSIVE);
    int error = hal_flash_erase(slot->offset + offset, AGENT_SECTOR_BYTES);
    return error == HAL_OK ? AGENT_OK : AGENT_EFLASH;
}

static int flash_write(void *context, uint32_t offset, const void *bytes, size_t length)
{
    (void)context;
    const struct partition *slot = slot_of(AGENT_PASSIVE);
    int error = hal_flash_write_auto(slot->offset + offset, bytes, length);
    return error == HAL_OK ? AGENT_OK : AGENT_EFLASH;
}

static const uint8_t *flash_map(void *context, enum agent_slot which)
{
    (void)context;
    return flash_map_slot(slot_of(which));
}

static void flash_unmap(void *context, enum agent_slot which)
{
    (void)context;
    flash_map_unmap_slot(slot_of(which));
}

static unsigned boot_running(void *context)
{
    return ((struct slots *)context)->running;
}

static unsigned boot_passive(void *context)
{
    return slots_passive(context);
}

static int boot_state(void *context, unsigned slot, int *state)
{
    return slots_state(context, slot, state);
}

static int boot_forget(void *context)
{
    return slots_forget_passive(context);
}

static int boot_set(void *context)
{
    return slots_set_boot(context);
}

/* Confirmed first, then the floor: an older image is given up only when this one stays. The
 * bootloader raises it as well, should power be lost in between. */
static int boot_confirm(void *context)
{
    int error = slots_confirm(context);
    if (error == AGENT_OK &&
        hal_efuse_raise_secure_version((unsigned)app_descriptor.secure_version) != HAL_OK)
        log_line('W', "boot", "secure version could not be raised in the eFuses");
    return error;
}

static int boot_reject(void *context)
{
    return slots_reject(context);
}

static bool boot_power_was_cut(void *context)
{
    (void)context;
    uint32_t cause = hal_reset_cause();
    return cause == SOC_RESET_POWERON || cause == RESET_BROWN_OUT;
}

static void boot_reboot(void *context)
{
    (void)context;
    tls_forget(); /* a reset leaves SRAM as it is */
    hal_reset();
}

static uint32_t clock_ms(void *context)
{
    (void)context;
    return (uint32_t)(hal_time_us() / 1000);
}

static uint32_t clock_random(void *context)
{
    (void)context;
    return hal_random();
}

static int self_test(void *context)
{
    (void)context;
    return self_test_result();
}

static void say_memory(void)
{
    struct memory_use use;
    memory_measure(&use);
    log_line('I', "app", "memory: heap peak %u bytes, stack peak %u bytes", (unsigned)use.heap_peak,
             (unsigned)use.stack_peak);
}

/* "Up to date" is said once, not at each poll. */
static void on_event(void *context, const struct agent_event *event)
{
    char line[160];
    (void)context;
    bool quiet = event->kind == AGENT_EVENT_UP_TO_DATE;
    bool repeated = quiet && update.quiet;
    update.quiet = quiet;
    if (repeated)
        return;
    bool bad = event->kind == AGENT_EVENT_REFUSED || event->kind == AGENT_EVENT_ROLLED_BACK;
    log_line(bad                                ? 'E'
             : event->kind == AGENT_EVENT_RETRY ? 'W'
                                                : 'I',
             "agent", "%s", agent_event_print(event, line, sizeof line));
    /* The peaks of a download, before the reboot; and of the new image's first conversation. */
    bool talked = quiet || bad || event->kind == AGENT_EVENT_RETRY;
    if (event->kind == AGENT_EVENT_SWITCHING || (update.just_updated && talked))
        say_memory();
    update.just_updated = event->kind == AGENT_EVENT_CONFIRMED || (update.just_updated && !talked);
}

static void configure(struct agent_config *config, const struct settings *settings)
{
    struct efuse efuse;
    hal_efuse_read(&efuse);
    efuse_trust(&efuse, &update.trust);
    *config = (struct agent_config){
        .host = settings->host,
        .port = settings->port,
        .product = app_config.product,
        .channel = settings->channel,
        .token = settings->token[0] != '\0' ? settings->token : NULL,
        .device_id = settings->ddi ? settings->device_id : NULL,
        .tenant = settings->tenant,
        .poll_ms = settings->poll_ms,
        .backoff_ms = BACKOFF_MS,
        .backoff_max_ms = BACKOFF_MAX_MS,
        .trial_ms = TRIAL_MS,
        .chip_rev = efuse_chip_revision(&efuse),
        .min_secure_version = efuse_secure_version(&efuse),
        .trust = &update.trust,
        .crypto = &hal_crypto,
        .net = tls_net(),
        .flash = {NULL, slot_of(AGENT_PASSIVE)->size, flash_erase, flash_write, flash_map,
                  flash_unmap},
        .boot = {&update.slots, boot_running, boot_passive, boot_state, boot_forget, boot_set,
                 boot_confirm, boot_reject, boot_power_was_cut, boot_reboot},
        .store = journal_store(&update.map->journal),
        .clock = {NULL, clock_ms, clock_random},
        .self_test = self_test,
        .event = on_event,
    };
}

void update_init(struct flash_map *map, const struct settings *settings)
{
    update.map = map;
    update.slots = (struct slots){&map->otadata, map->slot_count, map->running};
    configure(&update.config, settings);
    agent_init(&update.agent, &update.config);
}

uint32_t update_poll(void)
{
    return agent_poll(&update.agent);
}

void update_now(void)
{
    update.quiet = false;
    agent_poll_now(&update.agent);
}
