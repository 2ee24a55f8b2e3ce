/* Two tenants in one store: what one has, the other can neither see nor touch, by no route, id,
 * name or reference. Everything of the other tenant has "foreign" in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fleet/mgmt.h"

#include "server/fleet/rollout.h"
#include "server/fleet/target_filter.h"

#define COUNT(array)  (sizeof(array) / sizeof *(array))
#define DEVICE_TOKEN  "TargetToken own-token-of-dev1"
#define GATEWAY_TOKEN "GatewayToken own-gateway-token"

/* The numbers of one tenant's things. */
struct things {
    int64_t tenant, module, artifact, set, action, rollout, group, filter;
};

struct pair {
    struct world *world;
    const char *admin;
    struct things own, foreign;
};

static void ok(int status)
{
    assert_int_equal(status, FLEET_OK);
}

static int64_t number(struct world *world, const char *sql)
{
    int64_t out;
    assert_int_equal(db_get_int(world->db, sql, DB_NO_ARGS, &out), DB_ROW);
    return out;
}

/* One of everything, named after the tenant. Both have a device "dev1", a tag "beta" and metadata
 * "k": the same words must not mean the same things. */
static void populate(struct world *world, struct fleet *fleet, const char *word,
                     struct things *things)
{
    char name[64];
    char token[64];
    char secret[TOKEN_CHARS + 1];
    struct target target;
    snprintf(name, sizeof name, "%s-dev", word);
    snprintf(token, sizeof token, "%s-token-of-dev1", word);
    fleet->who = name;
    things->tenant = fleet->tenant;
    struct module_new module = {.type = "application", .name = name, .version = "1"};
    ok(module_create(fleet, &module, &things->module));
    ok(module_metadata_put(fleet, things->module, "k", name, true));
    struct artifact artifact = {.module = things->module, .size = 8192};
    snprintf(artifact.filename, sizeof artifact.filename, "%s.bin", word);
    memset(artifact.sha256, 'a', 64);
    ok(artifact_add(fleet, &artifact, &things->artifact));
    struct set_new set = {
        .type = "app", .name = name, .version = "1", .modules = &things->module, .module_count = 1};
    ok(set_create(fleet, &set, &things->set));
    struct target_new dev1 = {
        .controller_id = "dev1", .name = name, .security_token = token, .update_status = "unknown"};
    ok(target_create(fleet, &dev1, &target));
    struct target_new dev = {.controller_id = name, .update_status = "unknown"};
    ok(target_create(fleet, &dev, &target));
    ok(target_tag(fleet, target.id, "beta", true));
    ok(target_tag(fleet, target.id, name, true));
    const struct attribute hw = {"hw", name};
    ok(target_attributes(fleet, target.id, ATTRIBUTES_MERGE, &hw, 1));
    const struct action_terms terms = {.weight = -1};
    ok(action_assign(fleet, &target, things->set, &terms, &things->action));
    const struct rollout_group_new group = {
        .name = name, .success_share = 5000, .error_share = 5000, .share = ROLLOUT_EQUAL_PART};
    struct rollout_new rollout = {.name = name,
                                  .filter = "controllerid==dev1",
                                  .dist_set = things->set,
                                  .terms = terms,
                                  .groups = &group,
                                  .group_count = 1};
    ok(rollout_create(fleet, &rollout, &things->rollout));
    ok(target_filter_create(fleet, name, "name==other*", &things->filter));
    ok(setting_set(fleet, "authentication.gatewaytoken.enabled", "true"));
    snprintf(token, sizeof token, "%s-gateway-token", word);
    ok(setting_set(fleet, "authentication.gatewaytoken.key", token));
    ok(token_create(fleet, name, "read", secret));
    bool worked = true;
    while (worked)
        ok(rollout_tick(fleet, &worked));
    static const char groups[] = "SELECT id FROM rollout_group WHERE rollout = $1";
    assert_int_equal(db_get_int(world->db, groups, DB_ARGS(db_i(things->rollout)), &things->group),
                     DB_ROW);
}

static struct pair two_tenants(void **state)
{
    struct pair pair = {.world = world_new(state)};
    struct world *world = pair.world;
    pair.admin = manager(world, "admin");
    struct fleet fleet = world_begin(world);
    populate(world, &fleet, "own", &pair.own);
    assert_int_equal(db_run(fleet.db, "INSERT INTO tenant (name) VALUES ('OTHER')", DB_NO_ARGS),
                     DB_OK);
    fleet.tenant = number(world, "SELECT id FROM tenant WHERE name = 'OTHER'");
    strcpy(fleet.tenant_name, "OTHER");
    populate(world, &fleet, "foreign", &pair.foreign);
    world_commit(world);
    return pair;
}

