/* server/ticket_roll.c: see server/ticket_roll.h. */
#include "server/ticket_roll.h"

#include <openssl/crypto.h>
#include <unistd.h>

#include "server/call.h"
#include "server/worker.h"

#define EVERY_MS (10 * 60 * 1000) /* the next period's key is there long before it begins */
#define AGAIN_MS (60 * 1000)      /* after a failure */

static int run(struct job *job, struct db *db)
{
    struct ticket_roll *self = (struct ticket_roll *)job;
    self->period = ticket_period(call_now() / 1000);
    return ticket_salts(db, self->period, &self->salts);
}

static void over(struct ticket_roll *self, bool good)
{
    OPENSSL_cleanse(&self->salts, sizeof self->salts);
    atomic_store(&self->next_at, call_now() + (good ? EVERY_MS : AGAIN_MS));
    atomic_store(&self->busy, false);
}

static void done(struct job *job, int status)
{
    struct ticket_roll *self = (struct ticket_roll *)job;
    bool good = status == DB_OK && ticket_keys_roll(self->keys, self->period, &self->salts);
    if (!good)
        log_line(&self->service->log, "no new keys for session tickets: %s",
                 status == DB_OK ? "out of memory" : db_status_text(status));
    over(self, good);
}

void ticket_roll_tick(struct service *service)
{
    struct ticket_roll *self = &service->tickets;
    if (call_now() < atomic_load(&self->next_at) || atomic_exchange(&self->busy, true))
        return;
    self->service = service;
    self->job = (struct job){.run = run, .done = done, .access = DB_WRITE};
    if (service->pool != NULL)
        pool_submit(service->pool, &self->job);
    else
        over(self, ticket_keys_roll(self->keys, ticket_period(call_now() / 1000), NULL));
}

/* Whatever becomes of the store, there are keys: of this process alone until it can be asked. */
void ticket_roll_begin(struct service *service)
{
    struct ticket_roll *self = &service->tickets;
    (void)ticket_keys_roll(self->keys, ticket_period(call_now() / 1000), NULL);
    ticket_roll_tick(service);
    while (atomic_load(&self->busy))
        usleep(1000);
}
