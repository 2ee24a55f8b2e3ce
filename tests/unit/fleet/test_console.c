/* What only the console asks for: the fleet in numbers, devices by the page, its own files. */
#include "tests/unit/fleet/rollout_world.h"

#include "server/fleet/token.h"
#include "server/web/pages.h"

#define MINUTE 60000

static char bearer[80];

static void add_reader(struct world *world)
{
    struct fleet fleet = world_begin(world);
    char secret[TOKEN_CHARS + 1];
    assert_int_equal(token_create(&fleet, "reader", "read", secret), FLEET_OK);
    world_commit(world);
    snprintf(bearer, sizeof bearer, "Bearer %s", secret);
}

static struct world *with_reader(void **state)
{
    struct world *world = world_new(state);
    add_reader(world);
    return world;
}

/* One that was here `minutes` ago (-1: never) and runs `dist_set` (0: nothing). */
static void add(struct world *world, const char *id, const char *name, int64_t dist_set,
                int64_t minutes)
{
    struct fleet fleet = world_begin(world);
    struct target target;
    struct target_new new = {.controller_id = id, .name = name, .update_status = "registered"};
    assert_int_equal(target_create(&fleet, &new, &target), FLEET_OK);
    if (dist_set != 0)
        assert_int_equal(target_installed(&fleet, target.id, dist_set), FLEET_OK);
    if (minutes >= 0)
        assert_int_equal(
            db_run(fleet.db,
                   "INSERT INTO target_poll (target, polled_at, address) VALUES ($1, $2, '::1')",
                   DB_ARGS(db_i(target.id), db_i(world->now - minutes * MINUTE))),
            DB_OK);
    world_commit(world);
}

/* Of somebody else: must not be seen, nor counted. */
static void add_foreign(struct world *world)
{
    struct fleet fleet = world_begin(world);
    struct target target;
    struct target_new new = {.controller_id = "foreign-1", .update_status = "error"};
    assert_int_equal(db_run(fleet.db, "INSERT INTO tenant (name) VALUES ('OTHER')", DB_NO_ARGS),
                     DB_OK);
    assert_int_equal(db_get_int(fleet.db, "SELECT id FROM tenant WHERE name = 'OTHER'", DB_NO_ARGS,
                                &fleet.tenant),
                     DB_ROW);
    assert_int_equal(target_create(&fleet, &new, &target), FLEET_OK);
    assert_int_equal(db_run(fleet.db, "INSERT INTO target_poll (target, polled_at) VALUES ($1, $2)",
                            DB_ARGS(db_i(target.id), db_i(world->now))),
                     DB_OK);
    world_commit(world);
}

static int64_t number(struct world *world, const char *path)
{
    json_t *value = at(world, path);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void numbers_of_the_fleet(void **state)
{
    struct world *world = with_reader(state);
    int64_t old = world_set(world, "1.0.0");
    int64_t new = world_set(world, "1.1.0");
    add(world, "a", NULL, new, 1);
    add(world, "b", NULL, new, 8);
    add(world, "c", NULL, old, 30);
    add(world, "d", NULL, 0, 60 * 24 * 30);
    add(world, "e", NULL, 0, -1);
    add_foreign(world);
    assert_int_equal(call(world, API_GET, "/console/api/summary", bearer, NULL), 200);
    assert_int_equal(number(world, "states.registered"), 5);
    assert_null(at(world, "states.error"));
    assert_string_equal(text_at(world, "versions.0.version"), "1.1.0");
    assert_int_equal(number(world, "versions.0.count"), 2);
    assert_int_equal(number(world, "versions.1.count"), 1);
    assert_int_equal(json_array_size(at(world, "versions")), 2);
    static const int64_t contacts[] = {1, 1, 1, 0, 0, 0, 1};
    assert_int_equal(json_array_size(at(world, "contacts")), 7);
    for (size_t i = 0; i < 7; i++) {
        char path[32];
        snprintf(path, sizeof path, "contacts.%zu.count", i);
        assert_int_equal(number(world, path), contacts[i]);
    }
    assert_true(json_is_null(at(world, "contacts.6.within")));
    /* Five minutes between polls, five minutes of patience. */
    assert_int_equal(number(world, "overdueAfter"), 10 * MINUTE);
    assert_int_equal(number(world, "overdue"), 2);
    world_free(world);
}

/* Asks for devices and compares their ids, as one text. */
static void expect(struct world *world, const char *query, int64_t total, const char *ids)
{
    char path[256];
    char text[128] = "";
    snprintf(path, sizeof path, "/console/api/devices?%s", query);
    assert_int_equal(call(world, API_GET, path, bearer, NULL), 200);
    assert_int_equal(number(world, "total"), total);
    for (size_t i = 0; i < json_array_size(at(world, "content")); i++) {
        snprintf(path, sizeof path, "content.%zu.controllerId", i);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", text_at(world, path));
    }
    assert_string_equal(text, ids);
}

static void devices_by_the_page(void **state)
{
    struct world *world = with_reader(state);
    int64_t set = world_set(world, "1.1.0");
    add(world, "s-1", "Hall", set, 5);
    add(world, "s-2", "roof 100%", 0, 3);
    add(world, "s-3", "roof_x", 0, 4);
    add(world, "t-4", "a\\b", 0, -1);
    add_foreign(world);
    expect(world, "", 4, "s-1 s-2 s-3 t-4 ");
    expect(world, "limit=2&offset=2", 4, "s-3 t-4 ");
    expect(world, "sort=id:DESC&limit=1", 4, "t-4 ");
    expect(world, "sort=name:ASC&text=s-", 3, "s-1 s-2 s-3 ");
    expect(world, "sort=poll:ASC&text=s-", 3, "s-1 s-3 s-2 ");
    expect(world, "text=ROOF", 2, "s-2 s-3 ");
    expect(world, "text=100%25", 1, "s-2 ");
    expect(world, "text=%25", 1, "s-2 "); /* a sign, not a wildcard */
    expect(world, "text=_", 1, "s-3 ");
    expect(world, "text=%5C", 1, "t-4 ");
    expect(world, "text='%20OR%201=1", 0, "");
    expect(world, "q=name==roof*&text=x", 1, "s-3 ");
    expect(world, "q=installedds.version==1.1.0", 1, "s-1 ");
    assert_string_equal(text_at(world, "content.0.installed.version"), "1.1.0");
    assert_int_equal(number(world, "content.0.lastRequestAt"), world->now - 5 * MINUTE);
    expect(world, "text=t-4", 1, "t-4 ");
    assert_true(json_is_null(at(world, "content.0.installed")));
    assert_true(json_is_null(at(world, "content.0.lastRequestAt")));
    world_free(world);
}

static void what_is_not_asked_well(void **state)
{
    static const char *const bad[] = {"limit=0",    "limit=201", "offset=-1", "offset=x",
                                      "sort=token", "sort=id;x", "q=name==",  "q=nothing==1"};
    struct world *world = with_reader(state);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "/console/api/devices?%s", bad[i]);
        if (call(world, API_GET, path, bearer, NULL) != 400)
            fail_msg("%s: %d", bad[i], world->answer.status);
    }
    assert_int_equal(call(world, API_GET, "/console/api/devices", NULL, NULL), 401);
    assert_int_equal(call(world, API_GET, "/console/api/summary", NULL, NULL), 401);
    assert_int_equal(call(world, API_GET, "/console/events", NULL, NULL), 401);
    assert_int_equal(call(world, API_GET, "/console/events", bearer, NULL), 200);
    assert_true(world->answer.is_events);
    world_free(world);
}

