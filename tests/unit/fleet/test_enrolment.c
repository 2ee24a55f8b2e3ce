/* Devices that come by themselves: as many as there is room for. Each test on both stores. */
#include "tests/unit/fleet/world.h"

#include "tests/unit/fleet/mgmt.h"

#include "server/metrics.h"

#define CONFIGS "/rest/v1/system/configs/"

static int poll(struct world *world, const char *device)
{
    char path[80];
    char token[80];
    snprintf(path, sizeof path, "/DEFAULT/controller/v1/%s", device);
    snprintf(token, sizeof token, "TargetToken the-own-token-of-%s", device);
    return call(world, API_GET, path, token, NULL);
}

static int64_t audit_lines(struct world *world, const char *verb)
{
    static const char sql[] = "SELECT COUNT(*) FROM audit WHERE verb = $1";
    int64_t count;
    assert_int_equal(db_get_int(world->db, sql, DB_ARGS(db_t(verb)), &count), DB_ROW);
    return count;
}

static struct world *open_to(void **state, const char *targets, const char **who)
{
    struct world *world = world_new(state);
    *who = manager(world, "admin");
    char body[64];
    snprintf(body, sizeof body, "{\"value\":%s}", targets);
    expect(world, *who, API_PUT, CONFIGS "enrolment", "{\"value\":\"open\"}", 204, NULL);
    expect(world, *who, API_PUT, CONFIGS "enrolment.targets", body, 204, NULL);
    return world;
}

static void others_are_refused(void **state)
{
    const char *who;
    struct world *world = open_to(state, "3", &who);
    world->service.metrics = metrics_new(NULL, NULL);
    assert_int_equal(poll(world, "a"), 200);
    assert_int_equal(poll(world, "b"), 200);
    assert_int_equal(audit_lines(world, "enrolment.full"), 0);
    assert_int_equal(poll(world, "c"), 200);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(poll(world, "d"), 429);
        assert_string_equal(text_at(world, "errorCode"),
                            "hawkbit.server.error.quota.tooManyEntries");
    }
    assert_int_equal(poll(world, "a"), 200); /* those who are there go on */
    assert_int_equal(audit_lines(world, "enrolment.full"), 1);
    assert_int_equal(audit_lines(world, "target.enrol"), 3);
    expect(world, who, API_GET, "/metrics", NULL, 200, NULL);
    assert_non_null(strstr(world->answer.body, "\ntrustchain_enrolments_refused_total 5\n"));
    metrics_free(world->service.metrics);
    world_free(world);
}

static void room_is_made(void **state)
{
    const char *who;
    struct world *world = open_to(state, "2", &who);
    assert_int_equal(poll(world, "a"), 200);
    assert_int_equal(poll(world, "b"), 200);
    assert_int_equal(poll(world, "c"), 429);
    expect(world, who, API_DELETE, "/rest/v1/targets/a", NULL, 204, NULL);
    assert_int_equal(poll(world, "c"), 200);
    assert_int_equal(poll(world, "a"), 429);
    expect(world, who, API_PUT, CONFIGS "enrolment.targets", "{\"value\":3}", 204, NULL);
    assert_int_equal(poll(world, "a"), 200);
    assert_int_equal(poll(world, "d"), 429);
    /* Operators know what they do. */
    expect(world, who, API_POST, "/rest/v1/targets",
           "[{\"controllerId\":\"d\",\"securityToken\":\"the-own-token-of-d\"}]", 201, NULL);
    assert_int_equal(poll(world, "d"), 200);
    assert_int_equal(poll(world, "e"), 429);
    world_free(world);
}

/* Also of those who show a token of the tenant, and not with the targets of others. */
static void whatever_they_show(void **state)
{
    static const char foreign[] =
        "INSERT INTO tenant (name) VALUES ('OTHER');"
        "INSERT INTO target (tenant, controller_id, name, security_token, update_status,"
        " created_at, created_by, changed_at, changed_by) SELECT id, 'x', 'x', 'x', 'unknown', 0,"
        " 't', 0, 't' FROM tenant WHERE name = 'OTHER'";
    static const char gateway[] = "GatewayToken 0123456789abcdef";
    const char *who;
    struct world *world = open_to(state, "1", &who);
    assert_int_equal(db_script(world->db, foreign), DB_OK);
    expect(world, who, API_PUT, CONFIGS "enrolment", "{\"value\":\"token\"}", 204, NULL);
    expect(world, who, API_PUT, "/rest/v1/system/configs",
           "{\"authentication.gatewaytoken.enabled\":true,"
           "\"authentication.gatewaytoken.key\":\"0123456789abcdef\"}",
           204, NULL);
    assert_int_equal(call(world, API_GET, "/DEFAULT/controller/v1/a", gateway, NULL), 200);
    assert_int_equal(call(world, API_GET, "/DEFAULT/controller/v1/b", gateway, NULL), 429);
    world_free(world);
}

static void values_of_the_setting(void **state)
{
    static const struct {
        const char *value;
        int status;
    } cases[] = {{"0", 400},    {"-1", 400},        {"\"\"", 400},         {"\"1e3\"", 400},
                 {"true", 400}, {"100000000", 400}, {"\"99999999\"", 204}, {"1", 204}};
    const char *who;
    struct world *world = world_new(state);
    who = manager(world, "admin");
    expect(world, who, API_GET, CONFIGS "enrolment.targets", NULL, 200, NULL);
    assert_string_equal(text_at(world, "value"), "200000");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"value\":%s}", cases[i].value);
        expect(world, who, API_PUT, CONFIGS "enrolment.targets", body, cases[i].status, NULL);
    }
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(others_are_refused),
        STORE_TESTS(room_is_made),
        STORE_TESTS(whatever_they_show),
        STORE_TESTS(values_of_the_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
