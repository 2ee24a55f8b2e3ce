/* The Management API: modules, distribution sets, assignments, by bodies and states (hawkbit-ddi.md
 * 10). */
#include "tests/unit/fleet/mgmt.h"

#include "server/fleet/rollout.h"

#define MODULES "/rest/v1/softwaremodules"
#define SETS    "/rest/v1/distributionsets"

static const struct action_terms forced = {.kind = ACTION_FORCED, .weight = -1};

static void modules(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    expect(world, who, API_POST, MODULES,
           "[{\"name\":\"fw\",\"version\":\"1.0\",\"type\":\"os\",\"vendor\":\"us\"},"
           "{\"name\":\"fw\",\"version\":\"1.1\",\"type\":\"application\",\"encrypted\":true}]",
           201, NULL);
    assert_int_equal(number_at(world, "0.id"), 1);
    assert_string_equal(text_at(world, "0.typeName"), "OS");
    assert_true(json_is_true(at(world, "1.encrypted")));
    assert_string_equal(text_at(world, "1._links.artifacts.href"),
                        "https://updates.example:8443" MODULES "/2/artifacts");
    expect(world, who, API_POST, MODULES, "[{\"name\":\"fw\",\"version\":\"1.0\",\"type\":\"os\"}]",
           409, "entityAlreadyExists");
    expect(world, who, API_POST, MODULES,
           "[{\"name\":\"fw\",\"version\":\"1.0\",\"type\":\"toaster\"}]", 404, NULL);
    expect(world, who, API_POST, MODULES, "[{\"name\":\"fw\",\"type\":\"os\"}]", 400, NULL);
    expect(world, who, API_GET, MODULES "?q=type==application&sort=version:DESC", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 1);
    expect(world, who, API_PUT, MODULES "/1", "{\"vendor\":\"them\",\"description\":\"d\"}", 200,
           NULL);
    assert_string_equal(text_at(world, "vendor"), "them");
    expect(world, who, API_PUT, MODULES "/1", "{\"vendor\":\"\"}", 200, NULL);
    assert_string_equal(text_at(world, "vendor"), "");
    assert_string_equal(text_at(world, "description"), "d");
    expect(world, who, API_DELETE, MODULES "/1", NULL, 204, NULL);
    expect(world, who, API_GET, MODULES "/1", NULL, 404, NULL);
    expect(world, who, API_DELETE, MODULES "/1", NULL, 404, NULL);
    expect(world, who, API_DELETE, MODULES "/7", NULL, 404, NULL);
    world_free(world);
}

static void metadata(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    expect(world, who, API_POST, MODULES, "[{\"name\":\"a\",\"version\":\"1\",\"type\":\"os\"}]",
           201, NULL);
    expect(world, who, API_POST, MODULES "/1/metadata",
           "[{\"key\":\"slot\",\"value\":\"a\",\"targetVisible\":true},"
           "{\"key\":\"note\",\"value\":\"b\"}]",
           201, NULL);
    expect(world, who, API_POST, MODULES "/1/metadata", "[{\"key\":\"slot\"}]", 400, NULL);
    expect(world, who, API_GET, MODULES "/1/metadata", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 2);
    assert_string_equal(text_at(world, "content.0.key"), "note");
    assert_true(json_is_true(at(world, "content.1.targetVisible")));
    expect(world, who, API_PUT, MODULES "/1/metadata/slot", "{\"value\":\"c\"}", 200, NULL);
    assert_string_equal(text_at(world, "value"), "c");
    assert_true(json_is_false(at(world, "targetVisible")));
    expect(world, who, API_DELETE, MODULES "/1/metadata/slot", NULL, 204, NULL);
    expect(world, who, API_GET, MODULES "/1/metadata/slot", NULL, 404, NULL);
    expect(world, who, API_GET, MODULES "/2/metadata", NULL, 404, NULL);
    world_free(world);
}

