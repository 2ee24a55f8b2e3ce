/* server/importer.c: see server/importer.h. */
#include "server/importer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/call.h"
#include "server/worker.h"

#define EVERY_MS 1000

static int run_find(struct job *job, struct db *db)
{
    struct importer *self = (struct importer *)job;
    return import_find(&self->import, &self->service->store, db);
}

static int run_add(struct job *job, struct db *db)
{
    struct importer *self = (struct importer *)job;
    return import_add(&self->import, db, call_now());
}

/* What is said again each second, of a full disk, is said once. */
static void say(struct importer *self, int status)
{
    struct log *log = &self->service->log;
    const char *note = self->import.note;
    if (status != DB_OK) {
        log_line(log, "looking for releases failed: %s", db_status_text(status));
    } else if (note[0] != '\0' && strcmp(note, self->said) != 0) {
        log_line(log, "%s", note);
        snprintf(self->said, sizeof self->said, "%s", note);
    }
}

static void find(struct importer *self);
static void done_add(struct job *job, int status);

static void add(struct importer *self)
{
    self->job = (struct job){.run = run_add, .done = done_add, .access = DB_WRITE};
    pool_submit(self->service->pool, &self->job);
}

static void go_on(struct importer *self, void (*next)(struct importer *self))
{
    if (next != NULL && !atomic_load(&self->finishing)) {
        next(self);
        return;
    }
    atomic_store(&self->next_at, call_now() + EVERY_MS);
    atomic_store(&self->busy, false);
}

static void done_find(struct job *job, int status)
{
    struct importer *self = (struct importer *)job;
    say(self, status);
    if (status == DB_OK && self->import.found)
        go_on(self, add);
    else
        go_on(self, status == DB_OK && self->import.note[0] != '\0' ? find : NULL);
}

/* What could not be added is tried again, but not at once. */
static void done_add(struct job *job, int status)
{
    struct importer *self = (struct importer *)job;
    say(self, status);
    go_on(self, status == DB_OK && self->import.note[0] == '\0' ? find : NULL);
}

static void find(struct importer *self)
{
    self->job = (struct job){.run = run_find, .done = done_find, .access = DB_READ};
    pool_submit(self->service->readers, &self->job);
}

void importer_tick(struct service *service)
{
    struct importer *self = &service->importer;
    if (service->readers == NULL || call_now() < atomic_load(&self->next_at) ||
        atomic_exchange(&self->busy, true))
        return;
    self->service = service;
    find(self);
}

void importer_finish(struct service *service)
{
    struct importer *self = &service->importer;
    atomic_store(&self->finishing, true);
    while (atomic_load(&self->busy))
        usleep(1000);
    import_free(&self->import);
}
