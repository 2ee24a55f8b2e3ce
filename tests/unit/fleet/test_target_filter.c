/* Filters that assign: everything that matches, once, new devices at once. */
#include "tests/unit/fleet/rollout_world.h"

#define ACTIONS "SELECT COUNT(*) FROM action WHERE dist_set = $1"

static int64_t world_filter(struct world *world, const char *query, int64_t set)
{
    static const struct action_terms soft = {.kind = ACTION_SOFT, .weight = 3};
    int64_t id;
    struct fleet fleet = world_begin(world);
    assert_int_equal(target_filter_create(&fleet, "all", query, &id), FLEET_OK);
    assert_int_equal(target_filter_auto(&fleet, id, set, &soft), FLEET_OK);
    world_commit(world);
    tick(world);
    return id;
}

static void assigns_once(void **state)
{
    struct world *world = world_fleet(state, 12);
    int64_t set = world_set(world, "1.1.0");
    int64_t id = world_filter(world, "attribute.n=lt=2", set); /* 0, 1, 10, 11 */
    assert_int_equal(ask_number(world, ACTIONS, set), 4);
    struct fleet fleet = world_begin(world);
    struct action action;
    assert_int_equal(action_get(&fleet, 11111, &action), FLEET_OK);
    world_commit(world);
    assert_int_equal(action.terms.kind, ACTION_SOFT);
    assert_int_equal(action.terms.weight, 3);
    assert_string_equal(ask(world, "SELECT created_by FROM action WHERE id = $1", 11111),
                        "target filter 1");

    /* One fails, one succeeds: neither gets it again, however often it is looked at. */
    report(world, 1, "failure");
    report(world, 1, "success");
    world->now += 3 * TARGET_FILTER_PASS_MS;
    tick(world);
    assert_int_equal(ask_number(world, ACTIONS, set), 4);

    /* A new device: at once. One whose attribute changes: at the next look at all of them. */
    world_target(world, "new", "new");
    tick(world);
    assert_int_equal(ask_number(world, ACTIONS, set), 4);
    struct attribute attribute = {"n", "0"};
    fleet = world_begin(world);
    struct target target;
    assert_int_equal(target_find(&fleet, "new", &target), FLEET_OK);
    assert_int_equal(target_attributes(&fleet, target.id, ATTRIBUTES_MERGE, &attribute, 1),
                     FLEET_OK);
    world_commit(world);
    tick(world);
    assert_int_equal(ask_number(world, ACTIONS, set), 4);
    world->now += TARGET_FILTER_PASS_MS;
    tick(world);
    assert_int_equal(ask_number(world, ACTIONS, set), 5);

    fleet = world_begin(world);
    assert_int_equal(target_filter_update(&fleet, id, NULL, "id==*"), FLEET_OK);
    world_commit(world);
    world_target(world, "newer", "newer");
    tick(world);
    assert_int_equal(ask_number(world, ACTIONS, set), 14);

    fleet = world_begin(world);
    assert_int_equal(target_filter_auto(&fleet, id, 0, NULL), FLEET_OK);
    world_commit(world);
    world_target(world, "newest", "newest");
    tick(world);
    assert_int_equal(ask_number(world, ACTIONS, set), 14);
    world_free(world);
}

/* More than one step of them. */
static void in_steps(void **state)
{
    struct world *world = world_fleet(state, 2 * ROLLOUT_STEP + 10);
    int64_t set = world_set(world, "1.1.0");
    (void)world_filter(world, "", set);
    assert_int_equal(ask_number(world, ACTIONS, set), 2 * ROLLOUT_STEP + 10);
    assert_false(tick_once(world));
    world_free(world);
}

static void refusals(void **state)
{
    static const struct action_terms terms = {.weight = -1};
    struct world *world = world_fleet(state, 0);
    int64_t id;
    int64_t other;
    struct fleet fleet = world_begin(world);
    assert_int_equal(target_filter_create(&fleet, "a", "x==1", &id), FLEET_INVALID);
    assert_int_equal(target_filter_create(&fleet, "", "id==1", &id), FLEET_INVALID);
    assert_int_equal(target_filter_create(&fleet, "a", "id==1", &id), FLEET_OK);
    assert_int_equal(target_filter_create(&fleet, "a", "id==1", &other), FLEET_EXISTS);
    assert_int_equal(target_filter_create(&fleet, "b", "id==1", &other), FLEET_OK);
    assert_int_equal(target_filter_update(&fleet, other, "a", NULL), FLEET_EXISTS);
    assert_int_equal(target_filter_update(&fleet, other, "b", "id=="), FLEET_INVALID);
    assert_int_equal(target_filter_update(&fleet, other + 1, "c", NULL), FLEET_NONE);
    assert_int_equal(target_filter_auto(&fleet, id, 77, &terms), FLEET_NONE);
    fleet.tenant = 77;
    assert_int_equal(target_filter_delete(&fleet, id), FLEET_NONE);
    fleet.tenant = SCHEMA_TENANT_ID;
    assert_int_equal(target_filter_delete(&fleet, id), FLEET_OK);
    world_commit(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(assigns_once),
        STORE_TESTS(in_steps),
        STORE_TESTS(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