static void sets(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    expect(world, who, API_POST, MODULES,
           "[{\"name\":\"a\",\"version\":\"1\",\"type\":\"os\"},"
           "{\"name\":\"b\",\"version\":\"1\",\"type\":\"application\"}]",
           201, NULL);
    expect(world, who, API_POST, SETS,
           "[{\"name\":\"s\",\"version\":\"1.9\",\"type\":\"os\",\"modules\":[{\"id\":1}]},"
           "{\"name\":\"s\",\"version\":\"1.10\",\"requiredMigrationStep\":true}]",
           201, NULL);
    assert_string_equal(text_at(world, "0.modules.0.name"), "a");
    assert_true(json_is_true(at(world, "0.complete")));
    assert_true(json_is_false(at(world, "1.complete")));
    assert_string_equal(text_at(world, "1.type"), "os_app");
    expect(world, who, API_POST, SETS, "[{\"name\":\"s\",\"version\":\"1.9\",\"type\":\"os\"}]",
           409, "entityAlreadyExists");
    expect(world, who, API_POST, SETS,
           "[{\"name\":\"t\",\"version\":\"1\",\"modules\":[{\"id\":9}]}]", 404, NULL);
    expect(world, who, API_POST, SETS, "[{\"name\":\"t\",\"version\":\"1\",\"modules\":[9]}]", 400,
           NULL);
    expect(world, who, API_GET, SETS "?sort=version:DESC", NULL, 200, NULL);
    assert_string_equal(text_at(world, "content.0.version"), "1.10");
    expect(world, who, API_POST, SETS "/2/assignedSM", "[{\"id\":1},{\"id\":2}]", 204, NULL);
    expect(world, who, API_POST, SETS "/2/assignedSM", "{\"id\":1}", 400, NULL);
    expect(world, who, API_GET, SETS "/2/assignedSM", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 2);
    expect(world, who, API_DELETE, SETS "/2/assignedSM/1", NULL, 204, NULL);
    expect(world, who, API_DELETE, SETS "/2/assignedSM/1", NULL, 404, NULL);
    expect(world, who, API_PUT, SETS "/2", "{\"version\":\"1.9\"}", 409, NULL);
    expect(world, who, API_PUT, SETS "/2", "{\"version\":\"2.0\",\"description\":\"new\"}", 200,
           NULL);
    assert_string_equal(text_at(world, "version"), "2.0");
    assert_true(json_is_true(at(world, "requiredMigrationStep")));
    expect(world, who, API_DELETE, MODULES "/2", NULL, 423, "error.locked");
    expect(world, who, API_DELETE, SETS "/2", NULL, 204, NULL);
    expect(world, who, API_DELETE, MODULES "/2", NULL, 204, NULL);
    expect(world, who, API_GET, SETS "/2", NULL, 404, NULL);
    world_free(world);
}

static void assignments(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    world_target(world, "e", NULL);
    int64_t set = world_set(world, "1.1.0");
    assert_int_equal(set, 1);
    expect(world, who, API_POST, SETS "/1/assignedTargets", "[{\"id\":\"d\"},{\"id\":\"nobody\"}]",
           404, NULL);
    expect(world, who, API_GET, "/rest/v1/actions", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 0); /* all or none */
    expect(world, who, API_POST, SETS "/1/assignedTargets",
           "[{\"id\":\"d\",\"type\":\"timeforced\",\"forcetime\":1790000000001,\"weight\":7,"
           "\"maintenanceWindow\":{\"schedule\":\"0 0 3 * * ?\",\"duration\":\"01:00:00\","
           "\"timezone\":\"+02:00\"}},{\"id\":\"d\"}]",
           200, NULL);
    assert_int_equal(number_at(world, "assigned"), 1);
    assert_int_equal(number_at(world, "alreadyAssigned"), 1);
    assert_int_equal(number_at(world, "total"), 2);
    char text[80];
    long long id = number_at(world, "assignedActions.0.id");
    snprintf(text, sizeof text, "operate target.assign target d set 1, action %lld", id);
    assert_string_equal(last_audit(world), text);
    snprintf(text, sizeof text, "/rest/v1/targets/d/actions/%lld", id);
    expect(world, who, API_GET, text, NULL, 200, NULL);
    assert_string_equal(text_at(world, "forceType"), "timeforced");
    assert_int_equal(number_at(world, "forceTime"), 1790000000001);
    assert_int_equal(number_at(world, "weight"), 7);
    assert_string_equal(text_at(world, "maintenanceWindow.schedule"), "0 0 3 * * ?");
    assert_true(number_at(world, "maintenanceWindow.nextStartAt") > world->now);
    expect(world, who, API_GET, SETS "/1/assignedTargets", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 1);

    expect(world, who, API_POST, "/rest/v1/targets/e/assignedDS", "[{\"id\":1},{\"id\":1}]", 400,
           NULL);
    expect(world, who, API_POST, "/rest/v1/targets/e/assignedDS", "{\"id\":9}", 404, NULL);
    expect(world, who, API_POST, "/rest/v1/targets/e/assignedDS?offline=true", "{\"id\":1}", 200,
           NULL);
    struct target target = world_look(world, "e");
    assert_int_equal(target.installed_set, 1);
    assert_string_equal(target.update_status, "in_sync");
    expect(world, who, API_GET, "/rest/v1/targets/e/actions", NULL, 200, NULL);
    assert_string_equal(text_at(world, "content.0.status"), "finished");
    expect(world, who, API_GET, SETS "/1/installedTargets", NULL, 200, NULL);
    assert_string_equal(text_at(world, "content.0.controllerId"), "e");
    expect(world, who, API_GET, SETS "/1/statistics", NULL, 200, NULL);
    assert_int_equal(number_at(world, "actions.RUNNING"), 1);
    assert_int_equal(number_at(world, "actions.FINISHED"), 1);
    assert_int_equal(number_at(world, "actions.total"), 2);
    assert_int_equal(number_at(world, "rollouts.total"), 0);
    world_free(world);
}

