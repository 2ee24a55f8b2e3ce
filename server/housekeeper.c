/* server/housekeeper.c: see server/housekeeper.h. */
#include "server/housekeeper.h"

#include <unistd.h>

#include "server/call.h"
#include "server/fleet/poll_log.h"
#include "server/fleet/rollout.h"
#include "server/worker.h"

#define EVERY_MS 1000

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

/* One at a time; the one that adds something is followed at once by the next. */
static int import(struct housekeeper *self, struct db *db)
{
    bool worked;
    int status = import_step(&self->import, &self->service->store, db, call_now(), &worked,
                             self->note, sizeof self->note);
    self->worked = self->worked || worked;
    return status;
}

static int run(struct job *job, struct db *db)
{
    struct housekeeper *self = (struct housekeeper *)job;
    self->worked = false;
    self->rollouts_failed = DB_OK;
    int status = poll_log_write(self->service->api.polls, db);
    if (status == DB_OK)
        status = move_rollouts(self, db);
    return status == DB_OK ? import(self, db) : status;
}

static void done(struct job *job, int status)
{
    struct housekeeper *self = (struct housekeeper *)job;
    if (status == DB_OK)
        poll_log_written(self->service->api.polls);
    else
        log_line(&self->service->log, "housekeeping failed: %s", db_status_text(status));
    if (status == DB_OK && self->note[0] != '\0')
        log_line(&self->service->log, "%s", self->note);
    if (status == DB_OK && self->rollouts_failed != DB_OK)
        log_line(&self->service->log, "rollouts cannot go on: %s",
                 db_status_text(self->rollouts_failed));
    bool at_once = status == DB_OK && self->worked;
    atomic_store(&self->next_at, call_now() + (at_once ? 0 : EVERY_MS));
    atomic_store(&self->busy, false);
}

static void submit(struct service *service)
{
    struct housekeeper *self = &service->housekeeper;
    self->service = service;
    self->job = (struct job){.run = run, .done = done, .access = DB_WRITE};
    pool_submit(service->pool, &self->job);
}

void housekeeper_tick(struct service *service)
{
    struct housekeeper *self = &service->housekeeper;
    if (service->pool == NULL || call_now() < atomic_load(&self->next_at) ||
        atomic_exchange(&self->busy, true))
        return;
    submit(service);
}

void housekeeper_finish(struct service *service)
{
    while (pool_waiting(service->pool) > 0 || atomic_load(&service->housekeeper.busy))
        usleep(1000);
    submit(service);
}
