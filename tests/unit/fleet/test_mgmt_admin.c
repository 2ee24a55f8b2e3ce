/* The Management API: who may what, settings, tokens, the audit log. */
#include "tests/unit/fleet/mgmt.h"

#define CONFIGS "/rest/v1/system/configs"

/* Every route of the table, with each kind of credential: a new route cannot forget its guard. */
static void every_door(void **state)
{
    struct world *world = world_new(state);
    world_target(world, "d", "0123456789abcdef0123456789abcdef");
    const char *reader = manager(world, "read");
    const char *operator_field = manager(world, "operate");
    for (const struct api_route *route = mgmt_routes; route->path != NULL; route++) {
        char path[256];
        size_t used = 0;
        for (const char *at = route->path; *at != '\0'; at++) {
            if (*at == '{') {
                path[used++] = '7';
                at += strcspn(at, "}");
            } else {
                path[used++] = *at;
            }
        }
        path[used] = '\0';
        assert_true(route->role == API_READ || route->role == API_OPERATE ||
                    route->role == API_ADMIN);
        assert_true(route->method == API_GET ? route->role != API_OPERATE
                                             : route->role != API_READ);
        assert_int_equal(call(world, route->method, path, NULL, NULL), 401);
        assert_null(world->answer.body);
        assert_int_equal(call(world, route->method, path, "Bearer x", NULL), 401);
        assert_int_equal(
            call(world, route->method, path, "TargetToken 0123456789abcdef0123456789abcdef", NULL),
            401);
        int status = call(world, route->method, path, reader, NULL);
        if ((status == 403) != (route->role > API_READ))
            fail_msg("%s for a reader: %d", route->path, status);
        status = call(world, route->method, path, operator_field, NULL);
        if ((status == 403) != (route->role > API_OPERATE))
            fail_msg("%s for an operator: %d", route->path, status);
    }
    world_free(world);
}

static void settings(void **state)
{
    struct world *world = world_new(state);
    const char *admin = manager(world, "admin");
    const char *reader = manager(world, "read");
    expect(world, admin, API_GET, CONFIGS "/pollingTime", NULL, 200, NULL);
    assert_string_equal(text_at(world, "value"), "00:05:00");
    assert_true(json_is_true(at(world, "global")));
    expect(world, admin, API_PUT, CONFIGS "/pollingTime", "{\"value\":\"00:01:00\"}", 204, NULL);
    assert_string_equal(last_audit(world), "admin setting.change setting pollingTime 00:01:00");
    expect(world, admin, API_GET, CONFIGS "/pollingTime", NULL, 200, NULL);
    assert_string_equal(text_at(world, "value"), "00:01:00");
    assert_true(json_is_false(at(world, "global")));
    expect(world, admin, API_DELETE, CONFIGS "/pollingTime", NULL, 204, NULL);
    expect(world, admin, API_GET, CONFIGS "/pollingTime", NULL, 200, NULL);
    assert_string_equal(text_at(world, "value"), "00:05:00");

    expect(world, admin, API_PUT, CONFIGS,
           "{\"authentication.gatewaytoken.enabled\":true,"
           "\"authentication.gatewaytoken.key\":\"0123456789abcdef\"}",
           204, NULL);
    assert_null(strstr(last_audit(world), "0123456789abcdef"));
    expect(world, admin, API_GET, CONFIGS, NULL, 200, NULL);
    assert_true(json_is_true(json_object_get(
        json_object_get(world->json, "authentication.gatewaytoken.enabled"), "value")));
    expect(world, admin, API_GET, CONFIGS "/authentication.gatewaytoken.key", NULL, 200, NULL);
    assert_string_equal(text_at(world, "value"), "0123456789abcdef");
    expect(world, reader, API_GET, CONFIGS "/authentication.gatewaytoken.key", NULL, 200, NULL);
    assert_string_equal(text_at(world, "value"), "***");
    expect(world, reader, API_GET, CONFIGS, NULL, 200, NULL);
    assert_null(strstr(world->answer.body, "0123456789abcdef"));
    /* One wrong value, and none of them counts. */
    expect(world, admin, API_PUT, CONFIGS,
           "{\"pollingTime\":\"00:02:00\",\"enrolment\":\"perhaps\"}", 400, NULL);
    expect(world, admin, API_GET, CONFIGS "/pollingTime", NULL, 200, NULL);
    assert_string_equal(text_at(world, "value"), "00:05:00");
    expect(world, admin, API_PUT, CONFIGS, "{}", 400, NULL);
    expect(world, admin, API_PUT, CONFIGS "/pollingTime", "{}", 400, NULL);
    expect(world, admin, API_PUT, CONFIGS "/pollingTime", "{\"value\":[]}", 400, NULL);
    expect(world, admin, API_PUT, CONFIGS "/pollingTime", "{\"value\":null}", 400, NULL);
    expect(world, admin, API_PUT, CONFIGS "/nothing", "{\"value\":1}", 404, NULL);
    world_free(world);
}

