/* device/agent/slots.c: see slots.h. */
#include "device/agent/slots.h"

#include "chain/otadata.h"
#include "device/agent/agent.h"

static int read_both(const struct slots *slots, struct otadata *ota)
{
    const struct agent_region *region = slots->region;
    uint8_t bytes[2][OTADATA_RECORD_BYTES];
    for (unsigned i = 0; i < 2; i++) {
        int error =
            region->read(region->context, i * OTADATA_SECTOR_BYTES, bytes[i], sizeof bytes[i]);
        if (error != AGENT_OK)
            return error;
    }
    otadata_parse(bytes[0], bytes[1], ota);
    return AGENT_OK;
}

static int apply(const struct slots *slots, const struct otadata_write *change)
{
    const struct agent_region *region = slots->region;
    if (change->index < 0)
        return AGENT_OK;
    uint32_t offset = (uint32_t)change->index * OTADATA_SECTOR_BYTES;
    int error = region->erase(region->context, offset);
    if (error == AGENT_OK)
        error = region->write(region->context, offset, change->bytes, sizeof change->bytes);
    return error;
}

unsigned slots_passive(const struct slots *slots)
{
    return (slots->running + 1) % slots->count;
}

int slots_state(const struct slots *slots, unsigned slot, int *state)
{
    struct otadata ota;
    uint32_t raw;
    *state = OTADATA_UNDEFINED;
    int error = read_both(slots, &ota);
    if (error == AGENT_OK && otadata_slot_state(&ota, slots->count, slot, &raw))
        *state = (int)raw;
    return error;
}

/* Does the record say anything about this slot? */
static bool names(const struct otadata *ota, unsigned index, const struct slots *slots,
                  unsigned slot)
{
    uint32_t state;
    struct otadata alone = *ota;
    alone.record[index ^ 1u].seq = UINT32_MAX;
    alone.record[index ^ 1u].crc = 0;
    return otadata_slot_state(&alone, slots->count, slot, &state);
}

int slots_forget_passive(const struct slots *slots)
{
    const struct agent_region *region = slots->region;
    unsigned passive = slots_passive(slots);
    struct otadata ota;
    int error = read_both(slots, &ota);
    for (unsigned i = 0; error == AGENT_OK && i < 2; i++) {
        bool spare = otadata_record_bootable(&ota.record[i ^ 1u]) &&
                     names(&ota, i ^ 1u, slots, slots->running);
        if (spare && names(&ota, i, slots, passive))
            error = region->erase(region->context, i * OTADATA_SECTOR_BYTES);
    }
    return error;
}

int slots_set_boot(const struct slots *slots)
{
    struct otadata ota;
    int error = read_both(slots, &ota);
    if (error != AGENT_OK)
        return error;
    struct otadata_write change = otadata_set_boot(&ota, slots->count, slots_passive(slots));
    return change.index < 0 ? AGENT_EBOOT : apply(slots, &change);
}

typedef struct otadata_write change_of(const struct otadata *ota, unsigned slots);

static int judge_running(const struct slots *slots, change_of *plan)
{
    struct otadata ota;
    int error = read_both(slots, &ota);
    if (error != AGENT_OK)
        return error;
    int active = otadata_active(&ota);
    if (active < 0 || otadata_slot(ota.record[active].seq, slots->count) != slots->running)
        return AGENT_EBOOT;
    struct otadata_write change = plan(&ota, slots->count);
    return apply(slots, &change);
}

int slots_confirm(const struct slots *slots)
{
    return judge_running(slots, otadata_confirm);
}

int slots_reject(const struct slots *slots)
{
    return judge_running(slots, otadata_reject);
}
