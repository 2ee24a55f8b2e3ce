#include "chain/otadata.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"

#define SEQ_EMPTY    0xFFFFFFFFu
#define STATE_OFFSET 24
#define CRC_OFFSET   28

static uint32_t seq_crc(uint32_t seq)
{
    uint8_t bytes[4];
    le32_store(bytes, seq);
    return crc32_le(0xFFFFFFFFu, bytes, sizeof bytes);
}

static void record_parse(const uint8_t bytes[OTADATA_RECORD_BYTES], struct otadata_record *out)
{
    out->seq = le32_load(bytes);
    out->state = le32_load(bytes + STATE_OFFSET);
    out->crc = le32_load(bytes + CRC_OFFSET);
}

void otadata_parse(const uint8_t first[OTADATA_RECORD_BYTES],
                   const uint8_t second[OTADATA_RECORD_BYTES], struct otadata *out)
{
    record_parse(first, &out->record[0]);
    record_parse(second, &out->record[1]);
}

void otadata_record_build(uint8_t out[OTADATA_RECORD_BYTES], uint32_t seq, uint32_t state)
{
    memset(out, 0xFF, OTADATA_RECORD_BYTES);
    le32_store(out, seq);
    le32_store(out + STATE_OFFSET, state);
    le32_store(out + CRC_OFFSET, seq_crc(seq));
}

/* The record says something, bootable or not. */
static bool readable(const struct otadata_record *record)
{
    return record->seq != SEQ_EMPTY && record->seq != 0 && record->crc == seq_crc(record->seq);
}

bool otadata_record_bootable(const struct otadata_record *record)
{
    return readable(record) && record->state != OTADATA_INVALID && record->state != OTADATA_ABORTED;
}

/* Would boot at the next reset: a pending record would be given up. */
static bool survives_reset(const struct otadata_record *record)
{
    return otadata_record_bootable(record) && record->state != OTADATA_PENDING_VERIFY;
}

/* Bootable without a trial. */
static bool verified(const struct otadata_record *record)
{
    return survives_reset(record) && record->state != OTADATA_NEW;
}

/* The newer of those records for which have[] is true; the first on a tie; -1 when none is. */
static int newer(const struct otadata *ota, bool have_first, bool have_second)
{
    if (have_first && have_second)
        return ota->record[1].seq > ota->record[0].seq ? 1 : 0;
    if (have_first)
        return 0;
    return have_second ? 1 : -1;
}

int otadata_active(const struct otadata *ota)
{
    return newer(ota, otadata_record_bootable(&ota->record[0]),
                 otadata_record_bootable(&ota->record[1]));
}

unsigned otadata_slot(uint32_t seq, unsigned slots)
{
    return slots > 0 ? (seq - 1) % slots : 0;
}

bool otadata_slot_state(const struct otadata *ota, unsigned slots, unsigned slot, uint32_t *state)
{
    bool names[2];
    for (int i = 0; i < 2; i++)
        names[i] = readable(&ota->record[i]) && otadata_slot(ota->record[i].seq, slots) == slot;
    const int index = newer(ota, names[0], names[1]);
    if (index < 0)
        return false;
    *state = ota->record[index].state;
    return true;
}

static struct otadata_write nothing(void)
{
    return (struct otadata_write){.index = -1};
}

static struct otadata_write rewrite(int index, uint32_t seq, uint32_t state)
{
    struct otadata_write write = {.index = index};
    otadata_record_build(write.bytes, seq, state);
    return write;
}

/* Smallest sequence number above `floor` that names `slot`; 0 when there is none left. */
static uint32_t seq_above(uint32_t floor, unsigned slots, unsigned slot)
{
    const uint32_t next = floor + 1; /* floor is readable, so not 0xFFFFFFFF */
    const unsigned ahead = (slot + slots - otadata_slot(next, slots)) % slots;
    uint32_t seq;
    if (next == SEQ_EMPTY || !sum_u32(next, ahead, &seq) || seq == SEQ_EMPTY)
        return 0;
    return seq;
}

/* A new state for the same slot, written to the other sector. */
static struct otadata_write restate_beside(const struct otadata *ota, unsigned slots, int index,
                                           uint32_t state)
{
    const uint32_t seq = ota->record[index].seq;
    const uint32_t next = seq_above(seq, slots, otadata_slot(seq, slots));
    return next == 0 ? nothing() : rewrite(1 - index, next, state);
}