static void tokens(void **state)
{
    char field[80];
    struct world *world = world_new(state);
    const char *admin = manager(world, "admin");
    expect(world, admin, API_POST, "/rest/v1/tokens", "{\"name\":\"ci\",\"role\":\"operate\"}", 201,
           NULL);
    snprintf(field, sizeof field, "Bearer %s", text_at(world, "token"));
    assert_int_equal(strlen(field), strlen("Bearer ") + TOKEN_CHARS);
    expect(world, admin, API_POST, "/rest/v1/tokens", "{\"name\":\"ci\",\"role\":\"read\"}", 409,
           NULL);
    expect(world, admin, API_POST, "/rest/v1/tokens", "{\"name\":\"x\",\"role\":\"god\"}", 400,
           NULL);
    expect(world, field, API_GET, "/rest/v1/userinfo", NULL, 200, NULL);
    assert_string_equal(world->answer.body,
                        "{\"tenant\":\"DEFAULT\",\"username\":\"ci\",\"role\":\"operate\"}");
    expect(world, admin, API_GET, "/rest/v1/tokens", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 2);
    assert_null(strstr(world->answer.body, field + strlen("Bearer ")));
    expect(world, admin, API_DELETE, "/rest/v1/tokens/ci", NULL, 204, NULL);
    expect(world, field, API_GET, "/rest/v1/userinfo", NULL, 401, NULL);
    expect(world, admin, API_DELETE, "/rest/v1/tokens/nobody", NULL, 404, NULL);
    world_free(world);
}

static void audit(void **state)
{
    char path[128];
    struct world *world = world_new(state);
    const char *admin = manager(world, "admin");
    for (int i = 0; i < 3; i++) {
        char body[48];
        snprintf(body, sizeof body, "[{\"controllerId\":\"d-%d\"}]", i);
        expect(world, admin, API_POST, "/rest/v1/targets", body, 201, NULL);
    }
    expect(world, admin, API_GET, "/rest/v1/audit?limit=2", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 3);
    assert_string_equal(text_at(world, "content.0.verb"), "target.create");
    assert_string_equal(text_at(world, "content.0.subject"), "target d-2");
    assert_string_equal(text_at(world, "content.0.who"), "admin");
    assert_int_equal(number_at(world, "content.0.at"), world->now);
    expect(world, admin, API_GET, "/rest/v1/audit?q=who==ADMIN;verb==target.*;subject==*D-1", NULL,
           200, NULL);
    assert_int_equal(number_at(world, "total"), 1);
    assert_string_equal(text_at(world, "content.0.subject"), "target d-1");
    snprintf(path, sizeof path, "/rest/v1/audit?q=at=lt=%lld", (long long)world->now);
    expect(world, admin, API_GET, path, NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 0);
    expect(world, admin, API_GET, "/rest/v1/audit?q=digest==1", NULL, 400, "rsqlParamSyntax");
    expect(world, admin, API_GET, "/rest/v1/audit/verify", NULL, 200, NULL);
    assert_true(json_is_true(at(world, "intact")));
    assert_int_equal(number_at(world, "lines"), 3);
    snprintf(path, sizeof path, "/rest/v1/audit/verify?head=%s", text_at(world, "head"));
    assert_int_equal(db_script(world->db, "UPDATE audit SET who = 'nobody' WHERE id = 2"), DB_OK);
    expect(world, admin, API_GET, path, NULL, 200, NULL);
    assert_true(json_is_false(at(world, "intact")));
    assert_int_equal(number_at(world, "firstBroken"), 2);
    assert_true(json_is_false(at(world, "headFound")));
    world_free(world);
}

static void usage(void **state)
{
    struct world *world = world_new(state);
    const char *reader = manager(world, "read");
    world_set(world, "1");
    world_set(world, "2");
    world_target(world, "d", NULL);
    expect(world, reader, API_GET, "/rest/v1/system/admin/usage", NULL, 200, NULL);
    assert_int_equal(number_at(world, "overallTargets"), 1);
    assert_int_equal(number_at(world, "overallArtifacts"), 2);
    assert_int_equal(number_at(world, "overallArtifactVolumeInBytes"), 8192); /* the same bytes */
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(every_door), STORE_TESTS(settings), STORE_TESTS(tokens),
        STORE_TESTS(audit),      STORE_TESTS(usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
