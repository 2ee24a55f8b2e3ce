/* tests/unit/agent/device.c: see device.h. */
#include "tests/unit/agent/device.h"

#include <stdlib.h>
#include <string.h>

#include "chain/error.h"
#include "chain/image.h"
#include "chain/otadata.h"
#include "chain/verify.h"
#include "device/agent/journal.h"
#include "device/boot/slots.h"
#include "host/crypto.h"

enum { LEAVE_NONE, LEAVE_POWER, LEAVE_RESET };

/* --- flash ------------------------------------------------------------------------------- */

static void erase_cells(uint8_t *cells, size_t length)
{
    memset(cells, 0xFF, length);
}

static void program_cells(uint8_t *cells, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        cells[i] &= bytes[i];
}

/* bytes NULL: erase. Encrypted flash cannot be programmed twice, and neither can ours. */
static int operate(struct device *device, uint8_t *cells, const uint8_t *bytes, size_t length)
{
    bool last = ++device->operations == device->cut_at;
    if (device->operations == device->fail_at)
        return AGENT_EFLASH;
    size_t done = length;
    if (last && device->cut != CUT_AFTER)
        done = device->cut == CUT_TORN ? length / 2 : 0;
    if (bytes == NULL)
        erase_cells(cells, done);
    else
        program_cells(cells, bytes, done);
    if (last) {
        device->cuts++;
        longjmp(device->leave, LEAVE_POWER);
    }
    return AGENT_OK;
}

static bool cells_blank(const uint8_t *cells, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (cells[i] != 0xFF)
            return false;
    }
    return true;
}

struct region_context {
    struct device *device;
    uint8_t *cells;
};

static int region_read(void *context, uint32_t offset, void *out, size_t length)
{
    const struct region_context *region = context;
    const uint8_t *cells = region->cells + offset;
    for (size_t i = 0; i < length; i += 16) {
        if (cells_blank(cells + i, 16)) /* decrypts to noise */
            memset((uint8_t *)out + i, (int)(0x5A ^ (offset + i) >> 4), 16);
        else
            memcpy((uint8_t *)out + i, cells + i, 16);
    }
    return AGENT_OK;
}

static bool region_blank(void *context, uint32_t offset, size_t length)
{
    const struct region_context *region = context;
    return cells_blank(region->cells + offset, length);
}

static int region_erase(void *context, uint32_t offset)
{
    const struct region_context *region = context;
    return operate(region->device, region->cells + offset, NULL, REGION_SECTOR_BYTES);
}

static int region_write(void *context, uint32_t offset, const void *bytes, size_t length)
{
    const struct region_context *region = context;
    if (offset % REGION_WRITE_BYTES != 0 || length % REGION_WRITE_BYTES != 0 ||
        !cells_blank(region->cells + offset, length))
        abort();
    return operate(region->device, region->cells + offset, bytes, length);
}

static int flash_erase(void *context, uint32_t offset)
{
    struct device *device = context;
    return operate(device, device->slot[1 - device->running] + offset, NULL, AGENT_SECTOR_BYTES);
}

static int flash_write(void *context, uint32_t offset, const void *bytes, size_t length)
{
    struct device *device = context;
    uint8_t *cells = device->slot[1 - device->running] + offset;
    if (!cells_blank(cells, length))
        abort();
    return operate(device, cells, bytes, length);
}

static const uint8_t *flash_map(void *context, enum agent_slot slot)
{
    struct device *device = context;
    device->passive_mapped = slot == AGENT_PASSIVE;
    return device->slot[slot == AGENT_RUNNING ? device->running : 1 - device->running];
}

static void flash_unmap(void *context, enum agent_slot slot)
{
    (void)context;
    (void)slot;
}

/* --- boot -------------------------------------------------------------------------------- */

static unsigned boot_running(void *context)
{
    return ((struct device *)context)->running;
}

static unsigned boot_passive(void *context)
{
    return slots_passive(&((struct device *)context)->slots);
}

static int boot_state(void *context, unsigned slot, int *state)
{
    return slots_state(&((struct device *)context)->slots, slot, state);
}

static int boot_forget(void *context)
{
    return slots_forget_passive(&((struct device *)context)->slots);
}

static int boot_set(void *context)
{
    return slots_set_boot(&((struct device *)context)->slots);
}

static int boot_confirm(void *context)
{
    struct device *device = context;
    device->confirms++;
    if (device->confirm_fails)
        return AGENT_EFLASH;
    return slots_confirm(&((struct device *)context)->slots);
}

static int boot_reject(void *context)
{
    return slots_reject(&((struct device *)context)->slots);
}

