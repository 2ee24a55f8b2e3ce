/* server/mgmt/rollouts.c: rollouts and their groups as they are, and orders to them
 * (hawkbit-ddi.md 10). */
#include "server/mgmt/rollouts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/fleet/catalog.h"
#include "server/fleet/rollout.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/targets.h"

/* Rollouts as they are shown; the context says whether with counts. */

/* Paused because a group has failed, not by somebody or as planned: until it is resumed, which
 * accepts the failures. */
#define HALTED                                                                                     \
    "CASE WHEN n.status = 'paused' AND EXISTS (SELECT 1 FROM rollout_group AS f"                   \
    " WHERE f.rollout = n.id AND f.status = 'error') THEN 1 ELSE 0 END"

static json_t *counts_json(const struct rollout_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "notstarted",
                     (json_int_t)counts->not_started, "scheduled", (json_int_t)counts->scheduled,
                     "running", (json_int_t)counts->running, "finished",
                     (json_int_t)counts->finished, "error", (json_int_t)counts->error, "cancelled",
                     (json_int_t)counts->cancelled);
}

static int add_counts(struct api_call *call, json_t *object, int64_t rollout, int64_t group)
{
    struct rollout_counts counts;
    int status = rollout_counts(&call->fleet, rollout, group, &counts);
    if (status == FLEET_OK)
        json_object_set_new(object, "totalTargetsPerStatus", counts_json(&counts));
    return status;
}

static void add_number(json_t *object, const char *name, const struct db_rows *rows, int column)
{
    if (!db_is_null(rows, column))
        json_object_set_new(object, name, json_integer(db_int(rows, column)));
}

static json_t *rollout_links(struct api_call *call, const struct db_rows *rows)
{
    static const char *const orders[] = {"start",   "pause", "resume", "stop", "triggerNextGroup",
                                         "approve", "deny",  "retry"};
    long long id = db_int(rows, 0);
    json_t *links =
        json_pack("{s:o, s:o, s:o}", "self", mgmt_link(call, "/rollouts/%lld", id), "groups",
                  mgmt_link(call, "/rollouts/%lld/deploygroups", id), "distributionset",
                  mgmt_link(call, "/distributionsets/%lld", (long long)db_int(rows, 4)));
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        json_object_set_new(links, orders[i], mgmt_link(call, "/rollouts/%lld/%s", id, orders[i]));
    return links;
}

static json_t *show_rollout(struct api_call *call, const struct db_rows *rows, void *context,
                            int *status)
{
    const bool *full = context;
    json_t *rollout = json_pack(
        "{s:I, s:s, s:s*, s:s, s:I, s:s, s:I, s:I, s:s, s:b, s:b, s:b, s:b, s:b, s:s*, s:s*, s:s*}",
        "id", (json_int_t)db_int(rows, 0), "name", db_text(rows, 1), "description",
        mgmt_text(rows, 2), "targetFilterQuery", db_text(rows, 3), "distributionSetId",
        (json_int_t)db_int(rows, 4), "status", db_text(rows, 5), "totalTargets",
        (json_int_t)db_int(rows, 6), "totalGroups", (json_int_t)db_int(rows, 7), "type",
        db_text(rows, 8), "confirmationRequired", db_int(rows, 9) != 0, "downgrade",
        db_int(rows, 10) != 0, "halted", db_int(rows, 27) != 0, "deleted", false, "dynamic", false,
        "haltReason", mgmt_text(rows, 11), "approveDecidedBy", mgmt_text(rows, 12),
        "approvalRemark", mgmt_text(rows, 13));
    if (rollout == NULL)
        return NULL;
    static const char *const numbers[] = {"startAt", "forcetime",    "weight",
                                          "retries", "retrySeconds", "retryOf"};
    for (int i = 0; i < (int)(sizeof numbers / sizeof numbers[0]); i++)
        add_number(rollout, numbers[i], rows, 14 + i);
    if (!db_is_null(rows, 20))
        json_object_set_new(rollout, "maintenanceWindow",
                            json_pack("{s:s, s:s, s:s}", "schedule", db_text(rows, 20), "duration",
                                      db_text(rows, 21), "timezone", db_text(rows, 22)));
    mgmt_stamp(rollout, rows, 23);
    json_object_set_new(rollout, "_links", rollout_links(call, rows));
    *status = *full ? add_counts(call, rollout, db_int(rows, 0), 0) : FLEET_OK;
    if (*status == FLEET_OK)
        return rollout;
    json_decref(rollout);
    return NULL;
}

static const struct mgmt_sort rollout_sorts[] = {
    {"id", "n.id"},
    {"name", "n.name"},
    {"status", "n.status"},
    {"createdat", "n.created_at"},
    {"lastmodifiedat", "n.changed_at"},
    {NULL, NULL},
};

