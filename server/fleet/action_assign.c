/* server/fleet/action_assign.c: a set becomes what targets are to have: first the rules, then the
 * rows, each statement for all targets. See action.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/image.h"
#include "server/fleet/action_status.h"
#include "server/fleet/catalog.h"
#include "server/fleet/setting.h"
#include "server/fleet/window.h"

/* Rules */

#define VERDICTS 16

struct rules {
    int64_t dist_set;
    bool downgrade;
    int of_set; /* what is refused to every target */
    /* Of the sets that targets have installed: most have the same. */
    struct {
        int64_t installed;
        int status;
    } verdict[VERDICTS];
    size_t verdicts;
};

/* A device refuses an older image, so it is not sent one by mistake either. */
static int version_rule(struct fleet *fleet, int64_t installed_set, int64_t dist_set,
                        const char *controller_id)
{
    struct artifact installed;
    struct artifact wanted;
    int status = set_image(fleet, dist_set, &wanted);
    if (status == FLEET_OK)
        status = set_image(fleet, installed_set, &installed);
    if (status != FLEET_OK)
        return status == FLEET_NONE ? FLEET_OK : status; /* sets without an image of ours */
    if (strcmp(installed.project, wanted.project) == 0 &&
        image_version_compare(wanted.version, installed.version) < 0)
        return fleet_refuse(fleet, FLEET_INVALID,
                            "%s is older than %s, which %s runs (say that a downgrade is meant)",
                            wanted.version, installed.version, controller_id);
    return FLEET_OK;
}

static int version_rule_once(struct fleet *fleet, struct rules *rules, int64_t installed,
                             const char *controller_id)
{
    if (rules->downgrade || installed == 0)
        return FLEET_OK;
    for (size_t i = 0; i < VERDICTS && i < rules->verdicts; i++) {
        if (rules->verdict[i].installed == installed)
            return rules->verdict[i].status;
    }
    int status = version_rule(fleet, installed, rules->dist_set, controller_id);
    size_t place = rules->verdicts++ % VERDICTS;
    rules->verdict[place].installed = installed;
    rules->verdict[place].status = status;
    return status;
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

static int rules_read(struct fleet *fleet, int64_t dist_set, const struct action_terms *terms,
                      struct rules *out)
{
    const struct action_window *given = &terms->window;
    struct window window;
    const char *wrong = NULL;
    *out = (struct rules){.dist_set = dist_set, .downgrade = terms->downgrade};
    if (given->schedule[0] != '\0')
        wrong = window_parse(given->schedule, given->duration, given->zone, &window);
    out->of_set = wrong != NULL
                      ? fleet_refuse(fleet, FLEET_INVALID, "maintenance window: %s", wrong)
                      : set_rule(fleet, dist_set);
    return out->of_set < 0 ? out->of_set : FLEET_OK;
}

static int rule_of(struct fleet *fleet, struct rules *rules, const struct db_rows *rows,
                   struct assignment *out)
{
    int64_t installed = db_int(rows, 3);
    out->installed = installed == rules->dist_set;
    if (db_int(rows, 2) == rules->dist_set)
        return fleet_refuse(fleet, FLEET_EXISTS, "%s has this distribution set assigned already",
                            db_text(rows, 1));
    if (rules->of_set != FLEET_OK || out->installed)
        return rules->of_set;
    return version_rule_once(fleet, rules, installed, db_text(rows, 1));
}

static void all_targets(const struct assignment *list, size_t count, bool good_only,
                        struct db_list *out)
{
    db_list_clear(out);
    for (size_t i = 0; i < count; i++) {
        if (!good_only || list[i].status == FLEET_OK)
            db_list_add(out, list[i].target);
    }
}

/* The verdicts, in the order of targets. */
static int judge(struct fleet *fleet, struct rules *rules, struct assignment *list, size_t count)
{
    static const char sql[] = "SELECT id, controller_id, assigned_set, installed_set FROM target"
                              " WHERE id {in $1} ORDER BY id";
    struct db_list targets;
    size_t at = 0;
    int status;
    all_targets(list, count, false, &targets);
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_l(fleet->db, &targets)));
    while ((status = db_next(rows)) == DB_ROW) {
        while (at < count && list[at].target < db_int(rows, 0))
            at++;
        list[at].status = rule_of(fleet, rules, rows, &list[at]);
        if (list[at].status < 0) {
            status = list[at].status;
            db_end(rows);
            break;
        }
    }
    return status;
}

