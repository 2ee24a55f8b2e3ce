/* Filters of the fleet: what is accepted is one condition that the store prepares, with exactly as
 * many values as were bound, and no byte of the query in it but by way of them. The first byte
 * chooses what is filtered. */
#include <sqlite3.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "server/fleet/filter.h"

/* The columns that a filter may name; types do not matter to SQLite. */
static const char tables[] =
    "CREATE TABLE target (id, controller_id, name, description, update_status, address, type,"
    " group_name, assigned_set, installed_set, installed_at, auto_confirm_at, revoked_at,"
    " created_at, created_by, changed_at, changed_by);"
    "CREATE TABLE target_poll (target, polled_at, address);"
    "CREATE TABLE target_tag (target, tag);"
    "CREATE TABLE target_attribute (target, key, value);"
    "CREATE TABLE dist_set (id, type, name, version, version_key, description, locked, valid,"
    " created_at, created_by, changed_at, changed_by);"
    "CREATE TABLE module (id, type, name, version, vendor, description, locked, created_at,"
    " created_by, changed_at, changed_by);"
    "CREATE TABLE action (id, active, target, dist_set, state, kind, weight, last_code,"
    " external_ref, rollout, rollout_group, created_at, created_by, changed_at, changed_by);"
    "CREATE TABLE rollout (id, name, description, status, dist_set, created_at, created_by,"
    " changed_at, changed_by);"
    "CREATE TABLE rollout_group (id, name, description, status);"
    "CREATE TABLE target_filter (id, name, auto_set, created_at, created_by, changed_at,"
    " changed_by);";

static const char *const rows[] = {"target AS t",       "action AS a",  "module AS n",
                                   "dist_set AS n",     "rollout AS n", "rollout_group AS n",
                                   "target_filter AS n"};

static sqlite3 *store(void)
{
    static sqlite3 *db;
    if (db == NULL) {
        require(sqlite3_open(":memory:", &db) == SQLITE_OK);
        require(sqlite3_exec(db, tables, NULL, NULL, NULL) == SQLITE_OK);
    }
    return db;
}

static void check_values(const struct filter *filter)
{
    const char *end = filter->text + sizeof filter->text;
    for (unsigned i = 0; i < filter->count; i++) {
        const struct db_value *value = &filter->value[i];
        if (value->is_text)
            require(value->text >= filter->text && value->length < (size_t)(end - value->text) &&
                    value->text[value->length] == '\0');
    }
}

/* Numbers stand in the condition as part of our own words only. */
static void check_prepared(const struct filter *filter, enum filter_kind kind)
{
    static char sql[FILTER_SQL_MAX + 64];
    sqlite3_stmt *statement;
    const char *rest;
    snprintf(sql, sizeof sql, "SELECT 1 FROM %s WHERE %s", rows[kind], filter->sql);
    require(sqlite3_prepare_v2(store(), sql, -1, &statement, &rest) == SQLITE_OK);
    require(statement != NULL && *rest == '\0');
    require(sqlite3_bind_parameter_count(statement) == (int)filter->count);
    for (unsigned i = 0; i < filter->count; i++) {
        char name[16];
        snprintf(name, sizeof name, "$%u", i + 3);
        require(sqlite3_bind_parameter_index(statement, name) != 0);
    }
    require(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_finalize(statement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct filter filter;
    static char query[FILTER_TEXT_MAX + 64];
    if (size == 0 || size > sizeof query)
        return 0;
    enum filter_kind kind = (enum filter_kind)(data[0] % (sizeof rows / sizeof rows[0]));
    memcpy(query, data + 1, size - 1);
    query[size - 1] = '\0';
    if (!filter_compile(query, kind, 3, &filter)) {
        require(filter.problem[0] != '\0');
        return 0;
    }
    require(filter.count <= FILTER_VALUES_MAX);
    check_values(&filter);
    check_prepared(&filter, kind);
    return 0;
}
