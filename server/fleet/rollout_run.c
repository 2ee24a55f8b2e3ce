/* server/fleet/rollout_run.c: targets through a rollout: assigned, counted when their action ends,
 * tried again. */
#include <string.h>

#include "server/fleet/rollout_row.h"

/* Assignment */

struct subject {
    const struct rollout_row *rollout;
    int64_t group;
    const struct action_terms *terms; /* of the group */
    int64_t target, tries;
};

static int tried(struct fleet *fleet, const struct subject *subject, const char *state)
{
    static const char sql[] = "UPDATE rollout_target SET state = $3, tries = $4, retry_at = NULL"
                              " WHERE rollout = $1 AND target = $2";
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(subject->rollout->id), db_i(subject->target), db_t(state),
                          db_i(subject->tries + 1)));
}

/* It is to have this set already: it has; or somebody assigned it, and that action becomes ours;
 * or it belongs to another rollout, and this one leaves it alone. */
static int assigned_before(struct fleet *fleet, const struct subject *subject,
                           const struct target *target)
{
    static const char adopt[] =
        "UPDATE action SET rollout = $3, rollout_group = $4 WHERE target = $1 AND dist_set = $2"
        " AND active = 1 AND state <> 'canceling' AND rollout IS NULL";
    if (target->installed_set == subject->rollout->dist_set)
        return tried(fleet, subject, "finished");
    int status = db_run(fleet->db, adopt,
                        DB_ARGS(db_i(target->id), db_i(subject->rollout->dist_set),
                                db_i(subject->rollout->id), db_i(subject->group)));
    if (status != DB_OK)
        return status;
    return tried(fleet, subject, db_changes(fleet->db) > 0 ? "running" : "cancelled");
}

static int assign(struct fleet *fleet, const struct subject *subject)
{
    struct target target;
    int64_t action;
    int status = target_get(fleet, subject->target, &target);
    if (status != FLEET_OK)
        return status;
    if (target.revoked)
        return tried(fleet, subject, "cancelled");
    status = action_assign(fleet, &target, subject->rollout->dist_set, subject->terms, &action);
    if (status == FLEET_OK)
        return tried(fleet, subject, "running");
    if (status == FLEET_EXISTS)
        return assigned_before(fleet, subject, &target);
    return status < 0 ? status : tried(fleet, subject, "error"); /* trying again is of no use */
}

static int assign_batch(struct fleet *fleet, const struct rollout_row *rollout,
                        const struct group_row *group, const struct rollout_batch *batch)
{
    struct action_terms terms = rollout->terms;
    terms.confirm = terms.confirm || group->confirm;
    terms.rollout = rollout->id;
    terms.rollout_group = group->id;
    int status = FLEET_OK;
    for (size_t i = 0; status == FLEET_OK && i < batch->count; i++) {
        struct subject subject = {rollout, group->id, &terms, batch->row[i][0], batch->row[i][1]};
        status = assign(fleet, &subject);
    }
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
        "SELECT target, tries FROM rollout_target WHERE rollout_group = $1 AND state = 'waiting'"
        " ORDER BY place, target LIMIT $2";
    struct rollout_batch batch;
    struct rollout_row rollout = {0};
    struct group_row group;
    int status = rollout_batch_read(fleet, &batch, 2, find, DB_NO_ARGS);
    if (status != FLEET_OK || batch.count == 0)
        return status;
    status = rollout_read(fleet, batch.row[0][1], &rollout);
    struct fleet own = rollout_voice(fleet, &rollout);
    if (status == FLEET_OK)
        status = rollout_group_read(&own, batch.row[0][0], &group);
    if (status == FLEET_OK)
        status = rollout_batch_read(&own, &batch, 2, waiting,
                                    DB_ARGS(db_i(group.id), db_i(ROLLOUT_STEP)));
    if (status == FLEET_OK)
        status = assign_batch(&own, &rollout, &group, &batch);
    if (status == FLEET_OK && batch.count < ROLLOUT_STEP)
        status = all_assigned(&own, &rollout, group.id);
    *worked = true;
    return status == FLEET_OK ? rollout_judge(&own, &rollout, group.id) : status;
}

/* Tries again: what is due waits in its group like those that were never tried. */