/* Rule 2 of the header: a new state for a record, where a cut loses nothing. */
static struct otadata_write restate(const struct otadata *ota, unsigned slots, int index,
                                    uint32_t state)
{
    const struct otadata_record *self = &ota->record[index];
    const struct otadata_record *other = &ota->record[1 - index];
    if (verified(other) || (survives_reset(other) && !verified(self)))
        return rewrite(index, self->seq, state);
    return restate_beside(ota, slots, index, state);
}

/* Rule 3: when both records name one slot and the older is still in trial, what the newer says. */
static struct otadata_write older_follows(const struct otadata *ota, unsigned slots)
{
    const struct otadata_record *record = ota->record;
    if (!readable(&record[0]) || !readable(&record[1]) ||
        otadata_slot(record[0].seq, slots) != otadata_slot(record[1].seq, slots))
        return nothing();
    const int latest = newer(ota, true, true);
    const struct otadata_record *older = &record[1 - latest];
    if (older->state > OTADATA_PENDING_VERIFY || older->state == record[latest].state)
        return nothing();
    return rewrite(1 - latest, older->seq, record[latest].state);
}

/* The last boot ended without a verdict. When the other sector says nothing, the abort goes there
 * first: erasing the only readable record would make a failed update look like a blank device. */
static struct otadata_write give_up(const struct otadata *ota, unsigned slots, int index)
{
    if (!readable(&ota->record[1 - index])) {
        const struct otadata_write beside = restate_beside(ota, slots, index, OTADATA_ABORTED);
        if (beside.index >= 0)
            return beside;
    }
    return rewrite(index, ota->record[index].seq, OTADATA_ABORTED);
}

struct otadata_write otadata_boot_step(const struct otadata *ota, unsigned slots, bool *trial)
{
    if (slots == 0)
        return nothing();
    const struct otadata_write follow = older_follows(ota, slots);
    if (follow.index >= 0 || *trial)
        return follow;

    for (int i = 0; i < 2; i++) {
        if (readable(&ota->record[i]) && ota->record[i].state == OTADATA_PENDING_VERIFY)
            return give_up(ota, slots, i);
    }
    const int active = otadata_active(ota);
    if (active < 0 || ota->record[active].state != OTADATA_NEW)
        return nothing();
    *trial = true;
    const struct otadata_write pending = restate(ota, slots, active, OTADATA_PENDING_VERIFY);
    if (pending.index >= 0)
        return pending;
    return rewrite(active, ota->record[active].seq, OTADATA_PENDING_VERIFY);
}

/* The record that must survive the next write (rule 1); -1 when none says anything. */
static int anchor(const struct otadata *ota)
{
    const struct otadata_record *record = ota->record;
    int index = newer(ota, verified(&record[0]), verified(&record[1]));
    if (index < 0)
        index = newer(ota, survives_reset(&record[0]), survives_reset(&record[1]));
    if (index < 0)
        index = otadata_active(ota);
    if (index < 0)
        index = newer(ota, readable(&record[0]), readable(&record[1]));
    return index;
}

struct otadata_write otadata_set_boot(const struct otadata *ota, unsigned slots, unsigned slot)
{
    if (slot >= slots)
        return nothing();
    const int keep = anchor(ota);
    const int index = keep < 0 ? 0 : 1 - keep;
    const struct otadata_record *other = &ota->record[1 - index];
    const uint32_t seq = seq_above(readable(other) ? other->seq : 0, slots, slot);
    return seq == 0 ? nothing() : rewrite(index, seq, OTADATA_NEW);
}

struct otadata_write otadata_confirm(const struct otadata *ota, unsigned slots)
{
    const int active = otadata_active(ota);
    if (slots == 0 || active < 0 || ota->record[active].state == OTADATA_VALID)
        return nothing();
    return restate(ota, slots, active, OTADATA_VALID);
}

struct otadata_write otadata_reject(const struct otadata *ota, unsigned slots)
{
    const int active = otadata_active(ota);
    if (slots == 0 || active < 0)
        return nothing();
    const struct otadata_record *self = &ota->record[active];
    const struct otadata_record *other = &ota->record[1 - active];
    if (!verified(self))
        return restate(ota, slots, active, OTADATA_INVALID);
    if (!otadata_record_bootable(other) ||
        otadata_slot(other->seq, slots) == otadata_slot(self->seq, slots))
        return nothing();
    return rewrite(active, self->seq, OTADATA_INVALID);
}

struct otadata_write otadata_initial(unsigned slot)
{
    return rewrite(0, (uint32_t)slot + 1, OTADATA_VALID);
}
