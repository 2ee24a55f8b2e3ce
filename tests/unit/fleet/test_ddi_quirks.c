/* What particular clients cannot take otherwise (hawkbit-ddi.md 9): each reads the answers as its
 * own code does. What a socket is needed for is in tests/cli/serve_http.bats. */
#include "tests/unit/fleet/world.h"

#define BASE  "/default/controller/v1/sensor-7"
#define TOKEN "TargetToken 0123456789abcdef0123456789abcdef"

static const struct action_terms forced = {.kind = ACTION_FORCED, .weight = -1};

static struct world *with_device(void **state)
{
    struct world *world = world_new(state);
    world_target(world, "sensor-7", "0123456789abcdef0123456789abcdef");
    return world;
}

static int get(struct world *world, const char *path)
{
    return call(world, API_GET, path, TOKEN, NULL);
}

static const char *path_of(const char *format, int64_t id)
{
    static char text[128];
    snprintf(text, sizeof text, format, (long long)id);
    return text;
}

static int close_with(struct world *world, const char *what, int64_t id)
{
    char path[128];
    char body[160];
    snprintf(path, sizeof path, BASE "/%s/%lld/feedback", what, (long long)id);
    snprintf(body, sizeof body,
             "{\"id\":\"%lld\",\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":"
             "\"success\"}}}",
             (long long)id);
    int status = call(world, API_POST, path, TOKEN, body);
    if (status == 200)
        assert_null(world->answer.body);
    return status;
}

static void cancel(struct world *world, int64_t id)
{
    struct fleet fleet = world_begin(world);
    assert_int_equal(action_cancel(&fleet, id, false), FLEET_OK);
    world_commit(world);
}

/* The number behind `word` in a link of the last answer, as sscanf() takes it; 0: no such link. */
static int linked_id(struct world *world, const char *link, const char *word)
{
    int id = 0;
    const char *href = json_string_value(json_object_get(at(world, link), "href"));
    const char *place = href != NULL ? strstr(href, word) : NULL;
    if (place != NULL)
        assert_int_equal(sscanf(place + strlen(word), "%d", &id), 1);
    return id;
}

/* Zephyr: does what a link says and polls again without a pause. How often, until nothing is left;
 * a link that outlives its answer would make it spin. */
static int zephyr_runs(struct world *world)
{
    for (int polls = 1; polls < 20; polls++) {
        assert_int_equal(get(world, BASE), 200);
        int cancel_id = linked_id(world, "_links.cancelAction", "cancelAction/");
        int id = linked_id(world, "_links.deploymentBase", "deploymentBase/");
        if (cancel_id != 0) {
            assert_int_equal(get(world, path_of(BASE "/cancelAction/%lld", cancel_id)), 200);
            assert_int_equal(close_with(world, "cancelAction", cancel_id), 200);
        } else if (id != 0) {
            assert_int_equal(get(world, path_of(BASE "/deploymentBase/%lld", id)), 200);
            assert_int_equal(close_with(world, "deploymentBase", id), 200);
        } else if (at(world, "_links.configData") != NULL) {
            assert_int_equal(call(world, API_PUT, BASE "/configData", TOKEN,
                                  "{\"mode\":\"merge\",\"data\":{\"VIN\":\"1234\",\"hwRevision\":"
                                  "\"3\"},\"status\":{\"execution\":\"closed\",\"result\":{"
                                  "\"finished\":\"success\"}}}"),
                             200);
            assert_null(world->answer.body);
        } else {
            return polls;
        }
    }
    return 20;
}

static void zephyr_polls_at_once(void **state)
{
    struct world *world = with_device(state);
    assert_int_equal(zephyr_runs(world), 2); /* attributes */
    int64_t first = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    assert_int_equal(zephyr_runs(world), 3); /* the update, and attributes after it */
    int64_t second = world_assign(world, "sensor-7", world_set(world, "1.2.0"), &forced);
    assert_true(second > first);
    cancel(world, second);
    assert_int_equal(zephyr_runs(world), 2);
    int64_t third = world_assign(world, "sensor-7", world_set(world, "1.3.0"), &forced);
    world_assign(world, "sensor-7", world_set(world, "1.4.0"), &forced);
    assert_true(third > second);
    assert_int_equal(zephyr_runs(world), 4); /* one replaced by another */
    world_free(world);
}

