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

/* A fleet as the first schema knew it: a device that updates in a rollout with another to come. */
static const char old_fleet[] =
    "INSERT INTO module (tenant, type, name, version, created_at, created_by, changed_at,"
    " changed_by) VALUES (1, 'os', 'fw', '1', 5, 't', 5, 't');"
    "INSERT INTO dist_set (tenant, type, name, version, created_at, created_by, changed_at,"
    " changed_by) VALUES (1, 'os', 'fw', '1', 5, 't', 5, 't');"
    "INSERT INTO set_module VALUES (1, 1);"
    "INSERT INTO target (tenant, controller_id, name, security_token, update_status, assigned_set,"
    " created_at, created_by, changed_at, changed_by) VALUES (1, 'a', 'a', 'x', 'pending', 1, 5,"
    " 't', 5, 't'), (1, 'b', 'b', 'y', 'unknown', NULL, 5, 't', 5, 't');"
    "INSERT INTO rollout (tenant, name, dist_set, filter, status, kind, total, cursor, created_at,"
    " created_by, changed_at, changed_by) VALUES (1, 'spring', 1, '', 'running', 'forced', 2, -1,"
    " 5, 't', 5, 't');"
    "INSERT INTO rollout_group (rollout, position, name, status, share, success_share,"
    " success_action, error_share, error_action, wanted, total) VALUES (1, 0, 'one', 'running', 0,"
    " 10000, 'nextgroup', 0, 'pause', 1, 1), (1, 1, 'two', 'ready', 0, 10000, 'nextgroup', 0,"
    " 'pause', 1, 1);"
    "INSERT INTO rollout_target (rollout, target, rollout_group, place, state, tries) VALUES"
    " (1, 1, 1, 7, 'running', 1), (1, 2, 2, 9, 'waiting', 0);"
    "INSERT INTO action (tenant, target, dist_set, state, active, kind, rollout, rollout_group,"
    " created_at, created_by, changed_at, changed_by) VALUES (1, 1, 1, 'running', 1, 'forced', 1,"
    " 1, 5, 't', 5, 't');"
    "INSERT INTO action_status (action, state, reported_at, occurred_at) VALUES (11111, 'running',"
    " 5, 5);"
    "INSERT INTO action_message VALUES (1, 0, 'at work');";

/* What was there is there, and what is new has its meaning for it. */
static void an_older_store_with_a_fleet(void **state)
{
    static const struct {
        const char *sql;
        int64_t value;
    } cases[] = {
        {"SELECT COUNT(*) FROM target WHERE assigned_set = 1 AND security_token = 'x'", 1},
        {"SELECT COUNT(*) FROM rollout_target AS x JOIN rollout_group AS g"
         " ON g.id = x.rollout_group WHERE g.filled_place = 0",
         2},
        {"SELECT MAX(place) FROM rollout_target", 9},
        {"SELECT COUNT(*) FROM dist_set WHERE cancel IS NULL AND cancel_cursor = 0", 1},
        {"SELECT id FROM action WHERE rollout = 1 AND active = 1", 11111},
        {"SELECT COUNT(*) FROM action_message AS m JOIN action_status AS s ON s.id = m.status"
         " WHERE s.action = 11111 AND m.text = 'at work'",
         1},
        {"SELECT targets FROM tenant", 2},
        {"SELECT reports FROM action", 1},
        {"SELECT COUNT(*) FROM rollout_count WHERE number = 1 AND (rollout_group, state) IN"
         " ((1, 'running'), (2, 'waiting'))",
         2},
        {"INSERT INTO rollout (tenant, name, dist_set, filter, status, kind, created_at,"
         " created_by, changed_at, changed_by) VALUES (1, 'next', 1, '', 'creating', 'forced', 5,"
         " 't', 5, 't') RETURNING id",
         2},
    };
    struct db *db = store_connect(state);
    int64_t value;
    assert_int_equal(schema_migrate_to(db, 1), HOST_DONE);
    assert_int_equal(db_script(db, old_fleet), DB_OK);
    assert_int_equal(schema_migrate(db), HOST_DONE);
    assert_int_equal(schema_migrate(db), HOST_DONE);
    assert_int_equal(db_get_int(db, "SELECT number FROM schema_version", DB_NO_ARGS, &value),
                     DB_ROW);
    assert_int_equal(value, schema_newest());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct db_rows *rows = db_query_once(db, cases[i].sql, DB_NO_ARGS);
        assert_int_equal(db_next(rows), DB_ROW);
        if (db_int(rows, 0) != cases[i].value)
            fail_msg("%s: %lld", cases[i].sql, (long long)db_int(rows, 0));
        db_end(rows);
    }
    assert_int_equal(schema_migrate_to(db, 1), HOST_FAILED); /* as the older program would */
    db_close(db);
}

/* A migration that fails in the middle has done nothing. */
static void all_or_nothing(void **state)
{
    struct db *db = store_connect(state);
    int64_t value;
    assert_int_equal(schema_migrate_to(db, 1), HOST_DONE);
    assert_int_equal(db_script(db, "DROP INDEX action_set"), DB_OK); /* which the second drops */
    assert_int_equal(schema_migrate(db), HOST_FAILED);
    assert_int_equal(db_get_int(db, "SELECT number FROM schema_version", DB_NO_ARGS, &value),
                     DB_ROW);
    assert_int_equal(value, 1);
    assert_int_equal(db_run(db, "UPDATE rollout_group SET filled_place = 0", DB_NO_ARGS), DB_EIO);
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
        STORE_TESTS(an_older_store_with_a_fleet),
        STORE_TESTS(all_or_nothing),
        STORE_TESTS(several_at_once),
        STORE_TESTS(action_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
