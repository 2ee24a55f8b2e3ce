/* fleet/loop.c: see loop.h. */
#include "fleet/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "fleet/script.h"
#include "host/crypto.h"
#include "host/error.h"

#define EVENTS_AT_ONCE  256
#define TURN_MS         100     /* how long the end of a run goes unnoticed */
#define LAST_ANSWERS_US 1000000 /* and how long it waits for what was asked before */

/* For devices */

uint64_t loop_us(const struct loop *loop)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t seconds = now.tv_sec - loop->shared->began.tv_sec;
    int64_t rest = now.tv_nsec - loop->shared->began.tv_nsec;
    return (uint64_t)(seconds * 1000000 + rest / 1000);
}

uint64_t loop_now(const struct loop *loop)
{
    return loop_us(loop) * loop->shared->speed / 1000;
}

struct tally *loop_tally(struct loop *loop)
{
    return &loop->tally;
}

struct event_log *loop_log(struct loop *loop)
{
    return loop->shared->log;
}

struct sectors *loop_sectors(struct loop *loop)
{
    return loop->shared->sectors;
}

uint32_t loop_slot_bytes(const struct loop *loop)
{
    return loop->shared->slot_bytes;
}

const struct agent_config *loop_agent_config(const struct loop *loop)
{
    return &loop->agent;
}

const struct line_peer *loop_peer(const struct loop *loop)
{
    return loop->shared->peer;
}

int loop_epoll(const struct loop *loop)
{
    return loop->epoll;
}

struct view *loop_map(struct loop *loop, const struct sector *const *slot)
{
    loop->crypto.current = views_open(loop->shared->views, slot);
    return loop->crypto.current;
}

void loop_unmap(struct loop *loop, struct view *view)
{
    views_close(loop->shared->views, view);
    loop->crypto.current = NULL;
}

/* Lines of devices */

static void append(struct queue *queue, struct device *device)
{
    device->next = NULL;
    if (queue->last != NULL)
        queue->last->next = device;
    else
        queue->first = device;
    queue->last = device;
}

static struct device *take(struct queue *queue)
{
    struct device *device = queue->first;
    queue->first = device->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return device;
}

/* A device that waits to connect is called when it is let in, by nothing else. */
static void make_ready(struct loop *loop, struct device *device)
{
    if (device->ready || device->waiting)
        return;
    device->ready = true;
    append(&loop->ready, device);
}

/* How many more may begin to connect. */
static unsigned room(const struct loop *loop)
{
    unsigned dials = loop->shared->dials_max - loop->dials;
    unsigned lines = loop->shared->lines_max - loop->lines;
    return dials < lines ? dials : lines;
}

bool loop_may_dial(struct loop *loop, struct device *device)
{
    if (room(loop) == 0) {
        device->waiting = true;
        device->waits_since = loop_now(loop);
        append(&loop->waiting, device);
        return false;
    }
    loop->dials++;
    loop->lines++;
    return true;
}

void loop_dialled(struct loop *loop)
{
    loop->dials--;
}

void loop_line_closed(struct loop *loop)
{
    loop->lines--;
}

/* As many as there is room for; each takes its place when it is called. */
static void let_in(struct loop *loop)
{
    for (unsigned left = room(loop); left > 0 && loop->waiting.first != NULL; left--) {
        struct device *device = take(&loop->waiting);
        device->waiting = false;
        device->held_ms += loop_now(loop) - device->waits_since;
        make_ready(loop, device);
    }
}

/* The turns */

static void step(struct loop *loop, struct device *device)
{
    uint64_t wait = device_step(device);
    if (wait == 0)
        make_ready(loop, device);
    else if (wait == UINT64_MAX)
        timers_clear(&loop->timers, &device->timer);
    else
        timers_set(&loop->timers, &device->timer, loop_now(loop) + wait);
}

static void run_ready(struct loop *loop)
{
    struct queue now = loop->ready;
    loop->ready = (struct queue){NULL, NULL};
    while (now.first != NULL) {
        struct device *device = take(&now);
        device->ready = false;
        step(loop, device);
    }
    let_in(loop);
}

static void expire(struct loop *loop)
{
    uint64_t now = loop_now(loop);
    struct timer *timer;
    while ((timer = timers_first(&loop->timers)) != NULL && timer->due <= now) {
        timers_clear(&loop->timers, timer);
        make_ready(loop, (struct device *)((char *)timer - offsetof(struct device, timer)));
    }
}

static int patience(const struct loop *loop)
{
    const struct timer *timer = timers_first(&loop->timers);
    if (loop->ready.first != NULL)
        return 0;
    if (timer == NULL)
        return TURN_MS;
    uint64_t now = loop_now(loop);
    uint64_t left = timer->due > now ? (timer->due - now) / loop->shared->speed + 1 : 0;
    return left < TURN_MS ? (int)left : TURN_MS;
}

static void turn(struct loop *loop)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, patience(loop));
    for (int i = 0; i < count; i++)
        make_ready(loop, events[i].data.ptr);
    expire(loop);
    run_ready(loop);
}

static bool stopped(const struct loop *loop)
{
    return atomic_load_explicit(&loop->shared->stop, memory_order_relaxed);
}

static bool power_on(struct loop *loop)
{
    for (size_t i = 0; i < loop->device_count && !stopped(loop); i++) {
        struct device *device = &loop->device[i];
        device->loop = loop;
        if (!device_start(device, loop->shared->image, loop->shared->image_bytes))
            return false;
        if ((device->behaviour & 1u << SCRIPT_OFFLINE) == 0)
            make_ready(loop, device);
    }
    return true;
}

static void *run(void *context)
{
    struct loop *loop = context;
    loop->out_of_memory = !power_on(loop);
    while (!loop->out_of_memory && !stopped(loop))
        turn(loop);
    uint64_t deadline = loop_us(loop) + LAST_ANSWERS_US;
    for (size_t i = 0; i < loop->device_count; i++) {
        device_hear_out(&loop->device[i], deadline);
        device_hang_up(&loop->device[i]);
    }
    return NULL;
}

int loop_start(struct loop *loop)
{
    views_crypto_init(&loop->crypto, loop->shared->views, &host_crypto);
    loop->agent = loop->shared->agent;
    loop->agent.crypto = loop->shared->share_verdicts ? &loop->crypto.crypto : &host_crypto;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return host_fail(NULL, "no event loop: %s", strerror(errno));
    if (!timers_init(&loop->timers, loop->device_count)) {
        close(loop->epoll);
        return host_fail(NULL, "out of memory");
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        return HOST_DONE;
    timers_free(&loop->timers);
    close(loop->epoll);
    return host_fail(NULL, "no thread: %s", strerror(error));
}

void loop_join(struct loop *loop)
{
    pthread_join(loop->thread, NULL);
    close(loop->epoll);
    timers_free(&loop->timers);
}

void loop_free(struct loop *loop)
{
    for (size_t i = 0; i < loop->device_count; i++)
        device_free(&loop->device[i]);
}
