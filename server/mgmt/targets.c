/* server/mgmt/targets.c: targets: to list, make, change and remove them (hawkbit-ddi.md 10). */
#include "server/mgmt/targets.h"

#include <string.h>

#include "host/escape.h"
#include "server/fleet/catalog.h"
#include "server/fleet/polling.h"
#include "server/fleet/setting.h"
#include "server/mgmt/mgmt.h"

static const struct mgmt_sort sorts[] = {
    {"controllerid", "t.controller_id"},
    {"id", "t.id"},
    {"name", "t.name"},
    {"description", "COALESCE(t.description, '')"},
    {"updatestatus", "t.update_status"},
    {"createdat", "t.created_at"},
    {"lastmodifiedat", "t.changed_at"},
    {"installedat", "COALESCE(t.installed_at, 0)"},
    {"lastcontrollerrequestat",
     "COALESCE((SELECT polled_at FROM target_poll WHERE target = t.id), 0)"},
    {NULL, NULL},
};

static json_t *show_target(struct api_call *call, const struct db_rows *rows, void *context,
                           int *status);

const struct mgmt_rows target_rows = {
    .columns = "t.id, t.controller_id, t.name, t.description, t.address, t.type, t.group_name,"
               " t.security_token, t.update_status, t.request_attributes, t.installed_at,"
               " t.auto_confirm_at, t.revoked_at, p.polled_at, p.address, a.id, a.name, a.version,"
               " i.id, i.name, i.version, t.created_at, t.created_by, t.changed_at, t.changed_by",
    .table = "target AS t",
    .joins = " LEFT JOIN target_poll AS p ON p.target = t.id"
             " LEFT JOIN dist_set AS a ON a.id = t.assigned_set"
             " LEFT JOIN dist_set AS i ON i.id = t.installed_set",
    .key = "t.id",
    .sorts = sorts,
    .filtered = true,
    .filter = FILTER_TARGETS,
    .show = show_target,
};

/* How a target is shown */

static int setting_ms(struct api_call *call, const char *key, int64_t *out)
{
    char text[SETTING_VALUE_MAX + 1];
    struct polling polling;
    int status = setting_get(&call->fleet, key, text);
    if (status == FLEET_OK && polling_parse(text, &polling) == NULL)
        *out = (int64_t)polling.seconds * 1000;
    return status;
}

int poll_rules_read(struct api_call *call, struct poll_rules *out)
{
    *out = (struct poll_rules){0};
    int status = setting_ms(call, "pollingTime", &out->interval);
    return status == FLEET_OK ? setting_ms(call, "pollingOverdueTime", &out->grace) : status;
}

static void show_poll(json_t *target, int64_t at, int64_t now, const struct poll_rules *rules)
{
    int64_t next = at + rules->interval;
    json_object_set_new(target, "lastControllerRequestAt", json_integer(at));
    json_object_set_new(target, "pollStatus",
                        json_pack("{s:I, s:I, s:b}", "lastRequestAt", (json_int_t)at,
                                  "nextExpectedRequestAt", (json_int_t)next, "overdue",
                                  now > next + rules->grace));
}

/* The set of three columns: id, name, version. */
static void show_set(json_t *target, const char *name, const struct db_rows *rows, int column)
{
    if (!db_is_null(rows, column))
        json_object_set_new(target, name,
                            json_pack("{s:I, s:s, s:s}", "id", (json_int_t)db_int(rows, column),
                                      "name", db_text(rows, column + 1), "version",
                                      db_text(rows, column + 2)));
}

static int show_tags(struct api_call *call, int64_t id, json_t *target)
{
    static const char sql[] = "SELECT tag FROM target_tag WHERE target = $1 ORDER BY tag";
    int status;
    json_t *tags = json_array();
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(id)));
    while ((status = db_next(rows)) == DB_ROW)
        json_array_append_new(tags, json_string(db_text(rows, 0)));
    json_object_set_new(target, "tags", tags);
    return status;
}

static void show_links(struct api_call *call, const char *controller_id, json_t *target)
{
    static const char *const parts[] = {"attributes", "actions", "assignedDS", "installedDS"};
    char id[ESCAPED_URL(TARGET_ID_MAX)];
    escape_url(controller_id, id, sizeof id);
    json_t *links = json_pack("{s:o}", "self", mgmt_link(call, "/targets/%s", id));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        json_object_set_new(links, parts[i], mgmt_link(call, "/targets/%s/%s", id, parts[i]));
    json_object_set_new(target, "_links", links);
}

/* What would let one pose as the device is for those who may make devices. */
static json_t *show_target(struct api_call *call, const struct db_rows *rows, void *context,
                           int *status)
{
    json_t *target = json_pack(
        "{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s, s:b, s:b, s:b}", "controllerId", db_text(rows, 1),
        "name", db_text(rows, 2), "description", mgmt_text(rows, 3), "address", mgmt_text(rows, 4),
        "targetTypeName", mgmt_text(rows, 5), "group", mgmt_text(rows, 6), "updateStatus",
        db_text(rows, 8), "requestAttributes", db_int(rows, 9) != 0, "autoConfirmActive",
        !db_is_null(rows, 11), "revoked", !db_is_null(rows, 12));
    if (target == NULL)
        return NULL;
    if (call->role >= API_OPERATE)
        json_object_set_new(target, "securityToken", json_string(db_text(rows, 7)));
    if (!db_is_null(rows, 10))
        json_object_set_new(target, "installedAt", json_integer(db_int(rows, 10)));
    if (!db_is_null(rows, 13))
        show_poll(target, db_int(rows, 13), call->fleet.now, context);
    if (!db_is_null(rows, 14))
        json_object_set_new(target, "ipAddress", json_string(db_text(rows, 14)));
    show_set(target, "assignedDistributionSet", rows, 15);
    show_set(target, "installedDistributionSet", rows, 18);
    mgmt_stamp(target, rows, 21);
    show_links(call, db_text(rows, 1), target);
    *status = show_tags(call, db_int(rows, 0), target);
    if (*status == FLEET_OK)
        return target;
    json_decref(target);
    return NULL;
}

