/* server/fleet/rollout_place.c: a rollout that is being created finds its targets and sorts them
 * into groups.
 *
 * First it walks over the tenant's targets by id and notes those that the filter matches, each with
 * its place: a number that looks like chance, is the same for the same ids, and another in every
 * rollout, so that one percent is no special one percent. Then it fills group after group in the
 * order of places. What no group wanted is left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/fleet/filter.h"
#include "server/fleet/rollout_row.h"
#include "server/fleet/setting.h"

#define PLACES     INT64_C(2147483647) /* a prime; products of two places fit 63 bits */
#define PLACES_SQL "2147483647"

/* A text of a row, whose filters are compiled anew in each step. */
static int read_filter(struct fleet *fleet, const char *sql, int64_t id, unsigned first,
                       struct filter *out)
{
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(id)));
    int status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    bool good = filter_compile(db_text(rows, 0), FILTER_TARGETS, first, out);
    db_end(rows);
    return good ? FLEET_OK : DB_EIO; /* it was good when it came in */
}

/* The targets between two ids. */

static int last_of_step(struct fleet *fleet, const struct rollout_row *rollout, int64_t *last)
{
    static const char sql[] =
        "SELECT id FROM target WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3";
    int status = rollout_number(
        fleet, sql,
        DB_ARGS(db_i(rollout->tenant), db_i(rollout->cursor), db_i(ROLLOUT_STEP_ROWS - 1)), last);
    if (status == FLEET_NONE)
        *last = INT64_MAX;
    return status == FLEET_NONE ? FLEET_OK : status;
}

static int note_targets(struct fleet *fleet, const struct rollout_row *rollout, int64_t last)
{
    static const char own_filter[] = "SELECT filter FROM rollout WHERE id = $1";
    static _Thread_local struct filter filter;
    static _Thread_local char sql[FILTER_SQL_MAX + 1024];
    enum { FIXED = 7 };
    struct db_value values[FIXED + FILTER_VALUES_MAX] = {
        db_i(rollout->id),
        db_i(rollout->tenant),
        db_i(rollout->cursor),
        db_i(last),
        db_i(48271 * rollout->id % (PLACES - 1) + 1),
        db_i(69621 * rollout->id % PLACES),
        db_i(rollout->retry_of)};
    int status = read_filter(fleet, own_filter, rollout->id, FIXED + 1, &filter);
    if (status != FLEET_OK)
        return status;
    memcpy(values + FIXED, filter.value, filter.count * sizeof *values);
    snprintf(sql, sizeof sql,
             "INSERT INTO rollout_target (rollout, target, place, state)"
             " SELECT CAST($1 AS BIGINT), y.id, (y.x * y.x) %% " PLACES_SQL ", 'waiting' FROM"
             " (SELECT t.id AS id, ((t.id %% " PLACES_SQL ") * CAST($5 AS BIGINT)"
             " + CAST($6 AS BIGINT)) %% " PLACES_SQL " AS x FROM target AS t"
             " WHERE t.tenant = $2 AND t.id > $3 AND t.id <= $4 AND t.revoked_at IS NULL"
             " AND (CAST($7 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM rollout_target AS o"
             " WHERE o.rollout = CAST($7 AS BIGINT) AND o.target = t.id"
             " AND o.state IN ('error', 'cancelled'))) AND %s) AS y",
             filter.sql);
    return db_run_once(fleet->db, sql, values, FIXED + filter.count);
}

static int walk_on(struct fleet *fleet, const struct rollout_row *rollout)
{
    static const char move[] = "UPDATE rollout SET cursor = $2 WHERE id = $1";
    int64_t last;
    int status = last_of_step(fleet, rollout, &last);
    if (status == FLEET_OK)
        status = note_targets(fleet, rollout, last);
    if (status != FLEET_OK)
        return status;
    return db_run(fleet->db, move, DB_ARGS(db_i(rollout->id), db_i(last == INT64_MAX ? -1 : last)));
}

/* Groups */

/* The condition on targets that are left, as "x", and its values after `first`. */
static int left_for_group(struct fleet *fleet, const struct group_row *group, unsigned first,
                          struct filter *filter)
{
    static const char own_filter[] = "SELECT COALESCE(filter, '') FROM rollout_group WHERE id = $1";
    return read_filter(fleet, own_filter, group->id, first, filter);
}

/* Where every target is wanted, none has to be looked at. */
static const char *left_from(const struct filter *filter)
{
    return strcmp(filter->sql, FILTER_ALL) == 0
               ? "FROM rollout_target AS x WHERE x.rollout = $1 AND x.rollout_group IS NULL AND "
               : "FROM rollout_target AS x JOIN target AS t ON t.id = x.target"
                 " WHERE x.rollout = $1 AND x.rollout_group IS NULL AND ";
}

static int count_left(struct fleet *fleet, const struct rollout_row *rollout,
                      const struct group_row *group, int64_t *count)
{
    static _Thread_local struct filter filter;
    static _Thread_local char sql[FILTER_SQL_MAX + 256];
    struct db_value values[1 + FILTER_VALUES_MAX] = {db_i(rollout->id)};
    int status = left_for_group(fleet, group, 2, &filter);
    if (status != FLEET_OK)
        return status;
    memcpy(values + 1, filter.value, filter.count * sizeof *values);
    snprintf(sql, sizeof sql, "SELECT COUNT(*) %s%s", left_from(&filter), filter.sql);
    struct db_rows *rows = db_query_once(fleet->db, sql, values, 1 + filter.count);
    status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    *count = db_int(rows, 0);
    db_end(rows);
    return FLEET_OK;
}

