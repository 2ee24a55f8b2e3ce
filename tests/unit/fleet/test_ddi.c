/* DDI as devices speak it (hawkbit-ddi.md): whole updates, cancels, refusals, by bytes and states.
 */
#include "tests/unit/fleet/world.h"

#include "host/escape.h"

#define BASE  "/default/controller/v1/sensor-7"
#define TOKEN "TargetToken 0123456789abcdef0123456789abcdef"

static const struct action_terms forced = {.kind = ACTION_FORCED, .weight = -1};

static struct world *with_device(void **state)
{
    struct world *world = world_new(state);
    world_target(world, "sensor-7", "0123456789abcdef0123456789abcdef");
    return world;
}

static const char *path(const char *format, int64_t id)
{
    static char text[128];
    snprintf(text, sizeof text, format, (long long)id);
    return text;
}

static int feedback(struct world *world, int64_t id, const char *execution, const char *finished)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"id\":%lld,\"time\":\"x\",\"status\":{\"execution\":\"%s\",\"result\":"
             "{\"finished\":\"%s\"},\"details\":[\"from the device\"]}}",
             (long long)id, execution, finished);
    return call(world, API_POST, path(BASE "/deploymentBase/%lld/feedback", id), TOKEN, body);
}

static void a_whole_update(void **state)
{
    struct world *world = with_device(state);
    int64_t set = world_set(world, "1.1.0");
    assert_int_equal(call(world, API_GET, BASE, TOKEN, NULL), 200);
    assert_string_equal(text_at(world, "config.polling.sleep"), "00:05:00");
    assert_string_equal(text_at(world, "_links.configData.href"),
                        "https://updates.example:8443/DEFAULT/controller/v1/sensor-7/configData");
    assert_null(at(world, "_links.deploymentBase"));
    assert_int_equal(call(world, API_PUT, BASE "/configData", TOKEN,
                          "{\"mode\":\"merge\",\"data\":{\"hw\":\"rev3\"},\"status\":{}}"),
                     200);
    assert_null(world->answer.body);
    assert_int_equal(call(world, API_GET, BASE, TOKEN, NULL), 200);
    assert_null(at(world, "_links"));

    int64_t id = world_assign(world, "sensor-7", set, &forced);
    assert_int_equal(id, 11111);
    assert_int_equal(call(world, API_GET, BASE, TOKEN, NULL), 200);
    assert_non_null(
        strstr(text_at(world, "_links.deploymentBase.href"), "/deploymentBase/11111?c="));
    assert_int_equal(call(world, API_GET, BASE "/deploymentBase/11111?c=1", TOKEN, NULL), 200);
    assert_string_equal(text_at(world, "id"), "11111");
    assert_string_equal(text_at(world, "deployment.download"), "forced");
    assert_string_equal(text_at(world, "deployment.update"), "forced");
    assert_null(at(world, "deployment.maintenanceWindow"));
    assert_string_equal(text_at(world, "deployment.chunks.0.part"), "bApp");
    assert_string_equal(text_at(world, "deployment.chunks.0.artifacts.0.filename"), "fw.bin");
    assert_int_equal(json_integer_value(at(world, "deployment.chunks.0.artifacts.0.size")), 8192);
    assert_string_equal(
        text_at(world, "deployment.chunks.0.artifacts.0._links.download.href"),
        text_at(world, "deployment.chunks.0.artifacts.0._links.download-http.href"));
    assert_int_equal(call(world, API_GET, BASE "/softwaremodules/1/artifacts/fw.bin", TOKEN, NULL),
                     200);
    assert_true(world->answer.is_file);
    assert_int_equal(world->answer.size, 8192);
    assert_int_equal(
        call(world, API_GET, BASE "/softwaremodules/1/artifacts/fw.bin.MD5SUM", TOKEN, NULL), 200);
    assert_string_equal(world->answer.body, "cccccccccccccccccccccccccccccccc  fw.bin");

    assert_int_equal(feedback(world, id, "proceeding", "none"), 200);
    assert_int_equal(feedback(world, id, "closed", "success"), 200);
    assert_null(world->answer.body);
    struct target target = world_look(world, "sensor-7");
    assert_string_equal(target.update_status, "in_sync");
    assert_int_equal(target.installed_set, set);
    assert_int_equal(call(world, API_GET, BASE, TOKEN, NULL), 200);
    assert_null(at(world, "_links.deploymentBase"));
    assert_non_null(at(world, "_links.installedBase"));
    assert_non_null(at(world, "_links.configData"));
    assert_int_equal(feedback(world, id, "closed", "success"), 410);
    assert_int_equal(call(world, API_GET, BASE "/softwaremodules/1/artifacts/fw.bin", TOKEN, NULL),
                     404);
    assert_int_equal(
        call(world, API_GET, BASE "/installedBase/11111?actionHistory=-1", TOKEN, NULL), 200);
    assert_string_equal(text_at(world, "actionHistory.status"), "FINISHED");
    assert_string_equal(text_at(world, "actionHistory.messages.0"), "from the device");
    world_free(world);
}

