/* fleet/timers.h: who is to be called when: a binary heap of timers that their owners embed.
 *
 * The heap holds pointers only; a timer belongs to its owner and stays where it is while it is set.
 * For one thread.
 */
#ifndef FLEET_TIMERS_H
#define FLEET_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    uint64_t due;
    size_t place; /* in the heap, from 1; 0: not set */
};

struct timers {
    struct timer **heap; /* from 1 */
    size_t count, size;
};

/* For at most `size` timers at once. False: out of memory. */
bool timers_init(struct timers *timers, size_t size);
void timers_free(struct timers *timers);

/* Sets or moves it. */
void timers_set(struct timers *timers, struct timer *timer, uint64_t due);
void timers_clear(struct timers *timers, struct timer *timer);

/* The one that is due first, NULL when none is set. */
struct timer *timers_first(const struct timers *timers);

#endif
