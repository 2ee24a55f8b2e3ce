/* server/fleet/rollout_run.c: targets through a rollout: assigned, counted when their action ends,
 * tried again. */
#include <string.h>

#include "server/fleet/rollout_row.h"

/* Assignment */

/* Those that were tried. */
static int set_tried(struct fleet *fleet, const struct rollout_row *rollout,
                     struct db_list *targets, const char *state)
{
    static const char sql[] = "UPDATE rollout_target SET state = $3, tries = tries + 1,"
                              " retry_at = NULL WHERE rollout = $1 AND target {in $2}";
    if (targets->count == 0)
        return FLEET_OK;
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(rollout->id), db_l(fleet->db, targets), db_t(state)));
}

/* What becomes of the targets of a step. */
struct fates {
    struct db_list running, finished, cancelled, error;
};

/* It is to have this set already: it has; or somebody assigned it, and that action becomes ours;
 * or it belongs to another rollout, and this one leaves it alone. */
static int assigned_before(struct fleet *fleet, const struct rollout_row *rollout, int64_t group,
                           const struct assignment *assignment, struct fates *fates)
{
    static const char adopt[] =
        "UPDATE action SET rollout = $3, rollout_group = $4 WHERE target = $1 AND dist_set = $2"
        " AND active = 1 AND state <> 'canceling' AND rollout IS NULL";
    if (assignment->installed) {
        db_list_add(&fates->finished, assignment->target);
        return FLEET_OK;
    }
    int status = db_run(
        fleet->db, adopt,
        DB_ARGS(db_i(assignment->target), db_i(rollout->dist_set), db_i(rollout->id), db_i(group)));
    bool ours = status == DB_OK && db_changes(fleet->db) > 0;
    db_list_add(ours ? &fates->running : &fates->cancelled, assignment->target);
    return status;
}

/* Of each target that was not revoked. What is refused would be refused again. */
static int assign_all(struct fleet *fleet, const struct rollout_row *rollout,
                      const struct group_row *group, struct assignment *list, size_t count,
                      struct fates *fates)
{
    struct action_terms terms = rollout->terms;
    int64_t last;
    terms.confirm = terms.confirm || group->confirm;
    terms.rollout = rollout->id;
    terms.rollout_group = group->id;
    int status = action_assign_many(fleet, rollout->dist_set, &terms, list, count, &last);
    for (size_t i = 0; status == FLEET_OK && i < count; i++) {
        if (list[i].status == FLEET_EXISTS)
            status = assigned_before(fleet, rollout, group->id, &list[i], fates);
        else
            db_list_add(list[i].status == FLEET_OK ? &fates->running : &fates->error,
                        list[i].target);
    }
    return status;
}

/* *settled: some of them have ended with it. */
static int assign_batch(struct fleet *fleet, const struct rollout_row *rollout,
                        const struct group_row *group, const struct rollout_batch *batch,
                        bool *settled)
{
    struct assignment list[ROLLOUT_STEP];
    struct fates fates;
    size_t count = 0;
    db_list_clear(&fates.running);
    db_list_clear(&fates.finished);
    db_list_clear(&fates.cancelled);
    db_list_clear(&fates.error);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->row[i][1] != 0)
            db_list_add(&fates.cancelled, batch->row[i][0]);
        else
            list[count++].target = batch->row[i][0];
    }
    int status = assign_all(fleet, rollout, group, list, count, &fates);
    if (status == FLEET_OK)
        status = set_tried(fleet, rollout, &fates.running, "running");
    if (status == FLEET_OK)
        status = set_tried(fleet, rollout, &fates.finished, "finished");
    if (status == FLEET_OK)
        status = set_tried(fleet, rollout, &fates.cancelled, "cancelled");
    if (status == FLEET_OK)
        status = set_tried(fleet, rollout, &fates.error, "error");
    *settled = fates.running.count < batch->count;
    return status;
}

static int all_assigned(struct fleet *fleet, struct rollout_row *rollout, int64_t group)
{
    int status = rollout_group_set_status(fleet, group, "running");
    if (status == FLEET_OK && rollout_is(rollout, "starting"))
        status = rollout_set_status(fleet, rollout, "running", NULL);
    return status;
}

