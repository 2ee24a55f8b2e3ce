/* The Management API: targets, their actions and tags, by bodies and states (hawkbit-ddi.md 10). */
#include "tests/unit/fleet/mgmt.h"

#include "server/fleet/filter.h"

#define TARGETS "/rest/v1/targets"

static const struct action_terms soft = {.kind = ACTION_SOFT, .weight = -1, .confirm = true};

static void made_shown_changed_removed(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    expect(world, who, API_POST, TARGETS, "[{\"controllerId\":\"pump 1\",\"name\":\"x\"}]", 400,
           "constraintViolation");
    expect(world, who, API_POST, TARGETS,
           "[{\"controllerId\":\"pump:1\",\"name\":\"Pump\",\"description\":\"\","
           "\"securityToken\":\"0123456789abcdef\",\"group\":\"hall\"},{\"controllerId\":\"b\"}]",
           201, NULL);
    assert_string_equal(world->answer.type, "application/hal+json");
    assert_int_equal(json_array_size(world->json), 2);
    assert_string_equal(text_at(world, "0.controllerId"), "pump:1");
    assert_string_equal(text_at(world, "0.updateStatus"), "unknown");
    assert_string_equal(text_at(world, "0.securityToken"), "0123456789abcdef");
    assert_string_equal(text_at(world, "0.createdBy"), "operate");
    assert_int_equal(number_at(world, "0.createdAt"), world->now);
    assert_string_equal(text_at(world, "0._links.self.href"),
                        "https://updates.example:8443/rest/v1/targets/pump:1");
    assert_string_equal(text_at(world, "1.name"), "b");
    assert_int_equal(strlen(text_at(world, "1.securityToken")), 32);
    assert_string_equal(last_audit(world), "operate target.create target b ");

    expect(world, who, API_POST, TARGETS, "[{\"controllerId\":\"c\"},{\"controllerId\":\"b\"}]",
           409, "entityAlreadyExists");
    expect(world, who, API_GET, TARGETS "/c", NULL, 404, "entityNotFound"); /* all or none */

    world->now += 5;
    expect(world, who, API_PUT, TARGETS "/pump:1",
           "{\"name\":\"Pump one\",\"requestAttributes\":false}", 200, NULL);
    assert_string_equal(text_at(world, "name"), "Pump one");
    assert_string_equal(text_at(world, "group"), "hall");
    assert_true(json_is_false(at(world, "requestAttributes")));
    assert_int_equal(number_at(world, "lastModifiedAt"), world->now);
    assert_int_equal(number_at(world, "createdAt"), world->now - 5);
    expect(world, who, API_GET, TARGETS "/pump%3A1", NULL, 200, NULL);
    expect(world, who, API_DELETE, TARGETS "/pump:1", NULL, 204, NULL);
    assert_null(world->answer.body);
    expect(world, who, API_GET, TARGETS "/pump:1", NULL, 404, "entityNotFound");
    expect(world, who, API_DELETE, TARGETS "/pump:1", NULL, 404, "entityNotFound");
    world_free(world);
}

/* Of several new ones the one that is wrong is named; a lone one needs no name. */
static void the_bad_one_of_several(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *message;
    } cases[] = {
        {"[{\"controllerId\":\"a\"},{\"controllerId\":\"b 1\"},{\"controllerId\":\"c\"}]", 400,
         "b 1 (2 of 3): "},
        {"[{\"controllerId\":\"a\"},{\"controllerId\":\"there\"}]", 409,
         "there (2 of 2): there is a target there already"},
        {"[{\"controllerId\":\"a\",\"securityToken\":7},{\"controllerId\":\"b\"}]", 400,
         "a (1 of 2): securityToken "},
        {"[{\"controllerId\":\"a\"},{}]", 400, "2 of 2: controllerId "},
        {"[{\"controllerId\":\"a\"},{\"name\":\"n\"}]", 400, "n (2 of 2): controllerId "},
        {"[{\"controllerId\":\"a\"},7]", 400, "2 of 2: the body is a list of objects"},
        {"[{\"controllerId\":\"a\"},{\"controllerId\":\"123456789 123456789 123456789 123456789 "
         "123456789 123456789 12345\"}]",
         400, "2 of 2: "},
        {"[{\"controllerId\":\"there\"}]", 409, "there is a target there already"},
        {"{\"controllerId\":\"there\"}", 409, "there is a target there already"},
    };
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "there", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect(world, who, API_POST, TARGETS, cases[i].body, cases[i].status, NULL);
        const char *message = text_at(world, "message");
        if (strncmp(message, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("%s: %s", cases[i].body, message);
        expect(world, who, API_GET, TARGETS "/a", NULL, 404, NULL);
    }
    world_free(world);
}

