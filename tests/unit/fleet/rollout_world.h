/* tests/unit/fleet/rollout_world.h: a world with a fleet and rollouts in it. */
#ifndef TESTS_UNIT_FLEET_ROLLOUT_WORLD_H
#define TESTS_UNIT_FLEET_ROLLOUT_WORLD_H

#include "tests/unit/fleet/world.h"

#include "server/fleet/rollout.h"
#include "server/fleet/target_filter.h"

#define TICKS_MAX 10000

/* `count` devices: "d0000" and on, with the token of the same name, attribute n = their number. */
static inline struct world *world_fleet(void **state, unsigned count)
{
    struct world *world = world_new(state);
    struct fleet fleet = world_begin(world);
    for (unsigned i = 0; i < count; i++) {
        char id[16];
        char number[16];
        struct target target;
        snprintf(id, sizeof id, "d%04u", i);
        snprintf(number, sizeof number, "%u", i);
        struct target_new new = {
            .controller_id = id, .security_token = id, .update_status = "registered"};
        struct attribute attribute = {"n", number};
        assert_int_equal(target_create(&fleet, &new, &target), FLEET_OK);
        assert_int_equal(target_attributes(&fleet, target.id, ATTRIBUTES_MERGE, &attribute, 1),
                         FLEET_OK);
    }
    world_commit(world);
    return world;
}

/* One piece of work; whether there is more. */
static inline bool tick_once(struct world *world)
{
    bool worked = false;
    struct fleet fleet = {.db = world->db, .now = world->now};
    assert_int_equal(db_begin(world->db, DB_STEP), DB_OK);
    int status = rollout_tick(&fleet, &worked);
    if (status != FLEET_OK)
        fail_msg("tick: %d, %s %s", status, fleet.problem, db_error(world->db));
    world_commit(world);
    return worked;
}

static inline void tick(struct world *world)
{
    unsigned ticks = 0;
    while (tick_once(world)) {
        if (++ticks == TICKS_MAX)
            fail_msg("the engine never rests");
    }
}

static inline const struct rollout_group_new *thirds(void)
{
    static const struct rollout_group_new groups[] = {
        {.share = 1000, .success_share = 5000, .error_share = 2000},
        {.share = 5000, .success_share = 5000, .error_share = 2000},
        {.share = 10000, .success_share = 10000, .error_share = 2000},
    };
    return groups;
}

static inline struct rollout_new thirds_of_all(int64_t dist_set)
{
    return (struct rollout_new){.name = "spring",
                                .filter = "",
                                .dist_set = dist_set,
                                .terms = {.kind = ACTION_FORCED, .weight = -1},
                                .groups = thirds(),
                                .group_count = 3};
}

static inline int64_t world_rollout(struct world *world, const struct rollout_new *new)
{
    int64_t id;
    struct fleet fleet = world_begin(world);
    int status = rollout_create(&fleet, new, &id);
    if (status != FLEET_OK)
        fail_msg("create: %d %s", status, fleet.problem);
    world_commit(world);
    tick(world);
    return id;
}

static inline int order(struct world *world, int64_t id, enum rollout_order what)
{
    struct fleet fleet = world_begin(world);
    int status = rollout_order(&fleet, id, what);
    if (status == FLEET_OK)
        world_commit(world);
    else
        db_rollback(world->db);
    return status;
}

static inline struct rollout_counts counts(struct world *world, int64_t id, int64_t group)
{
    struct rollout_counts out;
    struct fleet fleet = world_begin(world);
    assert_int_equal(rollout_counts(&fleet, id, group, &out), FLEET_OK);
    world_commit(world);
    return out;
}

/* The text, or number, that one query answers; "" for no row. */
static inline const char *ask(struct world *world, const char *sql, int64_t value)
{
    static char out[512];
    struct db_rows *rows = db_query_once(world->db, sql, DB_ARGS(db_i(value)));
    int status = db_next(rows);
    out[0] = '\0';
    if (status == DB_ROW) {
        snprintf(out, sizeof out, "%s", db_text(rows, 0));
        db_end(rows);
    } else if (status != DB_OK) {
        fail_msg("%s: %s", sql, db_error(world->db));
    }
    return out;
}

static inline int64_t ask_number(struct world *world, const char *sql, int64_t value)
{
    return strtoll(ask(world, sql, value), NULL, 10);
}

static inline const char *status_of(struct world *world, int64_t id)
{
    return ask(world, "SELECT status FROM rollout WHERE id = $1", id);
}

static inline const char *reason_of(struct world *world, int64_t id)
{
    return ask(world, "SELECT halt_reason FROM rollout WHERE id = $1", id);
}

/* The groups' states in order: "finished running ready". */
static inline const char *groups_of(struct world *world, int64_t id)
{
    static char out[512];
    static const char sql[] = "SELECT status FROM rollout_group WHERE rollout = $1"
                              " ORDER BY position";
    struct db_rows *rows = db_query(world->db, sql, DB_ARGS(db_i(id)));
    size_t used = 0;
    out[0] = '\0';
    while (db_next(rows) == DB_ROW)
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", used > 0 ? " " : "",
                                 db_text(rows, 0));
    return out;
}

static inline int64_t group_at(struct world *world, int64_t id, int64_t position)
{
    static const char sql[] = "SELECT id FROM rollout_group WHERE rollout = $1 AND position = $2";
    int64_t group;
    assert_int_equal(db_get_int(world->db, sql, DB_ARGS(db_i(id), db_i(position)), &group), DB_ROW);
    return group;
}

/* Up to `count` devices with a running action report its end; how many did. */
static inline unsigned report(struct world *world, unsigned count, const char *finished)
{
    static const char sql[] = "SELECT target, id FROM action WHERE active = 1"
                              " AND state <> 'canceling' ORDER BY id LIMIT $1";
    int64_t rows[4096][2];
    unsigned found = 0;
    struct db_rows *cursor = db_query(world->db, sql, DB_ARGS(db_i(count)));
    while (db_next(cursor) == DB_ROW) {
        rows[found][0] = db_int(cursor, 0);
        rows[found++][1] = db_int(cursor, 1);
    }
    struct fleet fleet = world_begin(world);
    for (unsigned i = 0; i < found; i++) {
        struct target target;
        struct feedback feedback = {.execution = "closed", .finished = finished};
        assert_int_equal(target_get(&fleet, rows[i][0], &target), FLEET_OK);
        assert_int_equal(action_feedback(&fleet, &target, rows[i][1], &feedback), FLEET_OK);
    }
    world_commit(world);
    return found;
}

#endif
