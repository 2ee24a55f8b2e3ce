/* Rollouts under bad luck: devices that do whatever they like, ticks that are cut anywhere, several
 * processes that tick at once.
 *
 * Random behaviour comes from a seed, which a failure names. The engine's promises are checked
 * after every single tick, by questions to the store that share no code with it.
 */
#include "tests/unit/fleet/rollout_world.h"

#include <pthread.h>
#include <stdatomic.h>

#include "server/db/backend.h"

#define DEVICES 60

/* What must hold at any time: each answers the number of rows that break it. */
static const struct {
    const char *name, *sql;
} laws[] = {
    {"a target has as many actions as tries",
     "SELECT COUNT(*) FROM rollout_target AS x WHERE x.rollout = $1 AND x.tries <> (SELECT COUNT(*)"
     " FROM action AS a WHERE a.rollout = x.rollout AND a.target = x.target)"},
    {"at most one of them is active",
     "SELECT COUNT(*) FROM rollout_target AS x WHERE x.rollout = $1 AND (SELECT COUNT(*) FROM "
     "action"
     " AS a WHERE a.rollout = x.rollout AND a.target = x.target AND a.active = 1) > 1"},
    {"a target runs as long as its action is not counted",
     "SELECT COUNT(*) FROM rollout_target AS x WHERE x.rollout = $1 AND (x.state = 'running') <>"
     " EXISTS (SELECT 1 FROM action AS a WHERE a.rollout = x.rollout AND a.target = x.target"
     " AND (a.active = 1 OR a.counted = 0))"},
    {"no more tries than allowed",
     "SELECT COUNT(*) FROM rollout_target AS x JOIN rollout AS r ON r.id = x.rollout"
     " WHERE x.rollout = $1 AND x.tries > r.retries + 1"},
    {"groups start in order",
     "SELECT COUNT(*) FROM rollout_group AS g JOIN rollout_group AS b ON b.rollout = g.rollout"
     " AND b.position = g.position - 1 WHERE g.rollout = $1"
     " AND g.status NOT IN ('creating', 'ready') AND b.status IN ('creating', 'ready')"},
    {"nothing is assigned in a group that has not started",
     "SELECT COUNT(*) FROM rollout_target AS x JOIN rollout_group AS g ON g.id = x.rollout_group"
     " WHERE x.rollout = $1 AND g.status IN ('creating', 'ready') AND x.tries > 0"},
    {"a group that goes on is within its threshold",
     "SELECT COUNT(*) FROM rollout_group AS g WHERE g.rollout = $1"
     " AND g.status IN ('scheduled', 'running') AND 10000 * ((SELECT COUNT(*) FROM rollout_target"
     " AS x WHERE x.rollout_group = g.id AND x.state = 'error') - g.accepted) > g.error_share *"
     " (SELECT COUNT(*) FROM rollout_target AS x WHERE x.rollout_group = g.id)"},
    {"a rollout with a group in error does not run",
     "SELECT COUNT(*) FROM rollout_group AS g JOIN rollout AS r ON r.id = g.rollout"
     " WHERE g.rollout = $1 AND g.status = 'error' AND r.status IN ('starting', 'running')"},
    {"the counts of groups are their targets",
     "SELECT COUNT(*) FROM (SELECT x.rollout_group, x.state, COUNT(*) AS number FROM rollout_target"
     " AS x WHERE x.rollout_group IS NOT NULL GROUP BY x.rollout_group, x.state) AS x"
     " FULL JOIN (SELECT * FROM rollout_count WHERE number <> 0) AS c"
     " ON c.rollout_group = x.rollout_group AND c.state = x.state"
     " WHERE COALESCE(c.number, 0) <> COALESCE(x.number, 0) AND $1 = $1"},
    {"what is to be tried again has a time for it",
     "SELECT COUNT(*) FROM rollout_target AS x WHERE x.rollout = $1"
     " AND (x.state = 'retry') <> (x.retry_at IS NOT NULL)"},
};

