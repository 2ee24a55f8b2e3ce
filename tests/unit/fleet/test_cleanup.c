/* Actions that ended long ago go; what something rests on stays. Each test on both stores. */
#include "tests/unit/fleet/rollout_world.h"

#include "server/fleet/action_cleanup.h"

#define DAY  (24 * 3600 * INT64_C(1000))
#define KEEP (400 * DAY)

/* A whole pass; the number of steps it took. */
static unsigned clean_up(struct world *world, int64_t *removed)
{
    struct action_cleanup pass = {0};
    unsigned steps = 0;
    while (!pass.over) {
        struct fleet fleet = {.db = world->db, .now = world->now, .who = "server"};
        assert_int_equal(db_begin(world->db, DB_STEP), DB_OK);
        assert_int_equal(action_cleanup_step(&fleet, world->now - KEEP, &pass), FLEET_OK);
        world_commit(world);
        assert_true(++steps < 1000);
    }
    *removed = pass.removed;
    return steps;
}

static int64_t removed_by_pass(struct world *world)
{
    int64_t removed;
    clean_up(world, &removed);
    return removed;
}

static const struct action_terms forced = {.kind = ACTION_FORCED, .weight = -1};

/* Assigned and, with a word, ended. */
static int64_t update(struct world *world, const char *device, int64_t set, const char *finished)
{
    int64_t id = world_assign(world, device, set, &forced);
    struct feedback feedback = {.execution = "closed", .finished = finished};
    struct target target = world_look(world, device);
    if (finished == NULL)
        return id;
    struct fleet fleet = world_begin(world);
    assert_int_equal(action_feedback(&fleet, &target, id, &feedback), FLEET_OK);
    world_commit(world);
    return id;
}

static bool there(struct world *world, int64_t action)
{
    return ask_number(world, "SELECT COUNT(*) FROM action WHERE id = $1", action) == 1;
}

static void what_ended_long_ago_goes(void **state)
{
    struct world *world = world_fleet(state, 4);
    int64_t one = world_set(world, "1.0.0");
    int64_t two = world_set(world, "2.0.0");
    int64_t finished = update(world, "d0000", one, "success");
    int64_t newest = update(world, "d0000", two, "success");
    int64_t installed = update(world, "d0001", one, "success");
    int64_t failed = update(world, "d0001", two, "failure");
    int64_t running = update(world, "d0002", one, NULL);
    world->now += KEEP;
    assert_int_equal(removed_by_pass(world), 0); /* not longer ago than that */
    world->now += 1;
    int64_t late = update(world, "d0003", two, "failure");
    assert_int_equal(removed_by_pass(world), 2);
    assert_false(there(world, finished));
    assert_false(there(world, failed));
    assert_true(there(world, newest));
    assert_true(there(world, installed));
    assert_true(there(world, running));
    assert_true(there(world, late));
    assert_int_equal(ask_number(world,
                                "SELECT COUNT(*) FROM action_status WHERE action NOT IN"
                                " (SELECT id FROM action) AND $1 = 0",
                                0),
                     0);
    assert_int_equal(ask_number(world,
                                "SELECT COUNT(*) FROM action_message WHERE status NOT IN"
                                " (SELECT id FROM action_status) AND $1 = 0",
                                0),
                     0);
    assert_int_equal(removed_by_pass(world), 0);
    world_free(world);
}

/* With a device goes all that it reported. */
static void a_target_takes_its_reports_with_it(void **state)
{
    static const char left[] = "SELECT COUNT(*) FROM action_message WHERE $1 = 0";
    struct world *world = world_fleet(state, 2);
    int64_t set = world_set(world, "1.0.0");
    update(world, "d0000", set, "failure");
    update(world, "d0001", set, "success");
    int64_t before = ask_number(world, left, 0);
    int64_t id = world_look(world, "d0000").id;
    struct fleet fleet = world_begin(world);
    assert_int_equal(target_delete(&fleet, id), FLEET_OK);
    world_commit(world);
    assert_int_equal(before, 2);
    assert_int_equal(ask_number(world, left, 0), 1);
    world_free(world);
}

