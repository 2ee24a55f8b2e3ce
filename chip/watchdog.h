/* chip/watchdog.h: the four-stage counter that the timer-group and LP watchdogs have in common.
 *
 * The stages run one after the other, each for its own time; at the end of a stage its action
 * happens, after the last the first begins again. Feeding goes back to the start of the first. The
 * owner keeps the registers and the event, and performs the actions.
 */
#ifndef CHIP_WATCHDOG_H
#define CHIP_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#define WATCHDOG_STAGES 4u

enum watchdog_action {
    WATCHDOG_OFF,
    WATCHDOG_INTERRUPT,
    WATCHDOG_CPU,
    WATCHDOG_SYSTEM,
    WATCHDOG_RTC
};

struct watchdog {
    bool running;
    unsigned stage;
    uint64_t since; /* when the stage began, in instructions */
};

static inline void watchdog_feed(struct watchdog *watchdog, uint64_t now)
{
    watchdog->stage = 0;
    watchdog->since = now;
}

/* The stage has ended: on to the next. Returns the stage that ended. */
static inline unsigned watchdog_next(struct watchdog *watchdog, uint64_t now)
{
    unsigned ended = watchdog->stage;
    watchdog->stage = (ended + 1) % WATCHDOG_STAGES;
    watchdog->since = now;
    return ended;
}

#endif