static void check_laws(struct world *world, int64_t id, unsigned seed)
{
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        if (ask_number(world, laws[i].sql, id) != 0)
            fail_msg("seed %u: broken: %s", seed, laws[i].name);
    }
    struct rollout_counts now = counts(world, id, 0);
    if (now.not_started + now.scheduled + now.running + now.finished + now.error + now.cancelled !=
            now.total ||
        now.total !=
            ask_number(world, "SELECT COUNT(*) FROM rollout_target WHERE rollout = $1", id))
        fail_msg("seed %u: the counts are not the targets", seed);
}

static int64_t actions_of(struct world *world, int64_t id)
{
    return ask_number(world, "SELECT COUNT(*) FROM action WHERE rollout = $1", id);
}

/* Ticks until there is nothing to do, with every law checked after each. */
static void tick_lawfully(struct world *world, int64_t id, unsigned seed)
{
    bool more;
    do {
        bool paused = strcmp(status_of(world, id), "paused") == 0;
        int64_t before = actions_of(world, id);
        more = tick_once(world);
        check_laws(world, id, seed);
        if (paused && actions_of(world, id) != before)
            fail_msg("seed %u: assigned while paused", seed);
    } while (more);
}

/* One device, or its operator, does something. */
static void something_happens(struct world *world, unsigned *seed)
{
    static const char sql[] = "SELECT id, target, state FROM action WHERE active = 1"
                              " ORDER BY id LIMIT 1 OFFSET $1";
    int64_t id = 0;
    struct target target;
    bool canceling = false;
    struct fleet fleet = world_begin(world);
    struct db_rows *rows = db_query(world->db, sql, DB_ARGS(db_i(rand_r(seed) % 6)));
    if (db_next(rows) == DB_ROW) {
        id = db_int(rows, 0);
        canceling = strcmp(db_text(rows, 2), "canceling") == 0;
        assert_int_equal(target_get(&fleet, db_int(rows, 1), &target), FLEET_OK);
        db_end(rows);
    }
    int what = rand_r(seed) % 20;
    struct feedback feedback = {.execution = "closed",
                                .finished = what < 12 ? "success" : "failure"};
    int status = FLEET_OK;
    if (id != 0 && what == 19 && rand_r(seed) % 4 == 0)
        status = target_delete(&fleet, target.id);
    else if (id != 0 && canceling)
        status = action_cancel_feedback(&fleet, &target, id, &feedback);
    else if (id != 0 && what == 18)
        status = action_cancel(&fleet, id, false);
    else if (id != 0)
        status = action_feedback(&fleet, &target, id, &feedback);
    assert_int_equal(status, FLEET_OK);
    world_commit(world);
}

static int64_t random_rollout(struct world *world, unsigned *seed)
{
    static unsigned number;
    struct rollout_group_new groups[4] = {0};
    char version[16];
    snprintf(version, sizeof version, "1.%u.0", ++number);
    struct rollout_new new = thirds_of_all(world_set(world, version));
    new.name = version;
    new.group_count = 1 + (size_t)rand_r(seed) % 4;
    new.groups = groups;
    new.retries = rand_r(seed) % 3;
    new.retry_seconds = rand_r(seed) % 100;
    for (size_t i = 0; i < new.group_count; i++) {
        groups[i].share = rand_r(seed) % 3 == 0 ? ROLLOUT_EQUAL_PART : 1 + rand_r(seed) % 10000;
        groups[i].success_share = rand_r(seed) % 10001;
        groups[i].error_share = rand_r(seed) % 5000;
        groups[i].success_then = rand_r(seed) % 4 == 0 ? ROLLOUT_PAUSE : ROLLOUT_NEXT_GROUP;
    }
    return world_rollout(world, &new);
}

/* Every cancel that is under way is forced. */
static void settle_cancels(struct world *world)
{
    static const char sql[] = "SELECT MIN(id) FROM action WHERE active = 1 AND state = 'canceling'"
                              " HAVING MIN(id) > $1";
    int64_t id;
    struct fleet fleet = world_begin(world);
    while (db_get_int(world->db, sql, DB_ARGS(db_i(0)), &id) == DB_ROW)
        assert_int_equal(action_cancel(&fleet, id, true), FLEET_OK);
    world_commit(world);
}