static void a_failed_update(void **state)
{
    struct world *world = with_device(state);
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    assert_int_equal(feedback(world, id, "closed", "failure"), 200);
    struct target target = world_look(world, "sensor-7");
    assert_string_equal(target.update_status, "error");
    assert_int_equal(target.assigned_set, 0);
    assert_int_equal(target.installed_set, 0);
    world_free(world);
}

/* The device was still at the last one: what it says about that leaves the new one assigned. */
static void a_replaced_update_that_fails(void **state)
{
    struct world *world = with_device(state);
    int64_t set = world_set(world, "1.2.0");
    int64_t old = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    int64_t new = world_assign(world, "sensor-7", set, &forced);
    assert_int_equal(feedback(world, old, "closed", "failure"), 200);
    struct target target = world_look(world, "sensor-7");
    assert_int_equal(target.assigned_set, set);
    assert_string_equal(target.update_status, "pending");
    assert_int_equal(feedback(world, new, "closed", "success"), 200);
    target = world_look(world, "sensor-7");
    assert_int_equal(target.installed_set, set);
    assert_string_equal(target.update_status, "in_sync");
    world_free(world);
}

static void a_cancelled_update(void **state)
{
    static const char done[] =
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}}}";
    struct world *world = with_device(state);
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    assert_int_equal(call(world, API_POST, BASE "/cancelAction/11111/feedback", TOKEN, done), 405);
    assert_string_equal(text_at(world, "errorCode"), "hawkbit.server.error.action.notCancelable");
    assert_string_equal(world->answer.allow, "");
    struct fleet fleet = world_begin(world);
    assert_int_equal(action_cancel(&fleet, id, true), FLEET_STATE);
    assert_int_equal(action_cancel(&fleet, id, false), FLEET_OK);
    world_commit(world);
    assert_int_equal(call(world, API_GET, BASE, TOKEN, NULL), 200);
    assert_null(at(world, "_links.deploymentBase"));
    assert_non_null(at(world, "_links.cancelAction"));
    assert_int_equal(call(world, API_GET, BASE "/deploymentBase/11111", TOKEN, NULL), 404);
    assert_int_equal(call(world, API_GET, BASE "/cancelAction/11111", TOKEN, NULL), 200);
    assert_string_equal(text_at(world, "cancelAction.stopId"), "11111");
    assert_int_equal(
        call(world, API_POST, BASE "/cancelAction/11111/feedback", TOKEN,
             "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}}}"),
        200);
    assert_int_equal(call(world, API_GET, BASE, TOKEN, NULL), 200);
    assert_null(at(world, "_links.cancelAction"));
    struct target target = world_look(world, "sensor-7");
    assert_string_equal(target.update_status, "registered");
    world_free(world);
}

/* Who is not let in, and to what. */
/* Follows a link of the last answer, as it stands there. */
static int follow(struct world *world, const char *link)
{
    static const char origin[] = "https://updates.example:8443";
    char to[API_PATH_MAX];
    snprintf(to, sizeof to, "%s", text_at(world, link));
    if (strncmp(to, origin, sizeof origin - 1) != 0)
        fail_msg("%s: %s", link, to);
    return call(world, API_GET, to + sizeof origin - 1, TOKEN, NULL);
}