static void terms_that_are_refused(void **state)
{
    static const char *const cases[] = {
        "[]",
        "{}",
        "[1]",
        "[{}]",
        "[{\"id\":7}]",
        "[{\"id\":\"d\",\"type\":\"maybe\"}]",
        "[{\"id\":\"d\",\"type\":\"timeforced\"}]",
        "[{\"id\":\"d\",\"weight\":1001}]",
        "[{\"id\":\"d\",\"weight\":-1}]",
        "[{\"id\":\"d\",\"confirmationRequired\":1}]",
        "[{\"id\":\"d\",\"maintenanceWindow\":[]}]",
        "[{\"id\":\"d\",\"maintenanceWindow\":{\"schedule\":\"0 0 3 * * ?\"}}]",
        "[{\"id\":\"d\",\"maintenanceWindow\":{\"schedule\":\"0 0 3 * "
        "*\",\"duration\":\"01:00:00\","
        "\"timezone\":\"+00:00\"}}]",
        "[{\"id\":\"d\",\"maintenanceWindow\":{\"schedule\":\"0 0 3 1 1 ? 2020\",\"duration\":"
        "\"01:00:00\",\"timezone\":\"+00:00\"}}]",
    };
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    world_set(world, "1.1.0");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = call(world, API_POST, SETS "/1/assignedTargets", who, cases[i]);
        if (status != 400)
            fail_msg("%s: %d", cases[i], status);
    }
    expect(world, who, API_POST, SETS "/2/assignedTargets", "[{\"id\":\"d\"}]", 404, NULL);
    world_free(world);
}

/* What has been assigned stays what it is, and can leave the lists when nothing needs it. */
static void locked_and_deleted(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    world_set(world, "1.1.0");
    world_assign(world, "d", 1, &forced);
    expect(world, who, API_GET, SETS "/1", NULL, 200, NULL);
    assert_true(json_is_true(at(world, "locked")));
    expect(world, who, API_PUT, SETS "/1", "{\"version\":\"9\"}", 423, "error.locked");
    expect(world, who, API_PUT, SETS "/1", "{\"description\":\"x\"}", 200, NULL);
    expect(world, who, API_POST, SETS "/1/assignedSM", "[{\"id\":1}]", 423, NULL);
    expect(world, who, API_POST, MODULES "/1/metadata", "[{\"key\":\"a\",\"value\":\"b\"}]", 423,
           NULL);
    expect(world, who, API_DELETE, MODULES "/1/artifacts/1", NULL, 423, NULL);
    expect(world, who, API_DELETE, SETS "/1", NULL, 423, NULL);
    expect(world, who, API_DELETE, "/rest/v1/targets/d/actions/11111", NULL, 204, NULL);
    expect(world, who, API_DELETE, SETS "/1", NULL, 204, NULL);
    expect(world, who, API_DELETE, SETS "/1", NULL, 204, NULL);
    expect(world, who, API_DELETE, MODULES "/1", NULL, 204, NULL);
    expect(world, who, API_GET, SETS, NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 0);
    expect(world, who, API_GET, MODULES, NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 0);
    expect(world, who, API_GET, "/rest/v1/targets/d/assignedDS", NULL, 200, NULL);
    assert_true(json_is_true(at(world, "deleted")));
    assert_string_equal(text_at(world, "modules.0.name"), "thermo");
    expect(world, who, API_POST, SETS "/1/assignedTargets", "[{\"id\":\"d\"}]", 404, NULL);
    expect(world, who, API_POST, "/rest/v1/rollouts",
           "{\"name\":\"late\",\"distributionSetId\":1,\"targetFilterQuery\":\"id==*\"}", 404,
           NULL);
    expect(world, who, API_POST, "/rest/v1/targetfilters", "{\"name\":\"f\",\"query\":\"id==*\"}",
           201, NULL);
    expect(world, who, API_POST, "/rest/v1/targetfilters/1/autoAssignDS", "{\"id\":1}", 404, NULL);
    int64_t again = world_set(world, "1.1.0"); /* the name is free */
    assert_int_equal(again, 2);
    world_free(world);
}