/* How many of those left are this group's: never none of some. */
static int decide_wanted(struct fleet *fleet, const struct rollout_row *rollout,
                         struct group_row *group)
{
    static const char after[] =
        "SELECT COUNT(*) FROM rollout_group WHERE rollout = $1 AND position >= $2";
    static const char keep[] = "UPDATE rollout_group SET wanted = $2 WHERE id = $1";
    int64_t left = 0;
    int64_t parts = 1;
    int status = count_left(fleet, rollout, group, &left);
    if (status == FLEET_OK)
        status =
            rollout_number(fleet, after, DB_ARGS(db_i(rollout->id), db_i(group->position)), &parts);
    if (status != FLEET_OK)
        return status;
    if (group->share == ROLLOUT_EQUAL_PART)
        group->wanted = (left + parts - 1) / parts;
    else
        group->wanted = (left * group->share + ROLLOUT_SHARE - 1) / ROLLOUT_SHARE;
    return db_run(fleet->db, keep, DB_ARGS(db_i(group->id), db_i(group->wanted)));
}

/* From the place that the step before has reached: what was left below does not match. */
static int fill(struct fleet *fleet, const struct rollout_row *rollout, struct group_row *group,
                int64_t most, int64_t *count)
{
    static _Thread_local struct filter filter;
    static _Thread_local char sql[FILTER_SQL_MAX + 512];
    enum { FIXED = 4 };
    struct db_value values[FIXED + FILTER_VALUES_MAX] = {db_i(rollout->id), db_i(group->id),
                                                         db_i(most), db_i(group->filled_place)};
    int status = left_for_group(fleet, group, FIXED + 1, &filter);
    if (status != FLEET_OK)
        return status;
    memcpy(values + FIXED, filter.value, filter.count * sizeof *values);
    snprintf(sql, sizeof sql,
             "UPDATE rollout_target SET rollout_group = $2 WHERE rollout = $1 AND target IN"
             " (SELECT x.target %sx.place >= $4 AND %s ORDER BY x.place, x.target LIMIT $3)"
             " RETURNING place",
             left_from(&filter), filter.sql);
    struct db_rows *rows = db_query_once(fleet->db, sql, values, FIXED + filter.count);
    for (*count = 0; (status = db_next(rows)) == DB_ROW; ++*count) {
        if (db_int(rows, 0) > group->filled_place)
            group->filled_place = db_int(rows, 0);
    }
    return status;
}

static int fill_on(struct fleet *fleet, const struct rollout_row *rollout, int64_t id)
{
    static const char filled[] =
        "UPDATE rollout_group SET total = total + $2, status = $3, filled_place = $4 WHERE id = $1";
    struct group_row group;
    int64_t count;
    int status = rollout_group_read(fleet, id, &group);
    if (status == FLEET_OK && group.wanted < 0)
        status = decide_wanted(fleet, rollout, &group);
    if (status != FLEET_OK)
        return status;
    int64_t most = group.wanted - group.total;
    if (most > ROLLOUT_STEP_ROWS)
        most = ROLLOUT_STEP_ROWS;
    status = fill(fleet, rollout, &group, most, &count);
    if (status != FLEET_OK)
        return status;
    bool whole = count < most || group.total + count == group.wanted;
    return db_run(fleet->db, filled,
                  DB_ARGS(db_i(id), db_i(count), db_t(whole ? "ready" : "creating"),
                          db_i(group.filled_place)));
}

/* The end */

static int drop_left(struct fleet *fleet, const struct rollout_row *rollout, bool *more)
{
    static const char sql[] =
        "DELETE FROM rollout_target WHERE rollout = $1 AND target IN (SELECT target"
        " FROM rollout_target WHERE rollout = $1 AND rollout_group IS NULL LIMIT $2)";
    int status = db_run(fleet->db, sql, DB_ARGS(db_i(rollout->id), db_i(ROLLOUT_STEP_ROWS)));
    *more = status == DB_OK && db_changes(fleet->db) > 0;
    return status;
}

static int ready(struct fleet *fleet, struct rollout_row *rollout)
{
    static const char total[] =
        "UPDATE rollout SET total = (SELECT COALESCE(SUM(g.total), 0) FROM rollout_group AS g"
        " WHERE g.rollout = $1) WHERE id = $1";
    int status;
    bool asks = setting_is_on(fleet, "rollout.approval.enabled", &status);
    if (status == FLEET_OK)
        status = db_run(fleet->db, total, DB_ARGS(db_i(rollout->id)));
    return status == FLEET_OK
               ? rollout_set_status(fleet, rollout, asks ? "waiting_for_approval" : "ready", NULL)
               : status;
}

int rollout_step_create(struct fleet *fleet, bool *worked)
{
    static const char find[] =
        "SELECT id FROM rollout WHERE status = 'creating' ORDER BY id LIMIT 1";
    static const char group[] = "SELECT id FROM rollout_group WHERE rollout = $1"
                                " AND status = 'creating' ORDER BY position LIMIT 1";
    struct rollout_row rollout = {0};
    int64_t id;
    bool more;
    int status = rollout_number(fleet, find, DB_NO_ARGS, &id);
    if (status != FLEET_OK)
        return status == FLEET_NONE ? FLEET_OK : status;
    *worked = true;
    status = rollout_read(fleet, id, &rollout);
    struct fleet own = rollout_voice(fleet, &rollout);
    if (status != FLEET_OK)
        return status;
    if (rollout.cursor >= 0)
        return walk_on(&own, &rollout);
    status = rollout_number(&own, group, DB_ARGS(db_i(rollout.id)), &id);
    if (status == FLEET_OK)
        return fill_on(&own, &rollout, id);
    if (status == FLEET_NONE)
        status = drop_left(&own, &rollout, &more);
    return status == FLEET_OK && !more ? ready(&own, &rollout) : status;
}