static void pages(void **state)
{
    static const struct {
        const char *query;
        int status;
        int64_t total, size;
        const char *first;
    } cases[] = {
        {"", 200, 12, 12, "d-00"},
        {"?limit=5", 200, 12, 5, "d-00"},
        {"?limit=5&offset=10", 200, 12, 2, "d-10"},
        {"?offset=12", 200, 12, 0, NULL},
        {"?offset=-3&limit=-1", 200, 12, 12, "d-00"},
        {"?limit=100000", 200, 12, 12, "d-00"},
        {"?sort=controllerId:DESC", 200, 12, 12, "d-11"},
        {"?sort=name:asc,controllerId:DESC&limit=1", 200, 12, 1, "d-10"},
        {"?sort=lastControllerRequestAt:DESC", 200, 12, 12, "d-03"},
        {"?sort=securityToken:ASC", 400, 0, 0, NULL},
        {"?sort=name:SIDEWAYS", 400, 0, 0, NULL},
        {"?sort=name:ASC,name:ASC,name:ASC,name:ASC,name:ASC", 400, 0, 0, NULL},
        {"?limit=x", 400, 0, 0, NULL},
        {"?q=name==even&limit=4", 200, 6, 4, "d-00"},
        {"?q=name==odd&offset=5", 200, 6, 1, "d-11"},
        {"?q=name%3D%3Dodd%3Bcontrollerid%3D%3Dd-0*", 200, 5, 5, "d-01"},
        {"?q=tag==beta", 200, 1, 1, "d-03"},
        {"?q=name", 400, 0, 0, NULL},
        {"?q=name==%27%27%20or%201=1", 400, 0, 0, NULL},
    };
    const char *who;
    struct world *world = managed(state, &who);
    for (int i = 0; i < 12; i++) {
        char body[80];
        snprintf(body, sizeof body, "[{\"controllerId\":\"d-%02d\",\"name\":\"%s\"}]", i,
                 i % 2 == 0 ? "even" : "odd");
        expect(world, who, API_POST, TARGETS, body, 201, NULL);
    }
    struct fleet fleet = world_begin(world);
    assert_int_equal(db_run(fleet.db,
                            "INSERT INTO target_poll (target, polled_at, address)"
                            " SELECT id, 1789999990000, '10.0.0.3' FROM target"
                            " WHERE controller_id = 'd-03'",
                            DB_NO_ARGS),
                     DB_OK);
    world_commit(world);
    expect(world, who, API_POST, TARGETS "/d-03/tags", "[\"beta\"]", 204, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[160];
        snprintf(path, sizeof path, TARGETS "%s", cases[i].query);
        expect(world, who, API_GET, path, NULL, cases[i].status, NULL);
        if (cases[i].status != 200)
            continue;
        if (number_at(world, "total") != cases[i].total ||
            number_at(world, "size") != cases[i].size)
            fail_msg("%s: %s", path, world->answer.body);
        assert_int_equal(json_array_size(at(world, "content")), cases[i].size);
        if (cases[i].first != NULL)
            assert_string_equal(text_at(world, "content.0.controllerId"), cases[i].first);
    }
    world_free(world);
}

static void when_it_was_here(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    expect(world, who, API_GET, TARGETS "/d", NULL, 200, NULL);
    assert_null(at(world, "pollStatus"));
    struct fleet fleet = world_begin(world);
    assert_int_equal(db_run(fleet.db,
                            "INSERT INTO target_poll (target, polled_at, address)"
                            " SELECT id, 1790000000000, '10.0.0.3' FROM target",
                            DB_NO_ARGS),
                     DB_OK);
    world_commit(world);
    world->now = 1790000000000 + 600000; /* five minutes and five of grace */
    expect(world, who, API_GET, TARGETS "/d", NULL, 200, NULL);
    assert_int_equal(number_at(world, "pollStatus.lastRequestAt"), 1790000000000);
    assert_int_equal(number_at(world, "pollStatus.nextExpectedRequestAt"), 1790000300000);
    assert_true(json_is_false(at(world, "pollStatus.overdue")));
    assert_string_equal(text_at(world, "ipAddress"), "10.0.0.3");
    world->now++;
    expect(world, who, API_GET, TARGETS "/d", NULL, 200, NULL);
    assert_true(json_is_true(at(world, "pollStatus.overdue")));
    world_free(world);
}

