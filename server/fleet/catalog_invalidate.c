/* server/fleet/catalog_invalidate.c: a set that must reach nobody any more. At once nobody gets it
 * any more; the actions that there are end step by step, however many (server/fleet/catalog.h). */
#include <stdio.h>
#include <string.h>

#include "server/fleet/action.h"
#include "server/fleet/catalog.h"
#include "server/fleet/rollout_row.h"

/* As the one who invalidated it: it changes no more. */
static int cancel_some(struct fleet *fleet, int64_t id, const char *how, int64_t cursor)
{
    static const char find[] = "SELECT id FROM action WHERE dist_set = $1 AND active = 1"
                               " AND id > $2 ORDER BY id LIMIT $3";
    static const char move[] = "UPDATE dist_set SET cancel_cursor = $2, cancel = $3 WHERE id = $1";
    struct rollout_batch batch;
    struct db_list ids;
    int status = rollout_batch_read(fleet, &batch, 1, find,
                                    DB_ARGS(db_i(id), db_i(cursor), db_i(ROLLOUT_STEP)));
    db_list_clear(&ids);
    for (size_t i = 0; status == FLEET_OK && i < batch.count; i++)
        db_list_add(&ids, batch.row[i][0]);
    if (status == FLEET_OK && ids.count > 0)
        status = action_cancel_many(fleet, &ids, strcmp(how, "force") == 0);
    bool all = batch.count < ROLLOUT_STEP;
    return status == FLEET_OK
               ? db_run(fleet->db, move,
                        DB_ARGS(db_i(id), db_i(all ? 0 : batch.row[batch.count - 1][0]),
                                db_t(all ? NULL : how)))
               : status;
}

int set_cancel_step(struct fleet *fleet, bool *worked)
{
    static const char find[] = "SELECT id, tenant, cancel, cancel_cursor, changed_by FROM dist_set"
                               " WHERE cancel IS NOT NULL ORDER BY id LIMIT 1";
    char how[8];
    char who[128];
    struct db_rows *rows = db_query(fleet->db, find, DB_NO_ARGS);
    int status = db_next(rows);
    *worked = status == DB_ROW;
    if (status != DB_ROW)
        return status;
    int64_t id = db_int(rows, 0);
    int64_t cursor = db_int(rows, 3);
    snprintf(how, sizeof how, "%s", db_text(rows, 2));
    snprintf(who, sizeof who, "%s", db_text(rows, 4));
    struct fleet own = {.db = fleet->db, .tenant = db_int(rows, 1), .now = fleet->now, .who = who};
    db_end(rows);
    return cancel_some(&own, id, how, cursor);
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
    if (status != FLEET_OK || cancel == SET_CANCEL_NONE)
        return status;
    status = stop_rollouts(fleet, id);
    return status == FLEET_OK
               ? cancel_some(fleet, id, cancel == SET_CANCEL_FORCE ? "force" : "soft", 0)
               : status;
}