static const struct mgmt_rows rollout_rows = {
    .columns = "n.id, n.name, n.description, n.filter, n.dist_set, n.status, n.total,"
               " (SELECT COUNT(*) FROM rollout_group AS g WHERE g.rollout = n.id), n.kind,"
               " n.confirm, n.downgrade, n.halt_reason, n.decided_by, n.decision_remark,"
               " n.start_at, n.force_at, n.weight, n.retries, n.retry_seconds, n.retry_of,"
               " n.window_schedule, n.window_duration, n.window_zone, n.created_at, n.created_by,"
               " n.changed_at, n.changed_by, " HALTED,
    .table = "rollout AS n",
    .joins = "",
    .key = "n.id",
    .sorts = rollout_sorts,
    .filtered = true,
    .filter = FILTER_ROLLOUTS,
    .show = show_rollout,
};

static int wants_full(struct api_call *call, bool *full)
{
    char text[16];
    const char *representation;
    int status = api_query(call, "representation", text, sizeof text, &representation);
    *full = status == FLEET_OK && representation != NULL && strcasecmp(representation, "full") == 0;
    return status;
}

int path_rollout(struct api_call *call, int64_t *id)
{
    static const char sql[] = "SELECT id FROM rollout WHERE tenant = $1 AND id = $2";
    int64_t found;
    int status = api_segment_id(call, 0, id);
    if (status != FLEET_OK)
        return status;
    status = db_get_int(call->fleet.db, sql, DB_ARGS(db_i(call->fleet.tenant), db_i(*id)), &found);
    if (status == DB_OK)
        return fleet_refuse(&call->fleet, FLEET_NONE, "there is no such rollout");
    return status == DB_ROW ? FLEET_OK : status;
}

int answer_rollout(struct api_call *call, int status, int64_t id)
{
    bool full = true;
    json_t *shown;
    int result = mgmt_one(call, &rollout_rows, "n.tenant = $1 AND n.id = $2",
                          DB_ARGS(db_i(call->fleet.tenant), db_i(id)), &full, &shown);
    return result == FLEET_OK ? mgmt_json(call, status, shown) : result;
}

int mgmt_rollouts(struct api_call *call)
{
    bool full;
    int status = wants_full(call, &full);
    return status == FLEET_OK ? mgmt_list(call, &rollout_rows, "n.tenant = $1",
                                          DB_ARGS(db_i(call->fleet.tenant)), &full)
                              : status;
}

int mgmt_rollout(struct api_call *call)
{
    int64_t id;
    int status = path_rollout(call, &id);
    return status == FLEET_OK ? answer_rollout(call, 200, id) : status;
}

/* Groups */

/* As hawkBit writes them: a condition with its threshold as a text. */
static json_t *threshold(int64_t share)
{
    char text[24];
    snprintf(text, sizeof text, share % 100 != 0 ? "%lld.%02lld" : "%lld", (long long)share / 100,
             (long long)share % 100);
    return json_pack("{s:s, s:s}", "condition", "THRESHOLD", "expression", text);
}

/* An equal part is shown as what it comes to. */
static double percentage(int64_t share, int64_t groups_from_here)
{
    return share != ROLLOUT_EQUAL_PART ? (double)share / 100 : 100.0 / (double)groups_from_here;
}

static json_t *show_group(struct api_call *call, const struct db_rows *rows, void *context,
                          int *status)
{
    const int64_t *rollout = context;
    long long id = db_int(rows, 0);
    bool pauses = strcmp(db_text(rows, 8), "pause") == 0;
    json_t *group = json_pack(
        "{s:I, s:s, s:s*, s:s, s:s*, s:f, s:I, s:b, s:o, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:o}}",
        "id", (json_int_t)id, "name", db_text(rows, 1), "description", mgmt_text(rows, 2), "status",
        db_text(rows, 3), "targetFilterQuery", mgmt_text(rows, 4), "targetPercentage",
        percentage(db_int(rows, 5), db_int(rows, 14)), "totalTargets", (json_int_t)db_int(rows, 6),
        "confirmationRequired", db_int(rows, 10) != 0, "successCondition",
        threshold(db_int(rows, 7)), "successAction", "action", pauses ? "PAUSE" : "NEXTGROUP",
        "expression", "", "errorAction", "action", "PAUSE", "expression", "", "_links", "self",
        mgmt_link(call, "/rollouts/%lld/deploygroups/%lld", (long long)*rollout, id));
    if (group == NULL)
        return NULL;
    if (db_int(rows, 9) != ROLLOUT_NEVER)
        json_object_set_new(group, "errorCondition", threshold(db_int(rows, 9)));
    add_number(group, "startedAt", rows, 11);
    add_number(group, "finishedAt", rows, 12);
    add_number(group, "acceptedErrors", rows, 13);
    *status = add_counts(call, group, *rollout, id);
    if (*status == FLEET_OK)
        return group;
    json_decref(group);
    return NULL;
}

