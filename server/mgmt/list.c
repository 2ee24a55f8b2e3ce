/* server/mgmt/list.c: pages of rows (server/mgmt/answer.h).
 *
 * Filter, order and page are found on the table alone, so that an index can do it; only the rows of
 * the page are joined with what they are shown with. With 100,000 targets the last page costs what
 * walking over an index does.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "server/mgmt/answer.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX     500
#define ORDER_MAX     512
#define VALUES_MAX    (FILTER_VALUES_MAX + 4)
#define SQL_MAX       (FILTER_SQL_MAX + 4096)

struct list_page {
    int64_t offset, limit;
    char order[ORDER_MAX];
    char where[FILTER_SQL_MAX + 512];
    struct db_value values[VALUES_MAX];
    size_t count;
    struct filter filter; /* the values' texts are in it */
    char sql[SQL_MAX];
};

/* What is out of bounds is brought into them, as hawkBit does. */
static int read_bounds(struct api_call *call, struct list_page *page)
{
    int status = api_query_int(call, "offset", INT32_MIN, INT64_MAX, 0, &page->offset);
    if (status == FLEET_OK)
        status = api_query_int(call, "limit", INT32_MIN, INT64_MAX, LIMIT_DEFAULT, &page->limit);
    if (page->offset < 0)
        page->offset = 0;
    if (page->limit < 1)
        page->limit = LIMIT_DEFAULT;
    if (page->limit > LIMIT_MAX)
        page->limit = LIMIT_MAX;
    return status;
}

static const char *sort_column(const struct mgmt_rows *rows, const char *name, size_t length)
{
    for (const struct mgmt_sort *sort = rows->sorts; sort->name != NULL; sort++) {
        if (strlen(sort->name) == length && strncasecmp(sort->name, name, length) == 0)
            return sort->column;
    }
    return NULL;
}

static void add_order(struct list_page *page, const char *column, bool down)
{
    size_t used = strlen(page->order);
    snprintf(page->order + used, sizeof page->order - used, "%s%s%s", used > 0 ? ", " : "", column,
             down ? " DESC" : "");
}

/* "name:ASC,createdAt:DESC"; each column is one of the table's own texts. */
static int read_order(struct api_call *call, const struct mgmt_rows *rows, struct list_page *page)
{
    char text[256];
    const char *at;
    bool down = rows->newest_first;
    int status = api_query(call, "sort", text, sizeof text, &at);
    if (status != FLEET_OK)
        return status;
    page->order[0] = '\0';
    if (at == NULL)
        add_order(page, rows->sorts[0].column, down);
    for (unsigned terms = 0; at != NULL && *at != '\0'; terms++) {
        size_t term = strcspn(at, ",");
        size_t name = strcspn(at, ":,");
        const char *column = sort_column(rows, at, name);
        const char *way = at[name] == ':' ? at + name + 1 : "ASC";
        size_t way_length = at[name] == ':' ? term - name - 1 : 3;
        down = way_length == 4 && strncasecmp(way, "DESC", 4) == 0;
        if (!down && (way_length != 3 || strncasecmp(way, "ASC", 3) != 0))
            return mgmt_error(call, 400, MGMT_CODE "rest.param.invalidDirection",
                              "a direction is ASC or DESC");
        if (column == NULL || terms >= 4)
            return mgmt_error(call, 400, MGMT_CODE "rest.param.invalidField",
                              "cannot sort by \"%.*s\"", (int)(term < 64 ? term : 64), at);
        add_order(page, column, down);
        at += term + (at[term] == ',');
    }
    if (strcmp(rows->sorts[0].column, rows->key) != 0 || strchr(page->order, ',') != NULL)
        add_order(page, rows->key, down);
    return FLEET_OK;
}

static int read_filter(struct api_call *call, const struct mgmt_rows *rows, const char *where,
                       struct list_page *page)
{
    char text[FILTER_TEXT_MAX + 1];
    const char *query;
    int status = api_query(call, "q", text, sizeof text, &query);
    if (status != FLEET_OK)
        return status;
    if (query == NULL || *query == '\0') {
        snprintf(page->where, sizeof page->where, "%s", where);
        return FLEET_OK;
    }
    if (!rows->filtered)
        return mgmt_error(call, 400, MGMT_CODE "rest.param.rsqlParamSyntax",
                          "this list cannot be filtered");
    if (!filter_compile(query, rows->filter, (unsigned)page->count + 1, &page->filter))
        return mgmt_error(call, 400, MGMT_CODE "rest.param.rsqlParamSyntax", "%s",
                          page->filter.problem);
    int length = snprintf(page->where, sizeof page->where, "%s AND %s", where, page->filter.sql);
    if (length < 0 || (size_t)length >= sizeof page->where)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the query is too long");
    memcpy(page->values + page->count, page->filter.value,
           page->filter.count * sizeof page->values[0]);
    page->count += page->filter.count;
    return FLEET_OK;
}

