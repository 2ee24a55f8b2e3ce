/* The body of every route that takes JSON, through the whole of api_run() on a store in memory: the
 * answer is a status that the API knows, an error answer is JSON with a message, what is refused
 * leaves nothing behind, and the store never fails. Everything else is rolled back too, so that
 * each input meets the same fleet.
 *
 * The first two bytes are which of the routes: the next one by digest, so that seeds keep theirs
 * when there are others. The third is whether what the path names exists. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/error.h"
#include "server/api/api.h"
#include "server/api/service.h"
#include "server/db/schema.h"
#include "server/fleet/action.h"
#include "server/fleet/catalog.h"
#include "server/fleet/token.h"

#define BODY_MAX   8192
#define ROUTES_MAX 256
#define NOW        1790000000000

static struct db *db;
static char admin[64];
static const struct api_route *routes[ROUTES_MAX];
static unsigned route_count;

/* A device with an action under way: most routes then have something to work on. */
static void populate(void)
{
    struct fleet fleet = {
        .db = db, .tenant = SCHEMA_TENANT_ID, .tenant_name = "DEFAULT", .now = NOW, .who = "fuzz"};
    struct module_new module = {.type = "os", .name = "fw", .version = "1"};
    struct set_new set = {.type = "os", .name = "fw", .version = "1", .module_count = 1};
    struct target_new new = {
        .controller_id = "dev1", .security_token = "0123456789abcdef", .update_status = "unknown"};
    struct action_terms terms = {0};
    struct target target;
    char secret[TOKEN_CHARS + 1];
    int64_t module_id;
    int64_t set_id;
    int64_t action;
    require(db_begin(db, DB_WRITE) == DB_OK);
    require(token_create(&fleet, "fuzz", "admin", secret) == FLEET_OK);
    snprintf(admin, sizeof admin, "Bearer %s", secret);
    require(module_create(&fleet, &module, &module_id) == FLEET_OK);
    set.modules = &module_id;
    require(set_create(&fleet, &set, &set_id) == FLEET_OK);
    require(target_create(&fleet, &new, &target) == FLEET_OK);
    require(action_assign(&fleet, &target, set_id, &terms, &action) == FLEET_OK);
    require(db_commit(db) == DB_OK);
}

static void start(void)
{
    require(db_open("sqlite::memory:", &db) == HOST_DONE);
    require(schema_migrate(db) == HOST_DONE);
    populate();
    for (const struct api_route *const *table = api_tables; *table != NULL; table++) {
        for (const struct api_route *route = *table; route->path != NULL; route++) {
            if (route->body == API_JSON || route->body == API_JSON_OPTIONAL)
                routes[route_count++] = route;
            require(route_count < ROUTES_MAX);
        }
    }
}

static uint16_t digest(const struct api_route *route)
{
    uint32_t hash = 2166136261u ^ (uint32_t)route->method;
    for (const char *at = route->path; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    return (uint16_t)(hash ^ hash >> 16);
}

static const struct api_route *choose(uint16_t wanted)
{
    const struct api_route *nearest = routes[0];
    for (unsigned i = 1; i < route_count; i++) {
        if ((uint16_t)(digest(routes[i]) - wanted) < (uint16_t)(digest(nearest) - wanted))
            nearest = routes[i];
    }
    return nearest;
}

/* The path with its variables filled in, of what exists or of what does not. */
static void fill(const char *pattern, bool exists, char *out, size_t size)
{
    size_t used = 0;
    while (*pattern != '\0') {
        const char *text = exists ? "1" : "999";
        if (*pattern != '{') {
            out[used++] = *pattern++;
            continue;
        }
        if (strncmp(pattern, "{tenant}", 8) == 0)
            text = "DEFAULT";
        else if (strncmp(pattern, "{controllerId}", 14) == 0)
            text = "dev1";
        else if (strncmp(pattern, "{actionId}", 10) == 0 && exists)
            text = "11111";
        used += (size_t)snprintf(out + used, size - used, "%s", text);
        pattern += strcspn(pattern, "}") + 1;
    }
    out[used] = '\0';
}

static void check_answer(const struct api_answer *answer)
{
    require(answer->status >= 200 && answer->status < 500);
    if (answer->status < 400 || answer->body == NULL)
        return;
    json_t *json = json_loads(answer->body, 0, NULL);
    require(json_is_string(json_object_get(json, "errorCode")));
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[512];
    char body[BODY_MAX + 1];
    static char type[] = "application/json";
    static char origin[] = "https://host";
    static char address[] = "127.0.0.1";
    static char device[] = "TargetToken 0123456789abcdef";
    struct api_answer answer = {0};
    const struct api_service service = {0};
    if (db == NULL)
        start();
    if (size < 3 || size > BODY_MAX)
        return 0;
    const struct api_route *route = choose((uint16_t)(data[0] << 8 | data[1]));
    fill(route->path, (data[2] & 1) == 0, path, sizeof path);
    memcpy(body, data + 3, size - 3);
    body[size - 3] = '\0';
    struct api_request request = {.method = route->method,
                                  .path = path,
                                  .authorization = route->role == API_DEVICE ? device : admin,
                                  .content_type = type,
                                  .body = body,
                                  .body_length = size - 3,
                                  .origin = origin,
                                  .address = address};
    require(db_begin(db, route->access) == DB_OK);
    int status = api_run(db, &service, &request, route->access, NOW, &answer);
    if (status < 0)
        fprintf(stderr, "%s: %s\n", path, db_error(db));
    require(status == DB_OK || status == JOB_REFUSED);
    check_answer(&answer);
    db_rollback(db);
    api_answer_free(&answer);
    return 0;
}