static bool boot_power_was_cut(void *context)
{
    return ((struct device *)context)->cause == CAUSE_POWER;
}

static void boot_reboot(void *context)
{
    struct device *device = context;
    if (device->spoil_at_reboot)
        device->slot[1 - device->running][5000] ^= 1;
    device->spoil_at_reboot = false;
    longjmp(device->leave, LEAVE_RESET);
}

static struct otadata read_otadata(struct device *device)
{
    struct otadata ota;
    otadata_parse(device->otadata, device->otadata + REGION_SECTOR_BYTES, &ota);
    return ota;
}

static void write_otadata(struct device *device, const struct otadata_write *change)
{
    uint8_t *sector = device->otadata + (unsigned)change->index * REGION_SECTOR_BYTES;
    (void)operate(device, sector, NULL, REGION_SECTOR_BYTES);
    (void)operate(device, sector, change->bytes, sizeof change->bytes);
}

static bool slot_verifies(struct device *device, unsigned slot)
{
    struct verify_policy policy = {
        .kind = IMAGE_APP, .max_length = DEVICE_SLOT_BYTES, .trust = &device->trust};
    struct image_app_desc desc;
    int reason;
    if (verify_image(device->slot[slot], DEVICE_SLOT_BYTES, &policy, &host_crypto, NULL, &desc,
                     &reason) != SIGBLOCK_TRUSTED)
        return false;
    device->running = slot;
    strcpy(device->version, desc.version);
    return true;
}

/* formats.md 4.1 with rollback, no factory partition. */
static bool bootloader(struct device *device)
{
    struct otadata ota = read_otadata(device);
    struct otadata_write change;
    bool trial = false;
    while ((change = otadata_boot_step(&ota, 2, &trial)).index >= 0) {
        write_otadata(device, &change);
        ota = read_otadata(device);
    }
    int active = otadata_active(&ota);
    unsigned first = active >= 0 ? otadata_slot(ota.record[active].seq, 2) : 0;
    uint32_t state;
    bool initial =
        !otadata_slot_state(&ota, 2, 0, &state) && !otadata_slot_state(&ota, 2, 1, &state);
    if (!slot_verifies(device, first) && !slot_verifies(device, 1 - first))
        return false;
    if (initial) {
        change = otadata_initial(device->running);
        write_otadata(device, &change);
        return true;
    }
    while ((change = boot_follow(&ota, 2, device->running)).index >= 0) {
        write_otadata(device, &change);
        ota = read_otadata(device);
    }
    return true;
}

/* --- the rest of the world ---------------------------------------------------------------- */

static uint32_t clock_ms(void *context)
{
    return ((struct device *)context)->now_ms;
}

static uint32_t clock_random(void *context)
{
    struct device *device = context;
    device->random = device->random * 1664525u + 1013904223u;
    return device->random;
}

static int self_test(void *context)
{
    struct device *device = context;
    if (device->cuts_in_trial > 0) {
        device->cuts_in_trial--;
        longjmp(device->leave, LEAVE_POWER);
    }
    if (device->trial_version == NULL || strcmp(device->version, device->trial_version) != 0)
        return AGENT_OK;
    if (device->trials_good_after != 0 && device->trials > device->trials_good_after)
        return AGENT_OK;
    switch (device->trial) {
    case TRIAL_FAIL:
        return AGENT_EFAILED;
    case TRIAL_HANG: /* the watchdog ends it */
        longjmp(device->leave, LEAVE_RESET);
    case TRIAL_NEVER_ENDS:
        return AGENT_AGAIN;
    default:
        return AGENT_OK;
    }
}

static void note_event(void *context, const struct agent_event *event)
{
    struct device *device = context;
    if (event->kind == AGENT_EVENT_UP_TO_DATE)
        device->polls_quiet++;
    if (event->kind == AGENT_EVENT_PROGRESS || event->kind == AGENT_EVENT_UP_TO_DATE)
        return;
    if (device->events == DEVICE_EVENTS_MAX)
        abort();
    device->trials += event->kind == AGENT_EVENT_TRIAL;
    struct agent_event *kept = &device->event[device->events];
    *kept = *event;
    if (event->version != NULL) { /* the agent's own memory: valid during the call only */
        strcpy(device->event_version[device->events], event->version);
        kept->version = device->event_version[device->events];
    }
    device->events++;
}

static int rsa_public(const struct chain_crypto *crypto, const struct rsa3072_key *key,
                      const uint8_t signature[RSA3072_BYTES], uint8_t out[RSA3072_BYTES])
{
    struct device *device = crypto->context;
    if (device->rsa_fails > 0) {
        device->rsa_fails--;
        return CHAIN_ECRYPTO;
    }
    return host_crypto.rsa_public(&host_crypto, key, signature, out);
}