static int count_rows(struct api_call *call, const struct mgmt_rows *rows, struct list_page *page,
                      int64_t *total)
{
    snprintf(page->sql, sizeof page->sql, "SELECT COUNT(*) FROM %s WHERE %s", rows->table,
             page->where);
    struct db_rows *result = db_query_once(call->fleet.db, page->sql, page->values, page->count);
    int status = db_next(result);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    *total = db_int(result, 0);
    db_end(result);
    return FLEET_OK;
}

static int show_each(struct api_call *call, const struct mgmt_rows *rows, struct db_rows *result,
                     void *context, json_t *content)
{
    int status;
    while ((status = db_next(result)) == DB_ROW) {
        json_t *row = rows->show(call, result, context, &status);
        if (row == NULL || json_array_append_new(content, row) != 0) {
            db_end(result);
            return status < 0 ? status : DB_EIO;
        }
    }
    return status;
}

/* `where` again outside: a key may be unique only among the rows that it chooses. */
static int show_rows(struct api_call *call, const struct mgmt_rows *rows, const char *where,
                     struct list_page *page, void *context, json_t *content)
{
    snprintf(page->sql, sizeof page->sql,
             "SELECT %s FROM %s%s WHERE %s IN (SELECT %s FROM %s WHERE %s ORDER BY %s"
             " LIMIT %lld OFFSET %lld) AND %s ORDER BY %s",
             rows->columns, rows->table, rows->joins, rows->key, rows->key, rows->table,
             page->where, page->order, (long long)page->limit, (long long)page->offset, where,
             page->order);
    return show_each(call, rows,
                     db_query_once(call->fleet.db, page->sql, page->values, page->count), context,
                     content);
}

int mgmt_list(struct api_call *call, const struct mgmt_rows *rows, const char *where,
              const struct db_value *values, size_t count, void *context)
{
    struct list_page page;
    int64_t total = 0;
    memcpy(page.values, values, count * sizeof values[0]);
    page.count = count;
    int status = read_bounds(call, &page);
    if (status == FLEET_OK)
        status = read_order(call, rows, &page);
    if (status == FLEET_OK)
        status = read_filter(call, rows, where, &page);
    if (status == FLEET_OK)
        status = count_rows(call, rows, &page, &total);
    if (status != FLEET_OK)
        return status;
    json_t *content = json_array();
    status = show_rows(call, rows, where, &page, context, content);
    json_t *answer = json_pack("{s:o, s:I, s:I}", "content", content, "total", (json_int_t)total,
                               "size", (json_int_t)json_array_size(content));
    if (status == FLEET_OK)
        return mgmt_json(call, 200, answer);
    json_decref(answer);
    return status;
}

int mgmt_all(struct api_call *call, const struct mgmt_rows *rows, const char *where,
             const struct db_value *values, size_t count, void *context, json_t *content)
{
    char sql[4096];
    snprintf(sql, sizeof sql, "SELECT %s FROM %s%s WHERE %s ORDER BY %s", rows->columns,
             rows->table, rows->joins, where, rows->key);
    return show_each(call, rows, db_query_once(call->fleet.db, sql, values, count), context,
                     content);
}

int mgmt_one(struct api_call *call, const struct mgmt_rows *rows, const char *where,
             const struct db_value *values, size_t count, void *context, json_t **out)
{
    char sql[4096];
    *out = NULL;
    snprintf(sql, sizeof sql, "SELECT %s FROM %s%s WHERE %s", rows->columns, rows->table,
             rows->joins, where);
    struct db_rows *result = db_query_once(call->fleet.db, sql, values, count);
    int status = db_next(result);
    if (status == DB_OK)
        return fleet_refuse(&call->fleet, FLEET_NONE, "there is no such thing");
    if (status != DB_ROW)
        return status;
    status = FLEET_OK;
    *out = rows->show(call, result, context, &status);
    db_end(result);
    return *out != NULL ? FLEET_OK : status < 0 ? status : DB_EIO;
}
