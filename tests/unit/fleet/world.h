/* tests/unit/fleet/world.h: a server without sockets: a store, requests as text, answers as JSON.
 *
 * Time is the world's own and moves only when a test says so. Whatever call() runs is committed or
 * rolled back as the server would.
 */
#ifndef TESTS_UNIT_FLEET_WORLD_H
#define TESTS_UNIT_FLEET_WORLD_H

#include "tests/unit/db/stores.h"

#include <jansson.h>

#include "server/api/api.h"
#include "server/api/service.h"
#include "server/fleet/action.h"
#include "server/fleet/catalog.h"
#include "server/fleet/setting.h"
#include "server/fleet/target.h"

struct world {
    struct db *db;
    struct api_service service;
    int64_t now;
    bool device_port; /* where call() comes in */
    struct api_answer answer;
    json_t *json; /* of the last answer, NULL when it had none */
};

static inline struct world *world_new(void **state)
{
    struct db *db = store_migrated(state); /* may leave the test */
    struct world *world = calloc(1, sizeof *world);
    world->db = db;
    world->now = 1790000000000;
    return world;
}

static inline void world_free(struct world *world)
{
    api_answer_free(&world->answer);
    json_decref(world->json);
    db_close(world->db);
    free(world);
}

/* For what a test does beside the API: its own transaction. */
static inline struct fleet world_begin(struct world *world)
{
    assert_int_equal(db_begin(world->db, DB_WRITE), DB_OK);
    return (struct fleet){.db = world->db,
                          .tenant = SCHEMA_TENANT_ID,
                          .tenant_name = "DEFAULT",
                          .now = world->now,
                          .who = "test"};
}

static inline void world_commit(struct world *world)
{
    assert_int_equal(db_commit(world->db), DB_OK);
}

static inline char *world_copy(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

/* The status of the answer. `type` NULL: there is no body. */
static inline int call_typed(struct world *world, enum api_method method, const char *path,
                             const char *authorization, const char *type, const void *body,
                             size_t length)
{
    struct api_request request = {
        .method = method,
        .authorization = world_copy(authorization),
        .content_type = world_copy(type),
        .body = malloc(length + 1),
        .body_length = length,
        .origin = world_copy("https://updates.example:8443"),
        .address = world_copy("127.0.0.1"),
        .device_port = world->device_port,
    };
    memcpy(request.body, length > 0 ? body : "", length);
    request.body[length] = '\0';
    size_t end = strcspn(path, "?");
    request.path = strndup(path, end);
    request.query = path[end] == '?' ? strdup(path + end + 1) : NULL;
    api_answer_free(&world->answer);
    enum db_access access = api_way(&request) == API_WRITE ? DB_WRITE : DB_READ;
    int status;
    do {
        assert_int_equal(db_begin(world->db, access), DB_OK);
        status = api_run(world->db, &world->service, &request, access, world->now, &world->answer);
        if (status == DB_OK)
            assert_int_equal(db_commit(world->db), DB_OK);
        else
            db_rollback(world->db);
        access = DB_WRITE;
    } while (status == API_MUST_WRITE);
    if (status < 0)
        fail_msg("%s: %s", path, db_error(world->db));
    api_request_free(&request);
    json_decref(world->json);
    world->json = world->answer.body != NULL ? json_loads(world->answer.body, 0, NULL) : NULL;
    return world->answer.status;
}

/* The same with JSON, or NULL. */
static inline int call(struct world *world, enum api_method method, const char *path,
                       const char *authorization, const char *body)
{
    return call_typed(world, method, path, authorization,
                      body != NULL ? "application/json;charset=UTF-8" : NULL, body,
                      body != NULL ? strlen(body) : 0);
}

/* "a.b.0.c" in the last answer; NULL when it is not there. */
static inline json_t *at(struct world *world, const char *path)
{
    json_t *value = world->json;
    char text[256];
    char *rest = NULL;
    snprintf(text, sizeof text, "%s", path);
    for (char *part = strtok_r(text, ".", &rest); part != NULL && value != NULL;
         part = strtok_r(NULL, ".", &rest))
        value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10))
                                     : json_object_get(value, part);
    return value;
}

static inline const char *text_at(struct world *world, const char *path)
{
    const char *text = json_string_value(at(world, path));
    return text != NULL ? text : "(nothing)";
}

/* A set with one module and one file "fw.bin". */
static inline int64_t world_set(struct world *world, const char *version)
{
    struct fleet fleet = world_begin(world);
    struct module_new module = {.type = "application", .name = "thermo", .version = version};
    struct artifact artifact = {.filename = "fw.bin", .size = 8192, .project = "thermo"};
    int64_t module_id;
    int64_t artifact_id;
    int64_t set_id;
    memset(artifact.sha256, 'a', 64);
    memset(artifact.sha1, 'b', 40);
    memset(artifact.md5, 'c', 32);
    snprintf(artifact.version, sizeof artifact.version, "%s", version);
    assert_int_equal(module_create(&fleet, &module, &module_id), FLEET_OK);
    artifact.module = module_id;
    assert_int_equal(artifact_add(&fleet, &artifact, &artifact_id), FLEET_OK);
    struct set_new set = {.type = "app",
                          .name = "thermo",
                          .version = version,
                          .modules = &module_id,
                          .module_count = 1};
    assert_int_equal(set_create(&fleet, &set, &set_id), FLEET_OK);
    world_commit(world);
    return set_id;
}

static inline void world_target(struct world *world, const char *controller_id, const char *token)
{
    struct fleet fleet = world_begin(world);
    struct target target;
    struct target_new new = {
        .controller_id = controller_id, .security_token = token, .update_status = "unknown"};
    assert_int_equal(target_create(&fleet, &new, &target), FLEET_OK);
    world_commit(world);
}

static inline int64_t world_assign(struct world *world, const char *controller_id, int64_t dist_set,
                                   const struct action_terms *terms)
{
    struct fleet fleet = world_begin(world);
    struct target target;
    int64_t id;
    assert_int_equal(target_find(&fleet, controller_id, &target), FLEET_OK);
    assert_int_equal(action_assign(&fleet, &target, dist_set, terms, &id), FLEET_OK);
    world_commit(world);
    return id;
}

static inline struct target world_look(struct world *world, const char *controller_id)
{
    struct fleet fleet = world_begin(world);
    struct target target;
    assert_int_equal(target_find(&fleet, controller_id, &target), FLEET_OK);
    world_commit(world);
    return target;
}

#endif
