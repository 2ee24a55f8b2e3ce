/* server/web/summary.c: the fleet in numbers, from indexes and one pass over the polls, so that
 * 100,000 devices cost less than a tenth of a second. */
#include <string.h>

#include "server/fleet/polling.h"
#include "server/fleet/setting.h"
#include "server/web/web.h"

#define VERSIONS_SHOWN 50
#define MINUTE_MS      60000LL
#define AGES           6

/* What people ask of a fleet that polls every few minutes: minutes since the last poll. */
static const int64_t ages[AGES] = {5, 15, 60, 6 * 60, 24 * 60, 7 * 24 * 60};

/* How many targets are in each state. */
static int count_states(struct fleet *fleet, json_t *out)
{
    static const char sql[] = "SELECT update_status, COUNT(*) FROM target WHERE tenant = $1"
                              " GROUP BY update_status ORDER BY update_status";
    int status;
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant)));
    while ((status = db_next(rows)) == DB_ROW)
        json_object_set_new(out, db_text(rows, 0), json_integer(db_int(rows, 1)));
    return status;
}

/* [{"name", "version", "count"}, ...]: what is installed, the most frequent first. A set belongs to
 * its tenant, so the index of installed sets alone tells how many have it. */
static int count_versions(struct fleet *fleet, json_t *out)
{
    static const char sql[] =
        "SELECT name, version, devices FROM (SELECT d.name AS name, d.version AS version,"
        " (SELECT COUNT(*) FROM target AS t WHERE t.installed_set = d.id) AS devices"
        " FROM dist_set AS d WHERE d.tenant = $1) AS counted WHERE devices > 0"
        " ORDER BY devices DESC, name, version LIMIT $2";
    int status;
    struct db_rows *rows =
        db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(VERSIONS_SHOWN)));
    while ((status = db_next(rows)) == DB_ROW) {
        json_t *row = json_pack("{s:s, s:s, s:I}", "name", db_text(rows, 0), "version",
                                db_text(rows, 1), "count", (json_int_t)db_int(rows, 2));
        if (json_array_append_new(out, row) != 0) {
            db_end(rows);
            return DB_EIO;
        }
    }
    return status;
}

/* Milliseconds since its last poll after which a device is overdue (hawkbit-ddi.md 3). */
static int overdue_after(struct fleet *fleet, int64_t *out)
{
    static const char *const keys[] = {"pollingTime", "pollingOverdueTime"};
    char text[SETTING_VALUE_MAX + 1];
    struct polling polling;
    *out = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int status = setting_get(fleet, keys[i], text);
        if (status != FLEET_OK)
            return status;
        if (polling_parse(text, &polling) == NULL)
            *out += polling.seconds * 1000LL;
    }
    return FLEET_OK;
}

/* How many were here last within each of `ages`, and in the last place: longer ago. *overdue: not
 * within `after`. One pass over all polls. */
static int count_polls(struct fleet *fleet, int64_t after, int64_t counts[AGES + 1],
                       int64_t *overdue)
{
    static const char sql[] =
        "SELECT place, COUNT(*), SUM(late) FROM (SELECT CASE WHEN p.polled_at > $2 THEN 0"
        " WHEN p.polled_at > $3 THEN 1 WHEN p.polled_at > $4 THEN 2 WHEN p.polled_at > $5 THEN 3"
        " WHEN p.polled_at > $6 THEN 4 WHEN p.polled_at > $7 THEN 5 ELSE 6 END AS place,"
        " CASE WHEN p.polled_at > $8 THEN 0 ELSE 1 END AS late"
        " FROM target_poll AS p JOIN target AS t ON t.id = p.target WHERE +t.tenant = $1)"
        " AS placed GROUP BY place";
    struct db_value values[AGES + 2] = {db_i(fleet->tenant)};
    for (size_t i = 0; i < AGES; i++)
        values[i + 1] = db_i(fleet->now - ages[i] * MINUTE_MS);
    values[AGES + 1] = db_i(fleet->now - after);
    int status;
    struct db_rows *rows = db_query(fleet->db, sql, values, AGES + 2);
    while ((status = db_next(rows)) == DB_ROW) {
        counts[db_int(rows, 0)] = db_int(rows, 1);
        *overdue += db_int(rows, 2);
    }
    return status;
}

/* [{"within": minutes, "count": n}, ...]: how long ago each device was here; the last has no
 * bound. */
static json_t *contacts_of(const int64_t counts[AGES + 1])
{
    json_t *out = json_array();
    for (size_t i = 0; i <= AGES; i++) {
        json_t *within = i < AGES ? json_integer(ages[i]) : json_null();
        json_array_append_new(
            out, json_pack("{s:o, s:I}", "within", within, "count", (json_int_t)counts[i]));
    }
    return out;
}

int web_summary(struct api_call *call)
{
    struct fleet *fleet = &call->fleet;
    int64_t after = 0;
    int64_t overdue = 0;
    int64_t counts[AGES + 1] = {0};
    int status = overdue_after(fleet, &after);
    if (status == FLEET_OK)
        status = count_polls(fleet, after, counts, &overdue);
    if (status != FLEET_OK)
        return status;
    json_t *states = json_object();
    json_t *versions = json_array();
    status = count_states(fleet, states);
    if (status == DB_OK)
        status = count_versions(fleet, versions);
    json_t *summary =
        json_pack("{s:I, s:o, s:o, s:o, s:I, s:I}", "at", (json_int_t)fleet->now, "states", states,
                  "versions", versions, "contacts", contacts_of(counts), "overdue",
                  (json_int_t)overdue, "overdueAfter", (json_int_t)after);
    if (status == DB_OK)
        return api_json(call, 200, summary);
    json_decref(summary);
    return status;
}
