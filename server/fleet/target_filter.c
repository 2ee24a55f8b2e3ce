/* server/fleet/target_filter.c: see server/fleet/target_filter.h. */
#include "server/fleet/target_filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/fleet/audit.h"
#include "server/fleet/catalog.h"
#include "server/fleet/filter.h"
#include "server/fleet/rollout_row.h"

static int audit(struct fleet *fleet, int64_t id, const char *verb, const char *detail)
{
    char subject[48];
    snprintf(subject, sizeof subject, "target filter %" PRId64, id);
    return audit_note(fleet, verb, subject, detail);
}

static int check(struct fleet *fleet, const char *name, const char *query)
{
    static _Thread_local struct filter filter;
    if (name != NULL && !fleet_text_valid(name, CATALOG_NAME_MAX))
        return fleet_refuse(fleet, FLEET_INVALID,
                            "a name has 1 to %d bytes, none a control character", CATALOG_NAME_MAX);
    if (query != NULL && !filter_compile(query, FILTER_TARGETS, 1, &filter))
        return fleet_refuse(fleet, FLEET_INVALID, "%s", filter.problem);
    return FLEET_OK;
}

/* FLEET_OK when the last statement changed a row. */
static int changed(struct fleet *fleet, int status)
{
    if (status == DB_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such target filter");
    return status;
}

int target_filter_create(struct fleet *fleet, const char *name, const char *query, int64_t *id)
{
    static const char sql[] =
        "INSERT INTO target_filter (tenant, name, query, created_at, created_by, changed_at,"
        " changed_by) VALUES ($1, $2, $3, $4, $5, $4, $5)"
        " ON CONFLICT (tenant, name) DO NOTHING RETURNING id";
    int status = check(fleet, name, query);
    if (status != FLEET_OK)
        return status;
    status = rollout_number(
        fleet, sql,
        DB_ARGS(db_i(fleet->tenant), db_t(name), db_t(query), db_i(fleet->now), db_t(fleet->who)),
        id);
    if (status == FLEET_NONE)
        return fleet_refuse(fleet, FLEET_EXISTS, "there is a target filter %.100s already", name);
    return status == FLEET_OK ? audit(fleet, *id, "filter.create", query) : status;
}

static int name_is_free(struct fleet *fleet, int64_t id, const char *name)
{
    static const char sql[] =
        "SELECT COUNT(*) FROM target_filter WHERE tenant = $1 AND name = $2 AND id <> $3";
    int64_t others;
    int status =
        rollout_number(fleet, sql, DB_ARGS(db_i(fleet->tenant), db_t(name), db_i(id)), &others);
    if (status == FLEET_OK && others > 0)
        return fleet_refuse(fleet, FLEET_EXISTS, "there is a target filter %.100s already", name);
    return status;
}

int target_filter_update(struct fleet *fleet, int64_t id, const char *name, const char *query)
{
    static const char sql[] =
        "UPDATE target_filter SET name = COALESCE($3, name), query = COALESCE($4, query),"
        " auto_cursor = 0, changed_at = $5, changed_by = $6 WHERE tenant = $1 AND id = $2";
    int status = check(fleet, name, query);
    if (status == FLEET_OK && name != NULL)
        status = name_is_free(fleet, id, name);
    if (status == FLEET_OK)
        status = changed(fleet, db_run(fleet->db, sql,
                                       DB_ARGS(db_i(fleet->tenant), db_i(id), db_t(name),
                                               db_t(query), db_i(fleet->now), db_t(fleet->who))));
    return status == FLEET_OK ? audit(fleet, id, "filter.change", query != NULL ? query : "")
                              : status;
}

int target_filter_delete(struct fleet *fleet, int64_t id)
{
    static const char sql[] = "DELETE FROM target_filter WHERE tenant = $1 AND id = $2";
    int status = changed(fleet, db_run(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(id))));
    return status == FLEET_OK ? audit(fleet, id, "filter.delete", "") : status;
}

static int check_set(struct fleet *fleet, int64_t id)
{
    static const char sql[] =
        "SELECT valid FROM dist_set WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL";
    int64_t valid;
    int status = rollout_number(fleet, sql, DB_ARGS(db_i(fleet->tenant), db_i(id)), &valid);
    if (status == FLEET_NONE)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such distribution set");
    if (status == FLEET_OK && valid == 0)
        return fleet_refuse(fleet, FLEET_INVALID, "the distribution set has been invalidated");
    return status;
}

int target_filter_auto(struct fleet *fleet, int64_t id, int64_t dist_set,
                       const struct action_terms *terms)
{
    static const char sql[] =
        "UPDATE target_filter SET auto_set = $3, auto_kind = $4, auto_weight = $5,"
        " auto_confirm = $6, auto_cursor = 0, changed_at = $7, changed_by = $8"
        " WHERE tenant = $1 AND id = $2";
    char detail[48];
    int status = dist_set != 0 ? check_set(fleet, dist_set) : FLEET_OK;
    if (status != FLEET_OK)
        return status;
    status = changed(
        fleet,
        db_run(fleet->db, sql,
               DB_ARGS(db_i(fleet->tenant), db_i(id), dist_set != 0 ? db_i(dist_set) : DB_NULL,
                       dist_set != 0 ? db_t(action_kind_word(terms->kind)) : DB_NULL,
                       dist_set != 0 && terms->weight >= 0 ? db_i(terms->weight) : DB_NULL,
                       db_i(dist_set != 0 && terms->confirm), db_i(fleet->now), db_t(fleet->who))));
    snprintf(detail, sizeof detail, "set %" PRId64, dist_set);
    return status == FLEET_OK ? audit(fleet, id, "filter.auto-assign", detail) : status;
}