static void what_it_has(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    expect(world, who, API_GET, TARGETS "/d/attributes", NULL, 204, NULL);
    expect(world, who, API_GET, TARGETS "/d/assignedDS", NULL, 204, NULL);
    expect(world, who, API_GET, TARGETS "/d/installedDS", NULL, 204, NULL);
    expect(world, who, API_GET, TARGETS "/x/attributes", NULL, 404, NULL);
    struct fleet fleet = world_begin(world);
    struct target target;
    const struct attribute attribute = {"hw", "rev3"};
    assert_int_equal(target_find(&fleet, "d", &target), FLEET_OK);
    assert_int_equal(target_attributes(&fleet, target.id, ATTRIBUTES_MERGE, &attribute, 1),
                     FLEET_OK);
    world_commit(world);
    expect(world, who, API_GET, TARGETS "/d/attributes", NULL, 200, NULL);
    assert_string_equal(world->answer.body, "{\"hw\":\"rev3\"}");
    world_assign(world, "d", world_set(world, "1.1.0"), &soft);
    expect(world, who, API_GET, TARGETS "/d/assignedDS", NULL, 200, NULL);
    assert_string_equal(text_at(world, "version"), "1.1.0");
    assert_string_equal(text_at(world, "modules.0.name"), "thermo");
    expect(world, who, API_GET, TARGETS "/d", NULL, 200, NULL);
    assert_string_equal(text_at(world, "assignedDistributionSet.version"), "1.1.0");
    assert_null(at(world, "installedDistributionSet"));
    world_free(world);
}

static void actions(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    world_target(world, "e", NULL);
    world_assign(world, "d", world_set(world, "1.1.0"), &soft);
    expect(world, who, API_GET, TARGETS "/d/actions", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 1);
    assert_int_equal(number_at(world, "content.0.id"), 11111);
    expect(world, who, API_GET, TARGETS "/e/actions", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 0);
    expect(world, who, API_GET, TARGETS "/e/actions/11111", NULL, 404, NULL);
    expect(world, who, API_GET, TARGETS "/d/actions/11111", NULL, 200, NULL);
    assert_string_equal(text_at(world, "type"), "update");
    assert_string_equal(text_at(world, "status"), "running");
    assert_string_equal(text_at(world, "forceType"), "soft");
    assert_int_equal(number_at(world, "weight"), 1000);
    assert_true(json_is_true(at(world, "active")));
    assert_null(at(world, "maintenanceWindow"));

    expect(world, who, API_PUT, TARGETS "/d/actions/11111", "{\"forceType\":\"soft\"}", 400, NULL);
    expect(world, who, API_PUT, TARGETS "/d/actions/11111", "{\"forceType\":\"forced\"}", 200,
           NULL);
    assert_string_equal(text_at(world, "forceType"), "forced");
    expect(world, who, API_DELETE, TARGETS "/d/actions/11111?force=true", NULL, 405,
           "action.notForceQuitable");
    expect(world, who, API_DELETE, TARGETS "/d/actions/11111", NULL, 204, NULL);
    expect(world, who, API_DELETE, TARGETS "/d/actions/11111", NULL, 405, "action.notCancelable");
    expect(world, who, API_GET, "/rest/v1/actions/11111", NULL, 200, NULL);
    assert_string_equal(text_at(world, "type"), "cancel");
    assert_string_equal(text_at(world, "status"), "canceling");
    /* hawkBit forgets an action by this address, which cancelling is not. */
    expect(world, who, API_DELETE, "/rest/v1/actions/11111?force=true", NULL, 405, NULL);
    expect(world, who, API_DELETE, TARGETS "/d/actions/11111?force=maybe", NULL, 400, NULL);
    expect(world, who, API_DELETE, TARGETS "/d/actions/11111?force=true", NULL, 204, NULL);
    assert_string_equal(last_audit(world), "operate action.quit action 11111 ");
    expect(world, who, API_GET, TARGETS "/d/actions/11111/status", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 3);
    assert_string_equal(text_at(world, "content.0.type"), "canceled");
    assert_string_equal(text_at(world, "content.1.type"), "canceling");
    assert_string_equal(text_at(world, "content.2.type"), "running");
    assert_string_equal(text_at(world, "content.2.messages.0"), "Update Server: assigned by test");
    expect(world, who, API_GET, TARGETS "/d/actions/11111/status?sort=id:ASC&limit=1", NULL, 200,
           NULL);
    assert_string_equal(text_at(world, "content.0.type"), "running");
    expect(world, who, API_GET, "/rest/v1/actions?q=status==canceled", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 1);
    assert_string_equal(text_at(world, "content.0.controllerId"), "d");
    expect(world, who, API_GET, "/rest/v1/actions/11112", NULL, 404, NULL);
    expect(world, who, API_GET, "/rest/v1/actions/x", NULL, 400, NULL);
    world_free(world);
}

