/* device/agent/journal.h: the agent's one persistent record, in two sectors of NOR flash.
 *
 * Records are appended; each carries a sequence number and a CRC, the newest whole one counts.
 * When a sector is full the other one is erased and takes the next record, so the newest record
 * is never in a sector that is being erased. A cut of power at any point loses at most the save
 * it interrupts: the load then answers the record before.
 *
 * Record, JOURNAL_RECORD_BYTES, little-endian (formats.md 7.1):
 *
 *     0  4  magic "TCUJ"          12  1  phase        48  32  digest of the file
 *     4  4  sequence, 1..         13  1  slot         80  33  version, NUL-terminated
 *     8  4  CRC-32 of the         14  1  tries       128 4*32 digests of refused files
 *           other 252 bytes       15  1  count of refused digests
 *                                 16  4  length of the file
 *                                 20  4  offset: bytes that are in the slot
 *     24  1  trial: enum agent_trial_end
 *     25  1  report: enum agent_report           28  4  action
 *     26  1  reason: enum agent_reason           32  4  detail
 *     36  4  failed trials of the refused files  40  4  the action that ended last
 *     unnamed bytes are zero; 25 to 43 are so in records of agents that knew no DDI
 */
#ifndef DEVICE_AGENT_JOURNAL_H
#define DEVICE_AGENT_JOURNAL_H

#include "device/agent/agent.h"
#include "device/agent/region.h"

#define JOURNAL_RECORD_BYTES 256u
#define JOURNAL_BYTES        (2 * REGION_SECTOR_BYTES) /* the region has at least this size */

/* The newest record; an empty one (and AGENT_OK) when there is none yet. AGENT_EFLASH. */
int journal_load(const struct agent_region *region, struct agent_record *record);

/* AGENT_OK once it is on flash; AGENT_EFLASH, and then the old record still counts. */
int journal_save(const struct agent_region *region, const struct agent_record *record);

/* The same as the agent wants it: context is the const struct agent_region. */
struct agent_store journal_store(const struct agent_region *region);

#endif
