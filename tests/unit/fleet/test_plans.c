/* Every statement that runs while a fleet is at work finds its rows by an index, on both stores,
 * however many there are.
 *
 * A device's and a rollout's whole life goes by, and each statement that reads one of the large
 * tables is explained. PostgreSQL is asked what it would do if reading a whole table cost anything;
 * if it still does, there is no index.
 */
#include "tests/unit/fleet/rollout_world.h"

#include "server/db/backend.h"

static const char *const large[] = {"target",        "target_attribute", "target_poll",   "action",
                                    "action_status", "action_message",   "rollout_target"};

static struct {
    const struct db_backend *real;
    struct db_backend watching;
    bool busy;
    unsigned explained;
} watch;

/* "Seq Scan on target t", "SCAN t": and not by an index. The alias is not the table's name on
 * SQLite, so there every scan counts whose statement names a large table. */
static bool is_scan(bool embedded, const char *line, const char *sql)
{
    static const char seq[] = "Seq Scan on ";
    const char *at = strstr(line, embedded ? "SCAN " : seq);
    if (at == NULL || strstr(line, " INDEX ") != NULL || strstr(line, "json_each") != NULL ||
        strstr(line, "CONSTANT ROW") != NULL || strstr(line, "(subquery") != NULL)
        return false;
    at += strlen(embedded ? "SCAN " : seq);
    size_t length = strcspn(at, " ");
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        char alias[64];
        if (strlen(large[i]) == length && strncmp(at, large[i], length) == 0)
            return true;
        snprintf(alias, sizeof alias, " %s AS %.*s", large[i], (int)length, at);
        const char *found = embedded ? strstr(sql, alias) : NULL;
        if (found != NULL && strchr(" ),", found[strlen(alias)]) != NULL)
            return true;
    }
    return false;
}

static void explain(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    static char text[40000];
    snprintf(text, sizeof text, "%s %s", db->backend->embedded ? "EXPLAIN QUERY PLAN" : "EXPLAIN",
             sql);
    struct db_rows *rows = watch.real->query(db, text, false, values, count);
    int status;
    while ((status = watch.real->next(rows)) == DB_ROW) {
        size_t length;
        const char *line = watch.real->text(rows, watch.real->embedded ? 3 : 0, &length);
        if (is_scan(watch.real->embedded, line, sql))
            fail_msg("%s\nin: %s", line, sql);
    }
    if (status != DB_OK)
        fail_msg("%s: %s", db->error, text);
    watch.explained++;
}

static struct db_rows *query(struct db *db, const char *sql, bool keep,
                             const struct db_value *values, size_t count)
{
    static const char *const verbs[] = {"SELECT", "UPDATE", "INSERT", "DELETE"};
    for (size_t i = 0; !watch.busy && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strncmp(sql, verbs[i], strlen(verbs[i])) == 0) {
            watch.busy = true;
            explain(db, sql, values, count);
            watch.busy = false;
        }
    }
    return watch.real->query(db, sql, keep, values, count);
}

static void watch_begin(struct world *world)
{
    if (!db_embedded(world->db))
        assert_int_equal(db_script(world->db, "SET enable_seqscan = off; ANALYZE"), DB_OK);
    watch.busy = false;
    watch.explained = 0;
    watch.real = world->db->backend;
    watch.watching = *watch.real;
    watch.watching.query = query;
    world->db->backend = &watch.watching;
}

static void watch_end(struct world *world)
{
    world->db->backend = watch.real;
    assert_true(watch.explained > 50);
}

/* From the first poll to the last report. */
static void device(struct world *world, const char *finished)
{
    char path[256];
    assert_int_equal(
        call(world, API_GET, "/DEFAULT/controller/v1/d0001", "TargetToken d0001", NULL), 200);
    const char *link = strstr(text_at(world, "_links.deploymentBase.href"), "/DEFAULT/");
    assert_non_null(link);
    snprintf(path, sizeof path, "%.*s", (int)strcspn(link, "?"), link);
    assert_int_equal(call(world, API_GET, path, "TargetToken d0001", NULL), 200);
    strcat(path, "/feedback");
    char body[160];
    snprintf(body, sizeof body,
             "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"%s\"}}}", finished);
    assert_int_equal(call(world, API_POST, path, "TargetToken d0001", body), 200);
    assert_int_equal(call(world, API_PUT, "/DEFAULT/controller/v1/d0001/configData",
                          "TargetToken d0001", "{\"data\":{\"n\":\"2\"}}"),
                     200);
    assert_int_equal(
        call(world, API_GET, "/DEFAULT/controller/v1/d0001", "TargetToken d0001", NULL), 200);
}

static void by_indexes(void **state)
{
    struct world *world = world_fleet(state, 40);
    int64_t set = world_set(world, "1.1.0");
    struct rollout_new new = thirds_of_all(set);
    struct rollout_group_new group = {.success_share = 10000, .error_share = 5000};
    new.groups = &group;
    new.group_count = 1;
    new.retries = 1;
    watch_begin(world);
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    device(world, "failure");
    tick(world);
    world->now += ROLLOUT_CHECK_MS + 1;
    tick(world);
    device(world, "success");
    tick(world);
    struct fleet fleet = world_begin(world);
    assert_int_equal(set_invalidate(&fleet, set, SET_CANCEL_SOFT), FLEET_OK);
    world_commit(world);
    tick(world);
    assert_string_equal(status_of(world, id), "stopped");
    order(world, id, ROLLOUT_DELETE);
    tick(world);
    watch_end(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TESTS(by_indexes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
