/* chain/otadata.h: which slot boots, and the rollback states (formats.md 4).
 *
 * Two records, one a sector. All functions are pure: they look at both records and answer which
 * slot, or which single sector to rewrite with which 32 bytes. The caller erases that sector and
 * writes the record; a cut between the two must leave a device that boots a verified image, so a
 * plan never asks to erase the only good record: when the other record is not good, the change is
 * written to the other sector, with the next higher sequence number of the same slot.
 */
#ifndef CHAIN_OTADATA_H
#define CHAIN_OTADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTADATA_RECORD_BYTES 32u
#define OTADATA_SECTOR_BYTES 0x1000u /* record i lives at i * this, in a partition of 0x2000 */

enum otadata_state {
    OTADATA_NEW = 0,
    OTADATA_PENDING_VERIFY = 1,
    OTADATA_VALID = 2,
    OTADATA_INVALID = 3,
    OTADATA_ABORTED = 4,
    OTADATA_UNDEFINED = -1, /* 0xFFFFFFFF: no rollback wanted */
};

struct otadata_record {
    uint32_t seq; /* 1..; 0xFFFFFFFF = empty */
    uint32_t state; /* raw value */
    uint32_t crc;
};

struct otadata {
    struct otadata_record record[2];
};

/* A sector to erase and the record to write at its start. index -1: nothing to write. */
struct otadata_write {
    int index;
    uint8_t bytes[OTADATA_RECORD_BYTES];
};

/* From the first 32 bytes of each sector; never fails, bad records are simply not valid. */
void otadata_parse(const uint8_t first[OTADATA_RECORD_BYTES],
                   const uint8_t second[OTADATA_RECORD_BYTES], struct otadata *out);

void otadata_record_build(uint8_t out[OTADATA_RECORD_BYTES], uint32_t seq, uint32_t state);

/* CRC right, sequence not empty, state not INVALID or ABORTED. */
bool otadata_record_bootable(const struct otadata_record *record);

/* Index of the active record, -1 when none is bootable (formats.md 4: greater seq, 0 on a tie). */
int otadata_active(const struct otadata *ota);

/* Slot number 0..slots-1 of a sequence number. slots > 0. */
unsigned otadata_slot(uint32_t seq, unsigned slots);

/* State recorded for a slot: the newest CRC-valid record that names it. false when none does. */
bool otadata_slot_state(const struct otadata *ota, unsigned slots, unsigned slot,
                        uint32_t *state);

/* Bootloader, at reset with rollback enabled: what must be written first (PENDING_VERIFY found:
 * ABORTED; NEW about to boot: PENDING_VERIFY). Call until index is -1, applying each write; then
 * otadata_active() is the choice. */
struct otadata_write otadata_boot_step(const struct otadata *ota, unsigned slots);

/* Agent: make `slot` boot next, state NEW. */
struct otadata_write otadata_set_boot(const struct otadata *ota, unsigned slots, unsigned slot);

/* App: the running slot (the active record) is good / is bad. index -1 when already so. */
struct otadata_write otadata_confirm(const struct otadata *ota, unsigned slots);
struct otadata_write otadata_reject(const struct otadata *ota, unsigned slots);

/* Bootloader, when both records were empty and slot was booted: record it as VALID. */
struct otadata_write otadata_initial(unsigned slot);

#endif
