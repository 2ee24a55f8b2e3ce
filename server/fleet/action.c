/* server/fleet/action.c: actions as rows, their assignment, what the device is told. See action.h.
 */
#include "server/fleet/action.h"

#include <stdio.h>
#include <string.h>

#include "chain/image.h"
#include "server/fleet/action_status.h"
#include "server/fleet/catalog.h"
#include "server/fleet/setting.h"
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

/* Assignment */

/* A device refuses an older image, so it is not sent one by mistake either. */
static int version_rule(struct fleet *fleet, const struct target *target, int64_t dist_set)
{
    struct artifact installed;
    struct artifact wanted;
    if (target->installed_set == 0 || target->installed_set == dist_set)
        return FLEET_OK;
    int status = set_image(fleet, dist_set, &wanted);
    if (status == FLEET_OK)
        status = set_image(fleet, target->installed_set, &installed);
    if (status != FLEET_OK)
        return status == FLEET_NONE ? FLEET_OK : status; /* sets without an image of ours */
    if (strcmp(installed.project, wanted.project) == 0 &&
        image_version_compare(wanted.version, installed.version) < 0)
        return fleet_refuse(fleet, FLEET_INVALID,
                            "%s is older than %s, which %s runs (say that a downgrade is meant)",
                            wanted.version, installed.version, target->controller_id);
    return FLEET_OK;
}

static int set_rule(struct fleet *fleet, int64_t dist_set)
{
    static const char sql[] =
        "SELECT valid FROM dist_set WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL";
    static const char modules[] = "SELECT COUNT(*) FROM set_module WHERE dist_set = $1";
    int64_t valid;
    int64_t count;
    int status = db_get_int(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(dist_set)), &valid);
    if (status == DB_OK)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such distribution set");
    if (status != DB_ROW)
        return status;
    if (valid == 0)
        return fleet_refuse(fleet, FLEET_INVALID, "the distribution set has been invalidated");
    status = db_get_int(fleet->db, modules, DB_ARGS(db_i(dist_set)), &count);
    if (status == DB_ROW && count == 0)
        return fleet_refuse(fleet, FLEET_INVALID, "the distribution set has no modules");
    return status == DB_ROW ? FLEET_OK : status;
}

/* The actions before this one: the device confirms each cancel, unless the tenant closes them
 * itself; what the device has not agreed to yet simply ends. */
static int close_others(struct fleet *fleet, int64_t target)
{
    static const char cancel[] =
        "UPDATE action SET state = 'canceling', changed_at = $2, changed_by = $3"
        " WHERE target = $1 AND active = 1 AND state NOT IN ('canceling', 'wait_for_confirmation')";
    static const char close[] =
        "UPDATE action SET state = 'canceled', active = 0, changed_at = $2, changed_by = $3"
        " WHERE target = $1 AND active = 1";
    static const char close_waiting[] =
        "UPDATE action SET state = 'canceled', active = 0, changed_at = $2, changed_by = $3"
        " WHERE target = $1 AND active = 1 AND state = 'wait_for_confirmation'";
    int status;
    bool at_once = setting_is_on(fleet, "repository.actions.autoclose.enabled", &status);
    if (status == FLEET_OK)
        status = db_run(fleet->db, at_once ? close : cancel,
                        DB_ARGS(db_i(target), db_i(fleet->now), db_t(fleet->who)));
    if (status == FLEET_OK && !at_once)
        status = db_run(fleet->db, close_waiting,
                        DB_ARGS(db_i(target), db_i(fleet->now), db_t(fleet->who)));
    return status;
}

/* One digit and then zeros: an id that Zephyr's client misreads (hawkbit-ddi.md 9, quirk 7). */
static bool id_is_misread(int64_t id)
{
    while (id % 10 == 0)
        id /= 10;
    return id < 10;
}

static int insert_action(struct fleet *fleet, const struct target *target, int64_t dist_set,
                         const struct action_terms *terms, enum action_state state, int64_t *id)
{
    static const char sql[] =
        "INSERT INTO action (tenant, target, dist_set, state, active, kind, force_at, weight,"
        " window_schedule, window_duration, window_zone, downgrade, rollout, rollout_group,"
        " created_at, created_by, changed_at, changed_by)"
        " VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $14, $15)"
        " RETURNING id";
    static const char drop[] = "DELETE FROM action WHERE id = $1";
    const struct action_window *window = &terms->window;
    bool windowed = window->schedule[0] != '\0';
    for (;;) {
        int status =
            db_get_int(fleet->db, sql,
                       DB_ARGS(db_i(fleet->tenant), db_i(target->id), db_i(dist_set),
                               db_t(action_state_word(state)), db_t(action_kind_word(terms->kind)),
                               terms->force_at != 0 ? db_i(terms->force_at) : DB_NULL,
                               terms->weight >= 0 ? db_i(terms->weight) : DB_NULL,
                               windowed ? db_t(window->schedule) : DB_NULL,
                               windowed ? db_t(window->duration) : DB_NULL,
                               windowed ? db_t(window->zone) : DB_NULL, db_i(terms->downgrade),
                               terms->rollout != 0 ? db_i(terms->rollout) : DB_NULL,
                               terms->rollout_group != 0 ? db_i(terms->rollout_group) : DB_NULL,
                               db_i(fleet->now), db_t(fleet->who)),
                       id);
        if (status != DB_ROW)
            return status == DB_OK ? DB_EIO : status;
        if (!id_is_misread(*id))
            return FLEET_OK;
        status = db_run(fleet->db, drop, DB_ARGS(db_i(*id)));
        if (status != DB_OK)
            return status;
    }
}

static int assignment_rules(struct fleet *fleet, const struct target *target, int64_t dist_set,
                            const struct action_terms *terms)
{
    struct window window;
    const char *wrong = NULL;
    if (target->assigned_set == dist_set)
        return fleet_refuse(fleet, FLEET_EXISTS, "%s has this distribution set assigned already",
                            target->controller_id);
    if (terms->window.schedule[0] != '\0')
        wrong = window_parse(terms->window.schedule, terms->window.duration, terms->window.zone,
                             &window);
    if (wrong != NULL)
        return fleet_refuse(fleet, FLEET_INVALID, "maintenance window: %s", wrong);
    int status = set_rule(fleet, dist_set);
    if (status == FLEET_OK && !terms->downgrade)
        status = version_rule(fleet, target, dist_set);
    return status;
}

int action_assign(struct fleet *fleet, const struct target *target, int64_t dist_set,
                  const struct action_terms *terms, int64_t *id)
{
    char message[240];
    int status = assignment_rules(fleet, target, dist_set, terms);
    if (status != FLEET_OK)
        return status;
    bool asks = setting_is_on(fleet, "user.confirmation.flow.enabled", &status) && terms->confirm &&
                !target->auto_confirm;
    enum action_state state = asks ? ACTION_WAIT_FOR_CONFIRMATION : ACTION_RUNNING;
    if (status == FLEET_OK)
        status = set_lock(fleet, dist_set);
    if (status == FLEET_OK)
        status = close_others(fleet, target->id);
    if (status == FLEET_OK)
        status = insert_action(fleet, target, dist_set, terms, state, id);
    snprintf(message, sizeof message, SERVER_MESSAGE "assigned by %s", fleet->who);
    if (status == FLEET_OK)
        status = status_entry(fleet, *id, state, fleet->now, NULL, message);
    if (status == FLEET_OK)
        status = target_assigned(fleet, target->id, dist_set);
    if (status == FLEET_OK)
        status = target_set_status(fleet, target->id, "pending");
    return status;
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