/* Whatever has halted it, in the end it ends: every device is done with. */
static void to_the_end(struct world *world, int64_t id, unsigned seed)
{
    for (unsigned round = 0; strcmp(status_of(world, id), "finished") != 0; round++) {
        if (round == 100)
            fail_msg("seed %u: it never ends: %s, %s", seed, status_of(world, id),
                     groups_of(world, id));
        (void)order(world, id, ROLLOUT_RESUME);
        tick_lawfully(world, id, seed);
        settle_cancels(world);
        report(world, 1000, "success");
        world->now += ROLLOUT_CHECK_MS + 1000 * 1000;
        tick_lawfully(world, id, seed);
    }
    struct rollout_counts now = counts(world, id, 0);
    assert_int_equal(now.finished + now.error + now.cancelled, now.total);
}

static void any_behaviour(void **state)
{
    static const enum rollout_order orders[] = {ROLLOUT_ORDER_PAUSE, ROLLOUT_RESUME, ROLLOUT_RESUME,
                                                ROLLOUT_TRIGGER_NEXT};
    struct world *world = world_fleet(state, DEVICES);
    for (unsigned first = 1; first <= 12; first++) {
        unsigned seed = first;
        int64_t id = random_rollout(world, &seed);
        order(world, id, ROLLOUT_START);
        for (unsigned step = 0; step < 60; step++) {
            for (int count = rand_r(&seed) % 4; count > 0; count--)
                something_happens(world, &seed);
            if (rand_r(&seed) % 8 == 0)
                (void)order(world, id, orders[rand_r(&seed) % 4]);
            world->now += 1000 * (rand_r(&seed) % 60);
            tick_lawfully(world, id, first);
        }
        to_the_end(world, id, first);
    }
    world_free(world);
}

/* Ticks that are cut */

/* A store that fails at one statement, counted down. */
static struct {
    const struct db_backend *real;
    int64_t left; /* below 0: never */
} cut;

static struct db_rows *query_or_fail(struct db *db, const char *sql, bool keep,
                                     const struct db_value *values, size_t count)
{
    if (cut.left >= 0 && cut.left-- == 0)
        return cut.real->query(db, "SELECT * FROM what_is_not_there", false, NULL, 0);
    return cut.real->query(db, sql, keep, values, count);
}

static void make_cuttable(struct db *db)
{
    static struct db_backend backend;
    cut.real = db->backend;
    cut.left = -1;
    backend = *db->backend;
    backend.query = query_or_fail;
    db->backend = &backend;
}

/* One tick that is cut at its nth statement; whether it was long enough for that. */
static bool tick_cut(struct world *world, int64_t nth)
{
    bool worked;
    struct fleet fleet = {.db = world->db, .now = world->now};
    assert_int_equal(db_begin(world->db, DB_WRITE), DB_OK);
    cut.left = nth;
    int status = rollout_tick(&fleet, &worked);
    bool was_cut = cut.left < 0;
    cut.left = -1;
    assert_true(was_cut ? status < 0 : status == FLEET_OK);
    db_rollback(world->db); /* and a crash before the commit is the same */
    return was_cut;
}

/* All that a rollout has left behind, as one text. */
static void put_story(struct world *world, char *out, size_t size)
{
    static const char *const parts[] = {
        "SELECT name || status || total || COALESCE(halt_reason, '') FROM rollout ORDER BY id",
        "SELECT name || status || total || accepted FROM rollout_group ORDER BY id",
        "SELECT target || state || tries || rollout_group FROM rollout_target ORDER BY target",
        "SELECT target || state || active || counted FROM action ORDER BY id",
        "SELECT who || verb || subject || detail FROM audit ORDER BY id",
        "SELECT controller_id || update_status || COALESCE(assigned_set, 0)"
        " || COALESCE(installed_set, 0) FROM target ORDER BY id",
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct db_rows *rows = db_query(world->db, parts[i], DB_NO_ARGS);
        int status;
        while ((status = db_next(rows)) == DB_ROW)
            used += (size_t)snprintf(out + used, size - used, "%s\n", db_text(rows, 0));
        assert_int_equal(status, DB_OK);
    }
    assert_true(used < size);
}