/* The step */

struct auto_row {
    int64_t id, tenant, dist_set, cursor, at;
    struct action_terms terms;
    char voice[32];
};

/* One that has not looked at all targets, or whose time has come. */
static int find(struct fleet *fleet, struct auto_row *out, struct filter *filter)
{
    static const char sql[] =
        "SELECT f.id, f.tenant, f.auto_set, f.auto_cursor, f.auto_at, f.auto_kind,"
        " COALESCE(f.auto_weight, -1), f.auto_confirm, f.query FROM target_filter AS f"
        " WHERE f.auto_set IS NOT NULL AND (f.auto_at <= $1 OR EXISTS (SELECT 1 FROM target AS t"
        " WHERE t.id > f.auto_cursor AND t.tenant = f.tenant)) ORDER BY f.id LIMIT 1";
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(fleet->now)));
    int status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? FLEET_NONE : status;
    *out = (struct auto_row){
        .id = db_int(rows, 0),
        .tenant = db_int(rows, 1),
        .dist_set = db_int(rows, 2),
        .cursor = db_int(rows, 3),
        .at = db_int(rows, 4),
        .terms = {.weight = db_int(rows, 6), .confirm = db_int(rows, 7) != 0},
    };
    snprintf(out->voice, sizeof out->voice, "target filter %" PRId64, out->id);
    bool good = action_kind_parse(db_text(rows, 5), &out->terms.kind) &&
                filter_compile(db_text(rows, 8), FILTER_TARGETS, 5, filter);
    db_end(rows);
    return good ? FLEET_OK : DB_EIO;
}

/* The last target that this step looks at. */
static int last_of_step(struct fleet *fleet, const struct auto_row *row, int64_t *last)
{
    static const char sql[] =
        "SELECT id FROM target WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3";
    static const char all[] =
        "SELECT COALESCE(MAX(id), $2) FROM target WHERE tenant = $1 AND id > $2";
    int status = rollout_number(
        fleet, sql, DB_ARGS(db_i(row->tenant), db_i(row->cursor), db_i(ROLLOUT_STEP_ROWS - 1)),
        last);
    return status == FLEET_NONE
               ? rollout_number(fleet, all, DB_ARGS(db_i(row->tenant), db_i(row->cursor)), last)
               : status;
}

static int matching(struct fleet *fleet, const struct auto_row *row, const struct filter *filter,
                    int64_t last, struct rollout_batch *batch)
{
    static _Thread_local char sql[FILTER_SQL_MAX + 512];
    enum { FIXED = 4 };
    struct db_value values[FIXED + FILTER_VALUES_MAX] = {db_i(row->tenant), db_i(row->cursor),
                                                         db_i(last), db_i(row->dist_set)};
    memcpy(values + FIXED, filter->value, filter->count * sizeof *values);
    snprintf(sql, sizeof sql,
             "SELECT t.id FROM target AS t WHERE t.tenant = $1 AND t.id > $2 AND t.id <= $3"
             " AND t.revoked_at IS NULL AND COALESCE(t.assigned_set, 0) <> $4"
             " AND COALESCE(t.installed_set, 0) <> $4 AND NOT EXISTS (SELECT 1 FROM action AS a"
             " WHERE a.target = t.id AND a.dist_set = $4) AND %s ORDER BY t.id LIMIT %d",
             filter->sql, ROLLOUT_STEP);
    int status;
    struct db_rows *rows = db_query_once(fleet->db, sql, values, FIXED + filter->count);
    for (batch->count = 0; (status = db_next(rows)) == DB_ROW; batch->count++)
        batch->row[batch->count][0] = db_int(rows, 0);
    return status;
}

/* What is refused to one target (a downgrade) is no reason to stop. */
static int assign(struct fleet *fleet, const struct auto_row *row,
                  const struct rollout_batch *batch)
{
    struct assignment list[ROLLOUT_STEP];
    int64_t last;
    for (size_t i = 0; i < batch->count; i++)
        list[i].target = batch->row[i][0];
    return action_assign_many(fleet, row->dist_set, &row->terms, list, batch->count, &last);
}

static int keep_cursor(struct fleet *fleet, const struct auto_row *row)
{
    static const char sql[] =
        "UPDATE target_filter SET auto_cursor = $2, auto_at = $3 WHERE id = $1";
    return db_run(fleet->db, sql, DB_ARGS(db_i(row->id), db_i(row->cursor), db_i(row->at)));
}

int target_filter_step(struct fleet *fleet, bool *worked)
{
    static _Thread_local struct filter filter;
    struct rollout_batch batch = {.count = 0};
    struct auto_row row;
    int64_t last;
    int status = find(fleet, &row, &filter);
    if (status != FLEET_OK)
        return status == FLEET_NONE ? FLEET_OK : status;
    *worked = true;
    struct fleet own = {.db = fleet->db, .tenant = row.tenant, .now = fleet->now, .who = row.voice};
    if (row.at <= fleet->now) { /* from the first target again */
        row.cursor = 0;
        row.at = fleet->now + TARGET_FILTER_PASS_MS;
    }
    status = last_of_step(&own, &row, &last);
    if (status == FLEET_OK)
        status = matching(&own, &row, &filter, last, &batch);
    if (status != FLEET_OK)
        return status;
    status = assign(&own, &row, &batch);
    row.cursor = batch.count == ROLLOUT_STEP ? batch.row[ROLLOUT_STEP - 1][0] : last;
    return status == FLEET_OK ? keep_cursor(&own, &row) : status;
}
