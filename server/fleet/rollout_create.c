/* server/fleet/rollout_create.c: what a rollout may be, and its rows. Its targets come in steps
 * (rollout_place.c). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/fleet/catalog.h"
#include "server/fleet/filter.h"
#include "server/fleet/rollout_row.h"
#include "server/fleet/window.h"

static int check_text(struct fleet *fleet, const char *what, const char *text, size_t max)
{
    if (text == NULL || text[0] == '\0' || fleet_text_valid(text, max))
        return FLEET_OK;
    return fleet_refuse(fleet, FLEET_INVALID, "%s has at most %zu bytes, none a control character",
                        what, max);
}

static int check_filter(struct fleet *fleet, const char *query, struct filter *filter)
{
    if (filter_compile(query, FILTER_TARGETS, 2, filter))
        return FLEET_OK;
    return fleet_refuse(fleet, FLEET_INVALID, "%s", filter->problem);
}

static int check_range(struct fleet *fleet, const char *what, int64_t value, int64_t max)
{
    if (value >= 0 && value <= max)
        return FLEET_OK;
    return fleet_refuse(fleet, FLEET_INVALID, "%s is 0 to %" PRId64, what, max);
}

static int check_group(struct fleet *fleet, const struct rollout_group_new *group)
{
    static _Thread_local struct filter filter;
    int status = check_text(fleet, "the name of a group", group->name, CATALOG_NAME_MAX);
    if (status == FLEET_OK)
        status = check_text(fleet, "a description", group->description, CATALOG_TEXT_MAX);
    if (status == FLEET_OK && group->filter != NULL)
        status = check_filter(fleet, group->filter, &filter);
    if (status == FLEET_OK)
        status = check_range(fleet, "a group's share", group->share, ROLLOUT_SHARE);
    if (status == FLEET_OK)
        status = check_range(fleet, "a success share", group->success_share, ROLLOUT_SHARE);
    if (status == FLEET_OK)
        status = check_range(fleet, "an error share", group->error_share, ROLLOUT_NEVER);
    return status;
}

static int check_terms(struct fleet *fleet, const struct rollout_new *new)
{
    const struct action_window *given = &new->terms.window;
    struct window window;
    const char *wrong = NULL;
    if (given->schedule[0] != '\0')
        wrong = window_parse(given->schedule, given->duration, given->zone, &window);
    if (wrong != NULL)
        return fleet_refuse(fleet, FLEET_INVALID, "maintenance window: %s", wrong);
    int status = check_range(fleet, "retries", new->retries, ROLLOUT_RETRIES_MAX);
    if (status == FLEET_OK)
        status = check_range(fleet, "retry seconds", new->retry_seconds, ROLLOUT_PAUSE_MAX);
    return status;
}

static int check_set(struct fleet *fleet, int64_t id)
{
    static const char sql[] =
        "SELECT valid * (SELECT COUNT(*) FROM set_module AS m WHERE m.dist_set = d.id)"
        " FROM dist_set AS d WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL";
    int64_t usable;
    int status = rollout_number(fleet, sql, DB_ARGS(db_i(fleet->tenant), db_i(id)), &usable);
    if (status == FLEET_NONE)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such distribution set");
    if (status == FLEET_OK && usable == 0)
        return fleet_refuse(fleet, FLEET_INVALID,
                            "the distribution set has no modules, or has been invalidated");
    return status;
}

/* Is there anything to roll out to? */
static int check_targets(struct fleet *fleet, const char *query, int64_t retry_of)
{
    static const char failed[] = "SELECT 1 FROM rollout_target WHERE rollout = $1"
                                 " AND state IN ('error', 'cancelled') LIMIT 1";
    static _Thread_local struct filter filter;
    char sql[FILTER_SQL_MAX + 160];
    struct db_value values[1 + FILTER_VALUES_MAX] = {db_i(fleet->tenant)};
    int64_t one;
    int status = check_filter(fleet, query, &filter);
    if (status != FLEET_OK)
        return status;
    if (retry_of != 0) {
        status = rollout_number(fleet, failed, DB_ARGS(db_i(retry_of)), &one);
    } else {
        memcpy(values + 1, filter.value, filter.count * sizeof *values);
        snprintf(sql, sizeof sql,
                 "SELECT 1 FROM target AS t WHERE t.tenant = $1 AND t.revoked_at IS NULL AND %s"
                 " LIMIT 1",
                 filter.sql);
        struct db_rows *rows = db_query_once(fleet->db, sql, values, 1 + filter.count);
        status = db_next(rows);
        if (status == DB_ROW)
            db_end(rows);
        status = status == DB_ROW ? FLEET_OK : status == DB_OK ? FLEET_NONE : status;
    }
    return status == FLEET_NONE
               ? fleet_refuse(fleet, FLEET_INVALID, "there are no targets for this rollout")
               : status;
}

static int check(struct fleet *fleet, const struct rollout_new *new, int64_t retry_of)
{
    if (!fleet_text_valid(new->name, CATALOG_NAME_MAX))
        return fleet_refuse(fleet, FLEET_INVALID,
                            "a name has 1 to %d bytes, none a control character", CATALOG_NAME_MAX);
    if (new->group_count < 1 || new->group_count > ROLLOUT_GROUPS_MAX)
        return fleet_refuse(fleet, FLEET_INVALID, "a rollout has 1 to %d groups",
                            ROLLOUT_GROUPS_MAX);
    int status = check_text(fleet, "a description", new->description, CATALOG_TEXT_MAX);
    if (status == FLEET_OK)
        status = check_terms(fleet, new);
    for (size_t i = 0; status == FLEET_OK && i < new->group_count; i++)
        status = check_group(fleet, &new->groups[i]);
    if (status == FLEET_OK)
        status = check_set(fleet, new->dist_set);
    return status == FLEET_OK ? check_targets(fleet, new->filter, retry_of) : status;
}