static void invalidated(void **state)
{
    static const struct {
        const char *kind, *state, *update_status;
        bool active, assigned;
    } cases[] = {
        {"none", "running", "pending", true, true},
        {"soft", "canceling", "pending", true, true},
        {"force", "canceled", "registered", false, false},
    };
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "other", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[8];
        char version[8];
        char path[80];
        char body[64];
        snprintf(name, sizeof name, "d%zu", i);
        snprintf(version, sizeof version, "1.%zu", i);
        world_target(world, name, NULL);
        long long set = world_set(world, version);
        world_assign(world, name, set, &forced);
        snprintf(path, sizeof path, SETS "/%lld/invalidate", set);
        expect(world, who, API_POST, path, "{\"actionCancelationType\":\"hard\"}", 400, NULL);
        snprintf(body, sizeof body, "{\"actionCancelationType\":\"%s\"}", cases[i].kind);
        expect(world, who, API_POST, path, body, 204, NULL);
        snprintf(path, sizeof path, "/rest/v1/targets/%s/actions", name);
        expect(world, who, API_GET, path, NULL, 200, NULL);
        assert_string_equal(text_at(world, "content.0.status"), cases[i].state);
        assert_int_equal(json_is_true(at(world, "content.0.active")), cases[i].active);
        struct target target = world_look(world, name);
        assert_string_equal(target.update_status, cases[i].update_status);
        assert_int_equal(target.assigned_set != 0, cases[i].assigned);
        snprintf(path, sizeof path, SETS "/%lld", set);
        expect(world, who, API_GET, path, NULL, 200, NULL);
        assert_true(json_is_false(at(world, "valid")));
        snprintf(path, sizeof path, SETS "/%lld/assignedTargets", set);
        expect(world, who, API_POST, path, "[{\"id\":\"other\"}]", 400, NULL);
    }
    world_free(world);
}

static void invalidated_with_its_rollouts(void **state)
{
    static const char rollout[] =
        "{\"name\":\"r%d\",\"distributionSetId\":%lld,\"targetFilterQuery\":\"controllerid==d\","
        "\"amountGroups\":1}";
    char body[200];
    char path[80];
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    for (int i = 0; i < 2; i++) {
        long long set = world_set(world, i == 0 ? "1" : "2");
        snprintf(body, sizeof body, rollout, i, set);
        expect(world, who, API_POST, "/rest/v1/rollouts", body, 201, NULL);
        long long id = number_at(world, "id");
        for (bool worked = true; worked;) { /* until it is made */
            struct fleet fleet = world_begin(world);
            assert_int_equal(rollout_tick(&fleet, &worked), FLEET_OK);
            world_commit(world);
        }
        snprintf(path, sizeof path, SETS "/%lld/invalidate", set);
        expect(world, who, API_POST, path,
               i == 0 ? "{\"actionCancelationType\":\"none\"}"
                      : "{\"actionCancelationType\":\"soft\"}",
               204, NULL);
        snprintf(path, sizeof path, "/rest/v1/rollouts/%lld", id);
        expect(world, who, API_GET, path, NULL, 200, NULL);
        const char *status = text_at(world, "status");
        if ((strncmp(status, "stop", 4) == 0) != (i == 1))
            fail_msg("rollout %d: %s", i, status);
    }
    world_free(world);
}

static void types(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    expect(world, who, API_GET, "/rest/v1/softwaremoduletypes", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 3);
    assert_string_equal(text_at(world, "content.1.key"), "application");
    expect(world, who, API_GET, "/rest/v1/softwaremoduletypes/4", NULL, 404, NULL);
    expect(world, who, API_GET, "/rest/v1/distributionsettypes/3", NULL, 200, NULL);
    assert_string_equal(text_at(world, "key"), "os_app");
    expect(world, who, API_GET, "/rest/v1/distributionsettypes/3/mandatorymoduletypes", NULL, 200,
           NULL);
    assert_string_equal(text_at(world, "0.key"), "os");
    expect(world, who, API_GET, "/rest/v1/distributionsettypes/3/optionalmoduletypes", NULL, 200,
           NULL);
    assert_int_equal(json_array_size(world->json), 2);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(modules),
        STORE_TESTS(metadata),
        STORE_TESTS(sets),
        STORE_TESTS(assignments),
        STORE_TESTS(terms_that_are_refused),
        STORE_TESTS(locked_and_deleted),
        STORE_TESTS(invalidated),
        STORE_TESTS(invalidated_with_its_rollouts),
        STORE_TESTS(types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