/* Two that finished: the one of what is installed ended first, the other has the higher id. */
static void what_is_installed_stays(void **state)
{
    struct world *world = world_fleet(state, 1);
    int64_t one = world_set(world, "1.0.0");
    int64_t two = world_set(world, "2.0.0");
    int64_t first = update(world, "d0000", one, "success");
    int64_t between = update(world, "d0000", two, "failure");
    int64_t last = update(world, "d0000", two, "success");
    struct target target = world_look(world, "d0000");
    struct fleet fleet = world_begin(world);
    assert_int_equal(target_installed(&fleet, target.id, one), FLEET_OK);
    world_commit(world);
    world->now += KEEP + 1;
    assert_int_equal(removed_by_pass(world), 1);
    assert_true(there(world, first));
    assert_false(there(world, between));
    assert_true(there(world, last));
    assert_int_equal(
        call(world, API_GET, "/DEFAULT/controller/v1/d0000", "TargetToken d0000", NULL), 200);
    char end[32];
    snprintf(end, sizeof end, "/installedBase/%lld", (long long)first);
    assert_non_null(strstr(text_at(world, "_links.installedBase.href"), end));
    world_free(world);
}

static void of_rollouts_only_when_they_have_ended(void **state)
{
    struct world *world = world_fleet(state, 20);
    struct rollout_new new = thirds_of_all(world_set(world, "1.0.0"));
    new.groups = (const struct rollout_group_new[]){
        {.share = ROLLOUT_SHARE, .success_share = ROLLOUT_SHARE, .error_share = ROLLOUT_NEVER}};
    new.group_count = 1;
    int64_t id = world_rollout(world, &new);
    assert_int_equal(order(world, id, ROLLOUT_START), FLEET_OK);
    tick(world);
    assert_int_equal(report(world, 12, "failure"), 12);
    tick(world);
    world->now += KEEP + 1;
    assert_int_equal(removed_by_pass(world), 0);
    assert_int_equal(report(world, 8, "success"), 8);
    world->now += KEEP + 1;
    assert_int_equal(removed_by_pass(world), 0); /* eight are not counted */
    tick(world);
    assert_string_equal(status_of(world, id), "paused"); /* too few finished */
    assert_int_equal(removed_by_pass(world), 0);
    assert_int_equal(order(world, id, ROLLOUT_STOP), FLEET_OK);
    tick(world);
    assert_string_equal(status_of(world, id), "stopped");
    struct rollout_counts before = counts(world, id, 0);
    assert_int_equal(removed_by_pass(world), 12); /* the others are what is installed */
    struct rollout_counts after = counts(world, id, 0);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(after.error, 12);
    int64_t again;
    struct fleet fleet = world_begin(world);
    assert_int_equal(rollout_retry(&fleet, id, &again), FLEET_OK);
    world_commit(world);
    tick(world);
    assert_int_equal(counts(world, again, 0).total, 12);
    world_free(world);
}

/* One that was cancelled after its rollout had ended: uncounted, its target would run for ever. */
static void what_is_not_counted_stays(void **state)
{
    struct world *world = world_fleet(state, 1);
    struct rollout_new new = thirds_of_all(world_set(world, "1.0.0"));
    int64_t id = world_rollout(world, &new);
    assert_int_equal(order(world, id, ROLLOUT_START), FLEET_OK);
    tick(world);
    assert_int_equal(order(world, id, ROLLOUT_STOP), FLEET_OK);
    tick(world);
    assert_string_equal(status_of(world, id), "stopped");
    int64_t action = ask_number(world, "SELECT id FROM action WHERE rollout = $1", id);
    struct feedback feedback = {.execution = "closed", .finished = "success"};
    struct target target = world_look(world, "d0000");
    struct fleet fleet = world_begin(world);
    assert_int_equal(action_cancel_feedback(&fleet, &target, action, &feedback), FLEET_OK);
    world_commit(world);
    world->now += KEEP + 1;
    assert_int_equal(removed_by_pass(world), 0);
    tick(world);
    assert_int_equal(removed_by_pass(world), 1);
    assert_int_equal(counts(world, id, 0).cancelled, 1);
    world_free(world);
}

/* A target that could not take what its filter assigns is not made to try every 400 days. */
static void what_a_filter_assigns_is_not_tried_again(void **state)
{
    static const char off[] = "UPDATE target_filter SET auto_set = NULL";
    struct world *world = world_fleet(state, 1);
    int64_t set = world_set(world, "1.0.0");
    int64_t filter;
    struct fleet fleet = world_begin(world);
    assert_int_equal(target_filter_create(&fleet, "all", "", &filter), FLEET_OK);
    assert_int_equal(target_filter_auto(&fleet, filter, set, &forced), FLEET_OK);
    world_commit(world);
    tick(world);
    assert_int_equal(report(world, 9, "failure"), 1);
    world->now += KEEP + 1;
    assert_int_equal(removed_by_pass(world), 0);
    tick(world);
    assert_int_equal(report(world, 9, "failure"), 0);
    assert_int_equal(db_run(world->db, off, DB_NO_ARGS), DB_OK);
    assert_int_equal(removed_by_pass(world), 1);
    world_free(world);
}