static void confirmation(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    struct fleet fleet = world_begin(world);
    assert_int_equal(setting_set(&fleet, "user.confirmation.flow.enabled", "true"), FLEET_OK);
    world_commit(world);
    world_assign(world, "d", world_set(world, "1.1.0"), &soft);
    const char *path = TARGETS "/d/actions/11111/confirmation";
    expect(world, who, API_PUT, path, "{\"confirmation\":\"maybe\"}", 400, NULL);
    expect(world, who, API_PUT, path, "{\"confirmation\":\"denied\",\"code\":5}", 204, NULL);
    expect(world, who, API_GET, "/rest/v1/actions/11111", NULL, 200, NULL);
    assert_string_equal(text_at(world, "status"), "wait_for_confirmation");
    assert_int_equal(number_at(world, "lastStatusCode"), 5);
    expect(world, who, API_PUT, path, "{\"confirmation\":\"confirmed\"}", 204, NULL);
    expect(world, who, API_GET, "/rest/v1/actions/11111", NULL, 200, NULL);
    assert_string_equal(text_at(world, "status"), "running");
    expect(world, who, API_PUT, path, "{\"confirmation\":\"confirmed\"}", 404, NULL);
    expect(world, who, API_POST, TARGETS "/d/autoConfirm/activate", "{\"remark\":\"agreed\"}", 204,
           NULL);
    expect(world, who, API_POST, TARGETS "/d/autoConfirm/activate", NULL, 409,
           "repo.autoConfAlreadyActive");
    expect(world, who, API_GET, TARGETS "/d/autoConfirm", NULL, 200, NULL);
    assert_true(json_is_true(at(world, "active")));
    assert_string_equal(text_at(world, "initiator"), "operate");
    assert_string_equal(text_at(world, "remark"), "agreed");
    assert_int_equal(number_at(world, "activatedAt"), world->now);
    expect(world, who, API_POST, TARGETS "/d/autoConfirm/deactivate", NULL, 204, NULL);
    expect(world, who, API_GET, TARGETS "/d/autoConfirm", NULL, 200, NULL);
    assert_string_equal(world->answer.body, "{\"active\":false}");
    world_free(world);
}

static void tags(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    world_target(world, "e", NULL);
    expect(world, who, API_POST, TARGETS "/d/tags", "[\"beta\",\"hall 2\"]", 204, NULL);
    expect(world, who, API_POST, TARGETS "/d/tags", "[]", 400, NULL);
    expect(world, who, API_POST, TARGETS "/d/tags", "[7]", 400, NULL);
    expect(world, who, API_GET, TARGETS "/d/tags", NULL, 200, NULL);
    assert_string_equal(world->answer.body, "[\"beta\",\"hall 2\"]");
    expect(world, who, API_POST, "/rest/v1/targettags/beta/assigned", "[\"e\",\"nobody\"]", 404,
           NULL);
    expect(world, who, API_GET, "/rest/v1/targettags/beta/assigned", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 1);
    expect(world, who, API_POST, "/rest/v1/targettags/beta/assigned", "[\"e\",\"d\"]", 204, NULL);
    expect(world, who, API_GET, "/rest/v1/targettags", NULL, 200, NULL);
    assert_string_equal(text_at(world, "content.0.name"), "beta");
    assert_int_equal(number_at(world, "content.0.targets"), 2);
    expect(world, who, API_DELETE, TARGETS "/d/tags/hall%202", NULL, 204, NULL);
    expect(world, who, API_DELETE, "/rest/v1/targettags/beta/assigned/e", NULL, 204, NULL);
    expect(world, who, API_POST, "/rest/v1/targettags/gamma/assigned/e", NULL, 204, NULL);
    expect(world, who, API_POST, "/rest/v1/targettags/gamma/assigned/nobody", NULL, 404, NULL);
    expect(world, who, API_GET, TARGETS "/d", NULL, 200, NULL);
    assert_int_equal(json_array_size(at(world, "tags")), 1);
    expect(world, who, API_GET, "/rest/v1/targettags?limit=1&offset=1", NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 2);
    assert_int_equal(number_at(world, "size"), 1);
    assert_string_equal(text_at(world, "content.0.name"), "gamma");
    world_free(world);
}