/* The longest names there are, of characters that mean something in an address. */
static void links_lead_somewhere(void **state)
{
    struct world *world = world_new(state);
    char id[TARGET_ID_MAX + 1];
    char encoded[ESCAPED_URL(TARGET_ID_MAX)];
    char start[API_PATH_MAX];
    struct artifact artifact = {.size = 8192};
    for (size_t i = 0; i < TARGET_ID_MAX; i++)
        id[i] = "#?%&;="[i % 6];
    id[TARGET_ID_MAX] = '\0';
    memset(artifact.filename, '#', ARTIFACT_FILENAME_MAX);
    memset(artifact.sha256, 'a', 64);
    world_target(world, id, "0123456789abcdef0123456789abcdef");
    struct fleet fleet = world_begin(world);
    struct module_new module = {.type = "os", .name = "m", .version = "1"};
    struct set_new set = {
        .type = "os", .name = "s", .version = "1", .modules = &artifact.module, .module_count = 1};
    int64_t set_id;
    assert_int_equal(module_create(&fleet, &module, &artifact.module), FLEET_OK);
    assert_int_equal(artifact_add(&fleet, &artifact, &artifact.id), FLEET_OK);
    assert_int_equal(set_create(&fleet, &set, &set_id), FLEET_OK);
    world_commit(world);
    world_assign(world, id, set_id, &forced);
    snprintf(start, sizeof start, "/DEFAULT/controller/v1/%s",
             escape_url(id, encoded, sizeof encoded));
    assert_int_equal(call(world, API_GET, start, TOKEN, NULL), 200);
    assert_int_equal(follow(world, "_links.deploymentBase.href"), 200);
    assert_int_equal(follow(world, "deployment.chunks.0.artifacts.0._links.download.href"), 200);
    assert_true(world->answer.is_file);
    assert_string_equal(world->answer.filename, artifact.filename);
    world_free(world);
}

static void doors(void **state)
{
    static const struct {
        const char *path, *authorization;
        int status;
    } cases[] = {
        {BASE, TOKEN, 200},
        {BASE, NULL, 401},
        {BASE, "TargetToken wrong", 401},
        {BASE, "targettoken 0123456789abcdef0123456789abcdef", 401},
        {BASE, "TargetToken  0123456789abcdef0123456789abcdef", 401},
        {BASE, "GatewayToken 0123456789abcdef0123456789abcdef", 401},
        {BASE, "Bearer 0123456789abcdef0123456789abcdef", 401},
        {"/DEFAULT/controller/v1/sensor-7", TOKEN, 200},
        {"/default/controller/v1/sensor%2D7", TOKEN, 200},
        {"/other/controller/v1/sensor-7", TOKEN, 401},
        {"/default/controller/v1/sensor-8", TOKEN, 401},
        {"/default/controller/v1/", TOKEN, 404},
        {"/default/controller/v1/%00", TOKEN, 400},
        {"/default/controller/v1/%zz", TOKEN, 400},
        {BASE "/deploymentBase/1", TOKEN, 404},
        {BASE "/deploymentBase/x", TOKEN, 400},
        {BASE "/deploymentBase/99999999999999999999", TOKEN, 400},
        {BASE "/configData", TOKEN, 405},
        {BASE "/softwaremodules/1/artifacts/..%2f..%2fetc%2fpasswd", TOKEN, 404},
    };
    struct world *world = with_device(state);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = call(world, API_GET, cases[i].path, cases[i].authorization, NULL);
        if (status != cases[i].status)
            fail_msg("%s with %s: %d", cases[i].path, cases[i].authorization, status);
    }
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_whole_update),
        STORE_TESTS(a_failed_update),
        STORE_TESTS(a_replaced_update_that_fails),
        STORE_TESTS(a_cancelled_update),
        STORE_TESTS(links_lead_somewhere),
        STORE_TESTS(doors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
