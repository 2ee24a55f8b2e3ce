/* server/fleet/rollout_judge.c: how far groups are, and what follows: halt, end, the next group. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/fleet/rollout_row.h"

/* Counts */

/* Which of the counts a target adds to: where it stands, in a group that stands there. */
static int64_t *count_of(struct rollout_counts *counts, const char *state, const char *group)
{
    static const char *const not_started[] = {"creating", "ready"};
    if (strcmp(state, "running") == 0)
        return &counts->running;
    if (strcmp(state, "finished") == 0)
        return &counts->finished;
    if (strcmp(state, "error") == 0)
        return &counts->error;
    if (strcmp(state, "cancelled") == 0)
        return &counts->cancelled;
    for (size_t i = 0; i < sizeof not_started / sizeof not_started[0]; i++) {
        if (strcmp(group, not_started[i]) == 0)
            return &counts->not_started;
    }
    return &counts->scheduled;
}

int rollout_counts(struct fleet *fleet, int64_t id, int64_t group, struct rollout_counts *out)
{
    static const char of_group[] = "SELECT g.status, c.state, c.number FROM rollout_group AS g"
                                   " JOIN rollout_count AS c ON c.rollout_group = g.id"
                                   " WHERE g.rollout = $1 AND g.id = $2";
    static const char of_all[] = "SELECT g.status, c.state, SUM(c.number) FROM rollout_group AS g"
                                 " JOIN rollout_count AS c ON c.rollout_group = g.id"
                                 " WHERE g.rollout = $1 GROUP BY g.status, c.state";
    *out = (struct rollout_counts){0};
    struct db_rows *rows = group != 0
                               ? db_query(fleet->db, of_group, DB_ARGS(db_i(id), db_i(group)))
                               : db_query(fleet->db, of_all, DB_ARGS(db_i(id)));
    int status;
    while ((status = db_next(rows)) == DB_ROW) {
        char state[16];
        snprintf(state, sizeof state, "%s", db_text(rows, 1));
        *count_of(out, state, db_text(rows, 0)) += db_int(rows, 2);
        out->total += db_int(rows, 2);
    }
    return status;
}

/* Verdicts */

/* `part` of `whole` is at least `share`. Counts are far below 2^63 / ROLLOUT_SHARE. */
static bool reaches(int64_t part, int64_t whole, int64_t share)
{
    return part * ROLLOUT_SHARE >= share * whole;
}

static bool done(const struct group_row *group, const struct rollout_counts *counts)
{
    return strcmp(group->status, "finished") == 0 ||
           reaches(counts->finished, counts->total, group->success_share);
}

static bool failing(const struct group_row *group, const struct rollout_counts *counts)
{
    return (counts->error - group->accepted) * ROLLOUT_SHARE > group->error_share * counts->total;
}

static bool over(const struct rollout_counts *counts)
{
    return counts->finished + counts->error + counts->cancelled == counts->total;
}

static int halt(struct fleet *fleet, struct rollout_row *rollout, const struct group_row *group,
                const char *reason)
{
    int status = rollout_group_set_status(fleet, group->id, "error");
    if (status == FLEET_OK)
        status = rollout_set_status(fleet, rollout, "paused", reason);
    return status == FLEET_OK ? rollout_audit(fleet, rollout, "rollout.halt", reason) : status;
}

/* A share as people write it: "12.5". */
static const char *percent(int64_t share, char out[24])
{
    int64_t rest = share % 100;
    snprintf(out, 24, rest % 10 != 0 ? "%" PRId64 ".%02" PRId64 : "%" PRId64 ".%" PRId64,
             share / 100, rest % 10 != 0 ? rest : rest / 10);
    if (rest == 0)
        snprintf(out, 24, "%" PRId64, share / 100);
    return out;
}

static int halt_failing(struct fleet *fleet, struct rollout_row *rollout,
                        const struct group_row *group, const struct rollout_counts *counts)
{
    char reason[320];
    char share[24];
    snprintf(reason, sizeof reason,
             "%s: %" PRId64 " of %" PRId64 " failed, more than the %s %% allowed", group->name,
             counts->error - group->accepted, counts->total, percent(group->error_share, share));
    return halt(fleet, rollout, group, reason);
}

static int halt_short(struct fleet *fleet, struct rollout_row *rollout,
                      const struct group_row *group, const struct rollout_counts *counts)
{
    char reason[320];
    char share[24];
    snprintf(reason, sizeof reason,
             "%s: all have ended, but only %" PRId64 " of %" PRId64
             " finished, less than the %s %% wanted",
             group->name, counts->finished, counts->total, percent(group->success_share, share));
    return halt(fleet, rollout, group, reason);
}

static int judge_group(struct fleet *fleet, struct rollout_row *rollout,
                       const struct group_row *group)
{
    struct rollout_counts counts;
    bool scheduled = strcmp(group->status, "scheduled") == 0;
    if (!scheduled && strcmp(group->status, "running") != 0)
        return FLEET_OK;
    int status = rollout_counts(fleet, rollout->id, group->id, &counts);
    if (status != FLEET_OK)
        return status;
    if (failing(group, &counts))
        return halt_failing(fleet, rollout, group, &counts);
    if (scheduled || !over(&counts))
        return FLEET_OK;
    if (!done(group, &counts) && group->accepted == 0)
        return halt_short(fleet, rollout, group, &counts);
    return rollout_group_set_status(fleet, group->id, "finished");
}