/* Group by group, with what each device said last; those of nobody else's rollout. */
static void why_devices_failed(void **state)
{
    struct world *world = world_fleet(state, 20);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    add_reader(world);
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    assert_int_equal(call(world, API_GET, "/console/api/failures/1", bearer, NULL), 200);
    assert_int_equal(json_array_size(at(world, "content")), 0);
    assert_int_equal(report(world, 2, "failure"), 2);
    struct fleet fleet = world_begin(world);
    assert_int_equal(db_run(fleet.db,
                            "INSERT INTO action_message (status, position, text)"
                            " SELECT MAX(id), 99, 'sensor bus silent' FROM action_status",
                            DB_NO_ARGS),
                     DB_OK);
    world_commit(world);
    tick(world);
    assert_int_equal(call(world, API_GET, "/console/api/failures/1", bearer, NULL), 200);
    assert_int_equal(json_array_size(at(world, "content")), 2);
    assert_string_equal(text_at(world, "content.0.group"), "group-1");
    assert_int_equal(number(world, "content.0.tries"), 1);
    assert_string_equal(text_at(world, "content.1.message"), "sensor bus silent");
    assert_int_equal(call(world, API_GET, "/console/api/failures/1?offset=1&limit=1", bearer, NULL),
                     200);
    assert_int_equal(json_array_size(at(world, "content")), 1);
    assert_string_equal(text_at(world, "content.0.message"), "sensor bus silent");
    assert_int_equal(call(world, API_GET, "/console/api/failures/1?limit=0", bearer, NULL), 400);
    fleet = world_begin(world);
    assert_int_equal(db_run(fleet.db, "INSERT INTO tenant (name) VALUES ('OTHER')", DB_NO_ARGS),
                     DB_OK);
    assert_int_equal(db_run(fleet.db,
                            "UPDATE rollout SET tenant = (SELECT id FROM tenant"
                            " WHERE name = 'OTHER')",
                            DB_NO_ARGS),
                     DB_OK);
    world_commit(world);
    assert_int_equal(call(world, API_GET, "/console/api/failures/1", bearer, NULL), 200);
    assert_int_equal(json_array_size(at(world, "content")), 0);
    world_free(world);
}

static void its_files(void **state)
{
    struct world *world = with_reader(state);
    assert_int_equal(call(world, API_GET, "/console/", NULL, NULL), 200);
    assert_non_null(world->answer.page);
    assert_string_equal(world->answer.page->name, "index.html");
    for (const struct page *page = pages; page->name != NULL; page++) {
        char path[64];
        snprintf(path, sizeof path, "/console/%s", page->name);
        assert_int_equal(call(world, API_GET, path, NULL, NULL), 200);
        assert_ptr_equal(world->answer.page, page);
        assert_true(page->length > 0);
        assert_int_equal(strlen(page->etag), 34);
    }
    assert_int_equal(call(world, API_GET, "/console", NULL, NULL), 308);
    assert_string_equal(world->answer.location, "/console/");
    assert_int_equal(call(world, API_GET, "/console/none.js", NULL, NULL), 404);
    assert_int_equal(call(world, API_GET, "/console/..%2fapp.js", NULL, NULL), 404);
    assert_int_equal(call(world, API_POST, "/console/", NULL, NULL), 405);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(numbers_of_the_fleet),
        STORE_TESTS(devices_by_the_page),
        STORE_TESTS(what_is_not_asked_well),
        STORE_TESTS(why_devices_failed),
        STORE_TESTS(its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
