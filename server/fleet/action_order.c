/* server/fleet/action_order.c: what operators and downloads do to an action. */
#include "server/fleet/action.h"
#include "server/fleet/action_status.h"

static int last_entry_is(struct fleet *fleet, int64_t action, enum action_state state, bool *same)
{
    static const char sql[] = "SELECT COUNT(*) FROM action_status WHERE state = $2 AND id ="
                              " (SELECT MAX(id) FROM action_status WHERE action = $1)";
    int64_t count = 0;
    int status =
        db_get_int(fleet->db, sql, DB_ARGS(db_i(action), db_t(action_state_word(state))), &count);
    *same = count > 0;
    return status == DB_ROW ? FLEET_OK : status == DB_OK ? DB_EIO : status;
}

int action_note(struct fleet *fleet, const struct action *action, enum action_state state,
                const char *message)
{
    bool same;
    int status = last_entry_is(fleet, action->id, state, &same);
    if (status != FLEET_OK || same)
        return status;
    status = status_entry(fleet, action->id, state, fleet->now, NULL, message);
    if (status != FLEET_OK || !action->active || action->state == ACTION_CANCELING)
        return status;
    return action_set_state(fleet, action->id, state, true);
}

static int end_cancelled(struct fleet *fleet, const struct action *action, const char *message)
{
    struct target target;
    int status = status_entry(fleet, action->id, ACTION_CANCELED, fleet->now, NULL, message);
    if (status == FLEET_OK)
        status = action_set_state(fleet, action->id, ACTION_CANCELED, false);
    if (status == FLEET_OK)
        status = target_get(fleet, action->target, &target);
    return status == FLEET_OK ? action_settle_target(fleet, &target) : status;
}

int action_cancel(struct fleet *fleet, int64_t id, bool force)
{
    struct action action;
    int status = action_get(fleet, id, &action);
    if (status != FLEET_OK)
        return status;
    bool canceling = action.state == ACTION_CANCELING;
    if (!action.active || (!force && canceling))
        return fleet_refuse(fleet, FLEET_STATE,
                            action.active ? "the action is being cancelled" : "the action is over");
    if (force && !canceling)
        return fleet_refuse(fleet, FLEET_STATE, "only a cancel that is under way can be forced");
    if (force)
        return end_cancelled(fleet, &action, SERVER_MESSAGE "cancelled without the device");
    if (action.state == ACTION_WAIT_FOR_CONFIRMATION)
        return end_cancelled(fleet, &action, SERVER_MESSAGE "cancelled before it was confirmed");
    status = status_entry(fleet, id, ACTION_CANCELING, fleet->now, NULL,
                          SERVER_MESSAGE "the device is asked to cancel");
    return status == FLEET_OK ? action_set_state(fleet, id, ACTION_CANCELING, true) : status;
}

int action_force(struct fleet *fleet, int64_t id)
{
    static const char sql[] = "UPDATE action SET kind = 'forced' WHERE id = $1";
    struct action action;
    int status = action_get(fleet, id, &action);
    if (status != FLEET_OK)
        return status;
    if (!action.active || action.terms.kind == ACTION_DOWNLOADONLY)
        return fleet_refuse(fleet, FLEET_STATE, "this action cannot be forced");
    return db_run(fleet->db, sql, DB_ARGS(db_i(id)));
}
