/* chip/state.h: what a struct chip is made of. For chip.c, event.c and bus.c only; peripherals see
 * bus.h.
 */
#ifndef CHIP_STATE_H
#define CHIP_STATE_H

#include <stdatomic.h>

#include "chip/bus.h"
#include "chip/core.h"
#include "chip/memory.h"

#define CHIP_EVENT_IDS  (CHIP_EVENT_WATCHDOG + 1)
#define CHIP_SLOT_HASH  256u /* power of two, well above CHIP_MAX_PERIPHERALS */
#define CHIP_NOTED_MOST 4096u

struct event {
    uint64_t deadline; /* UINT64_MAX: none */
    void (*fire)(struct chip *chip, unsigned id);
};

/* Where peripheral `self` stands in chip_peripherals[]. */
struct slot {
    const struct peripheral *self;
    unsigned index;
};

struct chip {
    struct core core;
    struct chip_config config;
    uint8_t *memory[CHIP_REGIONS];

    /* Peripherals. */
    struct slot slots[CHIP_SLOT_HASH];
    void *states[CHIP_MAX_PERIPHERALS];
    size_t ready;                    /* how many have been initialised */
    const struct peripheral *last;   /* the one accessed last: the next access is likely its too */
    uint32_t noted[CHIP_NOTED_MOST]; /* unknown addresses seen, open hash; 0 = free */

    /* Events. */
    struct event events[CHIP_MAX_PERIPHERALS * CHIP_EVENT_IDS];
    uint64_t next_event; /* earliest deadline */

    /* Run control. */
    atomic_bool stop;
    bool powered;
    bool power_lost;
    unsigned power_cycles;
    bool reset_wanted;
    uint32_t reset_cause;
    unsigned resets_left; /* until CHIP_STOP_RESET_LIMIT; 0 = no limit */
    bool reset_limit;
    uint64_t reset_retired; /* retired count at the last reset */
    struct chip_stats stats;

    /* Real time, with a network: host nanoseconds that virtual time 0 corresponds to. */
    int64_t real_base_ns;
    uint64_t next_poll;
};

/* event.c */
void chip_events_init(struct chip *chip);
void chip_events_fire(struct chip *chip); /* all that are due */
bool chip_watchdog_runs(const struct chip *chip);

/* bus.c */
unsigned chip_slot(const struct chip *chip, const struct peripheral *self);
int chip_bus_init(struct chip *chip); /* CHIP_OK, CHIP_ECONFIG or a peripheral's error */
void chip_bus_reset(struct chip *chip, uint32_t cause);
void chip_bus_free(struct chip *chip);

/* idle.c: the core has nothing to execute: time passes to the next event. False: there is none, nor
 * a network. Virtual time does not pass `limit`. */
bool chip_sleep(struct chip *chip, uint64_t limit);
void chip_poll_network(struct chip *chip);

#endif