/* However much there is: no step does more than so much of it. */
static void a_step_is_small(void **state)
{
    static const char entries[] = "SELECT COUNT(*) FROM action_status WHERE $1 = 0";
    static const char all[] = "SELECT COUNT(*) FROM action WHERE $1 = 0";
    struct world *world = world_fleet(state, 1);
    int64_t set = world_set(world, "1.0.0");
    for (unsigned i = 0; i < 2 * CLEANUP_LOOK / 3; i++) {
        int64_t id = world_assign(world, "d0000", set, &forced);
        struct feedback feedback = {.execution = "proceeding", .finished = "none"};
        struct target target = world_look(world, "d0000");
        struct fleet fleet = world_begin(world);
        for (unsigned j = 0; i == 0 && j < ACTION_STATUS_MAX - 1; j++)
            assert_int_equal(action_feedback(&fleet, &target, id, &feedback), FLEET_OK);
        feedback = (struct feedback){.execution = "closed", .finished = "failure"};
        assert_int_equal(action_feedback(&fleet, &target, id, &feedback), FLEET_OK);
        world_commit(world);
    }
    world->now += KEEP + 1;
    struct action_cleanup pass = {0};
    unsigned steps = 0;
    while (!pass.over) {
        int64_t entries_before = ask_number(world, entries, 0);
        int64_t actions_before = ask_number(world, all, 0);
        struct fleet fleet = {.db = world->db, .now = world->now, .who = "server"};
        assert_int_equal(db_begin(world->db, DB_STEP), DB_OK);
        assert_int_equal(action_cleanup_step(&fleet, world->now - KEEP, &pass), FLEET_OK);
        world_commit(world);
        assert_true(entries_before - ask_number(world, entries, 0) <= CLEANUP_ENTRIES);
        assert_true(actions_before - ask_number(world, all, 0) <= CLEANUP_ACTIONS);
        assert_true(++steps < 100);
    }
    assert_true(steps > ACTION_STATUS_MAX / CLEANUP_ENTRIES);
    assert_int_equal(pass.removed, 2 * CLEANUP_LOOK / 3);
    assert_int_equal(ask_number(world, all, 0), 0);
    world_free(world);
}

/* On PostgreSQL: while another process is at it there is nothing to do, and nothing is lost. */
static void one_of_several_works(void **state)
{
    struct world *world = world_fleet(state, 1);
    int64_t failed = update(world, "d0000", world_set(world, "1.0.0"), "failure");
    world->now += KEEP + 1;
    if (db_embedded(world->db)) {
        world_free(world);
        return;
    }
    struct db *other = store_connect(state);
    struct fleet theirs = {.db = other, .now = world->now};
    struct fleet ours = {.db = world->db, .now = world->now};
    struct action_cleanup pass = {0};
    struct action_cleanup their_pass = {0};
    assert_int_equal(db_begin(other, DB_STEP), DB_OK);
    assert_int_equal(action_cleanup_step(&theirs, world->now - KEEP, &their_pass), FLEET_OK);
    assert_int_equal(db_begin(world->db, DB_STEP), DB_OK);
    assert_int_equal(action_cleanup_step(&ours, world->now - KEEP, &pass), FLEET_OK);
    world_commit(world);
    assert_false(pass.over);
    assert_int_equal(pass.removed, 0);
    db_rollback(other); /* it died */
    db_close(other);
    assert_true(there(world, failed));
    assert_int_equal(removed_by_pass(world), 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(what_ended_long_ago_goes),
        STORE_TESTS(a_target_takes_its_reports_with_it),
        STORE_TESTS(what_is_installed_stays),
        STORE_TESTS(of_rollouts_only_when_they_have_ended),
        STORE_TESTS(what_is_not_counted_stays),
        STORE_TESTS(what_a_filter_assigns_is_not_tried_again),
        STORE_TESTS(a_step_is_small),
        STORE_TESTS(one_of_several_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
