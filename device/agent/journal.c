/* device/agent/journal.c: see journal.h. */
#include "device/agent/journal.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"

#define MAGIC      0x4A554354u /* "TCUJ" */
#define SLOTS      (REGION_SECTOR_BYTES / JOURNAL_RECORD_BYTES)
#define AT_CRC     8
#define AT_PHASE   12
#define AT_SLOT    13
#define AT_TRIES   14
#define AT_COUNT   15
#define AT_LENGTH  16
#define AT_OFFSET  20
#define AT_TRIAL   24
#define AT_REPORT  25
#define AT_REASON  26
#define AT_ACTION  28
#define AT_DETAIL  32
#define AT_FAILED  36
#define AT_ENDED   40
#define AT_DIGEST  48
#define AT_VERSION 80
#define AT_REFUSED 128

/* Where the newest whole record is. */
struct place {
    bool found;
    unsigned sector, slot;
    uint32_t sequence;
};

static uint32_t record_crc(const uint8_t bytes[JOURNAL_RECORD_BYTES])
{
    uint32_t crc = crc32_le(0, bytes, AT_CRC);
    return crc32_le(crc, bytes + AT_CRC + 4, JOURNAL_RECORD_BYTES - AT_CRC - 4);
}

static void record_encode(const struct agent_record *record, uint32_t sequence,
                          uint8_t bytes[JOURNAL_RECORD_BYTES])
{
    memset(bytes, 0, JOURNAL_RECORD_BYTES);
    le32_store(bytes, MAGIC);
    le32_store(bytes + 4, sequence);
    bytes[AT_PHASE] = record->phase;
    bytes[AT_SLOT] = record->slot;
    bytes[AT_TRIES] = record->tries;
    bytes[AT_COUNT] = record->refused_count;
    bytes[AT_TRIAL] = record->trial;
    bytes[AT_REPORT] = record->report;
    bytes[AT_REASON] = record->reason;
    le32_store(bytes + AT_ACTION, record->action);
    le32_store(bytes + AT_DETAIL, (uint32_t)record->detail);
    le32_store(bytes + AT_LENGTH, record->length);
    le32_store(bytes + AT_OFFSET, record->offset);
    memcpy(bytes + AT_DIGEST, record->digest, sizeof record->digest);
    memcpy(bytes + AT_VERSION, record->version, sizeof record->version);
    for (unsigned i = 0; i < AGENT_REFUSED_MAX; i++) {
        bytes[AT_FAILED + i] = record->refused[i].failed;
        memcpy(bytes + AT_REFUSED + i * HTTP_ETAG_BYTES, record->refused[i].digest,
               HTTP_ETAG_BYTES);
    }
    le32_store(bytes + AT_ENDED, record->ended);
    le32_store(bytes + AT_CRC, record_crc(bytes));
}

/* The record's sequence number, 0 when these bytes are not a whole record. */
static uint32_t record_sequence(const uint8_t bytes[JOURNAL_RECORD_BYTES])
{
    if (le32_load(bytes) != MAGIC || le32_load(bytes + AT_CRC) != record_crc(bytes))
        return 0;
    if (bytes[AT_PHASE] > AGENT_RECORD_ATTEMPT || bytes[AT_COUNT] > AGENT_REFUSED_MAX)
        return 0;
    return le32_load(bytes + 4);
}

/* What a later firmware may have written, and this one does not know, is nothing. */
static uint8_t known(uint8_t value, uint8_t last)
{
    return value <= last ? value : 0;
}