/* What the foreign tenant has, as one text; the caller frees it. */
static char *picture(const struct pair *pair)
{
    static const struct {
        const char *sql;
        int columns;
    } queries[] = {
        {"SELECT id, controller_id, name, description, address, type, group_name, security_token,"
         " update_status, request_attributes, assigned_set, installed_set, auto_confirm_at,"
         " revoked_at, changed_at, changed_by FROM target WHERE tenant = $1 ORDER BY id",
         16},
        {"SELECT target, tag FROM target_tag WHERE target IN (SELECT id FROM target WHERE"
         " tenant = $1) ORDER BY target, tag",
         2},
        {"SELECT target, key, value FROM target_attribute WHERE target IN (SELECT id FROM target"
         " WHERE tenant = $1) ORDER BY target, key",
         3},
        {"SELECT id, name, version, vendor, description, locked, deleted_at, changed_at FROM module"
         " WHERE tenant = $1 ORDER BY id",
         8},
        {"SELECT module, key, value, visible FROM module_metadata WHERE module IN (SELECT id FROM"
         " module WHERE tenant = $1) ORDER BY module, key",
         4},
        {"SELECT id, filename FROM artifact WHERE module IN (SELECT id FROM module WHERE"
         " tenant = $1) ORDER BY id",
         2},
        {"SELECT id, name, version, description, locked, valid, deleted_at, changed_at FROM"
         " dist_set WHERE tenant = $1 ORDER BY id",
         8},
        {"SELECT dist_set, module FROM set_module WHERE dist_set IN (SELECT id FROM dist_set WHERE"
         " tenant = $1) ORDER BY dist_set, module",
         2},
        {"SELECT id, state, active, kind, dist_set, changed_at, changed_by FROM action WHERE"
         " tenant = $1 ORDER BY id",
         7},
        {"SELECT id, name, status, total, halt_reason, changed_at FROM rollout WHERE tenant = $1"
         " ORDER BY id",
         6},
        {"SELECT id, name, query, auto_set, changed_at FROM target_filter WHERE tenant = $1"
         " ORDER BY id",
         5},
        {"SELECT name, role, revoked_at FROM api_token WHERE tenant = $1 ORDER BY id", 3},
        {"SELECT key, value FROM setting WHERE tenant = $1 ORDER BY key", 2},
        {"SELECT id, verb, subject, digest FROM audit WHERE tenant = $1 ORDER BY id", 4},
    };
    char *out;
    size_t length;
    FILE *text = open_memstream(&out, &length);
    struct fleet fleet = world_begin(pair->world);
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct db_rows *rows =
            db_query(fleet.db, queries[i].sql, DB_ARGS(db_i(pair->foreign.tenant)));
        int status;
        while ((status = db_next(rows)) == DB_ROW) {
            for (int column = 0; column < queries[i].columns; column++)
                fprintf(text, "%s|", db_is_null(rows, column) ? "-" : db_text(rows, column));
            fputc('\n', text);
        }
        assert_int_equal(status, DB_OK);
    }
    world_commit(pair->world);
    fclose(text);
    return out;
}

static void append(char *out, size_t size, const char *text, size_t length)
{
    size_t used = strlen(out);
    assert_true(used + length < size);
    memcpy(out + used, text, length);
    out[used + length] = '\0';
}

/* The route's path with the foreign tenant's numbers and names. */
static void foreign_path(const char *pattern, const struct things *foreign, char *out, size_t size)
{
    const struct {
        const char *name;
        int64_t number;
        const char *text;
    } values[] = {
        {"{controllerId}", 0, "foreign-dev"},
        {"{actionId}", foreign->action, NULL},
        {"{moduleId}", foreign->module, NULL},
        {"{artifactId}", foreign->artifact, NULL},
        {"{setId}", foreign->set, NULL},
        {"{rolloutId}", foreign->rollout, NULL},
        {"{groupId}", foreign->group, NULL},
        {"{filterId}", foreign->filter, NULL},
        {"{tag}", 0, "beta"},
        {"{name}", 0, "foreign-dev"},
        {"{key}", 0, "k"},
        {"{typeId}", 1, NULL},
        {"{file}", 0, "app.js"},
    };
    out[0] = '\0';
    while (*pattern != '\0') {
        size_t plain = strcspn(pattern, "{");
        size_t i = 0;
        append(out, size, pattern, plain);
        pattern += plain;
        if (*pattern == '\0')
            return;
        size_t length = strcspn(pattern, "}") + 1;
        while (i < COUNT(values) && strncmp(pattern, values[i].name, length) != 0)
            i++;
        if (i == COUNT(values))
            fail_msg("what is a foreign %.*s?", (int)length, pattern);
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)values[i].number);
        const char *value = values[i].text != NULL ? values[i].text : text;
        append(out, size, value, strlen(value));
        pattern += length;
    }
}

