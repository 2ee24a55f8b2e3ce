/* fleet/tally.h: what happened, in numbers. Each event loop has its own tally; the counters may be
 * read by others while it runs, the spreads only once it has ended.
 */
#ifndef FLEET_TALLY_H
#define FLEET_TALLY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum tally_count {
    TALLY_POLLS,
    TALLY_DOWNLOADS, /* begun, by answers that carry bytes of an image */
    TALLY_RESUMES,   /* of those: gone on with in the middle */
    TALLY_FEEDBACKS, /* answered with 200 */
    TALLY_REQUESTS,  /* of any kind, answered */
    TALLY_BYTES,     /* received by devices, without TLS */
    TALLY_CONNECTIONS,
    TALLY_SESSIONS, /* of those: TLS sessions taken up again */
    TALLY_UPDATED,  /* confirmed by its self-test */
    TALLY_ROLLED_BACK,
    TALLY_REFUSED, /* images that did not verify, or were not wanted */
    TALLY_DROPS,   /* connections broken by the script */
    TALLY_SETTLED, /* devices through their update, and told since that there is nothing more */
    TALLY_COUNTS,
};

/* What went wrong that the script did not ask for. */
enum tally_fault {
    FAULT_UNREACHABLE, /* no TCP connection */
    FAULT_TLS,         /* no handshake */
    FAULT_IDENTITY,    /* the server is not under the pinned authority, or has another name */
    FAULT_LOST,        /* a connection ended before its answer did */
    FAULT_SILENCE,     /* nothing came for too long, or too slowly */
    FAULT_DENIED,      /* answers 401 and 403 */
    FAULT_STATUS,      /* other answers that are no success */
    FAULT_ANSWER,      /* not understood */
    FAULT_DEVICE,      /* flash, memory */
    FAULT_KINDS,
};

enum tally_time { TIME_HANDSHAKE, TIME_POLL, TIME_FEEDBACK, TIME_KINDS };

/* Times in microseconds, to an eighth of their value. */
#define SPREAD_CELLS 256
struct spread {
    uint64_t count;
    uint64_t cell[SPREAD_CELLS];
};

struct tally {
    _Atomic uint64_t count[TALLY_COUNTS];
    _Atomic uint64_t fault[FAULT_KINDS];
    struct spread time[TIME_KINDS];
};

void tally_add(struct tally *tally, enum tally_count count, uint64_t more);
void tally_fault(struct tally *tally, enum tally_fault fault);

/* Their names in the summary. */
const char *tally_word(enum tally_count count);
const char *tally_fault_word(enum tally_fault fault);

void spread_note(struct spread *spread, uint64_t microseconds);
void spread_merge(struct spread *into, const struct spread *more);
/* The time that `percent` of all did not exceed, in microseconds; 0 when there was none. */
uint64_t spread_percentile(const struct spread *spread, double percent);

#endif