/* Somebody on the flash bus shows other bytes from now on (version text: formats.md 1.5). */
static int sha256(const struct chain_crypto *crypto, const struct chain_span *parts, size_t count,
                  uint8_t digest[SHA256_BYTES])
{
    struct device *device = crypto->context;
    if (device->passive_mapped && device->version_when_hashed != NULL)
        strcpy((char *)device->slot[1 - device->running] + IMAGE_APP_DESC_OFFSET + 16,
               device->version_when_hashed);
    return host_crypto.sha256(&host_crypto, parts, count, digest);
}

static void configure(struct device *device)
{
    static struct region_context regions[2];
    regions[0] = (struct region_context){device, device->otadata};
    regions[1] = (struct region_context){device, device->journal};
    device->otadata_region =
        (struct agent_region){&regions[0], region_read, region_blank, region_erase, region_write};
    device->journal_region =
        (struct agent_region){&regions[1], region_read, region_blank, region_erase, region_write};
    device->slots = (struct slots){&device->otadata_region, 2, device->running};
    device->crypto = host_crypto;
    device->crypto.context = device;
    device->crypto.rsa_public = rsa_public;
    device->crypto.sha256 = sha256;
    device->crypto.sha256_twice = NULL;
    device->config = (struct agent_config){
        .host = "update.test",
        .port = 443,
        .product = "lamp",
        .channel = "stable",
        .token = device->token,
        .device_id = device->speaks_ddi ? "lamp-1" : NULL,
        .tenant = "acme",
        .chip_rev = 2,
        .poll_ms = device->poll_ms != 0 ? device->poll_ms : 4000,
        .backoff_ms = 1000,
        .backoff_max_ms = 60000,
        .trial_ms = 20000,
        .any_version = device->any_version,
        .trust = &device->trust,
        .crypto = &device->crypto,
        .net = device->speaks_ddi ? ddi_server_net(&device->ddi) : server_net(&device->server),
        .flash = {device, DEVICE_SLOT_BYTES, flash_erase, flash_write, flash_map, flash_unmap},
        .boot = {device, boot_running, boot_passive, boot_state, boot_forget, boot_set,
                 boot_confirm, boot_reject, boot_power_was_cut, boot_reboot},
        .store = journal_store(&device->journal_region),
        .clock = {device, clock_ms, clock_random},
        .self_test = self_test,
        .event = note_event,
        .context = device,
    };
}

void device_init(struct device *device, const struct test_image *image)
{
    memset(device, 0, sizeof *device);
    memset(device->slot, 0xFF, sizeof device->slot);
    memset(device->otadata, 0xFF, sizeof device->otadata);
    memset(device->journal, 0xFF, sizeof device->journal);
    test_trust(&device->trust);
    test_image_make(image, device->slot[0]);
    device->random = 1;
}

static void run_agent(struct device *device, unsigned quiet, uint32_t end_ms)
{
    device->polls_quiet = 0;
    memset(&device->agent, 0xA5, sizeof device->agent); /* fresh RAM */
    configure(device);
    agent_init(&device->agent, &device->config);
    while (device->polls_quiet < quiet && (int32_t)(end_ms - device->now_ms) > 0) {
        uint32_t wait = agent_poll(&device->agent);
        device->now_ms += wait == 0 ? 0 : wait < 10 ? wait : 10;
    }
}

bool device_run(struct device *device, unsigned quiet, unsigned minutes)
{
    const uint32_t end_ms = device->now_ms + minutes * 60000;
    device->cause = CAUSE_POWER;
    int left = setjmp(device->leave); /* every boot starts here */
    if (left != LEAVE_NONE)
        device->cause = left == LEAVE_POWER ? CAUSE_POWER : CAUSE_RESET;
    device->server.answering = device->ddi.answering = false;
    if (++device->boots > 1000)
        return false;
    if (!bootloader(device)) {
        device->unbootable++;
        return false;
    }
    run_agent(device, quiet, end_ms);
    return device->polls_quiet >= quiet;
}

unsigned device_told(const struct device *device, enum agent_event_kind kind,
                     enum agent_reason reason)
{
    unsigned count = 0;
    for (unsigned i = 0; i < device->events; i++)
        count += device->event[i].kind == kind &&
                 (reason == AGENT_REASON_NONE || device->event[i].reason == reason);
    return count;
}

const struct agent_event *device_refusal(const struct device *device, unsigned nth)
{
    for (unsigned i = 0; i < device->events; i++) {
        if (device->event[i].kind == AGENT_EVENT_REFUSED && nth-- == 0)
            return &device->event[i];
    }
    return NULL;
}