static void record_decode(const uint8_t bytes[JOURNAL_RECORD_BYTES], struct agent_record *record)
{
    memset(record, 0, sizeof *record);
    record->phase = bytes[AT_PHASE];
    record->slot = bytes[AT_SLOT];
    record->tries = bytes[AT_TRIES];
    record->refused_count = bytes[AT_COUNT];
    record->trial = bytes[AT_TRIAL];
    record->report = known(bytes[AT_REPORT], AGENT_REPORT_ROLLED_BACK);
    record->reason = known(bytes[AT_REASON], AGENT_REASON_LAST);
    record->action = le32_load(bytes + AT_ACTION);
    record->detail = (int32_t)le32_load(bytes + AT_DETAIL);
    record->length = le32_load(bytes + AT_LENGTH);
    record->offset = le32_load(bytes + AT_OFFSET);
    memcpy(record->digest, bytes + AT_DIGEST, sizeof record->digest);
    memcpy(record->version, bytes + AT_VERSION, sizeof record->version - 1);
    for (unsigned i = 0; i < AGENT_REFUSED_MAX; i++) {
        record->refused[i].failed = bytes[AT_FAILED + i];
        memcpy(record->refused[i].digest, bytes + AT_REFUSED + i * HTTP_ETAG_BYTES,
               HTTP_ETAG_BYTES);
    }
    record->ended = le32_load(bytes + AT_ENDED);
}

static uint32_t place_offset(unsigned sector, unsigned slot)
{
    return sector * REGION_SECTOR_BYTES + slot * JOURNAL_RECORD_BYTES;
}

static int find_newest(const struct agent_region *region, struct place *newest)
{
    uint8_t bytes[JOURNAL_RECORD_BYTES];
    memset(newest, 0, sizeof *newest);
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        unsigned sector = i / SLOTS, slot = i % SLOTS;
        int error = region->read(region->context, place_offset(sector, slot), bytes, sizeof bytes);
        if (error != AGENT_OK)
            return error;
        uint32_t sequence = record_sequence(bytes);
        if (sequence > newest->sequence)
            *newest = (struct place){true, sector, slot, sequence};
    }
    return AGENT_OK;
}

int journal_load(const struct agent_region *region, struct agent_record *record)
{
    uint8_t bytes[JOURNAL_RECORD_BYTES];
    struct place newest;
    memset(record, 0, sizeof *record);
    int error = find_newest(region, &newest);
    if (error != AGENT_OK || !newest.found)
        return error;
    error = region->read(region->context, place_offset(newest.sector, newest.slot), bytes,
                         sizeof bytes);
    if (error == AGENT_OK)
        record_decode(bytes, record);
    return error;
}

/* The first place after the newest record that is still erased: a torn write is stepped over.
 * A sector that is entered anew is erased first, whatever it looks like: an erase cut short may
 * leave cells that only seem blank. */
static int next_place(const struct agent_region *region, struct place *place)
{
    if (place->found) {
        for (place->slot++; place->slot < SLOTS; place->slot++) {
            if (region->blank(region->context, place_offset(place->sector, place->slot),
                              JOURNAL_RECORD_BYTES))
                return AGENT_OK;
        }
        place->sector ^= 1u;
    }
    place->slot = 0;
    return region->erase(region->context, place_offset(place->sector, 0));
}

/* Behind the last sequence number nothing could ever be saved. */
static int start_over(const struct agent_region *region, struct place *place)
{
    memset(place, 0, sizeof *place);
    return region->erase(region->context, place_offset(1, 0)); /* next_place() erases the other */
}

int journal_save(const struct agent_region *region, const struct agent_record *record)
{
    uint8_t bytes[JOURNAL_RECORD_BYTES];
    struct place place;
    int error = find_newest(region, &place);
    if (error == AGENT_OK && place.sequence == UINT32_MAX) /* no device writes so much: forged */
        error = start_over(region, &place);
    uint32_t sequence = place.sequence + 1;
    if (error == AGENT_OK)
        error = next_place(region, &place);
    if (error != AGENT_OK)
        return error;
    record_encode(record, sequence, bytes);
    return region->write(region->context, place_offset(place.sector, place.slot), bytes,
                         sizeof bytes);
}

static int store_load(void *context, struct agent_record *record)
{
    return journal_load(context, record);
}

static int store_save(void *context, const struct agent_record *record)
{
    return journal_save(context, record);
}

struct agent_store journal_store(const struct agent_region *region)
{
    struct agent_store store = {(void *)(uintptr_t)region, store_load, store_save};
    return store;
}
