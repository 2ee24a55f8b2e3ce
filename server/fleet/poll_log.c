/* server/fleet/poll_log.c: see server/fleet/poll_log.h. */
#include "server/fleet/poll_log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS_FIRST 1024u      /* a power of two, doubled while there is need ... */
#define SLOTS_MAX   (1u << 20) /* ... up to half of this many devices a second */

struct poll {
    int64_t target; /* 0: a free slot */
    int64_t at;
    char address[POLL_ADDRESS_MAX];
};

/* Open addressing; `count` of `slots` are used. */
struct polls {
    size_t slots;
    size_t count;
    struct poll *poll;
};

struct poll_log {
    pthread_mutex_t lock;
    struct polls coming;
    struct polls going; /* being written, of the one who writes */
};

static struct poll *place(const struct polls *polls, int64_t target)
{
    size_t at = ((uint64_t)target * 0x9E3779B97F4A7C15ull >> 32) & (polls->slots - 1);
    while (polls->poll[at].target != 0 && polls->poll[at].target != target)
        at = (at + 1) & (polls->slots - 1);
    return &polls->poll[at];
}

static bool grow(struct polls *polls)
{
    struct polls larger = {.slots = polls->slots != 0 ? polls->slots * 2 : SLOTS_FIRST,
                           .count = polls->count};
    if (larger.slots > SLOTS_MAX)
        return false;
    larger.poll = calloc(larger.slots, sizeof *larger.poll);
    if (larger.poll == NULL)
        return false;
    for (size_t i = 0; i < polls->slots; i++) {
        if (polls->poll[i].target != 0)
            *place(&larger, polls->poll[i].target) = polls->poll[i];
    }
    free(polls->poll);
    *polls = larger;
    return true;
}

static void put(struct polls *polls, int64_t target, int64_t at, const char *address)
{
    if (polls->count * 2 >= polls->slots && !grow(polls))
        return;
    struct poll *poll = place(polls, target);
    if (poll->target == 0)
        polls->count++;
    else if (poll->at >= at)
        return;
    poll->target = target;
    poll->at = at;
    snprintf(poll->address, sizeof poll->address, "%s", address);
}

struct poll_log *poll_log_new(void)
{
    struct poll_log *log = calloc(1, sizeof *log);
    if (log != NULL)
        pthread_mutex_init(&log->lock, NULL);
    return log;
}

void poll_log_free(struct poll_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_destroy(&log->lock);
    free(log->coming.poll);
    free(log->going.poll);
    free(log);
}

void poll_log_note(struct poll_log *log, int64_t target, int64_t at, const char *address)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    put(&log->coming, target, at, address);
    pthread_mutex_unlock(&log->lock);
}

size_t poll_log_waiting(struct poll_log *log)
{
    pthread_mutex_lock(&log->lock);
    size_t count = log->coming.count + log->going.count;
    pthread_mutex_unlock(&log->lock);
    return count;
}

/* What was not written is older than what has come since, so it never replaces that. */
int poll_log_write(struct poll_log *log, struct db *db)
{
    /* A target may have been deleted meanwhile: then there is nothing to note. */
    static const char sql[] =
        "INSERT INTO target_poll (target, polled_at, address)"
        " SELECT id, CAST($2 AS BIGINT), $3 FROM target WHERE id = $1"
        " ON CONFLICT (target) DO UPDATE SET polled_at = excluded.polled_at,"
        " address = excluded.address WHERE target_poll.polled_at < excluded.polled_at";
    pthread_mutex_lock(&log->lock);
    if (log->going.count == 0) {
        struct polls empty = log->going;
        log->going = log->coming;
        log->coming = empty;
    }
    pthread_mutex_unlock(&log->lock);
    int status = DB_OK;
    for (size_t i = 0; i < log->going.slots && status == DB_OK; i++) {
        const struct poll *poll = &log->going.poll[i];
        if (poll->target != 0)
            status =
                db_run(db, sql, DB_ARGS(db_i(poll->target), db_i(poll->at), db_t(poll->address)));
    }
    return status;
}

void poll_log_written(struct poll_log *log)
{
    pthread_mutex_lock(&log->lock);
    free(log->going.poll);
    log->going = (struct polls){0};
    pthread_mutex_unlock(&log->lock);
}
