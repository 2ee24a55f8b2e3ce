/* Every route there is, taken from the tables themselves: who gets in, and who does not. A new
 * route is covered by being in its table, and fails until route_roles.h says who may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fleet/route_roles.h"
#include "tests/unit/fleet/world.h"

#include <openssl/evp.h>

#include "server/fleet/token.h"

#define COUNT(array)  (sizeof(array) / sizeof *(array))
#define DEVICE_TOKEN  "TargetToken 0123456789abcdef"
#define GATEWAY_TOKEN "GatewayToken fedcba9876543210"

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"};

struct people {
    char read[64], operate[64], admin[64]; /* Authorization fields */
};

static void make_token(struct world *world, const char *role, char out[64])
{
    struct fleet fleet = world_begin(world);
    char secret[TOKEN_CHARS + 1];
    assert_int_equal(token_create(&fleet, role, role, secret), FLEET_OK);
    snprintf(out, 64, "Bearer %s", secret);
    world_commit(world);
}

static void set(struct world *world, const char *key, const char *value)
{
    struct fleet fleet = world_begin(world);
    assert_int_equal(setting_set(&fleet, key, value), FLEET_OK);
    world_commit(world);
}

static struct world *populated(void **state, struct people *people)
{
    struct world *world = world_new(state);
    make_token(world, "read", people->read);
    make_token(world, "operate", people->operate);
    make_token(world, "admin", people->admin);
    set(world, "authentication.gatewaytoken.enabled", "true");
    set(world, "authentication.gatewaytoken.key", "fedcba9876543210");
    world_target(world, "dev1", "0123456789abcdef");
    world_target(world, "dev2", "another token of it");
    return world;
}

/* A path of this form: of the tenant and of the device, and number 1 of everything else. */
static const char *example(const char *pattern, const char *device, char *out, size_t size)
{
    size_t used = 0;
    while (*pattern != '\0') {
        const char *text = "1";
        if (*pattern != '{') {
            out[used++] = *pattern++;
            continue;
        }
        if (strncmp(pattern, "{tenant}", 8) == 0)
            text = "DEFAULT";
        else if (strncmp(pattern, "{controllerId}", 14) == 0)
            text = device;
        used += (size_t)snprintf(out + used, size - used, "%s", text);
        pattern += strcspn(pattern, "}") + 1;
    }
    out[used] = '\0';
    return out;
}

static int ask(struct world *world, const struct api_route *route, const char *device,
               const char *authorization)
{
    char path[512];
    const char *body = route->body == API_NO_BODY ? NULL : "{}";
    return call(world, route->method, example(route->path, device, path, sizeof path),
                authorization, body);
}

static void expect(struct world *world, const struct api_route *route, const char *who,
                   const char *authorization, int status)
{
    int got = ask(world, route, "dev1", authorization);
    if (got != status)
        fail_msg("%s %s by %s: %d, not %d", methods[route->method], route->path, who, got, status);
}

static void nobody_in(struct world *world, const struct api_route *route, const char *authorization)
{
    expect(world, route, authorization != NULL ? authorization : "nobody", authorization, 401);
}

/* check() of each row of each table; how many there are. */
static unsigned walk(struct world *world, const struct people *people,
                     void (*check)(struct world *world, const struct people *people,
                                   const struct api_route *route))
{
    unsigned rows = 0;
    for (const struct api_route *const *table = api_tables; *table != NULL; table++) {
        for (const struct api_route *route = *table; route->path != NULL; route++) {
            check(world, people, route);
            rows++;
        }
    }
    return rows;
}

static void check_decided(struct world *world, const struct people *people,
                          const struct api_route *route)
{
    unsigned found = 0;
    (void)world;
    (void)people;
    for (size_t i = 0; i < COUNT(decisions); i++) {
        if (decisions[i].method != route->method || strcmp(decisions[i].path, route->path) != 0)
            continue;
        if (decisions[i].role != route->role)
            fail_msg("%s %s is for another role", methods[route->method], route->path);
        found++;
    }
    if (found != 1)
        fail_msg("%s %s: who may? (%u decisions)", methods[route->method], route->path, found);
    if (route->role == API_READ && (route->method != API_GET || route->access != DB_READ))
        fail_msg("%s %s: role read writes", methods[route->method], route->path);
}

static void every_route_is_decided(void **state)
{
    (void)state;
    assert_int_equal(walk(NULL, NULL, check_decided), COUNT(decisions));
}

