/* fleet/sectors.h: contents of flash sectors, each kept once however many devices hold it.
 *
 * Thousands of devices download the same image; what they hold of it is 4096 bytes a sector once,
 * and a pointer each. A sector's content never changes: who writes gets another sector. Counted
 * references; all functions may be called from several threads.
 */
#ifndef FLEET_SECTORS_H
#define FLEET_SECTORS_H

#include <stddef.h>
#include <stdint.h>

#define SECTOR_BYTES 4096u

struct sectors;

struct sector {
    struct sector *next; /* private, as is all but `bytes` */
    uint64_t hash;
    uint32_t references;
    uint8_t bytes[SECTOR_BYTES];
};

/* NULL: out of memory. */
struct sectors *sectors_new(void);
/* Every reference must have been dropped. */
void sectors_free(struct sectors *sectors);

/* A reference to the sector with this content; NULL: out of memory. */
const struct sector *sectors_take(struct sectors *sectors, const uint8_t bytes[SECTOR_BYTES]);
/* One more reference to a sector the caller holds. */
const struct sector *sectors_share(struct sectors *sectors, const struct sector *sector);
/* NULL is fine. */
void sectors_drop(struct sectors *sectors, const struct sector *sector);

/* Different contents now. */
size_t sectors_count(struct sectors *sectors);

#endif
