/* Rollouts and target filters through the Management API, as hawkBit's clients write them. */
#include "tests/unit/fleet/mgmt.h"
#include "tests/unit/fleet/rollout_world.h"

#define BODY(rest)                                                                                 \
    "{\"name\":\"spring\",\"distributionSetId\":1,\"targetFilterQuery\":\"id==d*\"," rest "}"

static struct world *with_fleet(void **state, const char **who)
{
    struct world *world = world_fleet(state, 20);
    (void)world_set(world, "1.1.0");
    *who = manager(world, "operate");
    return world;
}

static void a_rollout(void **state)
{
    const char *who;
    struct world *world = with_fleet(state, &who);
    expect(world, who, API_POST, "/rest/v1/rollouts",
           BODY("\"groups\":[{\"name\":\"canary\",\"targetPercentage\":10,"
                "\"successCondition\":{\"condition\":\"THRESHOLD\",\"expression\":\"100\"},"
                "\"successAction\":{\"action\":\"PAUSE\",\"expression\":\"\"}},"
                "{\"targetFilterQuery\":\"id=lt=d0010\"},{\"targetPercentage\":100.0}],"
                "\"successCondition\":{\"condition\":\"THRESHOLD\",\"expression\":\"50\"},"
                "\"errorCondition\":{\"condition\":\"THRESHOLD\",\"expression\":\"12.5\"},"
                "\"errorAction\":{\"action\":\"PAUSE\",\"expression\":\"\"},\"type\":\"soft\","
                "\"retries\":2,\"retrySeconds\":60,\"description\":\"\""),
           201, NULL);
    assert_string_equal(text_at(world, "status"), "creating");
    assert_string_equal(text_at(world, "type"), "soft");
    assert_int_equal(number_at(world, "totalGroups"), 3);
    assert_int_equal(number_at(world, "retries"), 2);
    assert_string_equal(text_at(world, "_links.start.href"),
                        "https://updates.example:8443/rest/v1/rollouts/1/start");
    assert_string_equal(last_audit(world), "operate rollout.create rollout 1 spring");
    tick(world);
    expect(world, who, API_GET, "/rest/v1/rollouts?representation=full&q=name==SPRING", NULL, 200,
           NULL);
    assert_int_equal(number_at(world, "total"), 1);
    assert_string_equal(text_at(world, "content.0.status"), "ready");
    assert_int_equal(number_at(world, "content.0.totalTargets"), 20);
    assert_int_equal(number_at(world, "content.0.totalTargetsPerStatus.notstarted"), 20);
    expect(world, who, API_GET, "/rest/v1/rollouts", NULL, 200, NULL);
    assert_null(at(world, "content.0.totalTargetsPerStatus"));

    expect(world, who, API_GET, "/rest/v1/rollouts/1/deploygroups", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 3);
    assert_string_equal(text_at(world, "content.0.name"), "canary");
    assert_string_equal(text_at(world, "content.0.successCondition.expression"), "100");
    assert_string_equal(text_at(world, "content.0.successAction.action"), "PAUSE");
    assert_string_equal(text_at(world, "content.0.errorCondition.expression"), "12.50");
    assert_string_equal(text_at(world, "content.1.name"), "group-2");
    assert_string_equal(text_at(world, "content.1.successCondition.expression"), "50");
    assert_string_equal(text_at(world, "content.1.targetFilterQuery"), "id=lt=d0010");
    assert_int_equal(number_at(world, "content.0.totalTargets"), 2);

    expect(world, who, API_POST, "/rest/v1/rollouts/1/start", NULL, 204, NULL);
    assert_null(world->answer.body);
    assert_string_equal(last_audit(world), "operate rollout.start rollout 1 ");
    expect(world, who, API_POST, "/rest/v1/rollouts/1/start", NULL, 400, "rollout.illegalState");
    tick(world);
    expect(world, who, API_GET, "/rest/v1/rollouts/1/deploygroups/1", NULL, 200, NULL);
    assert_string_equal(text_at(world, "status"), "running");
    assert_int_equal(number_at(world, "totalTargetsPerStatus.running"), 2);
    expect(world, who, API_GET, "/rest/v1/rollouts/1/deploygroups/1/targets", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 2);
    assert_string_equal(text_at(world, "content.0.updateStatus"), "pending");
    report(world, 2, "success");
    tick(world);
    expect(world, who, API_GET, "/rest/v1/rollouts/1", NULL, 200, NULL);
    assert_string_equal(text_at(world, "status"), "paused");
    assert_string_equal(text_at(world, "haltReason"), "canary is done: paused as planned");
    assert_true(json_is_false(at(world, "halted")));
    expect(world, who, API_POST, "/rest/v1/rollouts/1/resume", NULL, 204, NULL);
    tick(world);
    expect(world, who, API_POST, "/rest/v1/rollouts/1/triggerNextGroup", NULL, 204, NULL);
    tick(world);
    expect(world, who, API_GET, "/rest/v1/rollouts/1", NULL, 200, NULL);
    assert_int_equal(number_at(world, "totalTargetsPerStatus.running"), 18);
    expect(world, who, API_POST, "/rest/v1/rollouts/1/pause", NULL, 204, NULL);
    expect(world, who, API_POST, "/rest/v1/rollouts/1/stop", NULL, 204, NULL);
    tick(world);
    expect(world, who, API_POST, "/rest/v1/rollouts/1/retry", NULL, 400, "constraintViolation");
    struct fleet fleet = world_begin(world);
    assert_int_equal(action_cancel(&fleet, 11113, true), FLEET_OK);
    world_commit(world);
    tick(world);
    expect(world, who, API_POST, "/rest/v1/rollouts/1/retry", NULL, 201, NULL);
    assert_string_equal(text_at(world, "name"), "spring_retry");
    expect(world, who, API_DELETE, "/rest/v1/rollouts/1", NULL, 204, NULL);
    tick(world);
    expect(world, who, API_GET, "/rest/v1/rollouts/1", NULL, 404, "entityNotFound");
    expect(world, who, API_POST, "/rest/v1/rollouts/1/start", NULL, 404, "entityNotFound");
    expect(world, who, API_GET, "/rest/v1/rollouts/1/deploygroups/1", NULL, 404, NULL);
    world_free(world);
}

