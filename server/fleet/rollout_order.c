/* server/fleet/rollout_order.c: what operators tell a rollout, and its end by their word. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/fleet/audit.h"
#include "server/fleet/rollout_row.h"

static int start(struct fleet *fleet, struct rollout_row *rollout)
{
    bool moved;
    int status = rollout_set_status(fleet, rollout, "starting", NULL);
    return status == FLEET_OK ? rollout_start_next(fleet, rollout, &moved) : status;
}

static int pause(struct fleet *fleet, struct rollout_row *rollout)
{
    char reason[200];
    snprintf(reason, sizeof reason, "paused by %s", fleet->who);
    return rollout_set_status(fleet, rollout, "paused", reason);
}

/* The failures that have halted a group are accepted: it goes on where it was. */
static int accept_failures(struct fleet *fleet, const struct rollout_row *rollout)
{
    static const char sql[] =
        "UPDATE rollout_group SET accepted = (SELECT COUNT(*) FROM rollout_target AS x"
        " WHERE x.rollout_group = rollout_group.id AND x.state = 'error'),"
        " status = CASE WHEN EXISTS (SELECT 1 FROM rollout_target AS x WHERE x.rollout_group ="
        " rollout_group.id AND x.state = 'waiting') THEN 'scheduled'"
        " WHEN EXISTS (SELECT 1 FROM rollout_target AS x WHERE x.rollout_group ="
        " rollout_group.id AND x.state IN ('running', 'retry')) THEN 'running'"
        " ELSE 'finished' END WHERE rollout = $1 AND status = 'error'";
    return db_run(fleet->db, sql, DB_ARGS(db_i(rollout->id)));
}

static int resume(struct fleet *fleet, struct rollout_row *rollout)
{
    int status = accept_failures(fleet, rollout);
    if (status == FLEET_OK)
        status = rollout_set_status(fleet, rollout, "running", NULL);
    return status == FLEET_OK ? rollout_advance(fleet, rollout, true) : status;
}

static int trigger_next(struct fleet *fleet, struct rollout_row *rollout)
{
    bool moved;
    int status = rollout_start_next(fleet, rollout, &moved);
    if (status == FLEET_OK && !moved)
        return fleet_refuse(fleet, FLEET_STATE, "every group of the rollout has been started");
    return status;
}

/* The cursor is of its actions from now on. */
static int end_by(struct fleet *fleet, struct rollout_row *rollout, const char *status)
{
    static const char sql[] = "UPDATE rollout SET cursor = 0 WHERE id = $1";
    int result = db_run(fleet->db, sql, DB_ARGS(db_i(rollout->id)));
    return result == FLEET_OK ? rollout_set_status(fleet, rollout, status, NULL) : result;
}

static int stop(struct fleet *fleet, struct rollout_row *rollout)
{
    return end_by(fleet, rollout, "stopping");
}

static int forget(struct fleet *fleet, struct rollout_row *rollout)
{
    return end_by(fleet, rollout, "deleting");
}

/* By enum rollout_order. */
static const struct order {
    const char *verb;
    const char *from; /* states that allow it, each between blanks */
    int (*carry_out)(struct fleet *fleet, struct rollout_row *rollout);
} orders[] = {
    {"rollout.start", " ready ", start},
    {"rollout.pause", " starting running ", pause},
    {"rollout.resume", " paused ", resume},
    {"rollout.stop", " waiting_for_approval approval_denied ready starting running paused ", stop},
    {"rollout.trigger-next", " running ", trigger_next},
    {"rollout.delete",
     " creating waiting_for_approval approval_denied ready starting running paused stopping stopped"
     " finished ",
     forget},
};

static int read_own(struct fleet *fleet, int64_t id, struct rollout_row *out)
{
    int status = rollout_read(fleet, id, out);
    if (status == FLEET_OK && out->tenant != fleet->tenant)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such rollout");
    return status;
}

static int refuse_state(struct fleet *fleet, const struct rollout_row *rollout, const char *verb)
{
    return fleet_refuse(fleet, FLEET_STATE, "%s is not possible while the rollout is %s", verb,
                        rollout->status);
}

int rollout_order(struct fleet *fleet, int64_t id, enum rollout_order order)
{
    const struct order *row = &orders[order];
    struct rollout_row rollout;
    char state[32];
    int status = read_own(fleet, id, &rollout);
    if (status != FLEET_OK)
        return status;
    snprintf(state, sizeof state, " %s ", rollout.status);
    if (strstr(row->from, state) == NULL)
        return refuse_state(fleet, &rollout, row->verb);
    status = rollout_audit(fleet, &rollout, row->verb, "");
    return status == FLEET_OK ? row->carry_out(fleet, &rollout) : status;
}

int rollout_decide(struct fleet *fleet, int64_t id, bool approved, const char *remark)
{
    static const char sql[] =
        "UPDATE rollout SET decided_by = $2, decision_remark = $3 WHERE id = $1";
    const char *verb = approved ? "rollout.approve" : "rollout.deny";
    struct rollout_row rollout;
    int status = read_own(fleet, id, &rollout);
    if (status == FLEET_OK && !rollout_is(&rollout, "waiting_for_approval"))
        return refuse_state(fleet, &rollout, verb);
    if (status == FLEET_OK)
        status = rollout_set_status(fleet, &rollout, approved ? "ready" : "approval_denied", NULL);
    if (status == FLEET_OK)
        status = db_run(fleet->db, sql, DB_ARGS(db_i(id), db_t(fleet->who), db_t(remark)));
    return status == FLEET_OK ? rollout_audit(fleet, &rollout, verb, remark != NULL ? remark : "")
                              : status;
}