int rollout_step_assign(struct fleet *fleet, bool *worked)
{
    static const char find[] =
        "SELECT g.id, g.rollout FROM rollout_group AS g JOIN rollout AS r ON r.id = g.rollout"
        " WHERE g.status = 'scheduled' AND r.status IN ('starting', 'running')"
        " ORDER BY g.id LIMIT 1";
    static const char waiting[] =
        "SELECT x.target, t.revoked_at IS NOT NULL FROM rollout_target AS x"
        " JOIN target AS t ON t.id = x.target WHERE x.rollout_group = $1 AND x.state = 'waiting'"
        " ORDER BY x.target LIMIT $2";
    struct rollout_batch batch;
    struct rollout_row rollout = {0};
    struct group_row group;
    bool settled = false;
    int status = rollout_batch_read(fleet, &batch, 2, find, DB_NO_ARGS);
    if (status != FLEET_OK || batch.count == 0)
        return status;
    *worked = true;
    status = rollout_read(fleet, batch.row[0][1], &rollout);
    struct fleet own = rollout_voice(fleet, &rollout);
    if (status == FLEET_OK)
        status = rollout_hold(&own, &rollout);
    if (status == FLEET_OK)
        status = rollout_group_read(&own, batch.row[0][0], &group);
    if (status == FLEET_OK)
        status = rollout_batch_read(&own, &batch, 2, waiting,
                                    DB_ARGS(db_i(group.id), db_i(ROLLOUT_STEP)));
    if (status == FLEET_OK)
        status = assign_batch(&own, &rollout, &group, &batch, &settled);
    bool all = batch.count < ROLLOUT_STEP;
    if (status == FLEET_OK && all)
        status = all_assigned(&own, &rollout, group.id);
    return status == FLEET_OK && (all || settled) ? rollout_judge(&own, &rollout, group.id)
                                                  : status;
}

/* Tries again: what is due waits in its group like those that were never tried. */

int rollout_step_retry(struct fleet *fleet, bool *worked)
{
    static const char due[] =
        "SELECT target, rollout, rollout_group FROM rollout_target WHERE retry_at IS NOT NULL"
        " AND retry_at <= $1 AND rollout_group = (SELECT rollout_group FROM rollout_target"
        " WHERE retry_at IS NOT NULL AND retry_at <= $1 ORDER BY retry_at LIMIT 1) LIMIT $2";
    static const char waits[] = "UPDATE rollout_target SET state = 'waiting', retry_at = NULL"
                                " WHERE rollout = $1 AND target {in $2}";
    static const char again[] =
        "UPDATE rollout_group SET status = 'scheduled' WHERE id = $1 AND status = 'running'";
    struct rollout_batch batch;
    struct db_list targets;
    int status =
        rollout_batch_read(fleet, &batch, 3, due, DB_ARGS(db_i(fleet->now), db_i(ROLLOUT_STEP)));
    *worked = batch.count > 0;
    if (status != FLEET_OK || batch.count == 0)
        return status;
    db_list_clear(&targets);
    for (size_t i = 0; i < batch.count; i++)
        db_list_add(&targets, batch.row[i][0]);
    status = db_run(fleet->db, waits, DB_ARGS(db_i(batch.row[0][1]), db_l(fleet->db, &targets)));
    return status == FLEET_OK ? db_run(fleet->db, again, DB_ARGS(db_i(batch.row[0][2]))) : status;
}

/* Ends */

static bool goes_on(const struct rollout_row *rollout)
{
    return rollout_is(rollout, "starting") || rollout_is(rollout, "running") ||
           rollout_is(rollout, "paused");
}

static int set_ended(struct fleet *fleet, const struct rollout_row *rollout,
                     struct db_list *targets, const char *state)
{
    static const char sql[] = "UPDATE rollout_target SET state = $3, retry_at = NULL"
                              " WHERE rollout = $1 AND target {in $2}";
    if (targets->count == 0)
        return FLEET_OK;
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(rollout->id), db_l(fleet->db, targets), db_t(state)));
}

