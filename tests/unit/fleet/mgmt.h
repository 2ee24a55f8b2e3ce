/* tests/unit/fleet/mgmt.h: the Management API as a person with a token uses it. */
#ifndef TESTS_UNIT_FLEET_MGMT_H
#define TESTS_UNIT_FLEET_MGMT_H

#include "tests/unit/fleet/world.h"

#include "server/fleet/token.h"

/* The Authorization field of a new token with this role. */
static inline const char *manager(struct world *world, const char *role)
{
    static char fields[3][80];
    static unsigned next;
    char secret[TOKEN_CHARS + 1];
    char *field = fields[next++ % 3];
    struct fleet fleet = world_begin(world);
    assert_int_equal(token_create(&fleet, role, role, secret), FLEET_OK);
    world_commit(world);
    snprintf(field, sizeof fields[0], "Bearer %s", secret);
    return field;
}

/* A world and its operator. */
static inline struct world *managed(void **state, const char **operator_field)
{
    struct world *world = world_new(state);
    *operator_field = manager(world, "operate");
    return world;
}

/* The call must answer `status`; a `code` given must be the end of errorCode. */
static inline void expect(struct world *world, const char *who, enum api_method method,
                          const char *path, const char *body, int status, const char *code)
{
    int got = call(world, method, path, who, body);
    if (got != status)
        fail_msg("%s: %d %s", path, got, world->answer.body != NULL ? world->answer.body : "");
    if (code != NULL) {
        const char *text = text_at(world, "errorCode");
        if (strlen(text) < strlen(code) || strcmp(text + strlen(text) - strlen(code), code) != 0)
            fail_msg("%s: %s", path, text);
    }
}

static inline int64_t number_at(struct world *world, const char *path)
{
    json_t *value = at(world, path);
    if (!json_is_integer(value))
        fail_msg("%s is no number in %s", path, world->answer.body);
    return json_integer_value(value);
}

/* The last line of the audit log, "who verb subject detail". */
static inline const char *last_audit(struct world *world)
{
    static char text[512];
    struct fleet fleet = world_begin(world);
    struct db_rows *rows = db_query_once(fleet.db,
                                         "SELECT who, verb, subject, detail FROM audit"
                                         " ORDER BY id DESC LIMIT 1",
                                         DB_NO_ARGS);
    assert_int_equal(db_next(rows), DB_ROW);
    snprintf(text, sizeof text, "%s %s %s %s", db_text(rows, 0), db_text(rows, 1), db_text(rows, 2),
             db_text(rows, 3));
    db_end(rows);
    world_commit(world);
    return text;
}

#endif