/* A rollout with everything in it: retries, a halt, a resume, a stop of another one. `seed` 0: not
 * cut; else before each tick that works, one is cut at a random place. */
static void tell_story(struct world *world, unsigned seed)
{
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    new.retries = 1;
    new.retry_seconds = 10;
    int64_t ids[2];
    for (unsigned i = 0; i < 2; i++) {
        struct fleet fleet = world_begin(world);
        new.name = i == 0 ? "first" : "second";
        new.filter = i == 0 ? "id=lt=d0016" : "id=ge=d0016";
        new.start_at = world->now + 1;
        assert_int_equal(rollout_create(&fleet, &new, &ids[i]), FLEET_OK);
        world_commit(world);
    }
    for (unsigned step = 0; step < 12; step++) {
        do {
            if (seed != 0)
                (void)tick_cut(world, rand_r(&seed) % (1 + rand_r(&seed) % 200));
        } while (tick_once(world));
        world->now += 5000;
        report(world, 3, step == 2 || step == 3 ? "failure" : "success");
        if (step == 6)
            order(world, ids[1], ROLLOUT_STOP);
        if (step > 3)
            (void)order(world, ids[0], ROLLOUT_RESUME);
    }
}

static void cut_anywhere(void **state)
{
    static char story[2][65536];
    struct store_under_test *store = *state;
    struct world *world = world_fleet(state, 20);
    tell_story(world, 0);
    put_story(world, story[0], sizeof story[0]);
    world_free(world);
    for (unsigned seed = 1; seed <= 4; seed++) {
        void *again;
        (void)(store->folder[0] != '\0' ? store_new_sqlite(&again) : store_new_postgres(&again));
        world = world_fleet(&again, 20);
        make_cuttable(world->db);
        tell_story(world, seed);
        put_story(world, story[1], sizeof story[1]);
        world->db->backend = cut.real;
        world_free(world);
        store_forget(&again);
        if (strcmp(story[0], story[1]) != 0)
            fail_msg("seed %u: not the same story:\n%s\n%s", seed, story[0], story[1]);
    }
}

/* At every single statement of the tick that assigns: nothing of it is there. */
static void cut_everywhere(void **state)
{
    struct world *world = world_fleet(state, 3);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    make_cuttable(world->db);
    int64_t nth = 0;
    while (tick_cut(world, nth))
        nth++;
    assert_true(nth > 20);
    assert_int_equal(actions_of(world, id), 0);
    check_laws(world, id, 0);
    world->db->backend = cut.real;
    tick(world);
    assert_int_equal(actions_of(world, id), 1);
    world_free(world);
}

/* Several at once */

struct ticker {
    pthread_t thread;
    const char *url;
    int64_t now;
    atomic_bool *stop;
    unsigned committed, again;
};

/* The lock that spares several processes from doing the same work is not there: they collide. */
static struct db_rows *query_without_lock(struct db *db, const char *sql, bool keep,
                                          const struct db_value *values, size_t count)
{
    if (strstr(sql, "pg_try_advisory_xact_lock") != NULL)
        return cut.real->query(db, "SELECT 1", false, NULL, 0);
    return cut.real->query(db, sql, keep, values, count);
}

static struct db_backend lockless;

static void *tick_on(void *argument)
{
    struct ticker *self = argument;
    struct db *db;
    if (db_open(self->url, &db) != HOST_DONE)
        return NULL;
    db->backend = &lockless;
    while (!atomic_load(self->stop)) {
        bool worked = false;
        struct fleet fleet = {.db = db, .now = self->now};
        int status = db_begin(db, DB_STEP);
        if (status == DB_OK)
            status = rollout_tick(&fleet, &worked);
        if (status == DB_OK)
            status = db_commit(db);
        if (status != DB_OK)
            db_rollback(db);
        self->committed += status == DB_OK && worked;
        self->again += status == DB_EAGAIN;
        if (status != DB_OK && status != DB_EAGAIN)
            fprintf(stderr, "tick: %d %s %s\n", status, fleet.problem, db_error(db));
        if (!worked)
            usleep(1000);
    }
    db->backend = cut.real;
    db_close(db);
    return self;
}

