/* fleet/device.h: one native device: the update agent of device/agent on a model of its hardware.
 *
 * The agent, its journal, its view of otadata and the bootloader's choice of slot are the device's
 * own code. Around them: flash of shared sectors, a TLS connection, a clock, and a script that says
 * how the device misbehaves. A bootloader would verify what it loads; here the slot it chooses is
 * loaded as it is, since nothing spoils a slot between the agent's verdict and the next boot.
 *
 * A device belongs to one event loop (fleet/loop.h), which calls device_step(). It is about 6 KB,
 * 5 of which are the agent.
 */
#ifndef FLEET_DEVICE_H
#define FLEET_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "device/agent/agent.h"
#include "device/agent/slots.h"
#include "fleet/nor.h"
#include "fleet/line.h"
#include "fleet/request.h"
#include "fleet/timers.h"

struct loop;

#define DEVICE_ID_BYTES 65

enum device_phase {
    DEVICE_OFF,
    DEVICE_QUIET, /* nothing to do */
    DEVICE_DOWNLOADING,
    DEVICE_INSTALLING, /* downloaded, not on trial yet */
    DEVICE_TRIAL,
    DEVICE_PHASES,
};

enum device_outcome {
    DEVICE_UNTRIED,
    DEVICE_UPDATED,
    DEVICE_ROLLED_BACK,
    DEVICE_REFUSED,
    DEVICE_OUTCOMES,
};

/* A request under way. */
struct exchange {
    bool asked, answered;
    struct request request;
    uint64_t began_us;
};

struct device {
    struct timer timer;
    struct loop *loop;
    char id[DEVICE_ID_BYTES];
    const char *token;
    uint8_t behaviour; /* bits of enum script_kind */
    uint64_t random;

    /* For the event loop. */
    struct device *next;  /* in the line of the ready ones, or of those that wait to connect */
    bool ready, waiting;  /* is it in such a line? */
    uint64_t waits_since; /* loop time; a device's own time stands still while it waits */
    uint64_t held_ms;     /* how long it has stood still */

    /* Hardware. */
    struct nor flash;
    struct agent_region otadata, journal;
    struct slots slots;
    bool powered, resetting;
    struct view *mapped;
    struct line line;
    bool dialling, connected; /* does the loop count its handshake, its connection? */

    /* Script. */
    uint32_t drop_after; /* bytes from now; 0: does not */
    bool dropped;        /* this download has been broken already */
    uint64_t slow_until; /* device time in ms before which nothing is read */
    struct exchange exchange;

    /* For the summary. */
    enum device_phase phase;
    enum device_outcome outcome;
    bool settled;
    char version[AGENT_VERSION_BYTES]; /* of what runs */

    struct agent_config config;
    struct agent agent;
};

/* `loop`, `id`, `token`, `behaviour` and `random` are set, the rest is zero. Writes `image` into
 * slot 0 and boots. False: out of memory. */
bool device_start(struct device *device, const uint8_t *image, size_t length);
void device_free(struct device *device);

/* Lets the agent work until it has to wait, or has had its share; returns in how many milliseconds
 * of the loop's time to call again: 0 is as soon as it is its turn, UINT64_MAX when an event of the
 * connection or its place in a line decides. */
uint64_t device_step(struct device *device);

/* Closes its connection, which others may wait for, and ends the exchange under way. */
void device_hang_up(struct device *device);
/* At the end of the run: waits for the answer to what was asked, so that both sides have counted
 * the same, but not longer than until `deadline_us` of the loop's clock. */
void device_hear_out(struct device *device, uint64_t deadline_us);

const char *device_phase_word(enum device_phase phase);
const char *device_outcome_word(enum device_outcome outcome);

#endif
