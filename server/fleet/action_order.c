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

/* Each statement is true of those that were ended by the one before: they changed now. */
static int end_many(struct fleet *fleet, const struct db_value *ids, bool all)
{
    static const char actions[] =
        "UPDATE action SET state = 'canceled', active = 0, changed_at = $2, changed_by = $4"
        " WHERE id {in $1} AND active = 1 AND ($3 = 1 OR state = 'wait_for_confirmation')";
    static const char entries[] =
        "INSERT INTO action_status (action, state, reported_at, occurred_at)"
        " SELECT id, 'canceled', CAST($2 AS BIGINT), CAST($2 AS BIGINT) FROM action"
        " WHERE id {in $1} AND state = 'canceled' AND changed_at = $2";
    static const char targets[] = /* as action_settle_target() */
        "UPDATE target SET assigned_set = installed_set, update_status ="
        " CASE WHEN installed_set IS NULL THEN 'registered' ELSE 'in_sync' END"
        " WHERE id IN (SELECT target FROM action WHERE id {in $1} AND state = 'canceled'"
        " AND changed_at = $2) AND NOT EXISTS (SELECT 1 FROM action AS a"
        " WHERE a.target = target.id AND a.active = 1)";
    int status =
        db_run(fleet->db, actions, DB_ARGS(*ids, db_i(fleet->now), db_i(all), db_t(fleet->who)));
    if (status != FLEET_OK || db_changes(fleet->db) == 0)
        return status;
    status = db_run(fleet->db, entries, DB_ARGS(*ids, db_i(fleet->now)));
    return status == FLEET_OK ? db_run(fleet->db, targets, DB_ARGS(*ids, db_i(fleet->now)))
                              : status;
}

static int ask_many(struct fleet *fleet, const struct db_value *ids)
{
    static const char entries[] =
        "INSERT INTO action_status (action, state, reported_at, occurred_at)"
        " SELECT id, 'canceling', CAST($2 AS BIGINT), CAST($2 AS BIGINT) FROM action"
        " WHERE id {in $1} AND active = 1 AND state <> 'canceling'";
    static const char actions[] =
        "UPDATE action SET state = 'canceling', changed_at = $2, changed_by = $3"
        " WHERE id {in $1} AND active = 1 AND state <> 'canceling'";
    int status = db_run(fleet->db, entries, DB_ARGS(*ids, db_i(fleet->now)));
    return status == FLEET_OK
               ? db_run(fleet->db, actions, DB_ARGS(*ids, db_i(fleet->now), db_t(fleet->who)))
               : status;
}

int action_cancel_many(struct fleet *fleet, struct db_list *ids, bool force)
{
    const struct db_value list = db_l(fleet->db, ids);
    int status = end_many(fleet, &list, force);
    return status == FLEET_OK && !force ? ask_many(fleet, &list) : status;
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