static void tags_are_bounded(void **state)
{
    const char *who;
    char body[32];
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    for (unsigned i = 0; i < TARGET_TAGS_MAX; i++) {
        snprintf(body, sizeof body, "[\"t%u\"]", i);
        expect(world, who, API_POST, TARGETS "/d/tags", body, 204, NULL);
    }
    expect(world, who, API_POST, TARGETS "/d/tags", "[\"t0\"]", 204, NULL); /* has it */
    expect(world, who, API_POST, TARGETS "/d/tags", "[\"more\"]", 429, "quota.tooManyEntries");
    expect(world, who, API_DELETE, TARGETS "/d/tags/t7", NULL, 204, NULL);
    expect(world, who, API_POST, TARGETS "/d/tags", "[\"more\"]", 204, NULL);
    world_free(world);
}

/* What is not understood is not answered as if it had not been asked: a list without its filter
 * would be another list. */
static void questions_that_are_refused(void **state)
{
    char path[FILTER_TEXT_MAX + 80] = TARGETS "?q=name==";
    const char *who;
    struct world *world = managed(state, &who);
    const char *admin = manager(world, "admin");
    static const char *const paths[] = {
        TARGETS "?q=name==%ff",
        TARGETS "?q=name==%4",
        TARGETS "?limit=000000000000000000000000001",
        TARGETS "?sort=name%00:ASC",
        "/rest/v1/rollouts?representation=fullfullfullfullfullfull",
        "/rest/v1/targettags?q=name==eve",
        "/rest/v1/tokens?q=name==eve",
        "/rest/v1/audit/verify?head=0123456789012345678901234567890123456789012345678901234567890"
        "123456789",
        "/console/api/devices?q=name==%ff",
        "/console/api/devices?text=%ff",
        "/console/api/devices?sort=%ff",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        expect(world, admin, API_GET, paths[i], NULL, 400, NULL);
    size_t used = strlen(path);
    memset(path + used, 'x', FILTER_TEXT_MAX);
    path[used + FILTER_TEXT_MAX] = '\0';
    expect(world, admin, API_GET, path, NULL, 400, NULL);
    expect(world, who, API_GET, TARGETS "?sort=name:UP", NULL, 400, "param.invalidDirection");
    expect(world, who, API_GET, TARGETS "?sort=up:ASC", NULL, 400, "param.invalidField");
    path[used + FILTER_TEXT_MAX - strlen("name==")] = '\0';
    expect(world, admin, API_GET, path, NULL, 200, NULL);
    expect(world, admin, API_GET, "/rest/v1/audit?q=", NULL, 200, NULL);
    world_target(world, "d", NULL);
    world_set(world, "1.1.0");
    expect(world, who, API_POST, TARGETS "/d/assignedDS?offline=perhaps", "{\"id\":1}", 400, NULL);
    world_free(world);
}

/* A list where an object belongs changes nothing, and says so. */
static void an_object_is_meant(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    world_target(world, "d", NULL);
    world_set(world, "1.1.0");
    static const char *const paths[] = {TARGETS "/d", "/rest/v1/distributionsets/1",
                                        "/rest/v1/softwaremodules/1"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        expect(world, who, API_PUT, paths[i], "[]", 400, NULL);
        expect(world, who, API_PUT, paths[i], "[{\"description\":\"x\"}]", 400, NULL);
        expect(world, who, API_PUT, paths[i], "{\"description\":\"x\"}", 200, NULL);
    }
    world_free(world);
}

/* A revoked device is refused whatever it shows; a new token ends the old one. */
static void revoked(void **state)
{
    static const char old_token[] = "TargetToken 0123456789abcdef0123456789abcdef";
    char field[160];
    const char *who;
    struct world *world = managed(state, &who);
    const char *admin = manager(world, "admin");
    world_target(world, "d", "0123456789abcdef0123456789abcdef");
    expect(world, old_token, API_GET, "/default/controller/v1/d", NULL, 200, NULL);
    expect(world, who, API_POST, TARGETS "/d/revoke", NULL, 403, "insufficientpermission");
    expect(world, admin, API_POST, TARGETS "/d/revoke", NULL, 204, NULL);
    expect(world, old_token, API_GET, "/default/controller/v1/d", NULL, 403, NULL);
    expect(world, admin, API_GET, TARGETS "/d", NULL, 200, NULL);
    assert_string_equal(text_at(world, "lastModifiedBy"), "admin");
    expect(world, admin, API_POST, TARGETS "/d/unrevoke", NULL, 204, NULL);
    expect(world, who, API_POST, TARGETS "/d/token", NULL, 200, NULL);
    snprintf(field, sizeof field, "TargetToken %s", text_at(world, "securityToken"));
    expect(world, old_token, API_GET, "/default/controller/v1/d", NULL, 401, NULL);
    expect(world, field, API_GET, "/default/controller/v1/d", NULL, 200, NULL);
    const char *reader = manager(world, "read");
    expect(world, reader, API_GET, TARGETS "/d", NULL, 200, NULL);
    assert_string_equal(text_at(world, "lastModifiedBy"), "operate");
    assert_null(at(world, "securityToken"));
    world_free(world);
}

static void bodies_that_are_refused(void **state)
{
    static const struct {
        const char *body;
        int status;
    } cases[] = {
        {"", 400},
        {"{", 400},
        {"[]", 201}, /* none, as in hawkBit */
        {"{}", 400},
        {"7", 400},
        {"{\"controllerId\":\"alone\"}", 201}, /* a list of one, as in hawkBit */
        {"[1]", 400},
        {"[null]", 400},
        {"[{}]", 400},
        {"[{\"controllerId\":1}]", 400},
        {"[{\"controllerId\":\"\"}]", 400},
        {"[{\"controllerId\":\"a/b\"}]", 400},
        {"[{\"controllerId\":\"a\\u0007\"}]", 400},
        {"[{\"controllerId\":\"a\\u0000b\"}]", 400},
        {"[{\"controllerId\":\"a\",\"controllerId\":\"b\"}]", 400},
        {"[{\"controllerId\":\"a\",\"name\":[]}]", 400},
        {"[{\"controllerId\":\"a\",\"securityToken\":\"\"}]", 400},
    };
    const char *who;
    struct world *world = managed(state, &who);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = call(world, API_POST, TARGETS, who, cases[i].body);
        if (status != cases[i].status)
            fail_msg("%s: %d", cases[i].body, status);
    }
    expect(world, who, API_GET, TARGETS, NULL, 200, NULL);
    assert_int_equal(number_at(world, "total"), 1); /* alone */
    world_free(world);
}

