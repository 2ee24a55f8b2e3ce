/* otadata: two records of any content, then any sequence of actions and power cuts.
 *
 * Byte 0: number of slots. Bytes 1..64: the records; bit 7 of byte 0 gives each a right CRC. Then
 * two bytes an action: what to do, and after how many bytes of a write power fails (32 or more: it
 * does not).
 */
#include <string.h>

#include "chain/otadata.h"
#include "fuzz/fuzz.h"

enum { RESET, CONFIRM, REJECT, SET_BOOT };

struct device {
    unsigned slots;
    uint8_t flash[2][OTADATA_RECORD_BYTES];
};

static struct otadata read_back(const struct device *device)
{
    struct otadata ota;
    otadata_parse(device->flash[0], device->flash[1], &ota);
    return ota;
}

static void apply(struct device *device, const struct otadata_write *write, unsigned cut)
{
    if (write->index < 0)
        return;
    require(write->index < 2);
    uint8_t *sector = device->flash[write->index];
    memset(sector, 0xFF, OTADATA_RECORD_BYTES);
    memcpy(sector, write->bytes, cut < OTADATA_RECORD_BYTES ? cut : OTADATA_RECORD_BYTES);
}

/* Resets; a cut hits the first write. The choice, -1 for none. */
static int reset(struct device *device, unsigned cut)
{
    bool trial = false;
    for (int step = 0;; step++) {
        require(step <= OTADATA_BOOT_STEPS_MAX);
        const struct otadata ota = read_back(device);
        const struct otadata_write write = otadata_boot_step(&ota, device->slots, &trial);
        if (write.index < 0) {
            const int active = otadata_active(&ota);
            if (active < 0)
                return -1;
            const uint32_t state = ota.record[active].state;
            require(state != OTADATA_NEW);
            require((state == OTADATA_PENDING_VERIFY) == trial);
            return (int)otadata_slot(ota.record[active].seq, device->slots);
        }
        apply(device, &write, cut);
        if (cut < OTADATA_RECORD_BYTES)
            return -1; /* off; the next action starts from what is left */
    }
}

static bool any_verified(const struct device *device)
{
    const struct otadata ota = read_back(device);
    for (int i = 0; i < 2; i++) {
        if (otadata_record_bootable(&ota.record[i]) && ota.record[i].state != OTADATA_NEW &&
            ota.record[i].state != OTADATA_PENDING_VERIFY)
            return true;
    }
    return false;
}

static void act(struct device *device, uint8_t action, unsigned cut)
{
    const struct otadata ota = read_back(device);
    struct otadata_write write = {.index = -1};
    const unsigned slot = action / 4 % device->slots;
    switch (action % 4) {
    case RESET:
        (void)reset(device, cut);
        return;
    case CONFIRM:
        write = otadata_confirm(&ota, device->slots);
        break;
    case REJECT:
        write = otadata_reject(&ota, device->slots);
        break;
    default:
        write = otadata_set_boot(&ota, device->slots, slot);
        break;
    }
    apply(device, &write, cut);
    if (action % 4 == SET_BOOT && write.index >= 0 && cut >= OTADATA_RECORD_BYTES) {
        struct device next = *device;
        require(reset(&next, OTADATA_RECORD_BYTES) == (int)slot);
    }
}

/* A slot's state is one that a record of it says; the choice has one, and it boots. */
static void check_states(const struct device *device)
{
    const struct otadata ota = read_back(device);
    const int active = otadata_active(&ota);
    for (unsigned slot = 0; slot < device->slots; slot++) {
        uint32_t state = 0;
        bool said = false;
        if (!otadata_slot_state(&ota, device->slots, slot, &state)) {
            require(active < 0 || otadata_slot(ota.record[active].seq, device->slots) != slot);
            continue;
        }
        for (int i = 0; i < 2; i++)
            said |= ota.record[i].seq != 0 && ota.record[i].state == state &&
                    otadata_slot(ota.record[i].seq, device->slots) == slot;
        require(said);
    }
}

/* What is recorded after the first boot of a blank device boots again, and stays. */
static void check_initial(const struct device *device, unsigned slot)
{
    struct device blank = {.slots = device->slots};
    memset(blank.flash, 0xFF, sizeof blank.flash);
    const struct otadata_write write = otadata_initial(slot);
    apply(&blank, &write, OTADATA_RECORD_BYTES);
    require(reset(&blank, OTADATA_RECORD_BYTES) == (int)slot && any_verified(&blank));
    const struct otadata ota = read_back(&blank);
    require(otadata_confirm(&ota, blank.slots).index < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct device device;
    if (size < 1 + sizeof device.flash)
        return 0;
    device.slots = 1 + data[0] % 16;
    memcpy(device.flash, data + 1, sizeof device.flash);
    if (data[0] & 0x80) {
        const struct otadata ota = read_back(&device);
        for (int i = 0; i < 2; i++)
            otadata_record_build(device.flash[i], ota.record[i].seq, ota.record[i].state);
    }
    check_initial(&device, data[1] % device.slots);
    check_states(&device);
    for (size_t at = 1 + sizeof device.flash; at + 1 < size; at += 2) {
        const bool good = any_verified(&device);
        const bool giving_up = data[at] % 4 == REJECT;
        act(&device, data[at], data[at + 1]);
        require(!good || giving_up || any_verified(&device)); /* whatever the cut */
        check_states(&device);
        struct device settled = device;
        for (int i = 0; i < 3; i++)
            (void)reset(&settled, OTADATA_RECORD_BYTES);
        require(!any_verified(&device) || reset(&settled, OTADATA_RECORD_BYTES) >= 0);
    }
    return 0;
}
