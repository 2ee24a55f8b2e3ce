/* server/fleet/action_offline.c: see server/fleet/action_offline.h. */
#include "server/fleet/action_offline.h"

int action_offline(struct fleet *fleet, const struct target *target, int64_t dist_set,
                   const struct action_terms *terms, int64_t *id)
{
    static const char *const details[] = {"installed by other means"};
    const struct feedback feedback = {
        .execution = "closed", .finished = "success", .details = details, .detail_count = 1};
    struct action_terms unasked = *terms;
    struct target assigned;
    unasked.confirm = false;
    int status = action_assign(fleet, target, dist_set, &unasked, id);
    if (status == FLEET_OK)
        status = target_get(fleet, target->id, &assigned);
    return status == FLEET_OK ? action_feedback(fleet, &assigned, *id, &feedback) : status;
}
