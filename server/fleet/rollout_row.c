/* server/fleet/rollout_row.c: rollouts, their groups and targets as rows. See rollout_row.h. */
#include "server/fleet/rollout_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/fleet/audit.h"

static void copy(char *out, size_t size, const struct db_rows *rows, int column)
{
    snprintf(out, size, "%s", db_text(rows, column));
}

int rollout_read(struct fleet *fleet, int64_t id, struct rollout_row *out)
{
    static const char sql[] =
        "SELECT id, tenant, dist_set, status, kind, force_at, COALESCE(weight, -1),"
        " window_schedule, window_duration, window_zone, confirm, downgrade, retries,"
        " retry_seconds, cursor, retry_of FROM rollout WHERE id = $1";
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(id)));
    int status = db_next(rows);
    if (status == DB_OK)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such rollout");
    if (status != DB_ROW)
        return status;
    *out = (struct rollout_row){
        .id = db_int(rows, 0),
        .tenant = db_int(rows, 1),
        .dist_set = db_int(rows, 2),
        .retries = db_int(rows, 12),
        .retry_seconds = db_int(rows, 13),
        .cursor = db_int(rows, 14),
        .retry_of = db_int(rows, 15),
    };
    struct action_terms *terms = &out->terms;
    copy(out->status, sizeof out->status, rows, 3);
    bool known = action_kind_parse(db_text(rows, 4), &terms->kind);
    terms->force_at = db_int(rows, 5);
    terms->weight = db_int(rows, 6);
    copy(terms->window.schedule, sizeof terms->window.schedule, rows, 7);
    copy(terms->window.duration, sizeof terms->window.duration, rows, 8);
    copy(terms->window.zone, sizeof terms->window.zone, rows, 9);
    terms->confirm = db_int(rows, 10) != 0;
    terms->downgrade = db_int(rows, 11) != 0;
    snprintf(out->voice, sizeof out->voice, "rollout %" PRId64, out->id);
    db_end(rows);
    return known ? FLEET_OK : DB_EIO;
}

bool rollout_is(const struct rollout_row *rollout, const char *status)
{
    return strcmp(rollout->status, status) == 0;
}

int rollout_group_read(struct fleet *fleet, int64_t id, struct group_row *out)
{
    static const char sql[] =
        "SELECT id, position, name, status, share, wanted, total, success_share, error_share,"
        " accepted, success_action, confirm, filled_place FROM rollout_group WHERE id = $1";
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(id)));
    int status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? fleet_refuse(fleet, FLEET_NONE, "there is no such group") : status;
    *out = (struct group_row){
        .id = db_int(rows, 0),
        .position = db_int(rows, 1),
        .share = db_int(rows, 4),
        .wanted = db_int(rows, 5),
        .total = db_int(rows, 6),
        .success_share = db_int(rows, 7),
        .error_share = db_int(rows, 8),
        .accepted = db_int(rows, 9),
        .pauses = strcmp(db_text(rows, 10), "pause") == 0,
        .confirm = db_int(rows, 11) != 0,
        .filled_place = db_int(rows, 12),
    };
    copy(out->name, sizeof out->name, rows, 2);
    copy(out->status, sizeof out->status, rows, 3);
    db_end(rows);
    return FLEET_OK;
}

struct fleet rollout_voice(const struct fleet *fleet, const struct rollout_row *rollout)
{
    return (struct fleet){
        .db = fleet->db, .tenant = rollout->tenant, .now = fleet->now, .who = rollout->voice};
}

int rollout_hold(struct fleet *fleet, const struct rollout_row *rollout)
{
    static const char self[] = "UPDATE rollout SET status = status WHERE id = $1";
    static const char set[] = "UPDATE dist_set SET valid = valid WHERE id = $1";
    int status = db_run(fleet->db, self, DB_ARGS(db_i(rollout->id)));
    return status == DB_OK ? db_run(fleet->db, set, DB_ARGS(db_i(rollout->dist_set))) : status;
}

int rollout_set_status(struct fleet *fleet, struct rollout_row *rollout, const char *status,
                       const char *reason)
{
    static const char sql[] =
        "UPDATE rollout SET status = $2, halt_reason = $3, changed_at = $4, changed_by = $5,"
        " check_at = $6 WHERE id = $1";
    snprintf(rollout->status, sizeof rollout->status, "%s", status);
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(rollout->id), db_t(status), db_t(reason), db_i(fleet->now),
                          db_t(fleet->who), db_i(fleet->now + ROLLOUT_CHECK_MS)));
}

int rollout_group_set_status(struct fleet *fleet, int64_t group, const char *status)
{
    static const char plain[] = "UPDATE rollout_group SET status = $2 WHERE id = $1";
    static const char started[] = "UPDATE rollout_group SET status = $2, started_at ="
                                  " COALESCE(started_at, $3) WHERE id = $1";
    static const char finished[] =
        "UPDATE rollout_group SET status = $2, finished_at = $3 WHERE id = $1";
    if (strcmp(status, "finished") == 0 || strcmp(status, "scheduled") == 0)
        return db_run(fleet->db, status[0] == 'f' ? finished : started,
                      DB_ARGS(db_i(group), db_t(status), db_i(fleet->now)));
    return db_run(fleet->db, plain, DB_ARGS(db_i(group), db_t(status)));
}

int rollout_audit(struct fleet *fleet, const struct rollout_row *rollout, const char *verb,
                  const char *detail)
{
    return audit_note(fleet, verb, rollout->voice, detail);
}

int rollout_batch_read(struct fleet *fleet, struct rollout_batch *batch, int columns,
                       const char *sql, const struct db_value *values, size_t value_count)
{
    int status;
    batch->count = 0;
    struct db_rows *rows = db_query(fleet->db, sql, values, value_count);
    while ((status = db_next(rows)) == DB_ROW) {
        for (int i = 0; i < columns; i++)
            batch->row[batch->count][i] = db_int(rows, i);
        if (++batch->count == ROLLOUT_STEP) {
            db_end(rows);
            return FLEET_OK;
        }
    }
    return status;
}

int rollout_number(struct fleet *fleet, const char *sql, const struct db_value *values,
                   size_t count, int64_t *out)
{
    int status = db_get_int(fleet->db, sql, values, count, out);
    return status == DB_ROW ? FLEET_OK : status == DB_OK ? FLEET_NONE : status;
}
