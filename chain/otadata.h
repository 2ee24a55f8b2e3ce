/* chain/otadata.h: which slot boots, and the rollback states (formats.md 4).
 *
 * Two records, one a sector. All functions are pure: they look at both records and answer which
 * slot, or which single sector to rewrite with which 32 bytes. The caller erases that sector and
 * writes the record; power may fail between the two or inside the write.
 *
 * The record is Espressif's, and so is every reading of it. What differs from ESP-IDF is where a
 * change is written. ESP-IDF rewrites the active record in place, and a cut between erase and write
 * then loses the only statement about the running slot. Three rules replace that:
 *
 * 1. The anchor is never erased. It is the record that would still boot the device if the other
 *    one were lost: the newest verified one (VALID, or UNDEFINED: nobody asked for a trial), else
 *    the newest NEW one, else the one in trial, else any that can be read, lest a device with a
 *    history look like one just shipped. A new choice is written to the other sector. So a second
 *    set_boot before the first was tried replaces the untried record, not the rollback target.
 * 2. A change of state is made in place only when the other record would boot at the next reset (so
 *    not PENDING_VERIFY) and is no less verified: a cut then falls back to that slot. Otherwise it
 *    goes to the other sector, with the next higher sequence number of the same slot; a cut then
 *    changes nothing.
 * 3. Two records of one slot are one statement, and the newer has the word: at boot an older one
 *    still NEW or PENDING_VERIFY is brought to the newer's state. (VALID is kept: the same image
 *    was once confirmed.) Without this, the older record of rule 2 would be tried again and again.
 *
 * In the usual update (previous slot VALID, other slot NEW) the result is ESP-IDF's, byte for byte.
 * Sequence numbers end at 0xFFFFFFFE; a plan that would need a higher one answers "nothing to
 * write" (set_boot, confirm, reject) or falls back to the same sector (boot_step).
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
    uint32_t seq;   /* 1..; 0xFFFFFFFF = empty */
    uint32_t state; /* raw value */
    uint32_t crc;   /* over seq only */
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

/* CRC right, sequence not empty (nor 0, whose CRC an unfinished write would show), state not
 * INVALID or ABORTED. */
bool otadata_record_bootable(const struct otadata_record *record);

/* Index of the active record, -1 when none is bootable (formats.md 4: greater seq, 0 on a tie). */
int otadata_active(const struct otadata *ota);

/* Slot number 0..slots-1 of a sequence number. slots > 0 and seq > 0. */
unsigned otadata_slot(uint32_t seq, unsigned slots);

/* State recorded for a slot: the newest CRC-valid record that names it. false when none does. */
bool otadata_slot_state(const struct otadata *ota, unsigned slots, unsigned slot, uint32_t *state);

/* Bootloader, at reset with rollback enabled: what must be written first (PENDING_VERIFY found:
 * ABORTED; NEW about to boot: PENDING_VERIFY). Set *trial = false at reset, then call until index
 * is -1, applying each write and parsing again: at most OTADATA_BOOT_STEPS_MAX times. Then
 * otadata_active() is the choice. *trial is true from the step on that makes the choice
 * PENDING_VERIFY, which is how a record left pending by the last boot (to be given up) and one
 * made pending by this boot (to be booted) are told apart. */
#define OTADATA_BOOT_STEPS_MAX 6
struct otadata_write otadata_boot_step(const struct otadata *ota, unsigned slots, bool *trial);

/* Agent: make `slot` boot next, state NEW. index -1: no such slot. */
struct otadata_write otadata_set_boot(const struct otadata *ota, unsigned slots, unsigned slot);

/* App: the running slot (the active record) is good / is bad. index -1 when already so. A VALID
 * slot is not rejected unless a bootable record names another slot: giving up the only verified
 * image would help nobody. */
struct otadata_write otadata_confirm(const struct otadata *ota, unsigned slots);
struct otadata_write otadata_reject(const struct otadata *ota, unsigned slots);

/* Bootloader, when both records were empty and slot was booted: record it as VALID. */
struct otadata_write otadata_initial(unsigned slot);

#endif