/* Rows */

/* The actions before this one: the device confirms each cancel, unless the tenant closes them
 * itself; what the device has not agreed to yet simply ends. */
static int close_others(struct fleet *fleet, const struct db_value *targets)
{
    static const char cancel[] =
        "UPDATE action SET state = 'canceling', changed_at = $2, changed_by = $3 WHERE target"
        " {in $1} AND active = 1 AND state NOT IN ('canceling', 'wait_for_confirmation')";
    static const char close[] =
        "UPDATE action SET state = 'canceled', active = 0, changed_at = $2, changed_by = $3"
        " WHERE target {in $1} AND active = 1";
    static const char close_waiting[] =
        "UPDATE action SET state = 'canceled', active = 0, changed_at = $2, changed_by = $3"
        " WHERE target {in $1} AND active = 1 AND state = 'wait_for_confirmation'";
    int status;
    bool at_once = setting_is_on(fleet, "repository.actions.autoclose.enabled", &status);
    if (status == FLEET_OK)
        status = db_run(fleet->db, at_once ? close : cancel,
                        DB_ARGS(*targets, db_i(fleet->now), db_t(fleet->who)));
    if (status == FLEET_OK && !at_once)
        status =
            db_run(fleet->db, close_waiting, DB_ARGS(*targets, db_i(fleet->now), db_t(fleet->who)));
    return status;
}

/* One digit and then zeros: an id that Zephyr's client misreads (hawkbit-ddi.md 9, quirk 7). */
static bool id_is_misread(int64_t id)
{
    while (id % 10 == 0)
        id /= 10;
    return id < 10;
}

#define ACTION_COLUMNS                                                                             \
    "tenant, target, dist_set, state, active, kind, force_at, weight, window_schedule,"            \
    " window_duration, window_zone, downgrade, rollout, rollout_group, created_at, created_by,"    \
    " changed_at, changed_by"

/* The same action under the next id that can be read. */
static int renumber(struct fleet *fleet, int64_t *id)
{
    static const char again[] = "INSERT INTO action (" ACTION_COLUMNS ") SELECT " ACTION_COLUMNS
                                " FROM action WHERE id = $1 RETURNING id";
    static const char drop[] = "DELETE FROM action WHERE id = $1";
    int status = FLEET_OK;
    while (status == FLEET_OK && id_is_misread(*id)) {
        const int64_t before = *id;
        status = db_get_int(fleet->db, again, DB_ARGS(db_i(before)), id);
        if (status == DB_ROW)
            status = db_run(fleet->db, drop, DB_ARGS(db_i(before)));
    }
    return status;
}

/* The ids of the new actions go to `ids`. */
static int insert_actions(struct fleet *fleet, const struct db_value *targets, int64_t dist_set,
                          const struct action_terms *terms, struct db_list *ids, int64_t *last)
{
    static const char sql[] =
        "INSERT INTO action (" ACTION_COLUMNS ") SELECT tenant, id, CAST($2 AS BIGINT), CASE WHEN"
        " $3 = 1 AND auto_confirm_at IS NULL THEN 'wait_for_confirmation' ELSE 'running' END, 1,"
        " $4, CAST($5 AS BIGINT), CAST($6 AS BIGINT), $7, $8, $9, CAST($10 AS BIGINT),"
        " CAST($11 AS BIGINT), CAST($12 AS BIGINT), CAST($13 AS BIGINT), $14, CAST($13 AS BIGINT),"
        " $14 FROM target WHERE id {in $1} ORDER BY id RETURNING id";
    const struct action_window *window = &terms->window;
    bool windowed = window->schedule[0] != '\0';
    int64_t got[DB_LIST_MAX];
    size_t count = 0;
    int status;
    bool asks = setting_is_on(fleet, "user.confirmation.flow.enabled", &status) && terms->confirm;
    if (status != FLEET_OK)
        return status;
    struct db_rows *rows =
        db_query(fleet->db, sql,
                 DB_ARGS(*targets, db_i(dist_set), db_i(asks), db_t(action_kind_word(terms->kind)),
                         terms->force_at != 0 ? db_i(terms->force_at) : DB_NULL,
                         terms->weight >= 0 ? db_i(terms->weight) : DB_NULL,
                         windowed ? db_t(window->schedule) : DB_NULL,
                         windowed ? db_t(window->duration) : DB_NULL,
                         windowed ? db_t(window->zone) : DB_NULL, db_i(terms->downgrade),
                         terms->rollout != 0 ? db_i(terms->rollout) : DB_NULL,
                         terms->rollout_group != 0 ? db_i(terms->rollout_group) : DB_NULL,
                         db_i(fleet->now), db_t(fleet->who)));
    while ((status = db_next(rows)) == DB_ROW)
        got[count++] = db_int(rows, 0);
    db_list_clear(ids);
    for (size_t i = 0; status == DB_OK && i < count; i++) {
        status = renumber(fleet, &got[i]);
        db_list_add(ids, got[i]);
        *last = got[i];
    }
    return status;
}

