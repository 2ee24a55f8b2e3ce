/* Migrations: once each, by several at a time, never backwards. */
#include "tests/unit/db/stores.h"

#include <pthread.h>

static const char new_target[] =
    "INSERT INTO target (tenant, controller_id, name, security_token, update_status, created_at,"
    " created_by, changed_at, changed_by) VALUES (1, $1, $1, 'x', 'unknown', 0, 't', 0, 't')"
    " RETURNING id";

static void migrates_once(void **state)
{
    struct db *db = store_migrated(state);
    int64_t value;
    assert_int_equal(schema_migrate(db), HOST_DONE);
    assert_int_equal(db_get_int(db, "SELECT number FROM schema_version", DB_NO_ARGS, &value),
                     DB_ROW);
    assert_int_equal(value, schema_newest());
    assert_int_equal(db_get_int(db, "SELECT COUNT(*) FROM tenant", DB_NO_ARGS, &value), DB_ROW);
    assert_int_equal(value, 1);
    assert_int_equal(db_get_int(db, "SELECT id FROM tenant", DB_NO_ARGS, &value), DB_ROW);
    assert_int_equal(value, SCHEMA_TENANT_ID);
    db_close(db);
}

static void a_newer_store_is_refused(void **state)
{
    struct db *db = store_migrated(state);
    assert_int_equal(db_script(db, "UPDATE schema_version SET number = 1000"), DB_OK);
    assert_int_equal(schema_migrate(db), HOST_FAILED);
    db_close(db);
}

static void *migrate_one(void *url)
{
    struct db *db;
    if (db_open(url, &db) != HOST_DONE)
        return "cannot open";
    int status = schema_migrate(db);
    db_close(db);
    return status == HOST_DONE ? NULL : "cannot migrate";
}

static void several_at_once(void **state)
{
    struct store_under_test *store = *state;
    pthread_t thread[6];
    struct db *db = store_connect(state);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, migrate_one, store->url), 0);
    for (size_t i = 0; i < 6; i++) {
        void *problem;
        pthread_join(thread[i], &problem);
        assert_null(problem);
    }
    int64_t value;
    assert_int_equal(db_get_int(db, "SELECT COUNT(*) FROM tenant", DB_NO_ARGS, &value), DB_ROW);
    assert_int_equal(value, 1);
    db_close(db);
}

/* hawkbit-ddi.md 9, quirk 7: ids of actions; they also never come twice. */
static void action_ids(void **state)
{
    static const char action[] =
        "INSERT INTO action (tenant, target, dist_set, state, active, kind, created_at, created_by,"
        " changed_at, changed_by) VALUES (1, $1, $2, 'running', 1, 'forced', 0, 't', 0, 't')"
        " RETURNING id";
    static const char set[] =
        "INSERT INTO dist_set (tenant, type, name, version, created_at, created_by, changed_at,"
        " changed_by) VALUES (1, 'os', 'a', '1', 0, 't', 0, 't') RETURNING id";
    struct db *db = store_migrated(state);
    int64_t target;
    int64_t dist_set;
    int64_t id;
    assert_int_equal(db_get_int(db, new_target, DB_ARGS(db_t("a")), &target), DB_ROW);
    assert_int_equal(db_get_int(db, set, DB_NO_ARGS, &dist_set), DB_ROW);
    assert_int_equal(db_get_int(db, action, DB_ARGS(db_i(target), db_i(dist_set)), &id), DB_ROW);
    assert_int_equal(id, 11111);
    assert_int_equal(db_script(db, "DELETE FROM action"), DB_OK);
    assert_int_equal(db_get_int(db, action, DB_ARGS(db_i(target), db_i(dist_set)), &id), DB_ROW);
    assert_int_equal(id, 11112);
    assert_int_equal(db_get_int(db, action, DB_ARGS(db_i(target), db_i(999)), &id), DB_ECONFLICT);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(migrates_once),
        STORE_TESTS(a_newer_store_is_refused),
        STORE_TESTS(several_at_once),
        STORE_TESTS(action_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