/* Told apart from a pause that somebody wanted. */
static void halted(void **state)
{
    const char *who;
    struct world *world = with_fleet(state, &who);
    expect(world, who, API_POST, "/rest/v1/rollouts",
           BODY("\"amountGroups\":2,"
                "\"errorCondition\":{\"condition\":\"THRESHOLD\",\"expression\":\"5\"}"),
           201, NULL);
    tick(world);
    expect(world, who, API_POST, "/rest/v1/rollouts/1/start", NULL, 204, NULL);
    tick(world);
    expect(world, who, API_POST, "/rest/v1/rollouts/1/pause", NULL, 204, NULL);
    expect(world, who, API_GET, "/rest/v1/rollouts/1", NULL, 200, NULL);
    assert_true(json_is_false(at(world, "halted")));
    expect(world, who, API_POST, "/rest/v1/rollouts/1/resume", NULL, 204, NULL);
    report(world, 2, "failure");
    tick(world);
    expect(world, who, API_GET, "/rest/v1/rollouts?representation=full", NULL, 200, NULL);
    assert_string_equal(text_at(world, "content.0.status"), "paused");
    assert_true(json_is_true(at(world, "content.0.halted")));
    expect(world, who, API_POST, "/rest/v1/rollouts/1/resume", NULL, 204, NULL);
    expect(world, who, API_GET, "/rest/v1/rollouts/1", NULL, 200, NULL);
    assert_true(json_is_false(at(world, "halted")));
    world_free(world);
}