int rollout_judge(struct fleet *fleet, struct rollout_row *rollout, int64_t group)
{
    struct group_row row;
    bool moving = rollout_is(rollout, "running") || rollout_is(rollout, "starting");
    if (!moving && !rollout_is(rollout, "paused"))
        return FLEET_OK;
    int status = rollout_group_read(fleet, group, &row);
    if (status == FLEET_OK)
        status = judge_group(fleet, rollout, &row);
    return status == FLEET_OK && rollout_is(rollout, "running")
               ? rollout_advance(fleet, rollout, false)
               : status;
}

/* The next group */

int rollout_start_next(struct fleet *fleet, const struct rollout_row *rollout, bool *moved)
{
    static const char next[] = "SELECT id FROM rollout_group WHERE rollout = $1"
                               " AND status = 'ready' ORDER BY position LIMIT 1";
    int64_t group;
    int status = rollout_number(fleet, next, DB_ARGS(db_i(rollout->id)), &group);
    *moved = status == FLEET_OK;
    if (status != FLEET_OK)
        return status == FLEET_NONE ? FLEET_OK : status;
    return rollout_group_set_status(fleet, group, "scheduled");
}

static int plain_pause(struct fleet *fleet, struct rollout_row *rollout,
                       const struct group_row *group)
{
    char reason[200];
    snprintf(reason, sizeof reason, "%s is done: paused as planned", group->name);
    int status = rollout_set_status(fleet, rollout, "paused", reason);
    return status == FLEET_OK ? rollout_audit(fleet, rollout, "rollout.pause", reason) : status;
}

static int finish_if_over(struct fleet *fleet, struct rollout_row *rollout)
{
    static const char left[] =
        "SELECT COUNT(*) FROM rollout_group WHERE rollout = $1 AND status <> 'finished'";
    int64_t count;
    int status = rollout_number(fleet, left, DB_ARGS(db_i(rollout->id)), &count);
    if (status != FLEET_OK || count > 0)
        return status;
    status = rollout_set_status(fleet, rollout, "finished", NULL);
    return status == FLEET_OK ? rollout_audit(fleet, rollout, "rollout.finish", "") : status;
}

int rollout_advance(struct fleet *fleet, struct rollout_row *rollout, bool by_hand)
{
    static const char front[] =
        "SELECT id FROM rollout_group WHERE rollout = $1 AND status NOT IN ('creating', 'ready')"
        " ORDER BY position DESC LIMIT 1";
    static const char left[] =
        "SELECT COUNT(*) FROM rollout_group WHERE rollout = $1 AND status = 'ready'";
    struct group_row group;
    struct rollout_counts counts;
    int64_t id;
    int64_t ready = 0;
    bool moved;
    int status = rollout_number(fleet, front, DB_ARGS(db_i(rollout->id)), &id);
    if (status == FLEET_OK)
        status = rollout_group_read(fleet, id, &group);
    if (status == FLEET_OK)
        status = rollout_counts(fleet, rollout->id, id, &counts);
    if (status == FLEET_OK)
        status = rollout_number(fleet, left, DB_ARGS(db_i(rollout->id)), &ready);
    if (status != FLEET_OK || strcmp(group.status, "scheduled") == 0 || !done(&group, &counts))
        return status;
    if (ready == 0)
        return finish_if_over(fleet, rollout);
    if (group.pauses && !by_hand)
        return plain_pause(fleet, rollout, &group);
    return rollout_start_next(fleet, rollout, &moved);
}

/* Whatever changed unseen (a target was deleted): every running rollout is judged now and then. */
int rollout_step_check(struct fleet *fleet, bool *worked)
{
    static const char find[] = "SELECT id FROM rollout WHERE status = 'running' AND check_at <= $1"
                               " ORDER BY check_at LIMIT 1";
    static const char groups[] = "SELECT id FROM rollout_group WHERE rollout = $1"
                                 " AND status IN ('scheduled', 'running') ORDER BY position";
    static const char again[] = "UPDATE rollout SET check_at = $2 WHERE id = $1";
    struct rollout_row rollout = {0};
    struct rollout_batch batch;
    int64_t id;
    int status = rollout_number(fleet, find, DB_ARGS(db_i(fleet->now)), &id);
    if (status != FLEET_OK)
        return status == FLEET_NONE ? FLEET_OK : status;
    status = rollout_read(fleet, id, &rollout);
    struct fleet own = rollout_voice(fleet, &rollout);
    if (status == FLEET_OK)
        status = db_run(own.db, again, DB_ARGS(db_i(id), db_i(own.now + ROLLOUT_CHECK_MS)));
    if (status == FLEET_OK)
        status = rollout_batch_read(&own, &batch, 1, groups, DB_ARGS(db_i(id)));
    for (size_t i = 0; status == FLEET_OK && i < batch.count; i++)
        status = rollout_judge(&own, &rollout, batch.row[i][0]);
    *worked = true;
    return status;
}