/* Looking */

int path_target(struct api_call *call, struct target *out)
{
    return target_find(&call->fleet, call->segment[0], out);
}

static int read_shown(struct api_call *call, int64_t id, json_t **out)
{
    struct poll_rules rules;
    int status = poll_rules_read(call, &rules);
    return status == FLEET_OK
               ? mgmt_one(call, &target_rows, "t.id = $1", DB_ARGS(db_i(id)), &rules, out)
               : status;
}

int answer_target(struct api_call *call, int status, int64_t id)
{
    json_t *shown;
    int result = read_shown(call, id, &shown);
    return result == FLEET_OK ? mgmt_json(call, status, shown) : result;
}

int mgmt_targets(struct api_call *call)
{
    struct poll_rules rules;
    int status = poll_rules_read(call, &rules);
    return status == FLEET_OK ? mgmt_list(call, &target_rows, "t.tenant = $1",
                                          DB_ARGS(db_i(call->fleet.tenant)), &rules)
                              : status;
}

int mgmt_target(struct api_call *call)
{
    struct target target;
    int status = path_target(call, &target);
    return status == FLEET_OK ? answer_target(call, 200, target.id) : status;
}

/* Changing */

/* The members that both making and changing know. */
static int read_change(struct api_call *call, json_t *object, struct target_change *change)
{
    const struct {
        const char *name;
        size_t max;
        const char **out;
    } notes[] = {
        {"description", CATALOG_TEXT_MAX, &change->description},
        {"address", CATALOG_TEXT_MAX, &change->address},
        {"targetTypeName", CATALOG_TYPE_MAX, &change->type},
        {"group", CATALOG_NAME_MAX, &change->group},
    };
    int status = api_member_text(call, object, "name", false, CATALOG_NAME_MAX, &change->name);
    if (status == FLEET_OK)
        status = api_member_text(call, object, "securityToken", false, TARGET_TOKEN_MAX,
                                 &change->security_token);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0] && status == FLEET_OK; i++)
        status = mgmt_member_note(call, object, notes[i].name, notes[i].max, notes[i].out);
    return status;
}

static int create_one(struct api_call *call, json_t *object, json_t *answer)
{
    struct target_change given = {0};
    struct target_new new = {.update_status = "unknown"};
    struct target target;
    json_t *shown = NULL;
    int status =
        api_member_text(call, object, "controllerId", true, TARGET_ID_MAX, &new.controller_id);
    if (status == FLEET_OK)
        status = read_change(call, object, &given);
    if (status != FLEET_OK)
        return status;
    new.name = given.name;
    new.description = given.description;
    new.address = given.address;
    new.type = given.type;
    new.group = given.group;
    new.security_token = given.security_token;
    status = target_create(&call->fleet, &new, &target);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "target.create", "", "target %s", target.controller_id);
    if (status == FLEET_OK)
        status = read_shown(call, target.id, &shown);
    if (status == FLEET_OK && json_array_append_new(answer, shown) != 0)
        return DB_EIO;
    return status;
}

int mgmt_targets_create(struct api_call *call)
{
    json_t *answer;
    int status = mgmt_each(call, create_one, &answer);
    return status == FLEET_OK ? mgmt_json(call, 201, answer) : status;
}

int mgmt_target_update(struct api_call *call)
{
    struct target target;
    struct target_change change = {0};
    bool request = false;
    int status = path_target(call, &target);
    if (status == FLEET_OK)
        status = read_change(call, call->json, &change);
    if (json_object_get(call->json, "requestAttributes") != NULL)
        change.request_attributes = &request;
    if (status == FLEET_OK)
        status = api_member_bool(call, call->json, "requestAttributes", &request);
    if (status == FLEET_OK)
        status = target_update(&call->fleet, target.id, &change);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "target.update",
                            change.security_token != NULL ? "with a new token" : "", "target %s",
                            target.controller_id);
    return status == FLEET_OK ? answer_target(call, 200, target.id) : status;
}

int mgmt_target_delete(struct api_call *call)
{
    struct target target;
    int status = path_target(call, &target);
    if (status == FLEET_OK)
        status = target_delete(&call->fleet, target.id);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "target.delete", "", "target %s", target.controller_id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

static int set_revoked(struct api_call *call, bool revoked)
{
    struct target target;
    int status = path_target(call, &target);
    if (status == FLEET_OK && target.revoked != revoked)
        status = target_revoke(&call->fleet, target.id, revoked);
    if (status == FLEET_OK)
        status = mgmt_audit(call, revoked ? "target.revoke" : "target.unrevoke", "", "target %s",
                            target.controller_id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

int mgmt_target_revoke(struct api_call *call)
{
    return set_revoked(call, true);
}

int mgmt_target_unrevoke(struct api_call *call)
{
    return set_revoked(call, false);
}

int mgmt_target_token(struct api_call *call)
{
    struct target target;
    char token[TARGET_TOKEN_MAX + 1];
    int status = path_target(call, &target);
    if (status == FLEET_OK)
        status = target_new_token(&call->fleet, target.id, token);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "target.token", "", "target %s", target.controller_id);
    return status == FLEET_OK ? mgmt_json(call, 200, json_pack("{s:s}", "securityToken", token))
                              : status;
}
