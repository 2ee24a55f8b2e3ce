/* server/web/devices.c: the fleet as a table, a page at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/fleet/filter.h"
#include "server/web/web.h"

#define TEXT_MAX   128
#define LIMIT_MAX  200
#define SQL_MAX    (FILTER_SQL_MAX + 1024)
#define OWN_VALUES 2 /* before those of the filter */

/* What can be sorted by: only these words get into a statement. */
static const struct {
    const char *key, *column;
} orders[] = {
    {"id", "t.controller_id"}, {"name", "t.name"},      {"status", "t.update_status"},
    {"version", "i.version"},  {"poll", "p.polled_at"},
};

struct page_request {
    const char *column;
    bool descending;
    int64_t offset, limit;
    char text[2 * TEXT_MAX + 3]; /* as a pattern for LIKE; empty: any */
    struct filter filter;
};

/* The condition that makes a page's rows, and its values. */
struct condition {
    char sql[SQL_MAX];
    struct db_value value[FILTER_VALUES_MAX + OWN_VALUES];
    size_t count;
};

/* What comes before and after `text` may be anything; its own % and _ mean themselves. */
static void to_pattern(const char *text, char *out)
{
    *out++ = '%';
    for (; *text != '\0'; text++) {
        if (strchr("%_\\", *text) != NULL)
            *out++ = '\\';
        *out++ = *text;
    }
    strcpy(out, "%");
}

static int read_order(struct api_call *call, struct page_request *out)
{
    char text[32];
    const char *value;
    *out = (struct page_request){.column = orders[0].column};
    int status = api_query(call, "sort", text, sizeof text, &value);
    if (status != FLEET_OK || value == NULL)
        return status;
    size_t length = strcspn(value, ":");
    out->descending = strcmp(value + length, ":DESC") == 0;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (strlen(orders[i].key) == length && memcmp(value, orders[i].key, length) == 0) {
            out->column = orders[i].column;
            return FLEET_OK;
        }
    }
    return fleet_refuse(&call->fleet, FLEET_INVALID, "devices are not sorted by %s", value);
}

static int read_filter(struct api_call *call, struct filter *out)
{
    char text[FILTER_TEXT_MAX + 1];
    const char *query;
    int status = api_query(call, "q", text, sizeof text, &query);
    if (status != FLEET_OK)
        return status;
    if (!filter_compile(query != NULL ? query : "", FILTER_TARGETS, OWN_VALUES + 1, out))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s", out->problem);
    return FLEET_OK;
}

static int read_request(struct api_call *call, struct page_request *out)
{
    char text[TEXT_MAX + 1];
    int status = read_order(call, out);
    if (status == FLEET_OK)
        status = api_query_int(call, "offset", 0, INT32_MAX, 0, &out->offset);
    if (status == FLEET_OK)
        status = api_query_int(call, "limit", 1, LIMIT_MAX, 50, &out->limit);
    const char *value = NULL;
    if (status == FLEET_OK)
        status = api_query(call, "text", text, sizeof text, &value);
    if (status == FLEET_OK && value != NULL && value[0] != '\0')
        to_pattern(value, out->text);
    return status == FLEET_OK ? read_filter(call, &out->filter) : status;
}

/* The text is looked for in any case of letters. It has to be looked for in every row, and those
 * are read faster in their own order than by an index: hence the "+", which forbids one. */
static void make_condition(const struct fleet *fleet, const struct page_request *page,
                           struct condition *out)
{
    const struct filter *filter = &page->filter;
    snprintf(out->sql, sizeof out->sql,
             "%st.tenant = $1 AND (CAST($2 AS TEXT) = ''"
             " OR LOWER(t.controller_id) LIKE LOWER($2) ESCAPE '\\'"
             " OR LOWER(t.name) LIKE LOWER($2) ESCAPE '\\') AND (%s)",
             page->text[0] != '\0' ? "+" : "", filter->sql);
    out->value[0] = db_i(fleet->tenant);
    out->value[1] = db_t(page->text);
    memcpy(out->value + OWN_VALUES, filter->value, filter->count * sizeof filter->value[0]);
    out->count = OWN_VALUES + filter->count;
}

static int count_devices(struct fleet *fleet, const struct condition *where, int64_t *total)
{
    char sql[SQL_MAX + 64];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM target AS t WHERE %s", where->sql);
    struct db_rows *rows = db_query_once(fleet->db, sql, where->value, where->count);
    int status = db_next(rows);
    if (status == DB_ROW) {
        *total = db_int(rows, 0);
        db_end(rows);
        return DB_OK;
    }
    return status == DB_OK ? DB_EIO : status;
}

/* {"name", "version"} of a set, or null. */
static json_t *set_at(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? json_null()
                                    : json_pack("{s:s, s:s}", "name", db_text(rows, column),
                                                "version", db_text(rows, column + 1));
}

static json_t *device_of(const struct db_rows *rows)
{
    json_t *last = db_is_null(rows, 7) ? json_null() : json_integer(db_int(rows, 7));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:b}", "controllerId", db_text(rows, 0),
                     "name", db_text(rows, 1), "updateStatus", db_text(rows, 2), "installed",
                     set_at(rows, 3), "assigned", set_at(rows, 5), "lastRequestAt", last, "revoked",
                     !db_is_null(rows, 8));
}

static int list_devices(struct fleet *fleet, const struct page_request *page,
                        const struct condition *where, json_t *out)
{
    static const char form[] =
        "SELECT t.controller_id, t.name, t.update_status, i.name, i.version, a.name, a.version,"
        " p.polled_at, t.revoked_at FROM target AS t"
        " LEFT JOIN dist_set AS i ON i.id = t.installed_set"
        " LEFT JOIN dist_set AS a ON a.id = t.assigned_set"
        " LEFT JOIN target_poll AS p ON p.target = t.id"
        " WHERE %s ORDER BY %s %s, t.controller_id LIMIT %" PRId64 " OFFSET %" PRId64;
    char sql[SQL_MAX + sizeof form + 64];
    snprintf(sql, sizeof sql, form, where->sql, page->column, page->descending ? "DESC" : "ASC",
             page->limit, page->offset);
    struct db_rows *rows = db_query_once(fleet->db, sql, where->value, where->count);
    int status;
    while ((status = db_next(rows)) == DB_ROW) {
        if (json_array_append_new(out, device_of(rows)) != 0) {
            db_end(rows);
            return DB_EIO;
        }
    }
    return status;
}

int web_devices(struct api_call *call)
{
    struct page_request page;
    struct condition where;
    int64_t total = 0;
    int status = read_request(call, &page);
    if (status != FLEET_OK)
        return status;
    make_condition(&call->fleet, &page, &where);
    status = count_devices(&call->fleet, &where, &total);
    if (status != DB_OK)
        return status;
    json_t *content = json_array();
    status = list_devices(&call->fleet, &page, &where, content);
    if (status != DB_OK) {
        json_decref(content);
        return status;
    }
    return api_json(call, 200,
                    json_pack("{s:o, s:I, s:I}", "content", content, "total", (json_int_t)total,
                              "size", (json_int_t)json_array_size(content)));
}