/* A failed target waits twice as long before each try as before the last. */
static int set_failed(struct fleet *fleet, const struct rollout_row *rollout,
                      struct db_list *targets)
{
#define PAUSE "(CAST($4 AS BIGINT) << CAST(tries - 1 AS INTEGER))"
    static const char sql[] =
        "UPDATE rollout_target SET state = CASE WHEN tries > $3 THEN 'error' ELSE 'retry' END,"
        " retry_at = CASE WHEN tries > $3 THEN NULL WHEN " PAUSE " > $5"
        " THEN CAST($6 AS BIGINT) + 1000 * CAST($5 AS BIGINT)"
        " ELSE CAST($6 AS BIGINT) + 1000 * " PAUSE " END WHERE rollout = $1 AND target {in $2}";
#undef PAUSE
    if (targets->count == 0)
        return FLEET_OK;
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(rollout->id), db_l(fleet->db, targets), db_i(rollout->retries),
                          db_i(rollout->retry_seconds), db_i(ROLLOUT_PAUSE_MAX), db_i(fleet->now)));
}

/* What the end of an action is, as numbers that a query can answer. */
enum end { END_FINISHED, END_FAILED, END_CANCELLED, END_REFUSED, ENDS };

/* The targets of one group, by their ends. */
static int count_ends(struct fleet *fleet, const struct rollout_row *rollout, struct db_list *ends)
{
    bool again = goes_on(rollout);
    int status = set_ended(fleet, rollout, &ends[END_FINISHED], "finished");
    if (status == FLEET_OK)
        status = again ? set_failed(fleet, rollout, &ends[END_FAILED])
                       : set_ended(fleet, rollout, &ends[END_FAILED], "error");
    if (status == FLEET_OK)
        status = set_ended(fleet, rollout, &ends[END_REFUSED], "error");
    return status == FLEET_OK ? set_ended(fleet, rollout, &ends[END_CANCELLED], "cancelled")
                              : status;
}

/* The rows of one group, from `begin`; *end: where the next one's begin. */
static int count_group(struct fleet *fleet, const struct rollout_batch *batch, size_t begin,
                       size_t *end)
{
    static const char find[] = "SELECT rollout FROM rollout_group WHERE id = $1";
    static const char counted[] = "UPDATE action SET counted = 1 WHERE id {in $1}";
    const int64_t group = batch->row[begin][2];
    struct rollout_row rollout = {0};
    struct db_list actions;
    struct db_list ends[ENDS];
    int64_t id;
    int status = rollout_number(fleet, find, DB_ARGS(db_i(group)), &id);
    if (status == FLEET_OK)
        status = rollout_read(fleet, id, &rollout);
    struct fleet own = rollout_voice(fleet, &rollout);
    db_list_clear(&actions);
    for (size_t i = 0; i < ENDS; i++)
        db_list_clear(&ends[i]);
    for (*end = begin; *end < batch->count && batch->row[*end][2] == group; ++*end) {
        db_list_add(&actions, batch->row[*end][0]);
        db_list_add(&ends[batch->row[*end][3]], batch->row[*end][1]);
    }
    if (status == FLEET_OK)
        status = rollout_hold(&own, &rollout);
    if (status == FLEET_OK)
        status = db_run(own.db, counted, DB_ARGS(db_l(own.db, &actions)));
    if (status == FLEET_OK)
        status = count_ends(&own, &rollout, ends);
    return status == FLEET_OK ? rollout_judge(&own, &rollout, group) : status;
}

int rollout_step_count(struct fleet *fleet, bool *worked)
{
    static const char ended[] =
        "SELECT id, target, rollout_group, CASE WHEN state = 'error' AND last_code = $2 THEN 3"
        " WHEN state = 'error' THEN 1 WHEN state IN ('finished', 'downloaded') THEN 0 ELSE 2 END"
        " FROM action WHERE active = 0 AND counted = 0 AND rollout_group IS NOT NULL"
        " ORDER BY rollout_group LIMIT $1";
    struct rollout_batch batch;
    int status = rollout_batch_read(fleet, &batch, 4, ended,
                                    DB_ARGS(db_i(ROLLOUT_STEP), db_i(ACTION_CODE_REFUSED)));
    for (size_t at = 0; status == FLEET_OK && at < batch.count;)
        status = count_group(fleet, &batch, at, &at);
    *worked = batch.count > 0;
    return status;
}
