/* fleet/timers.c: see timers.h. */
#include "fleet/timers.h"

#include <stdlib.h>

bool timers_init(struct timers *timers, size_t size)
{
    *timers = (struct timers){.heap = calloc(size + 1, sizeof(struct timer *)), .size = size};
    return timers->heap != NULL;
}

void timers_free(struct timers *timers)
{
    free(timers->heap);
}

static void put(struct timers *timers, struct timer *timer, size_t place)
{
    timers->heap[place] = timer;
    timer->place = place;
}

static void rise(struct timers *timers, struct timer *timer, size_t place)
{
    while (place > 1 && timers->heap[place / 2]->due > timer->due) {
        put(timers, timers->heap[place / 2], place);
        place /= 2;
    }
    put(timers, timer, place);
}

static void sink(struct timers *timers, struct timer *timer, size_t place)
{
    for (;;) {
        size_t child = 2 * place;
        if (child > timers->count)
            break;
        if (child < timers->count && timers->heap[child + 1]->due < timers->heap[child]->due)
            child++;
        if (timers->heap[child]->due >= timer->due)
            break;
        put(timers, timers->heap[child], place);
        place = child;
    }
    put(timers, timer, place);
}

static void settle(struct timers *timers, struct timer *timer, size_t place)
{
    if (place > 1 && timers->heap[place / 2]->due > timer->due)
        rise(timers, timer, place);
    else
        sink(timers, timer, place);
}

void timers_set(struct timers *timers, struct timer *timer, uint64_t due)
{
    timer->due = due;
    if (timer->place != 0)
        settle(timers, timer, timer->place);
    else if (timers->count < timers->size)
        rise(timers, timer, ++timers->count);
    else
        abort(); /* the caller promised */
}

void timers_clear(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    if (place == 0)
        return;
    timer->place = 0;
    struct timer *last = timers->heap[timers->count--];
    if (last != timer)
        settle(timers, last, place);
}

struct timer *timers_first(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[1] : NULL;
}