/* A report that meets a tick is said again, as the pool would. */
static unsigned report_until_taken(struct world *world)
{
    static const char sql[] = "SELECT target, id FROM action WHERE active = 1 ORDER BY id LIMIT 5";
    for (;;) {
        int64_t rows[5][2];
        unsigned found = 0;
        int status = db_begin(world->db, DB_WRITE);
        struct fleet fleet = {
            .db = world->db, .tenant = SCHEMA_TENANT_ID, .now = world->now, .who = "test"};
        struct db_rows *cursor = db_query(world->db, sql, DB_NO_ARGS);
        int next;
        while ((next = db_next(cursor)) == DB_ROW) {
            rows[found][0] = db_int(cursor, 0);
            rows[found++][1] = db_int(cursor, 1);
        }
        status = status == DB_OK ? next : status;
        for (unsigned i = 0; i < found && status == DB_OK; i++) {
            struct target target;
            struct feedback feedback = {.execution = "closed", .finished = "success"};
            status = target_get(&fleet, rows[i][0], &target);
            if (status == DB_OK)
                status = action_feedback(&fleet, &target, rows[i][1], &feedback);
        }
        if (status == DB_OK)
            status = db_commit(world->db);
        if (status == DB_OK)
            return found;
        db_rollback(world->db);
        assert_int_equal(status, DB_EAGAIN);
    }
}

static void several_at_once(void **state)
{
    struct store_under_test *store = *state;
    struct world *world = world_fleet(state, DEVICES);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    struct fleet fleet = world_begin(world);
    struct ticker tickers[3];
    atomic_bool stop = false;
    int64_t id;
    unsigned reported = 0;
    new.start_at = world->now;
    assert_int_equal(rollout_create(&fleet, &new, &id), FLEET_OK);
    world_commit(world);
    cut.real = world->db->backend;
    lockless = *cut.real;
    lockless.query = query_without_lock;
    for (size_t i = 0; i < 3; i++) {
        tickers[i] = (struct ticker){.url = store->url, .now = world->now, .stop = &stop};
        assert_int_equal(pthread_create(&tickers[i].thread, NULL, tick_on, &tickers[i]), 0);
    }
    for (unsigned waited = 0; reported < DEVICES && waited < 5000; waited++) {
        reported += report_until_taken(world);
        usleep(1000);
    }
    usleep(200000);
    atomic_store(&stop, true);
    for (size_t i = 0; i < 3; i++) {
        void *good;
        pthread_join(tickers[i].thread, &good);
        assert_non_null(good);
    }
    assert_int_equal(reported, DEVICES);
    tick(world);
    assert_string_equal(status_of(world, id), "finished");
    assert_int_equal(actions_of(world, id), DEVICES);
    assert_int_equal(counts(world, id, 0).finished, DEVICES);
    assert_int_equal(ask_number(world,
                                "SELECT COUNT(*) FROM audit WHERE verb IN ('rollout.start',"
                                " 'rollout.finish') AND $1 = 1",
                                1),
                     2);
    check_laws(world, id, 0);
    world_free(world);
}

/* More targets than one step takes. */
static void many_steps(void **state)
{
    const unsigned count = 2 * ROLLOUT_STEP + 1;
    struct world *world = world_fleet(state, count);
    struct rollout_group_new group = {.success_share = 10000, .error_share = 0};
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    new.groups = &group;
    new.group_count = 1;
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick_lawfully(world, id, 0);
    assert_int_equal(counts(world, id, 0).running, count);
    assert_int_equal(report(world, count, "success"), count);
    tick_lawfully(world, id, 0);
    assert_string_equal(status_of(world, id), "finished");
    new.name = "again";
    id = world_rollout(world, &new);
    order(world, id, ROLLOUT_DELETE);
    tick(world);
    assert_string_equal(status_of(world, id), "");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(any_behaviour),   STORE_TESTS(cut_anywhere), STORE_TESTS(cut_everywhere),
        STORE_TESTS(several_at_once), STORE_TESTS(many_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
