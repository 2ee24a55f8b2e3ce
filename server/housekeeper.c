/* server/housekeeper.c: see server/housekeeper.h. */
#include "server/housekeeper.h"

#include <inttypes.h>
#include <unistd.h>

#include "server/call.h"
#include "server/fleet/poll_log.h"
#include "server/fleet/rollout.h"
#include "server/worker.h"

#define EVERY_MS  1000
#define MINUTE_MS 60000
#define DAY_MS    (24 * 3600 * INT64_C(1000))

/* Behind a mark of its own: what stops rollouts does not lose the polls. */
static int move_rollouts(struct housekeeper *self, struct db *db)
{
    struct fleet fleet = {.db = db, .now = call_now(), .who = "server"};
    int status = db_mark(db);
    if (status == DB_OK)
        status = rollout_tick(&fleet, &self->worked);
    if (status == DB_OK)
        return db_release(db);
    self->worked = false;
    if (status == DB_EAGAIN)
        return status;
    self->rollouts_failed = status < 0 ? status : DB_EIO;
    return db_rollback_mark(db);
}

static int run_fleet(struct job *job, struct db *db)
{
    struct housekeeper *self = (struct housekeeper *)job;
    self->worked = false;
    self->rollouts_failed = DB_OK;
    int status = poll_log_write(self->service->api.polls, db);
    return status == DB_OK ? move_rollouts(self, db) : status;
}

static int run_cleanup(struct job *job, struct db *db)
{
    struct housekeeper *self = (struct housekeeper *)job;
    struct fleet fleet = {.db = db, .now = call_now(), .who = "server"};
    self->next_cleanup = self->cleanup;
    return action_cleanup_step(&fleet, fleet.now - self->action_days * DAY_MS, &self->next_cleanup);
}

static void submit(struct housekeeper *self, enum chore chore);

static void rest(struct housekeeper *self)
{
    atomic_store(&self->next_at, call_now() + EVERY_MS);
    atomic_store(&self->busy, false);
}

/* Behind whatever has come meanwhile. */
static void go_on(struct housekeeper *self, enum chore chore)
{
    if (atomic_load(&self->finishing))
        rest(self);
    else
        submit(self, chore);
}

static void say_failure(struct housekeeper *self, int status)
{
    if (status != DB_OK)
        log_line(&self->service->log, "housekeeping failed: %s", db_status_text(status));
}

static void done_fleet(struct job *job, int status)
{
    struct housekeeper *self = (struct housekeeper *)job;
    say_failure(self, status);
    if (status == DB_OK)
        poll_log_written(self->service->api.polls);
    if (status == DB_OK && self->rollouts_failed != DB_OK)
        log_line(&self->service->log, "rollouts cannot go on: %s",
                 db_status_text(self->rollouts_failed));
    self->worked = self->worked && status == DB_OK;
    if (self->action_days != 0 && call_now() >= self->cleanup_at)
        go_on(self, CHORE_CLEANUP);
    else if (self->worked)
        go_on(self, CHORE_FLEET);
    else
        rest(self);
}

static void say_removed(const struct housekeeper *self)
{
    if (self->cleanup.removed > 0)
        log_line(&self->service->log,
                 "removed %" PRId64 " actions that ended more than %u days ago",
                 self->cleanup.removed, self->action_days);
}

static void done_cleanup(struct job *job, int status)
{
    struct housekeeper *self = (struct housekeeper *)job;
    int64_t pause = EVERY_MS;
    say_failure(self, status);
    if (status == DB_OK)
        self->cleanup = self->next_cleanup;
    else
        pause = MINUTE_MS;
    if (self->cleanup.over) {
        say_removed(self);
        self->cleanup = (struct action_cleanup){0};
        pause = DAY_MS;
    }
    self->cleanup_at = call_now() + pause;
    if (self->worked)
        go_on(self, CHORE_FLEET);
    else
        rest(self);
}

static void submit(struct housekeeper *self, enum chore chore)
{
    static const struct job chores[] = {
        [CHORE_FLEET] = {.run = run_fleet, .done = done_fleet, .access = DB_STEP},
        [CHORE_CLEANUP] = {.run = run_cleanup, .done = done_cleanup, .access = DB_STEP},
    };
    self->job = chores[chore];
    pool_submit(self->service->pool, &self->job);
}

void housekeeper_tick(struct service *service)
{
    struct housekeeper *self = &service->housekeeper;
    if (service->pool == NULL || call_now() < atomic_load(&self->next_at) ||
        atomic_exchange(&self->busy, true))
        return;
    self->service = service;
    submit(self, CHORE_FLEET);
}

void housekeeper_finish(struct service *service)
{
    atomic_store(&service->housekeeper.finishing, true);
    while (pool_waiting(service->pool) > 0 || atomic_load(&service->housekeeper.busy))
        usleep(1000);
    service->housekeeper.service = service;
    submit(&service->housekeeper, CHORE_FLEET);
}