int rollout_step_retry(struct fleet *fleet, bool *worked)
{
    static const char due[] = "SELECT rollout, target, rollout_group FROM rollout_target"
                              " WHERE retry_at IS NOT NULL AND retry_at <= $1 LIMIT $2";
    static const char again[] =
        "UPDATE rollout_group SET status = 'scheduled' WHERE id = $1 AND status = 'running'";
    struct rollout_batch batch;
    int status =
        rollout_batch_read(fleet, &batch, 3, due, DB_ARGS(db_i(fleet->now), db_i(ROLLOUT_STEP)));
    for (size_t i = 0; status == FLEET_OK && i < batch.count; i++) {
        const int64_t *row = batch.row[i];
        status = rollout_target_set(fleet, row[0], row[1], "waiting", 0);
        if (status == FLEET_OK)
            status = db_run(fleet->db, again, DB_ARGS(db_i(row[2])));
    }
    *worked = batch.count > 0;
    return status;
}

/* Ends */

static bool goes_on(const struct rollout_row *rollout)
{
    return rollout_is(rollout, "starting") || rollout_is(rollout, "running") ||
           rollout_is(rollout, "paused");
}

/* A failed target waits longer before each try. */
static int failed(struct fleet *fleet, const struct rollout_row *rollout, int64_t target)
{
    static const char sql[] = "SELECT tries FROM rollout_target WHERE rollout = $1 AND target = $2";
    int64_t tries;
    int status = rollout_number(fleet, sql, DB_ARGS(db_i(rollout->id), db_i(target)), &tries);
    if (status != FLEET_OK)
        return status;
    if (!goes_on(rollout) || tries > rollout->retries)
        return rollout_target_set(fleet, rollout->id, target, "error", 0);
    int64_t pause = rollout->retry_seconds << (tries > 0 ? tries - 1 : 0);
    if (pause > ROLLOUT_PAUSE_MAX)
        pause = ROLLOUT_PAUSE_MAX;
    return rollout_target_set(fleet, rollout->id, target, "retry", fleet->now + 1000 * pause);
}

/* What the end of an action is, as numbers that a query can answer. */
enum end { END_FINISHED, END_FAILED, END_CANCELLED };

static int count_action(struct fleet *fleet, const struct rollout_row *rollout, const int64_t *row)
{
    static const char counted[] = "UPDATE action SET counted = 1 WHERE id = $1";
    const int64_t target = row[1];
    int status = db_run(fleet->db, counted, DB_ARGS(db_i(row[0])));
    if (status != DB_OK)
        return status;
    if (row[3] == END_FAILED)
        return failed(fleet, rollout, target);
    return rollout_target_set(fleet, rollout->id, target,
                              row[3] == END_FINISHED ? "finished" : "cancelled", 0);
}

/* The rows of one group, from `begin`; *end: where the next one's begin. */
static int count_group(struct fleet *fleet, const struct rollout_batch *batch, size_t begin,
                       size_t *end)
{
    static const char find[] = "SELECT rollout FROM rollout_group WHERE id = $1";
    const int64_t group = batch->row[begin][2];
    struct rollout_row rollout = {0};
    int64_t id;
    int status = rollout_number(fleet, find, DB_ARGS(db_i(group)), &id);
    if (status == FLEET_OK)
        status = rollout_read(fleet, id, &rollout);
    struct fleet own = rollout_voice(fleet, &rollout);
    for (*end = begin; status == FLEET_OK && *end < batch->count && batch->row[*end][2] == group;
         ++*end)
        status = count_action(&own, &rollout, batch->row[*end]);
    return status == FLEET_OK ? rollout_judge(&own, &rollout, group) : status;
}

int rollout_step_count(struct fleet *fleet, bool *worked)
{
    static const char ended[] =
        "SELECT id, target, rollout_group, CASE WHEN state = 'error' THEN 1"
        " WHEN state IN ('finished', 'downloaded') THEN 0 ELSE 2 END FROM action"
        " WHERE active = 0 AND counted = 0 AND rollout_group IS NOT NULL"
        " ORDER BY rollout_group LIMIT $1";
    struct rollout_batch batch;
    int status = rollout_batch_read(fleet, &batch, 4, ended, DB_ARGS(db_i(ROLLOUT_STEP)));
    for (size_t at = 0; status == FLEET_OK && at < batch.count;)
        status = count_group(fleet, &batch, at, &at);
    *worked = batch.count > 0;
    return status;
}
