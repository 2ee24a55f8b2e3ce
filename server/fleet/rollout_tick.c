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

int rollout_tick(struct fleet *fleet, bool *worked)
{
    bool free;
    bool counted = false;
    *worked = false;
    int status = fleet_alone(fleet, FLEET_ROLLOUTS, &free);
    if (status != FLEET_OK || !free)
        return status;
    status = rollout_step_count(fleet, &counted);
    for (size_t i = 0; status == FLEET_OK && !*worked && i < sizeof steps / sizeof steps[0]; i++)
        status = steps[i](fleet, worked);
    *worked = *worked || counted;
    return status;
}