/* A body that the route would take. */
static const char *body_for(const struct api_route *route)
{
    static const struct {
        const char *end, *body;
    } bodies[] = {
        {"/assignedSM", "[]"},
        {"/assignedTargets", "[{\"id\":\"dev1\"}]"},
        {"/assignedDS", "{\"id\":1}"},
        {"/autoAssignDS", "{\"id\":1}"},
        {"/assigned", "[\"foreign-dev\"]"},
        {"/tags", "[\"x\"]"},
        {"/metadata", "[{\"key\":\"x\",\"value\":\"y\"}]"},
        {"/confirmation", "{\"confirmation\":\"confirmed\"}"},
        {"/invalidate", "{\"actionCancelationType\":\"force\"}"},
        {"/{actionId}", "{\"forceType\":\"forced\"}"},
        {"/metadata/{key}", "{\"value\":\"y\"}"},
        {"/{controllerId}", "{\"name\":\"mine\"}"},
        {"/{moduleId}", "{\"vendor\":\"mine\"}"},
        {"/{setId}", "{\"description\":\"mine\"}"},
        {"/{filterId}", "{\"name\":\"mine\"}"},
        {"/autoConfirm/activate", "{}"},
    };
    size_t length = strlen(route->path);
    if (route->body == API_NO_BODY)
        return NULL;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        size_t end = strlen(bodies[i].end);
        if (length >= end && strcmp(route->path + length - end, bodies[i].end) == 0)
            return bodies[i].body;
    }
    return "{}";
}

/* Without a variable of ours, a route is about the tenant of who asks. */
static bool names_something(const struct api_route *route)
{
    return strchr(route->path, '{') != NULL && strstr(route->path, "{typeId}") == NULL &&
           strstr(route->path, "{file}") == NULL;
}

