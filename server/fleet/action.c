/* server/fleet/action.c: actions as rows, what the device is told. See action.h. */
#include "server/fleet/action.h"

#include <stdio.h>
#include <string.h>

#include "server/fleet/action_status.h"
#include "server/fleet/window.h"

#define COLUMNS                                                                                    \
    "id, target, dist_set, state, active, kind, force_at, COALESCE(weight, 1000),"                 \
    " window_schedule, window_duration, window_zone, downgrade, rollout, rollout_group,"           \
    " created_at, changed_at, COALESCE(last_code, -1)"

static void copy(char *out, size_t size, const struct db_rows *rows, int column)
{
    snprintf(out, size, "%s", db_text(rows, column));
}

static bool read_row(const struct db_rows *rows, struct action *out)
{
    *out = (struct action){
        .id = db_int(rows, 0),
        .target = db_int(rows, 1),
        .dist_set = db_int(rows, 2),
        .active = db_int(rows, 4) != 0,
        .created_at = db_int(rows, 14),
        .changed_at = db_int(rows, 15),
        .last_code = db_int(rows, 16),
    };
    struct action_terms *terms = &out->terms;
    terms->force_at = db_int(rows, 6);
    terms->weight = db_int(rows, 7);
    copy(terms->window.schedule, sizeof terms->window.schedule, rows, 8);
    copy(terms->window.duration, sizeof terms->window.duration, rows, 9);
    copy(terms->window.zone, sizeof terms->window.zone, rows, 10);
    terms->downgrade = db_int(rows, 11) != 0;
    terms->rollout = db_int(rows, 12);
    terms->rollout_group = db_int(rows, 13);
    return action_state_parse(db_text(rows, 3), &out->state) &&
           action_kind_parse(db_text(rows, 5), &terms->kind);
}

static int read_one(struct fleet *fleet, struct db_rows *rows, struct action *out)
{
    int status = db_next(rows);
    if (status == DB_OK)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such action");
    if (status != DB_ROW)
        return status;
    bool whole = read_row(rows, out);
    db_end(rows);
    return whole ? FLEET_OK : DB_EIO;
}

int action_get(struct fleet *fleet, int64_t id, struct action *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM action WHERE tenant = $1 AND id = $2";
    return read_one(fleet, db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(id))), out);
}

int action_of(struct fleet *fleet, int64_t target, int64_t id, struct action *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM action WHERE target = $1 AND id = $2";
    return read_one(fleet, db_query(fleet->db, sql, DB_ARGS(db_i(target), db_i(id))), out);
}

int action_next(struct fleet *fleet, int64_t target, struct action *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM action WHERE target = $1 AND active = 1"
                              " ORDER BY COALESCE(weight, 1000) DESC, id LIMIT 1";
    return read_one(fleet, db_query(fleet->db, sql, DB_ARGS(db_i(target))), out);
}

int action_installed(struct fleet *fleet, const struct target *target, int64_t *id)
{
    static const char sql[] = "SELECT id FROM action WHERE target = $1 AND dist_set = $2"
                              " AND state = 'finished' AND active = 0 ORDER BY id DESC LIMIT 1";
    if (target->installed_set == 0)
        return FLEET_NONE;
    int status =
        db_get_int(fleet->db, sql, DB_ARGS(db_i(target->id), db_i(target->installed_set)), id);
    if (status == DB_OK)
        return FLEET_NONE;
    return status == DB_ROW ? FLEET_OK : status;
}

int action_set_state(struct fleet *fleet, int64_t action, enum action_state state, bool active)
{
    static const char sql[] =
        "UPDATE action SET state = $2, active = $3, changed_at = $4, changed_by = $5 WHERE id = $1";
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(action), db_t(action_state_word(state)), db_i(active),
                          db_i(fleet->now), db_t(fleet->who)));
}

/* What the device is told */

static bool forced_by_now(const struct action_terms *terms, int64_t now)
{
    return terms->kind == ACTION_FORCED || terms->kind == ACTION_DOWNLOADONLY ||
           (terms->kind == ACTION_TIMEFORCED && now >= terms->force_at);
}

struct action_mode action_mode(const struct action *action, int64_t now)
{
    const struct action_terms *terms = &action->terms;
    struct action_mode mode = {.download = forced_by_now(terms, now) ? "forced" : "attempt"};
    mode.update = terms->kind == ACTION_DOWNLOADONLY ? "skip" : mode.download;
    struct window window;
    if (terms->window.schedule[0] != '\0' &&
        window_parse(terms->window.schedule, terms->window.duration, terms->window.zone, &window) ==
            NULL) {
        bool open = window_open(&window, now);
        mode.window = open ? "available" : "unavailable";
        if (!open)
            mode.update = "skip";
    }
    return mode;
}

/* FNV-1a. */
static uint32_t mix(uint32_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    return hash;
}

int32_t action_mode_hash(const struct action *action, int64_t now)
{
    struct action_mode mode = action_mode(action, now);
    uint32_t hash = mix(2166136261u ^ (uint32_t)action->id, mode.download);
    hash = mix(hash, mode.update);
    hash = mix(hash, mode.window != NULL ? mode.window : "-");
    int32_t out;
    memcpy(&out, &hash, sizeof out);
    return out;
}
