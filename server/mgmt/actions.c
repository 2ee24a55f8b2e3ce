/* server/mgmt/actions.c: actions: what is under way, how it went, and stopping it (hawkbit-ddi.md
 * 6 and 10). */
#include "host/escape.h"
#include "server/fleet/action.h"

#include <string.h>

#include "server/fleet/window.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/targets.h"

#define NOT_CANCELABLE     MGMT_CODE "action.notCancelable"
#define NOT_FORCE_QUITABLE MGMT_CODE "action.notForceQuitable"

static const struct mgmt_sort sorts[] = {
    {"id", "a.id"},
    {"status", "a.state"},
    {"active", "a.active"},
    {"weight", "COALESCE(a.weight, 1000)"},
    {"createdat", "a.created_at"},
    {"lastmodifiedat", "a.changed_at"},
    {NULL, NULL},
};

/* How an action is shown */

/* Three columns: schedule, duration, zone. */
static void show_window(struct api_call *call, const struct db_rows *rows, int column,
                        json_t *action)
{
    struct window window;
    const char *schedule = db_text(rows, column);
    const char *duration = db_text(rows, column + 1);
    const char *zone = db_text(rows, column + 2);
    if (db_is_null(rows, column) || window_parse(schedule, duration, zone, &window) != NULL)
        return;
    int64_t next = window_next(&window, call->fleet.now);
    json_t *shown =
        json_pack("{s:s, s:s, s:s}", "schedule", schedule, "duration", duration, "timezone", zone);
    if (next >= 0)
        json_object_set_new(shown, "nextStartAt", json_integer(next));
    json_object_set_new(action, "maintenanceWindow", shown);
}

static void show_optional(json_t *action, const char *name, const struct db_rows *rows, int column)
{
    if (!db_is_null(rows, column))
        json_object_set_new(action, name, json_integer(db_int(rows, column)));
}

static void show_links(struct api_call *call, long long id, const char *controller_id,
                       long long set, json_t *action)
{
    char target[ESCAPED_URL(TARGET_ID_MAX)];
    escape_url(controller_id, target, sizeof target);
    json_object_set_new(action, "_links",
                        json_pack("{s:o, s:o, s:o, s:o}", "self",
                                  mgmt_link(call, "/targets/%s/actions/%lld", target, id), "status",
                                  mgmt_link(call, "/targets/%s/actions/%lld/status", target, id),
                                  "target", mgmt_link(call, "/targets/%s", target),
                                  "distributionset",
                                  mgmt_link(call, "/distributionsets/%lld", set)));
}

static json_t *show_action(struct api_call *call, const struct db_rows *rows, void *context,
                           int *status)
{
    const char *state = db_text(rows, 1);
    bool cancel = strcmp(state, "canceling") == 0 || strcmp(state, "canceled") == 0;
    (void)context;
    (void)status;
    json_t *action = json_pack(
        "{s:I, s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:{s:I, s:s, s:s}, s:s*, s:s*}", "id",
        (json_int_t)db_int(rows, 0), "type", cancel ? "cancel" : "update", "status", state,
        "detailStatus", state, "active", db_int(rows, 2) != 0, "forceType", db_text(rows, 3),
        "controllerId", db_text(rows, 9), "weight", (json_int_t)db_int(rows, 5), "distributionSet",
        "id", (json_int_t)db_int(rows, 10), "name", db_text(rows, 11), "version", db_text(rows, 12),
        "rolloutName", mgmt_text(rows, 14), "externalRef", mgmt_text(rows, 16));
    if (action == NULL)
        return NULL;
    show_optional(action, "forceTime", rows, 4);
    show_optional(action, "rollout", rows, 13);
    show_optional(action, "lastStatusCode", rows, 15);
    show_window(call, rows, 6, action);
    mgmt_stamp(action, rows, 17);
    show_links(call, db_int(rows, 0), db_text(rows, 9), db_int(rows, 10), action);
    return action;
}

static const struct mgmt_rows action_rows = {
    .columns = "a.id, a.state, a.active, a.kind, a.force_at, COALESCE(a.weight, 1000),"
               " a.window_schedule, a.window_duration, a.window_zone, t.controller_id, d.id,"
               " d.name, d.version, a.rollout, r.name, a.last_code, a.external_ref, a.created_at,"
               " a.created_by, a.changed_at, a.changed_by",
    .table = "action AS a",
    .joins = " JOIN target AS t ON t.id = a.target JOIN dist_set AS d ON d.id = a.dist_set"
             " LEFT JOIN rollout AS r ON r.id = a.rollout",
    .key = "a.id",
    .sorts = sorts,
    .newest_first = true,
    .filtered = true,
    .filter = FILTER_ACTIONS,
    .show = show_action,
};

/* Looking */

/* The action that the path names, as /actions/{id} or below a target. */
static int path_action(struct api_call *call, struct action *out)
{
    struct target target;
    bool below = call->segment[1] != NULL;
    int64_t id;
    int status = below ? path_target(call, &target) : FLEET_OK;
    if (status == FLEET_OK)
        status = api_segment_id(call, below ? 1 : 0, &id);
    if (status != FLEET_OK)
        return status;
    return below ? action_of(&call->fleet, target.id, id, out) : action_get(&call->fleet, id, out);
}

