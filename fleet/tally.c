/* fleet/tally.c: see tally.h. */
#include "fleet/tally.h"

#define FINE 8u /* cells a doubling */

void tally_add(struct tally *tally, enum tally_count count, uint64_t more)
{
    atomic_fetch_add_explicit(&tally->count[count], more, memory_order_relaxed);
}

void tally_fault(struct tally *tally, enum tally_fault fault)
{
    atomic_fetch_add_explicit(&tally->fault[fault], 1, memory_order_relaxed);
}

const char *tally_word(enum tally_count count)
{
    static const char *const words[TALLY_COUNTS] = {
        [TALLY_POLLS] = "polls",
        [TALLY_DOWNLOADS] = "downloads",
        [TALLY_RESUMES] = "resumes",
        [TALLY_FEEDBACKS] = "feedbacks",
        [TALLY_REQUESTS] = "requests",
        [TALLY_BYTES] = "bytes",
        [TALLY_CONNECTIONS] = "connections",
        [TALLY_SESSIONS] = "sessions_resumed",
        [TALLY_UPDATED] = "updated",
        [TALLY_ROLLED_BACK] = "rolled_back",
        [TALLY_REFUSED] = "refused",
        [TALLY_DROPS] = "drops",
        [TALLY_SETTLED] = "settled",
    };
    return words[count];
}

const char *tally_fault_word(enum tally_fault fault)
{
    static const char *const words[FAULT_KINDS] = {
        [FAULT_UNREACHABLE] = "unreachable", [FAULT_TLS] = "tls",
        [FAULT_IDENTITY] = "identity",       [FAULT_LOST] = "lost",
        [FAULT_SILENCE] = "silence",         [FAULT_DENIED] = "denied",
        [FAULT_STATUS] = "status",           [FAULT_ANSWER] = "answer",
        [FAULT_DEVICE] = "device",
    };
    return words[fault];
}

/* Values below FINE have a cell each; then each doubling has FINE. */
static unsigned cell_of(uint64_t value)
{
    unsigned shift = 0;
    while (value >> shift >= 2u * FINE)
        shift++;
    unsigned cell = shift * FINE + (unsigned)(value >> shift);
    return cell < SPREAD_CELLS ? cell : SPREAD_CELLS - 1;
}

/* The largest value of a cell. */
static uint64_t top_of(unsigned cell)
{
    if (cell < 2u * FINE)
        return cell;
    unsigned shift = cell / FINE - 1;
    return (((uint64_t)(cell % FINE + FINE) + 1) << shift) - 1;
}

void spread_note(struct spread *spread, uint64_t microseconds)
{
    spread->count++;
    spread->cell[cell_of(microseconds)]++;
}

void spread_merge(struct spread *into, const struct spread *more)
{
    into->count += more->count;
    for (unsigned i = 0; i < SPREAD_CELLS; i++)
        into->cell[i] += more->cell[i];
}

uint64_t spread_percentile(const struct spread *spread, double percent)
{
    uint64_t below = 0;
    double wanted = (double)spread->count * percent / 100;
    for (unsigned i = 0; i < SPREAD_CELLS; i++) {
        below += spread->cell[i];
        if (below > 0 && (double)below >= wanted)
            return top_of(i);
    }
    return 0;
}