/* Their first entry, with a message. */
static int note_assigned(struct fleet *fleet, struct db_list *ids)
{
    static const char entries[] =
        "INSERT INTO action_status (action, state, reported_at, occurred_at)"
        " SELECT id, state, CAST($2 AS BIGINT), CAST($2 AS BIGINT) FROM action WHERE id {in $1}";
    static const char messages[] =
        "INSERT INTO action_message (status, position, text) SELECT id, 0, $2 FROM action_status"
        " WHERE action {in $1}";
    char message[240];
    const struct db_value actions = db_l(fleet->db, ids);
    snprintf(message, sizeof message, SERVER_MESSAGE "assigned by %s", fleet->who);
    int status = db_run(fleet->db, entries, DB_ARGS(actions, db_i(fleet->now)));
    return status == FLEET_OK ? db_run(fleet->db, messages, DB_ARGS(actions, db_t(message)))
                              : status;
}

static int carry_out(struct fleet *fleet, int64_t dist_set, const struct action_terms *terms,
                     struct db_list *list, int64_t *last)
{
    static const char assigned[] = "UPDATE target SET assigned_set = $2, update_status = 'pending'"
                                   " WHERE id {in $1}";
    const struct db_value targets = db_l(fleet->db, list);
    struct db_list ids;
    int status = set_lock(fleet, dist_set);
    if (status == FLEET_OK)
        status = close_others(fleet, &targets);
    if (status == FLEET_OK)
        status = insert_actions(fleet, &targets, dist_set, terms, &ids, last);
    if (status == FLEET_OK)
        status = note_assigned(fleet, &ids);
    return status == FLEET_OK ? db_run(fleet->db, assigned, DB_ARGS(targets, db_i(dist_set)))
                              : status;
}

static int by_target(const void *left, const void *right)
{
    const struct assignment *a = left;
    const struct assignment *b = right;
    return (a->target > b->target) - (a->target < b->target);
}

int action_assign_many(struct fleet *fleet, int64_t dist_set, const struct action_terms *terms,
                       struct assignment *list, size_t count, int64_t *last)
{
    struct rules rules;
    struct db_list targets;
    for (size_t i = 0; i < count; i++)
        list[i].status = FLEET_NONE;
    qsort(list, count, sizeof *list, by_target);
    int status = rules_read(fleet, dist_set, terms, &rules);
    if (status == FLEET_OK)
        status = judge(fleet, &rules, list, count);
    all_targets(list, count, true, &targets);
    return status == FLEET_OK && targets.count > 0
               ? carry_out(fleet, dist_set, terms, &targets, last)
               : status;
}

int action_assign(struct fleet *fleet, const struct target *target, int64_t dist_set,
                  const struct action_terms *terms, int64_t *id)
{
    struct assignment one = {.target = target->id};
    int status = action_assign_many(fleet, dist_set, terms, &one, 1, id);
    return status == FLEET_OK ? one.status : status;
}