static const struct mgmt_sort group_sorts[] = {
    {"id", "n.id"},
    {"name", "n.name"},
    {"status", "n.status"},
    {NULL, NULL},
};

static const struct mgmt_rows group_rows = {
    .columns = "n.id, n.name, n.description, n.status, n.filter, n.share, n.total,"
               " n.success_share, n.success_action, n.error_share, n.confirm, n.started_at,"
               " n.finished_at, n.accepted, (SELECT COUNT(*) FROM rollout_group AS o"
               " WHERE o.rollout = n.rollout AND o.position >= n.position)",
    .table = "rollout_group AS n",
    .joins = "",
    .key = "n.id",
    .sorts = group_sorts,
    .filtered = true,
    .filter = FILTER_GROUPS,
    .show = show_group,
};

int mgmt_groups(struct api_call *call)
{
    int64_t id;
    int status = path_rollout(call, &id);
    return status == FLEET_OK
               ? mgmt_list(call, &group_rows, "n.rollout = $1", DB_ARGS(db_i(id)), &id)
               : status;
}

static int read_group(struct api_call *call, int64_t *rollout, int64_t *group, json_t **out)
{
    int status = path_rollout(call, rollout);
    if (status == FLEET_OK)
        status = api_segment_id(call, 1, group);
    return status == FLEET_OK ? mgmt_one(call, &group_rows, "n.rollout = $1 AND n.id = $2",
                                         DB_ARGS(db_i(*rollout), db_i(*group)), rollout, out)
                              : status;
}

int mgmt_group(struct api_call *call)
{
    int64_t rollout;
    int64_t group;
    json_t *shown;
    int status = read_group(call, &rollout, &group, &shown);
    return status == FLEET_OK ? mgmt_json(call, 200, shown) : status;
}

int mgmt_group_targets(struct api_call *call)
{
    int64_t rollout;
    int64_t group;
    json_t *shown;
    struct poll_rules rules;
    int status = read_group(call, &rollout, &group, &shown);
    if (status != FLEET_OK)
        return status;
    json_decref(shown);
    status = poll_rules_read(call, &rules);
    return status == FLEET_OK
               ? mgmt_list(call, &target_rows,
                           "t.tenant = $1 AND t.id IN (SELECT x.target FROM rollout_target AS x"
                           " WHERE x.rollout_group = $2)",
                           DB_ARGS(db_i(call->fleet.tenant), db_i(group)), &rules)
               : status;
}

/* Orders */

/* hawkBit has a code of its own for an order that comes at the wrong time. */
static int answer_order(struct api_call *call, int status)
{
    if (status == FLEET_OK)
        return api_status(call, 204);
    if (status != FLEET_STATE)
        return status;
    return mgmt_error(call, 400, MGMT_CODE "rollout.illegalState", "%s", call->fleet.problem);
}

static int order(struct api_call *call, enum rollout_order what)
{
    int64_t id;
    int status = path_rollout(call, &id);
    return status == FLEET_OK ? answer_order(call, rollout_order(&call->fleet, id, what)) : status;
}

int mgmt_rollout_start(struct api_call *call)
{
    return order(call, ROLLOUT_START);
}

int mgmt_rollout_pause(struct api_call *call)
{
    return order(call, ROLLOUT_ORDER_PAUSE);
}

int mgmt_rollout_resume(struct api_call *call)
{
    return order(call, ROLLOUT_RESUME);
}

int mgmt_rollout_stop(struct api_call *call)
{
    return order(call, ROLLOUT_STOP);
}

int mgmt_rollout_next(struct api_call *call)
{
    return order(call, ROLLOUT_TRIGGER_NEXT);
}

int mgmt_rollout_delete(struct api_call *call)
{
    return order(call, ROLLOUT_DELETE);
}

static int decide(struct api_call *call, bool approved)
{
    char text[CATALOG_TEXT_MAX + 1];
    int64_t id;
    const char *remark;
    int status = api_query(call, "remark", text, sizeof text, &remark);
    if (status == FLEET_OK)
        status = path_rollout(call, &id);
    if (status == FLEET_OK && remark != NULL && !fleet_text_valid(remark, CATALOG_TEXT_MAX))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "a remark has 1 to %d bytes",
                            CATALOG_TEXT_MAX);
    return status == FLEET_OK
               ? answer_order(call, rollout_decide(&call->fleet, id, approved, remark))
               : status;
}

int mgmt_rollout_approve(struct api_call *call)
{
    return decide(call, true);
}

int mgmt_rollout_deny(struct api_call *call)
{
    return decide(call, false);
}

int mgmt_rollout_retry(struct api_call *call)
{
    int64_t id;
    int64_t again;
    int status = path_rollout(call, &id);
    if (status == FLEET_OK)
        status = rollout_retry(&call->fleet, id, &again);
    if (status == FLEET_STATE)
        return answer_order(call, status);
    return status == FLEET_OK ? answer_rollout(call, 201, again) : status;
}