/* Whoever shows nothing, nonsense, or what somebody else shows somewhere else. */
static void check_strangers(struct world *world, const struct people *people,
                            const struct api_route *route)
{
    static const char *const strangers[] = {
        NULL,
        "",
        "Bearer",
        "Bearer ",
        "Bearer 0123456789abcdef",
        "Basic YWRtaW46YWRtaW4=",
        "Basic ====",
        "Digest username=\"admin\"",
        "TargetToken wrong0123456789a",
        "targettoken 0123456789abcdef",
        "TargetToken  0123456789abcdef",
        "GatewayToken wrong",
    };
    (void)people;
    if (route->role == API_PUBLIC)
        return;
    for (size_t i = 0; i < COUNT(strangers); i++)
        nobody_in(world, route, strangers[i]);
}

static void strangers_get_in_nowhere(void **state)
{
    struct people people;
    struct world *world = populated(state, &people);
    walk(world, &people, check_strangers);
    world_free(world);
}

static void check_roles(struct world *world, const struct people *people,
                        const struct api_route *route)
{
    if (route->role == API_DEVICE) {
        nobody_in(world, route, people->read);
        nobody_in(world, route, people->operate);
        nobody_in(world, route, people->admin);
        if (ask(world, route, "dev2", DEVICE_TOKEN) != 401)
            fail_msg("%s: one device as another", route->path);
        if (ask(world, route, "dev1", DEVICE_TOKEN) == 401 ||
            ask(world, route, "dev1", GATEWAY_TOKEN) == 401)
            fail_msg("%s: a device is kept out", route->path);
    } else if (route->role != API_PUBLIC) {
        nobody_in(world, route, DEVICE_TOKEN);
        nobody_in(world, route, GATEWAY_TOKEN);
    }
    if (route->role > API_READ)
        expect(world, route, "read", people->read, 403);
    if (route->role > API_OPERATE)
        expect(world, route, "operate", people->operate, 403);
    const char *const enough[] = {
        [API_READ] = people->read, [API_OPERATE] = people->operate, [API_ADMIN] = people->admin};
    if (route->role >= API_READ) {
        int status = ask(world, route, "dev1", enough[route->role]);
        if (status == 401 || status == 403)
            fail_msg("%s %s: who may is kept out: %d", methods[route->method], route->path, status);
    }
}

static void each_role_has_its_routes(void **state)
{
    struct people people;
    struct world *world = populated(state, &people);
    walk(world, &people, check_roles);
    world_free(world);
}

static void check_device_port(struct world *world, const struct people *people,
                              const struct api_route *route)
{
    if (route->role > API_DEVICE || strncmp(route->path, "/console", 8) == 0) {
        expect(world, route, "nobody", NULL, 404);
        expect(world, route, "admin", people->admin, 404);
    } else if (ask(world, route, "dev1", DEVICE_TOKEN) == 405) {
        fail_msg("%s: not on the device port", route->path);
    }
}

static void the_device_port_is_for_devices(void **state)
{
    struct people people;
    struct world *world = populated(state, &people);
    world->device_port = true;
    walk(world, &people, check_device_port);
    world_free(world);
}

/* Methods nobody has: 405 with those that there are, before anybody is asked who he is. */
static void check_method(struct world *world, const struct people *people,
                         const struct api_route *route)
{
    char path[512];
    (void)people;
    assert_int_equal(
        call(world, API_OTHER, example(route->path, "dev1", path, sizeof path), NULL, NULL), 405);
    if (strstr(world->answer.allow, methods[route->method]) == NULL)
        fail_msg("%s: Allow is \"%s\"", route->path, world->answer.allow);
    if (route->method != API_GET)
        return;
    int head = call(world, API_HEAD, path, NULL, NULL);
    if (head != call(world, API_GET, path, NULL, NULL))
        fail_msg("%s: HEAD is %d, GET is not", route->path, head);
}

static void unknown_methods_are_405(void **state)
{
    struct people people;
    struct world *world = populated(state, &people);
    walk(world, &people, check_method);
    world_free(world);
}

/* Other spellings of a path are other paths, which nobody has: whoever passes a filter in front of
 * the server by one of them finds nothing behind it. */
static void check_spellings(struct world *world, const struct people *people,
                            const struct api_route *route)
{
    char path[512];
    char other[1024];
    example(route->path, "dev1", path, sizeof path);
    const char *const forms[] = {"%s/",  "/%s",    "/.%s",   "/x/..%s",
                                 "%s/.", "%s%%00", "%s%%2f", "%s;x"};
    if (route->role == API_PUBLIC)
        return;
    for (size_t i = 0; i < COUNT(forms); i++) {
        snprintf(other, sizeof other, forms[i], path);
        call(world, route->method, other, NULL, route->body == API_NO_BODY ? NULL : "{}");
        if (world->answer.status < 400)
            fail_msg("%s: %d to nobody", other, world->answer.status);
    }
    /* The first letter that is the route's own, as %XX. */
    size_t at = strncmp(path, "/DEFAULT", 8) == 0 ? 9 : 1;
    snprintf(other, sizeof other, "%.*s%%%02x%s", (int)at, path, path[at], path + at + 1);
    int status = call(world, route->method, other, people->admin, NULL);
    if (status != 404)
        fail_msg("%s: %d", other, status);
}