static const char *path_in(const char *href)
{
    const char *host = strstr(href, "//");
    assert_non_null(host);
    return strchr(host + 2, '/');
}

/* It takes the path from the first '/' after "//", keeps 50 bytes of deploymentBase/..., 200 of a
 * download; the link it reads is the one of http. */
static void zephyr_reads_links(void **state)
{
    struct world *world = with_device(state);
    world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    assert_int_equal(get(world, BASE), 200);
    const char *href = text_at(world, "_links.deploymentBase.href");
    const char *path = path_in(href);
    assert_memory_equal(path, "/DEFAULT/controller/v1/sensor-7/", 32);
    assert_true(strlen(href) < 300);
    assert_true(strlen(path) - strlen("/DEFAULT/controller/v1/sensor-7/") < 50);
    assert_int_equal(get(world, path), 200);
    assert_string_equal(text_at(world, "deployment.chunks.0.part"), "bApp");
    href = text_at(world, "deployment.chunks.0.artifacts.0._links.download-http.href");
    path = path_in(href);
    assert_true(strlen(path) < 200);
    assert_int_equal(strlen(text_at(world, "deployment.chunks.0.artifacts.0.hashes.sha256")), 64);
    assert_int_equal(get(world, path), 200);
    assert_true(world->answer.is_file);
    world_free(world);
}

/* It drops the first digit of a cancel's id, so a digit with zeros behind it becomes none; and it
 * keeps ids in 31 bits, 0 meaning none. */
static void zephyr_misreads_ids(void **state)
{
    static const int64_t before[] = {19999, 99999, 299999};
    const struct store_under_test *store = *state;
    struct world *world = with_device(state);
    assert_int_equal(world_assign(world, "sensor-7", world_set(world, "1.0.1"), &forced), 11111);
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        static const char sql[] = "INSERT INTO action (id, tenant, target, dist_set, state, active,"
                                  " kind, created_at, created_by, changed_at, changed_by)"
                                  " SELECT $1, tenant, target, dist_set, 'finished', 0, 'forced',"
                                  " 1, 't', 1, 't' FROM action WHERE id = 11111";
        static const char move[] = "SELECT setval(pg_get_serial_sequence('action', 'id'), $1)";
        char version[16];
        int64_t moved;
        struct fleet fleet = world_begin(world);
        assert_int_equal(db_run(fleet.db, sql, DB_ARGS(db_i(before[i]))), DB_OK);
        if (strncmp(store->url, "sqlite:", 7) != 0)
            assert_int_equal(db_get_int(fleet.db, move, DB_ARGS(db_i(before[i])), &moved), DB_ROW);
        world_commit(world);
        snprintf(version, sizeof version, "1.%zu.0", i + 1);
        assert_int_equal(world_assign(world, "sensor-7", world_set(world, version), &forced),
                         before[i] + 2);
    }
    world_free(world);
}

/* The ESP-IDF client copies a body into 2048 bytes without looking; Zephyr begins with 1100. */
static void esp_has_little_room(void **state)
{
    struct world *world = with_device(state);
    world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    assert_int_equal(get(world, BASE), 200);
    assert_true(world->answer.length < 512);
    assert_int_equal(get(world, BASE "/deploymentBase/11111"), 200);
    assert_true(world->answer.length < 1100);
    assert_null(strchr(world->answer.body, '\n'));
    assert_int_equal(call_typed(world, API_GET, BASE, TOKEN, "application/json", NULL, 0), 200);
    world_free(world);
}

/* swupdate asserts on the types; what is nothing to it must still be there. */
static void swupdate_asserts_types(void **state)
{
    static const struct action_terms kinds[] = {
        {.kind = ACTION_FORCED, .weight = -1},
        {.kind = ACTION_SOFT, .weight = -1},
        {.kind = ACTION_TIMEFORCED, .weight = -1, .force_at = 1},
        {.kind = ACTION_DOWNLOADONLY, .weight = -1},
    };
    static const char *const texts[] = {"part", "version", "name"};
    struct world *world = with_device(state);
    assert_int_equal(get(world, BASE), 200);
    assert_int_equal(strlen(text_at(world, "config.polling.sleep")), 8);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char version[16];
        snprintf(version, sizeof version, "1.%zu.0", i);
        int64_t id = world_assign(world, "sensor-7", world_set(world, version), &kinds[i]);
        assert_int_equal(get(world, path_of(BASE "/deploymentBase/%lld", id)), 200);
        assert_true(json_is_string(at(world, "id")));
        assert_true(json_is_string(at(world, "deployment.download")));
        assert_true(json_is_string(at(world, "deployment.update")));
        assert_true(json_is_integer(at(world, "deployment.chunks.0.artifacts.0.size")));
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            assert_true(
                json_is_string(json_object_get(at(world, "deployment.chunks.0"), texts[k])));
    }
    world_free(world);
}

