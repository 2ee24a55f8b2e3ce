/* fleet/loop.h: one thread, one epoll descriptor, its share of the devices.
 *
 * A device is called when its time has come, when its connection moves, or when it is let in: at
 * most `dials_max` handshakes are under way and `lines_max` connections open at once; who comes
 * after that waits in line, and its clock stands still meanwhile, so that our limit does not look
 * to the device like a server that does not answer.
 *
 * Times are milliseconds since the loop began, accelerated: `speed` seconds pass in one.
 */
#ifndef FLEET_LOOP_H
#define FLEET_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fleet/device.h"
#include "fleet/event_log.h"
#include "fleet/line.h"
#include "fleet/tally.h"
#include "fleet/timers.h"
#include "fleet/views.h"

/* What all loops share; nothing in it changes while they run but what has its own lock. */
struct loop_shared {
    struct agent_config agent; /* without what is a device's own */
    const struct line_peer *peer;
    struct sectors *sectors;
    struct views *views;
    struct event_log *log;
    bool share_verdicts;
    uint32_t slot_bytes;
    uint32_t speed;
    unsigned dials_max, lines_max; /* of each loop */
    const uint8_t *image;          /* what devices run at first */
    size_t image_bytes;
    struct timespec began;
    _Atomic bool stop;
};

struct queue {
    struct device *first, *last;
};

struct loop {
    struct loop_shared *shared;
    struct device *device; /* its share */
    size_t device_count;
    struct agent_config agent;
    struct views_crypto crypto;
    struct tally tally;
    pthread_t thread;
    int epoll;
    struct timers timers;
    struct queue ready, waiting;
    unsigned dials, lines;
    bool out_of_memory; /* it has ended for this reason */
};

/* `shared`, `device` and `device_count` are set, the rest is zero; it must not move. HOST_DONE, or
 * its line is printed. */
int loop_start(struct loop *loop);
/* After shared->stop; the devices are as they were at the end. */
void loop_join(struct loop *loop);
/* Frees what the devices hold. */
void loop_free(struct loop *loop);

/* For devices. */
uint64_t loop_now(const struct loop *loop);
uint64_t loop_us(const struct loop *loop); /* not accelerated */
struct tally *loop_tally(struct loop *loop);
struct event_log *loop_log(struct loop *loop);
struct sectors *loop_sectors(struct loop *loop);
uint32_t loop_slot_bytes(const struct loop *loop);
const struct agent_config *loop_agent_config(const struct loop *loop);
const struct line_peer *loop_peer(const struct loop *loop);
int loop_epoll(const struct loop *loop);
struct view *loop_map(struct loop *loop, const struct sector *const *slot);
void loop_unmap(struct loop *loop, struct view *view);

/* May this device open its connection now? False: it waits in line from now on. */
bool loop_may_dial(struct loop *loop, struct device *device);
/* A handshake has come to its end, good or bad; a connection has. */
void loop_dialled(struct loop *loop);
void loop_line_closed(struct loop *loop);

#endif