/* More than a device may send, and then more than anybody may. */
static void thousands_at_once(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    char *body = malloc(2 * API_LIST_MAX);
    size_t used = 0;
    for (int i = 0; i < 2000; i++)
        used += (size_t)sprintf(body + used, "%c{\"controllerId\":\"sensor-of-the-hall-%05d\"}",
                                i == 0 ? '[' : ',', i);
    strcpy(body + used, "]");
    assert_true(used > API_BODY_MAX);
    expect(world, who, API_POST, TARGETS, body, 201, NULL);
    assert_int_equal(json_array_size(world->json), 2000);
    memset(body, ' ', API_LIST_MAX);
    strcpy(body + API_LIST_MAX, "[]");
    expect(world, who, API_POST, TARGETS, body, 413, NULL);
    used = 0;
    for (int i = 0; i <= 5000; i++)
        used += (size_t)sprintf(body + used, "%c{\"controllerId\":\"t%d\"}", i == 0 ? '[' : ',', i);
    strcpy(body + used, "]");
    expect(world, who, API_POST, TARGETS, body, 429, "quota.tooManyEntries");
    free(body);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(made_shown_changed_removed),
        STORE_TESTS(the_bad_one_of_several),
        STORE_TESTS(pages),
        STORE_TESTS(when_it_was_here),
        STORE_TESTS(what_it_has),
        STORE_TESTS(actions),
        STORE_TESTS(confirmation),
        STORE_TESTS(tags),
        STORE_TESTS(tags_are_bounded),
        STORE_TESTS(questions_that_are_refused),
        STORE_TESTS(an_object_is_meant),
        STORE_TESTS(revoked),
        STORE_TESTS(bodies_that_are_refused),
        STORE_TESTS(thousands_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