static int insert(struct fleet *fleet, const struct rollout_new *new, int64_t retry_of, int64_t *id)
{
    static const char sql[] =
        "INSERT INTO rollout (tenant, name, description, dist_set, filter, status, kind, force_at,"
        " start_at, weight, window_schedule, window_duration, window_zone, confirm, downgrade,"
        " retries, retry_seconds, retry_of, created_at, created_by, changed_at, changed_by)"
        " VALUES ($1, $2, $3, $4, $5, 'creating', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
        " $16, $17, $18, $19, $18, $19) ON CONFLICT (tenant, name) DO NOTHING RETURNING id";
    const struct action_terms *terms = &new->terms;
    bool windowed = terms->window.schedule[0] != '\0';
    int status = rollout_number(
        fleet, sql,
        DB_ARGS(db_i(fleet->tenant), db_t(new->name), db_t(new->description), db_i(new->dist_set),
                db_t(new->filter), db_t(action_kind_word(terms->kind)),
                terms->force_at != 0 ? db_i(terms->force_at) : DB_NULL,
                new->start_at != 0 ? db_i(new->start_at) : DB_NULL,
                terms->weight >= 0 ? db_i(terms->weight) : DB_NULL,
                windowed ? db_t(terms->window.schedule) : DB_NULL,
                windowed ? db_t(terms->window.duration) : DB_NULL,
                windowed ? db_t(terms->window.zone) : DB_NULL, db_i(terms->confirm),
                db_i(terms->downgrade), db_i(new->retries), db_i(new->retry_seconds),
                retry_of != 0 ? db_i(retry_of) : DB_NULL, db_i(fleet->now), db_t(fleet->who)),
        id);
    if (status == FLEET_NONE)
        return fleet_refuse(fleet, FLEET_EXISTS, "there is a rollout %.100s already", new->name);
    return status;
}

static int insert_group(struct fleet *fleet, int64_t rollout, size_t position,
                        const struct rollout_group_new *group)
{
    static const char sql[] =
        "INSERT INTO rollout_group (rollout, position, name, description, status, filter, share,"
        " success_share, success_action, error_share, error_action, confirm)"
        " VALUES ($1, $2, $3, $4, 'creating', $5, $6, $7, $8, $9, 'pause', $10)";
    char name[32];
    snprintf(name, sizeof name, "group-%zu", position + 1);
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(rollout), db_i((int64_t)position),
                          db_t(group->name != NULL ? group->name : name), db_t(group->description),
                          db_t(group->filter), db_i(group->share), db_i(group->success_share),
                          db_t(group->success_then == ROLLOUT_PAUSE ? "pause" : "nextgroup"),
                          db_i(group->error_share), db_i(group->confirm)));
}

static int create(struct fleet *fleet, const struct rollout_new *new, int64_t retry_of, int64_t *id)
{
    struct rollout_row rollout = {0};
    int status = check(fleet, new, retry_of);
    if (status == FLEET_OK)
        status = insert(fleet, new, retry_of, id);
    for (size_t i = 0; status == FLEET_OK && i < new->group_count; i++)
        status = insert_group(fleet, *id, i, &new->groups[i]);
    if (status == FLEET_OK)
        status = set_lock(fleet, new->dist_set);
    if (status == FLEET_OK)
        status = rollout_read(fleet, *id, &rollout);
    return status == FLEET_OK ? rollout_audit(fleet, &rollout, "rollout.create", new->name)
                              : status;
}

int rollout_create(struct fleet *fleet, const struct rollout_new *new, int64_t *id)
{
    return create(fleet, new, 0, id);
}

int rollout_retry(struct fleet *fleet, int64_t id, int64_t *new_id)
{
    static const char first[] = "SELECT r.name, g.success_share, g.error_share FROM rollout AS r"
                                " JOIN rollout_group AS g ON g.rollout = r.id"
                                " WHERE r.id = $1 ORDER BY g.position LIMIT 1";
    char name[CATALOG_NAME_MAX + 16];
    struct rollout_row rollout = {0};
    struct rollout_group_new group = {.share = ROLLOUT_EQUAL_PART};
    int status = rollout_read(fleet, id, &rollout);
    if (status == FLEET_OK && rollout.tenant != fleet->tenant)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such rollout");
    if (status == FLEET_OK && !rollout_is(&rollout, "finished") && !rollout_is(&rollout, "stopped"))
        return fleet_refuse(fleet, FLEET_STATE, "the rollout is %s: it has not ended",
                            rollout.status);
    if (status != FLEET_OK)
        return status;
    struct db_rows *rows = db_query(fleet->db, first, DB_ARGS(db_i(id)));
    status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    snprintf(name, sizeof name, "%s_retry", db_text(rows, 0));
    group.success_share = db_int(rows, 1);
    group.error_share = db_int(rows, 2);
    db_end(rows);
    struct rollout_new new = {
        .name = name,
        .filter = "",
        .dist_set = rollout.dist_set,
        .terms = rollout.terms,
        .retries = rollout.retries,
        .retry_seconds = rollout.retry_seconds,
        .groups = &group,
        .group_count = 1,
    };
    return create(fleet, &new, id, new_id);
}