static int answer_action(struct api_call *call, int64_t id)
{
    json_t *shown;
    int status = mgmt_one(call, &action_rows, "a.id = $1", DB_ARGS(db_i(id)), NULL, &shown);
    return status == FLEET_OK ? mgmt_json(call, 200, shown) : status;
}

int mgmt_actions(struct api_call *call)
{
    return mgmt_list(call, &action_rows, "a.tenant = $1", DB_ARGS(db_i(call->fleet.tenant)), NULL);
}

int mgmt_target_actions(struct api_call *call)
{
    struct target target;
    int status = path_target(call, &target);
    return status == FLEET_OK
               ? mgmt_list(call, &action_rows, "a.target = $1", DB_ARGS(db_i(target.id)), NULL)
               : status;
}

int mgmt_action(struct api_call *call)
{
    struct action action;
    int status = path_action(call, &action);
    return status == FLEET_OK ? answer_action(call, action.id) : status;
}

/* What was reported */

static json_t *show_entry(struct api_call *call, const struct db_rows *rows, void *context,
                          int *status)
{
    static const char sql[] = "SELECT text FROM action_message WHERE status = $1 ORDER BY position";
    json_t *messages = json_array();
    (void)context;
    struct db_rows *texts = db_query(call->fleet.db, sql, DB_ARGS(db_i(db_int(rows, 0))));
    while ((*status = db_next(texts)) == DB_ROW)
        json_array_append_new(messages, json_string(db_text(texts, 0)));
    json_t *entry =
        json_pack("{s:I, s:s, s:o, s:I, s:I}", "id", (json_int_t)db_int(rows, 0), "type",
                  db_text(rows, 1), "messages", messages, "reportedAt", (json_int_t)db_int(rows, 2),
                  "timestamp", (json_int_t)db_int(rows, 3));
    if (entry != NULL)
        show_optional(entry, "code", rows, 4);
    if (*status == DB_OK)
        return entry;
    json_decref(entry);
    return NULL;
}

static const struct mgmt_sort entry_sorts[] = {
    {"id", "s.id"},
    {"reportedat", "s.reported_at"},
    {"timestamp", "s.occurred_at"},
    {NULL, NULL},
};
static const struct mgmt_rows entry_rows = {
    .columns = "s.id, s.state, s.reported_at, s.occurred_at, s.code",
    .table = "action_status AS s",
    .joins = "",
    .key = "s.id",
    .sorts = entry_sorts,
    .newest_first = true,
    .show = show_entry,
};

int mgmt_action_status(struct api_call *call)
{
    struct action action;
    int status = path_action(call, &action);
    return status == FLEET_OK
               ? mgmt_list(call, &entry_rows, "s.action = $1", DB_ARGS(db_i(action.id)), NULL)
               : status;
}

/* Orders */

static int audit_action(struct api_call *call, const char *verb, int64_t id)
{
    return mgmt_audit(call, verb, "", "action %lld", (long long)id);
}

int mgmt_action_update(struct api_call *call)
{
    const char *kind = NULL;
    struct action action;
    int status = path_action(call, &action);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "forceType", true, 16, &kind);
    if (status == FLEET_OK && strcmp(kind, "forced") != 0)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "forceType can only become forced");
    if (status == FLEET_OK)
        status = action_force(&call->fleet, action.id);
    if (status == FLEET_OK)
        status = audit_action(call, "action.force", action.id);
    return status == FLEET_OK ? answer_action(call, action.id) : status;
}

int mgmt_action_cancel(struct api_call *call)
{
    struct action action;
    bool force;
    int status = api_query_bool(call, "force", &force);
    if (status == FLEET_OK)
        status = path_action(call, &action);
    if (status == FLEET_OK)
        status = action_cancel(&call->fleet, action.id, force);
    if (status == FLEET_STATE)
        return mgmt_error(call, 405, force ? NOT_FORCE_QUITABLE : NOT_CANCELABLE, "%s",
                          call->fleet.problem);
    if (status == FLEET_OK)
        status = audit_action(call, force ? "action.quit" : "action.cancel", action.id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

int mgmt_action_confirm(struct api_call *call)
{
    static const char *const details[] = {"answered by an operator"};
    struct feedback feedback = {.details = details, .detail_count = 1};
    struct target target;
    struct action action;
    const char *word = NULL;
    int status = path_action(call, &action);
    if (status == FLEET_OK)
        status = path_target(call, &target);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "confirmation", true, 16, &word);
    if (status != FLEET_OK)
        return status;
    bool agreed = strcmp(word, "confirmed") == 0;
    if (!agreed && strcmp(word, "denied") != 0)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "confirmation is confirmed or denied");
    feedback.has_code = json_is_integer(json_object_get(call->json, "code"));
    status = api_member_int(call, call->json, "code", false, INT32_MIN, INT32_MAX, &feedback.code);
    if (status == FLEET_OK)
        status = action_confirm(&call->fleet, &target, action.id, agreed, &feedback);
    if (status == FLEET_OK)
        status = audit_action(call, agreed ? "action.confirm" : "action.deny", action.id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}
