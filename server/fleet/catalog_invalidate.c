/* server/fleet/catalog_invalidate.c: a set that must reach nobody any more, however many devices it
 * is on its way to: each step is one statement over all of them (server/fleet/catalog.h). */
#include "server/fleet/action.h"
#include "server/fleet/catalog.h"
#include "server/fleet/rollout.h"

/* Devices are asked; hawkbit-ddi.md 6b. */
static int ask_devices(struct fleet *fleet, int64_t id)
{
    static const char entries[] =
        "INSERT INTO action_status (action, state, reported_at, occurred_at)"
        " SELECT id, 'canceling', CAST($2 AS BIGINT), CAST($2 AS BIGINT) FROM action"
        " WHERE dist_set = $1 AND active = 1 AND state NOT IN ('canceling', "
        "'wait_for_confirmation')";
    static const char sql[] =
        "UPDATE action SET state = 'canceling', changed_at = $2, changed_by = $3"
        " WHERE dist_set = $1 AND active = 1"
        " AND state NOT IN ('canceling', 'wait_for_confirmation')";
    int status = db_run(fleet->db, entries, DB_ARGS(db_i(id), db_i(fleet->now)));
    if (status != FLEET_OK)
        return status;
    return db_run(fleet->db, sql, DB_ARGS(db_i(id), db_i(fleet->now), db_t(fleet->who)));
}

/* Ends them without the devices: those that wait for a confirmation, or all. */
static int end_actions(struct fleet *fleet, int64_t id, bool all)
{
    static const char entries[] =
        "INSERT INTO action_status (action, state, reported_at, occurred_at)"
        " SELECT id, 'canceled', CAST($2 AS BIGINT), CAST($2 AS BIGINT) FROM action"
        " WHERE dist_set = $1 AND active = 1 AND ($3 = 1 OR state = 'wait_for_confirmation')";
    static const char actions[] =
        "UPDATE action SET state = 'canceled', active = 0, changed_at = $2, changed_by = $4"
        " WHERE dist_set = $1 AND active = 1 AND ($3 = 1 OR state = 'wait_for_confirmation')";
    /* As action_settle_target() does for one. */
    static const char targets[] =
        "UPDATE target SET assigned_set = installed_set, update_status ="
        " CASE WHEN installed_set IS NULL THEN 'registered' ELSE 'in_sync' END"
        " WHERE assigned_set = $1"
        " AND EXISTS (SELECT 1 FROM action AS a WHERE a.target = target.id AND a.dist_set = $1"
        " AND a.state = 'canceled' AND a.changed_at = $2)"
        " AND NOT EXISTS (SELECT 1 FROM action AS a WHERE a.target = target.id AND a.active = 1)";
    int status = db_run(fleet->db, entries, DB_ARGS(db_i(id), db_i(fleet->now), db_i(all)));
    if (status == FLEET_OK)
        status = db_run(fleet->db, actions,
                        DB_ARGS(db_i(id), db_i(fleet->now), db_i(all), db_t(fleet->who)));
    if (status == FLEET_OK)
        status = db_run(fleet->db, targets, DB_ARGS(db_i(id), db_i(fleet->now)));
    return status;
}

/* Those that would go on to assign it. One that cannot be stopped has ended, or is still being made
 * and will find nothing to assign. */
static int stop_rollouts(struct fleet *fleet, int64_t set)
{
    static const char sql[] = "SELECT id FROM rollout WHERE tenant = $1 AND dist_set = $2"
                              " AND id > $3 ORDER BY id LIMIT 1";
    int64_t id = 0;
    int status;
    while ((status = db_get_int(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(set), db_i(id)),
                                &id)) == DB_ROW) {
        status = rollout_order(fleet, id, ROLLOUT_STOP);
        if (status != FLEET_OK && status != FLEET_STATE)
            return status;
    }
    return status;
}

int set_invalidate(struct fleet *fleet, int64_t id, enum set_cancel cancel)
{
    static const char sql[] = "UPDATE dist_set SET valid = 0, changed_at = $3, changed_by = $4"
                              " WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL";
    static const char filters[] = "UPDATE target_filter SET auto_set = NULL WHERE auto_set = $1";
    int status = db_run(fleet->db, sql,
                        DB_ARGS(db_i(fleet->tenant), db_i(id), db_i(fleet->now), db_t(fleet->who)));
    if (status == FLEET_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such distribution set");
    if (status == FLEET_OK)
        status = db_run(fleet->db, filters, DB_ARGS(db_i(id)));
    if (status == FLEET_OK && cancel != SET_CANCEL_NONE)
        status = stop_rollouts(fleet, id);
    if (status == FLEET_OK && cancel == SET_CANCEL_SOFT)
        status = ask_devices(fleet, id);
    if (status == FLEET_OK && cancel != SET_CANCEL_NONE)
        status = end_actions(fleet, id, cancel == SET_CANCEL_FORCE);
    return status;
}
