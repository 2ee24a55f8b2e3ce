/* device/agent/slots.h: the app's side of otadata (formats.md 4.2), on a region of NOR flash.
 *
 * Which record to write is decided by chain/otadata.h; this reads, erases and writes, and refuses
 * to speak about another slot than the one that runs: after the bootloader fell back, the active
 * record names the slot that failed.
 */
#ifndef DEVICE_AGENT_SLOTS_H
#define DEVICE_AGENT_SLOTS_H

#include "device/agent/region.h"

struct slots {
    const struct agent_region *region; /* the otadata partition, two sectors */
    unsigned count;                    /* ota_0.. in the partition table, at least 2 */
    unsigned running;                  /* the slot this program was loaded from */
};

/* The slot an update goes into. */
unsigned slots_passive(const struct slots *slots);

/* State recorded for a slot (enum otadata_state); OTADATA_UNDEFINED when none is. */
int slots_state(const struct slots *slots, unsigned slot, int *state);

/* The passive slot's content is about to change: remove what otadata says about it, provided
 * that the other record boots the running one. */
int slots_forget_passive(const struct slots *slots);

/* The passive slot boots next, on trial. */
int slots_set_boot(const struct slots *slots);

/* The running image is good; or bad. AGENT_EBOOT when otadata's active slot is another one. */
int slots_confirm(const struct slots *slots);
int slots_reject(const struct slots *slots);

#endif
