/* server/fleet/rollout_tick.c: one piece of work. */
#include "server/fleet/catalog.h"
#include "server/fleet/rollout_row.h"
#include "server/fleet/target_filter.h"

/* In this order: what ends before what begins, what runs before what is to come. Counting comes
 * before all of them, and one of them after it, so that neither waits for the other's end. */
static int (*const steps[])(struct fleet *fleet, bool *worked) = {
    set_cancel_step,    rollout_step_stop,  rollout_step_check,  rollout_step_assign,
    rollout_step_retry, rollout_step_start, rollout_step_create, target_filter_step,
};

/* Where several processes share a store, one of them works; another would only have to begin again.
 * They would not do any harm. */
static int alone(struct fleet *fleet, bool *free)
{
    static const char sql[] =
        "SELECT CASE WHEN pg_try_advisory_xact_lock(7236843) THEN 1 ELSE 0 END";
    int64_t got = 1;
    int status = db_embedded(fleet->db) ? FLEET_OK : rollout_number(fleet, sql, DB_NO_ARGS, &got);
    *free = got != 0;
    return status;
}

int rollout_tick(struct fleet *fleet, bool *worked)
{
    bool free;
    bool counted = false;
    *worked = false;
    int status = alone(fleet, &free);
    if (status != FLEET_OK || !free)
        return status;
    status = rollout_step_count(fleet, &counted);
    for (size_t i = 0; status == FLEET_OK && !*worked && i < sizeof steps / sizeof steps[0]; i++)
        status = steps[i](fleet, worked);
    *worked = *worked || counted;
    return status;
}