static void a_path_has_one_spelling(void **state)
{
    struct people people;
    struct world *world = populated(state, &people);
    walk(world, &people, check_spellings);
    /* A variable is decoded once. */
    assert_int_equal(call(world, API_GET, "/rest/v1/targets/%64ev1", people.read, NULL), 200);
    assert_int_equal(call(world, API_GET, "/rest/v1/targets/%2564ev1", people.read, NULL), 404);
    assert_int_equal(call(world, API_GET, "/rest/v1/targets/dev1%2Factions", people.read, NULL),
                     404);
    assert_int_equal(call(world, API_GET, "/rest/v1/targets/..", people.read, NULL), 404);
    assert_int_equal(call(world, API_GET, "/rest/v1/targets/%2e%2e", people.read, NULL), 404);
    world_free(world);
}

/* hawkBit's clients send "TENANT\name" and the token as the password. */
static int ask_basic(struct world *world, const char *name, const char *bearer)
{
    char text[128];
    char field[256] = "Basic ";
    int length = snprintf(text, sizeof text, "%s:%s", name, bearer + strlen("Bearer "));
    EVP_EncodeBlock((unsigned char *)field + 6, (const unsigned char *)text, length);
    return call(world, API_GET, "/rest/v1/userinfo", field, NULL);
}

static void basic_names_the_token(void **state)
{
    struct people people;
    struct world *world = populated(state, &people);
    assert_int_equal(ask_basic(world, "operate", people.operate), 200);
    assert_string_equal(text_at(world, "username"), "operate");
    assert_string_equal(text_at(world, "tenant"), "DEFAULT");
    assert_int_equal(ask_basic(world, "DEFAULT\\operate", people.operate), 200);
    assert_int_equal(ask_basic(world, "default\\operate", people.operate), 200);
    assert_int_equal(ask_basic(world, "OTHER\\operate", people.operate), 401);
    assert_int_equal(ask_basic(world, "\\operate", people.operate), 401);
    assert_int_equal(ask_basic(world, "admin", people.operate), 401);
    assert_int_equal(ask_basic(world, "", people.operate), 401);
    world_free(world);
}

static void check_described(struct world *world, const struct people *people,
                            const struct api_route *route)
{
    static const char *const words[] = {"get", "head", "post", "put", "delete"};
    (void)people;
    json_t *paths = json_object_get(world->json, "paths");
    json_t *operation = json_object_get(json_object_get(paths, route->path), words[route->method]);
    if (json_string_length(json_object_get(operation, "summary")) == 0)
        fail_msg("%s %s is not described", methods[route->method], route->path);
    assert_int_equal(json_object_get(operation, "requestBody") != NULL, route->body != API_NO_BODY);
    assert_int_equal(json_array_size(json_object_get(operation, "security")),
                     route->role == API_PUBLIC ? 0 : 2);
}

static void the_description_has_every_route(void **state)
{
    struct people people;
    struct world *world = populated(state, &people);
    assert_int_equal(call(world, API_GET, "/openapi.json", people.read, NULL), 200);
    assert_string_equal(text_at(world, "openapi"), "3.1.0");
    size_t described = 0;
    const char *path;
    json_t *methods_of;
    unsigned rows = walk(world, &people, check_described);
    json_object_foreach(json_object_get(world->json, "paths"), path, methods_of) described +=
        json_object_size(methods_of);
    assert_int_equal(described, rows); /* nothing else, and nothing twice */
    world_free(world);
}

static void health_asks_the_store(void **state)
{
    struct people people;
    struct world *world = populated(state, &people);
    assert_int_equal(call(world, API_GET, "/healthz", NULL, NULL), 200);
    assert_string_equal(world->answer.body, "ok\n");
    struct store gone = {.folder = -1};
    world->service.releases = &gone;
    assert_int_equal(call(world, API_GET, "/healthz", NULL, NULL), 503);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_decided), STORE_TESTS(a_path_has_one_spelling),
        STORE_TESTS(basic_names_the_token),       STORE_TESTS(strangers_get_in_nowhere),
        STORE_TESTS(each_role_has_its_routes),    STORE_TESTS(the_device_port_is_for_devices),
        STORE_TESTS(unknown_methods_are_405),     STORE_TESTS(the_description_has_every_route),
        STORE_TESTS(health_asks_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