static void equal_groups(void **state)
{
    const char *who;
    struct world *world = with_fleet(state, &who);
    expect(world, who, API_POST, "/rest/v1/rollouts", BODY("\"amountGroups\":3"), 201, NULL);
    tick(world);
    expect(world, who, API_GET, "/rest/v1/rollouts/1/deploygroups?sort=id:ASC", NULL, 200, NULL);
    assert_int_equal(number_at(world, "content.0.totalTargets"), 7);
    assert_int_equal(number_at(world, "content.1.totalTargets"), 7);
    assert_int_equal(number_at(world, "content.2.totalTargets"), 6);
    assert_true(json_real_value(at(world, "content.1.targetPercentage")) == 50);
    world_free(world);
}

static void approving(void **state)
{
    const char *who;
    struct world *world = with_fleet(state, &who);
    const char *admin = manager(world, "admin");
    expect(world, admin, API_PUT, "/rest/v1/system/configs/rollout.approval.enabled",
           "{\"value\":true}", 204, NULL);
    expect(world, who, API_POST, "/rest/v1/rollouts", BODY("\"amountGroups\":1"), 201, NULL);
    tick(world);
    expect(world, who, API_POST, "/rest/v1/rollouts/1/approve", NULL, 403, NULL);
    expect(world, admin, API_POST, "/rest/v1/rollouts/1/approve?remark=looks%20good", NULL, 204,
           NULL);
    expect(world, who, API_GET, "/rest/v1/rollouts/1", NULL, 200, NULL);
    assert_string_equal(text_at(world, "status"), "ready");
    assert_string_equal(text_at(world, "approveDecidedBy"), "admin");
    assert_string_equal(text_at(world, "approvalRemark"), "looks good");
    expect(world, admin, API_POST, "/rest/v1/rollouts/1/deny", NULL, 400, "illegalState");
    world_free(world);
}

static void refused_bodies(void **state)
{
    static const char *const bodies[] = {
        "[]",
        "{}",
        BODY("\"amountGroups\":0"),
        BODY("\"amountGroups\":501"),
        BODY("\"amountGroups\":\"3\""),
        BODY("\"groups\":[]"),
        BODY("\"groups\":[1]"),
        BODY("\"groups\":[{\"targetPercentage\":0}]"),
        BODY("\"groups\":[{\"targetPercentage\":100.5}]"),
        BODY("\"groups\":[{\"targetPercentage\":\"50\"}]"),
        BODY("\"groups\":[{\"targetFilterQuery\":\"nonsense==1\"}]"),
        BODY("\"groups\":[{\"successCondition\":{}}]"),
        BODY("\"amountGroups\":1,\"successCondition\":{\"expression\":\"101\"}"),
        BODY("\"amountGroups\":1,\"successCondition\":{\"expression\":\"-1\"}"),
        BODY("\"amountGroups\":1,\"successCondition\":{\"expression\":\"1.234\"}"),
        BODY("\"amountGroups\":1,\"successCondition\":{\"expression\":\"5 \"}"),
        BODY("\"amountGroups\":1,\"successCondition\":{\"expression\":50}"),
        BODY("\"amountGroups\":1,\"errorCondition\":{\"condition\":\"X\",\"expression\":\"5\"}"),
        BODY("\"amountGroups\":1,\"errorAction\":{\"action\":\"NEXTGROUP\"}"),
        BODY("\"amountGroups\":1,\"successAction\":{\"action\":\"X\"}"),
        BODY("\"amountGroups\":1,\"successAction\":\"PAUSE\""),
        BODY("\"amountGroups\":1,\"dynamic\":true"),
        BODY("\"amountGroups\":1,\"type\":\"hard\""),
        BODY("\"amountGroups\":1,\"retries\":11"),
        BODY("\"amountGroups\":1,\"maintenanceWindow\":{\"schedule\":\"x\"}"),
        "{\"name\":\"a\",\"distributionSetId\":1,\"targetFilterQuery\":\"id==x\",\"amountGroups\":"
        "1}",
        "{\"name\":\"a\",\"distributionSetId\":1,\"targetFilterQuery\":\"id=\",\"amountGroups\":1}",
    };
    const char *who;
    struct world *world = with_fleet(state, &who);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        expect(world, who, API_POST, "/rest/v1/rollouts", bodies[i], 400, NULL);
    assert_int_equal(ask_number(world, "SELECT COUNT(*) FROM rollout WHERE $1 = 1", 1), 0);
    expect(world, who, API_POST, "/rest/v1/rollouts",
           "{\"name\":\"a\",\"distributionSetId\":9,\"targetFilterQuery\":\"id==d*\","
           "\"amountGroups\":1}",
           404, NULL);
    /* One group where nothing is said of groups, as in hawkBit. */
    expect(world, who, API_POST, "/rest/v1/rollouts", BODY("\"weight\":7"), 201, NULL);
    assert_int_equal(number_at(world, "totalGroups"), 1);
    expect(world, who, API_POST, "/rest/v1/rollouts", BODY("\"amountGroups\":1"), 409, NULL);
    expect(world, manager(world, "read"), API_POST, "/rest/v1/rollouts", BODY("\"amountGroups\":1"),
           403, NULL);
    world_free(world);
}