static void swupdate_needs_a_list_of_files(void **state)
{
    struct world *world = with_device(state);
    struct fleet fleet = world_begin(world);
    struct module_new module = {.type = "os", .name = "empty", .version = "1"};
    int64_t module_id;
    int64_t set_id;
    assert_int_equal(module_create(&fleet, &module, &module_id), FLEET_OK);
    struct set_new set = {
        .type = "os", .name = "empty", .version = "1", .modules = &module_id, .module_count = 1};
    assert_int_equal(set_create(&fleet, &set, &set_id), FLEET_OK);
    world_commit(world);
    world_assign(world, "sensor-7", set_id, &forced);
    assert_int_equal(get(world, BASE "/deploymentBase/11111"), 200);
    assert_true(json_is_array(at(world, "deployment.chunks.0.artifacts")));
    assert_int_equal(json_array_size(at(world, "deployment.chunks.0.artifacts")), 0);
    world_free(world);
}

/* It reports its log: 48 lines of raw text. */
static void swupdate_tells_its_log(void **state)
{
    char body[48 * 420 + 200] =
        "{\"id\":11111,\"status\":{\"execution\":\"proceeding\",\"result\":{\"finished\":\"none\"},"
        "\"details\":[";
    struct world *world = with_device(state);
    world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    for (int i = 0; i < 48; i++)
        snprintf(body + strlen(body), 420, "%s\"[TRACE] : \\t\\\"%d\\\" \\u00fc %0380d\"",
                 i > 0 ? "," : "", i, 0);
    strcat(body, "]}}");
    assert_int_equal(call(world, API_POST, BASE "/deploymentBase/11111/feedback", TOKEN, body),
                     200);
    assert_int_equal(get(world, BASE "/deploymentBase/11111?actionHistory=100"), 200);
    assert_int_equal(json_array_size(at(world, "actionHistory.messages")), 48);
    const char *newest = text_at(world, "actionHistory.messages.0");
    assert_memory_equal(newest, "[TRACE] : \t\"47\" \xc3\xbc 000", 22);
    world_free(world);
}

/* rauc-hawkbit-updater sends members of older versions, and repeats a report whose answer it has
 * not seen: 4xx ends that, and only 409 and 429 are tried again. */
static void rauc_sends_what_it_always_has(void **state)
{
    struct world *world = with_device(state);
    assert_int_equal(call(world, API_PUT, BASE "/configData", TOKEN,
                          "{\"id\":\"\",\"time\":\"20261122T120000\",\"status\":{\"result\":{"
                          "\"finished\":\"success\"},\"execution\":\"closed\",\"details\":[]},"
                          "\"data\":{\"product\":\"Terminator\",\"model\":\"T-1000\"}}"),
                     200);
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    assert_int_equal(call(world, API_POST, BASE "/deploymentBase/11111/feedback", TOKEN,
                          "{\"id\":\"11111\",\"time\":\"20261122T120000\",\"status\":{\"result\":{"
                          "\"finished\":\"success\",\"progress\":{\"of\":\"x\"}},\"execution\":"
                          "\"closed\",\"details\":[\"ok\"]}}"),
                     200);
    assert_int_equal(close_with(world, "cancelAction", id), 405);
    assert_int_equal(call(world, API_GET, BASE "/installedBase/11111", TOKEN, NULL), 200);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(zephyr_polls_at_once),   STORE_TESTS(zephyr_reads_links),
        STORE_TESTS(zephyr_misreads_ids),    STORE_TESTS(esp_has_little_room),
        STORE_TESTS(swupdate_asserts_types), STORE_TESTS(swupdate_needs_a_list_of_files),
        STORE_TESTS(swupdate_tells_its_log), STORE_TESTS(rauc_sends_what_it_always_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