/* Steps */

int rollout_step_start(struct fleet *fleet, bool *worked)
{
    static const char due[] = "SELECT id FROM rollout WHERE status = 'ready' AND start_at <= $1"
                              " ORDER BY start_at LIMIT 1";
    struct rollout_row rollout = {0};
    int64_t id;
    int status = rollout_number(fleet, due, DB_ARGS(db_i(fleet->now)), &id);
    if (status != FLEET_OK)
        return status == FLEET_NONE ? FLEET_OK : status;
    *worked = true;
    status = rollout_read(fleet, id, &rollout);
    struct fleet own = rollout_voice(fleet, &rollout);
    return status == FLEET_OK ? rollout_order(&own, id, ROLLOUT_START) : status;
}

/* Those that were never assigned, or not yet again. */
static int cancel_waiting(struct fleet *fleet, int64_t rollout, bool *worked)
{
    static const char sql[] =
        "UPDATE rollout_target SET state = 'cancelled', retry_at = NULL WHERE rollout = $1"
        " AND target IN (SELECT x.target FROM rollout_target AS x WHERE x.rollout = $1"
        " AND x.state IN ('waiting', 'retry') LIMIT $2)";
    int status = db_run(fleet->db, sql, DB_ARGS(db_i(rollout), db_i(ROLLOUT_STEP_ROWS)));
    *worked = status == DB_OK && db_changes(fleet->db) > 0;
    return status;
}

/* In the order of their ids, each once: one whose cancel a device rejects runs on. */
static int cancel_actions(struct fleet *fleet, const struct rollout_row *rollout, bool *worked)
{
    static const char sql[] = "SELECT id FROM action WHERE rollout = $1 AND id > $2"
                              " AND active = 1 AND state <> 'canceling' ORDER BY id LIMIT $3";
    static const char move[] = "UPDATE rollout SET cursor = $2 WHERE id = $1";
    struct rollout_batch batch;
    struct db_list ids;
    int status =
        rollout_batch_read(fleet, &batch, 1, sql,
                           DB_ARGS(db_i(rollout->id), db_i(rollout->cursor), db_i(ROLLOUT_STEP)));
    *worked = batch.count > 0;
    if (status != FLEET_OK || batch.count == 0)
        return status;
    db_list_clear(&ids);
    for (size_t i = 0; i < batch.count; i++)
        db_list_add(&ids, batch.row[i][0]);
    status = action_cancel_many(fleet, &ids, false);
    return status == FLEET_OK
               ? db_run(fleet->db, move,
                        DB_ARGS(db_i(rollout->id), db_i(batch.row[batch.count - 1][0])))
               : status;
}

static int end_stopped(struct fleet *fleet, struct rollout_row *rollout)
{
    static const char groups[] = "UPDATE rollout_group SET status = 'finished', finished_at = $2"
                                 " WHERE rollout = $1 AND status NOT IN ('finished', 'error')";
    int status = db_run(fleet->db, groups, DB_ARGS(db_i(rollout->id), db_i(fleet->now)));
    return status == DB_OK ? rollout_set_status(fleet, rollout, "stopped", NULL) : status;
}

/* Row by row what refers to it, then itself. */
static int remove_some(struct fleet *fleet, const struct rollout_row *rollout)
{
    static const char *const parts[] = {
        "DELETE FROM rollout_target WHERE rollout = $1 AND target IN"
        " (SELECT target FROM rollout_target WHERE rollout = $1 LIMIT $2)",
        "UPDATE action SET rollout = NULL, rollout_group = NULL WHERE id IN"
        " (SELECT id FROM action WHERE rollout = $1 LIMIT $2)",
    };
    static const char self[] = "DELETE FROM rollout WHERE id = $1";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int status =
            db_run(fleet->db, parts[i], DB_ARGS(db_i(rollout->id), db_i(ROLLOUT_STEP_ROWS)));
        if (status != DB_OK || db_changes(fleet->db) > 0)
            return status;
    }
    return db_run(fleet->db, self, DB_ARGS(db_i(rollout->id)));
}

int rollout_step_stop(struct fleet *fleet, bool *worked)
{
    static const char find[] =
        "SELECT id FROM rollout WHERE status IN ('stopping', 'deleting') ORDER BY id LIMIT 1";
    struct rollout_row rollout = {0};
    int64_t id;
    bool more = false;
    int status = rollout_number(fleet, find, DB_NO_ARGS, &id);
    if (status != FLEET_OK)
        return status == FLEET_NONE ? FLEET_OK : status;
    *worked = true;
    status = rollout_read(fleet, id, &rollout);
    struct fleet own = rollout_voice(fleet, &rollout);
    if (status == FLEET_OK)
        status = cancel_waiting(&own, id, &more);
    if (status == FLEET_OK && !more)
        status = cancel_actions(&own, &rollout, &more);
    if (status != FLEET_OK || more)
        return status;
    return rollout_is(&rollout, "stopping") ? end_stopped(&own, &rollout)
                                            : remove_some(&own, &rollout);
}