static void filters(void **state)
{
    const char *who;
    struct world *world = with_fleet(state, &who);
    expect(world, who, API_POST, "/rest/v1/targetfilters",
           "{\"name\":\"low\",\"query\":\"attribute.n=lt=2\"}", 201, NULL);
    int64_t id = number_at(world, "id");
    assert_int_equal(id, 1);
    assert_string_equal(last_audit(world),
                        "operate filter.create target filter 1 attribute.n=lt=2");
    expect(world, who, API_POST, "/rest/v1/targetfilters", "{\"name\":\"low\",\"query\":\"id==1\"}",
           409, NULL);
    expect(world, who, API_POST, "/rest/v1/targetfilters", "{\"name\":\"x\",\"query\":\"id\"}", 400,
           NULL);
    expect(world, who, API_POST, "/rest/v1/targetfilters", "{\"name\":\"x\"}", 400, NULL);
    expect(world, who, API_GET, "/rest/v1/targetfilters/1/autoAssignDS", NULL, 204, NULL);
    expect(world, who, API_POST, "/rest/v1/targetfilters/1/autoAssignDS", "{\"id\":77}", 404, NULL);
    expect(world, who, API_POST, "/rest/v1/targetfilters/1/autoAssignDS",
           "{\"id\":1,\"type\":\"timeforced\",\"forcetime\":1}", 400, NULL);
    expect(world, who, API_POST, "/rest/v1/targetfilters/1/autoAssignDS",
           "{\"id\":1,\"type\":\"soft\",\"weight\":5}", 200, NULL);
    assert_int_equal(number_at(world, "autoAssignDistributionSet"), 1);
    assert_string_equal(text_at(world, "autoAssignActionType"), "soft");
    tick(world);
    assert_int_equal(ask_number(world, "SELECT COUNT(*) FROM action WHERE $1 = 1", 1), 12);
    expect(world, who, API_GET, "/rest/v1/targetfilters/1/autoAssignDS", NULL, 200, NULL);
    assert_string_equal(text_at(world, "version"), "1.1.0");
    expect(world, who, API_PUT, "/rest/v1/targetfilters/1", "{\"name\":\"lower\"}", 200, NULL);
    assert_string_equal(text_at(world, "name"), "lower");
    assert_string_equal(text_at(world, "query"), "attribute.n=lt=2");
    expect(world, who, API_GET, "/rest/v1/targetfilters?q=name==low*", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 1);
    expect(world, who, API_DELETE, "/rest/v1/targetfilters/1/autoAssignDS", NULL, 204, NULL);
    expect(world, who, API_GET, "/rest/v1/targetfilters/1", NULL, 200, NULL);
    assert_null(at(world, "autoAssignDistributionSet"));
    expect(world, who, API_DELETE, "/rest/v1/targetfilters/1", NULL, 204, NULL);
    expect(world, who, API_DELETE, "/rest/v1/targetfilters/1", NULL, 404, NULL);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_rollout),      STORE_TESTS(equal_groups), STORE_TESTS(approving),
        STORE_TESTS(refused_bodies), STORE_TESTS(filters),      STORE_TESTS(halted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