static void ask_for_foreign(struct pair *pair, const struct api_route *route)
{
    static const char *const words[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
    struct world *world = pair->world;
    char path[512];
    char *before = picture(pair);
    foreign_path(route->path, &pair->foreign, path, sizeof path);
    int status = route->body == API_MULTIPART
                     ? call_typed(world, route->method, path, pair->admin,
                                  "multipart/form-data; boundary=b", "--b--\r\n", 7)
                     : call(world, route->method, path, pair->admin, body_for(route));
    bool leaks =
        status < 300 && world->answer.body != NULL && strstr(world->answer.body, "foreign") != NULL;
    if (leaks || world->answer.is_file)
        fail_msg("%s %s tells of the other tenant: %s", words[route->method], path,
                 world->answer.body);
    if (status < 300 && route->method != API_GET && names_something(route) &&
        strstr(route->path, "{tag}") == NULL)
        fail_msg("%s %s is done: %d", words[route->method], path, status);
    char *after = picture(pair);
    if (strcmp(before, after) != 0)
        fail_msg("%s %s changed the other tenant:\n%s\n%s", words[route->method], path, before,
                 after);
    free(before);
    free(after);
}

static void no_route_reaches_the_other_tenant(void **state)
{
    struct pair pair = two_tenants(state);
    unsigned rows = 0;
    for (const struct api_route *const *table = api_tables; *table != NULL; table++) {
        for (const struct api_route *route = *table; route->path != NULL; route++) {
            if (*table == service_routes || route->role == API_DEVICE)
                continue; /* about the server itself; see the_other_tenants_devices() */
            ask_for_foreign(&pair, route);
            rows++;
        }
    }
    assert_true(rows > 90);
    world_free(pair.world);
}

/* Foreign things below, or inside, what is one's own. */
static void no_reference_reaches_the_other_tenant(void **state)
{
    struct pair pair = two_tenants(state);
    struct world *world = pair.world;
    const struct things *own = &pair.own;
    const struct things *foreign = &pair.foreign;
    const struct {
        enum api_method method;
        const char *path; /* %1: one's own, %2: the other's */
        int64_t mine, theirs;
        const char *body;
    } cases[] = {
        {API_POST, "/targets/dev1/assignedDS", 0, foreign->set, "{\"id\":%lld}"},
        {API_POST, "/distributionsets/%1/assignedTargets", own->set, 0,
         "[{\"id\":\"foreign-dev\"}]"},
        {API_POST, "/distributionsets", 0, foreign->module,
         "[{\"name\":\"n\",\"version\":\"1\",\"modules\":[{\"id\":%lld}]}]"},
        {API_POST, "/rollouts", 0, foreign->set,
         "{\"name\":\"r\",\"targetFilterQuery\":\"name==*\",\"amountGroups\":1,"
         "\"distributionSetId\":%lld}"},
        {API_POST, "/targetfilters/%1/autoAssignDS", own->filter, foreign->set, "{\"id\":%lld}"},
        {API_POST, "/targettags/beta/assigned", 0, 0, "[\"foreign-dev\"]"},
        {API_GET, "/softwaremodules/%1/artifacts/%2", own->module, foreign->artifact, NULL},
        {API_GET, "/softwaremodules/%1/artifacts/%2/download", own->module, foreign->artifact,
         NULL},
        {API_GET, "/targets/dev1/actions/%2", 0, foreign->action, NULL},
        {API_DELETE, "/targets/dev1/actions/%2", 0, foreign->action, NULL},
        {API_GET, "/targets/dev1/actions/%2/status", 0, foreign->action, NULL},
        {API_GET, "/rollouts/%1/deploygroups/%2", own->rollout, foreign->group, NULL},
        {API_GET, "/rollouts/%1/deploygroups/%2/targets", own->rollout, foreign->group, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char path[256] = "/rest/v1";
        char body[256];
        for (const char *at = cases[i].path; *at != '\0'; at++) {
            char text[24] = {*at};
            if (*at == '%')
                snprintf(text, sizeof text, "%lld",
                         (long long)(*++at == '1' ? cases[i].mine : cases[i].theirs));
            append(path, sizeof path, text, strlen(text));
        }
        if (cases[i].body != NULL)
            snprintf(body, sizeof body, cases[i].body, (long long)cases[i].theirs);
        expect(world, pair.admin, cases[i].method, path, cases[i].body != NULL ? body : NULL, 404,
               NULL);
    }
    world_free(world);
}

/* A list of rows whose key is unique in their module only. */
static void metadata_of_one_module(void **state)
{
    struct pair pair = two_tenants(state);
    char path[80];
    snprintf(path, sizeof path, "/rest/v1/softwaremodules/%lld/metadata",
             (long long)pair.own.module);
    expect(pair.world, pair.admin, API_GET, path, NULL, 200, NULL);
    assert_int_equal(json_array_size(at(pair.world, "content")), 1);
    assert_string_equal(text_at(pair.world, "content.0.value"), "own-dev");
    world_free(pair.world);
}

static void the_other_tenants_devices(void **state)
{
    struct pair pair = two_tenants(state);
    struct world *world = pair.world;
    const struct things *foreign = &pair.foreign;
    static const char *const actions[] = {"deploymentBase", "cancelAction", "installedBase",
                                          "confirmationBase"};
    char path[160];
    expect(world, DEVICE_TOKEN, API_GET, "/DEFAULT/controller/v1/dev1", NULL, 200, NULL);
    expect(world, GATEWAY_TOKEN, API_GET, "/DEFAULT/controller/v1/own-dev", NULL, 200, NULL);
    expect(world, DEVICE_TOKEN, API_GET, "/OTHER/controller/v1/dev1", NULL, 401, NULL);
    expect(world, GATEWAY_TOKEN, API_GET, "/OTHER/controller/v1/foreign-dev", NULL, 401, NULL);
    expect(world, GATEWAY_TOKEN, API_GET, "/DEFAULT/controller/v1/foreign-dev", NULL, 404, NULL);
    for (size_t i = 0; i < COUNT(actions); i++) {
        snprintf(path, sizeof path, "/DEFAULT/controller/v1/dev1/%s/%lld", actions[i],
                 (long long)foreign->action);
        expect(world, DEVICE_TOKEN, API_GET, path, NULL, 404, NULL);
    }
    snprintf(path, sizeof path, "/DEFAULT/controller/v1/dev1/softwaremodules/%lld/artifacts",
             (long long)foreign->module);
    expect(world, DEVICE_TOKEN, API_GET, path, NULL, 404, NULL);
    strcat(path, "/foreign.bin");
    expect(world, DEVICE_TOKEN, API_GET, path, NULL, 404, NULL);
    expect(world, DEVICE_TOKEN, API_PUT, "/DEFAULT/controller/v1/dev1/installedBase",
           "{\"name\":\"foreign-dev\",\"version\":\"1\"}", 404, NULL);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(no_route_reaches_the_other_tenant),
        STORE_TESTS(no_reference_reaches_the_other_tenant),
        STORE_TESTS(metadata_of_one_module),
        STORE_TESTS(the_other_tenants_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
