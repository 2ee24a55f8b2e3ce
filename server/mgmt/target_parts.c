/* server/mgmt/target_parts.c: what hangs on a target: attributes, sets, tags, auto-confirmation. */
#include <string.h>

#include "host/escape.h"
#include "server/fleet/action.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/sets.h"
#include "server/mgmt/targets.h"

/* Attributes */

int mgmt_attributes(struct api_call *call)
{
    static const char sql[] =
        "SELECT key, value FROM target_attribute WHERE target = $1 ORDER BY key";
    struct target target;
    int status = path_target(call, &target);
    if (status != FLEET_OK)
        return status;
    json_t *answer = json_object();
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(target.id)));
    while ((status = db_next(rows)) == DB_ROW)
        json_object_set_new(answer, db_text(rows, 0), json_string(db_text(rows, 1)));
    if (status == DB_OK && json_object_size(answer) > 0)
        return mgmt_json(call, 200, answer);
    json_decref(answer);
    return status == DB_OK ? api_status(call, 204) : status;
}

/* Sets */

static int answer_set_of(struct api_call *call, bool installed)
{
    struct target target;
    int status = path_target(call, &target);
    if (status != FLEET_OK)
        return status;
    int64_t id = installed ? target.installed_set : target.assigned_set;
    return id != 0 ? answer_set(call, 200, id) : api_status(call, 204);
}

int mgmt_assigned_set(struct api_call *call)
{
    return answer_set_of(call, false);
}

int mgmt_installed_set(struct api_call *call)
{
    return answer_set_of(call, true);
}

/* Confirmation */

int mgmt_auto_confirm(struct api_call *call)
{
    static const char sql[] = "SELECT auto_confirm_by, auto_confirm_remark, auto_confirm_at"
                              " FROM target WHERE id = $1 AND auto_confirm_at IS NOT NULL";
    struct target target;
    int status = path_target(call, &target);
    if (status != FLEET_OK)
        return status;
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(target.id)));
    status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? mgmt_json(call, 200, json_pack("{s:b}", "active", 0)) : status;
    json_t *answer =
        json_pack("{s:b, s:s*, s:s*, s:I}", "active", 1, "initiator", mgmt_text(rows, 0), "remark",
                  mgmt_text(rows, 1), "activatedAt", (json_int_t)db_int(rows, 2));
    db_end(rows);
    return mgmt_json(call, 200, answer);
}

static int set_auto_confirm(struct api_call *call, bool on)
{
    struct target target;
    const char *initiator = call->who;
    const char *remark = NULL;
    int status = path_target(call, &target);
    if (status == FLEET_OK && call->json != NULL)
        status = api_member_text(call, call->json, "initiator", false, 64, &initiator);
    if (status == FLEET_OK && call->json != NULL)
        status = api_member_text(call, call->json, "remark", false, 512, &remark);
    if (status == FLEET_OK)
        status = target_auto_confirm(&call->fleet, &target, on, initiator, remark);
    if (status == FLEET_EXISTS)
        return mgmt_error(call, 409, MGMT_CODE "repo.autoConfAlreadyActive", "%s",
                          call->fleet.problem);
    if (status == FLEET_OK)
        status = mgmt_audit(call, on ? "target.autoconfirm" : "target.confirm", "", "target %s",
                            target.controller_id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

int mgmt_auto_confirm_on(struct api_call *call)
{
    return set_auto_confirm(call, true);
}

int mgmt_auto_confirm_off(struct api_call *call)
{
    return set_auto_confirm(call, false);
}

/* Tags: of one target, by their names. */

int mgmt_target_tags(struct api_call *call)
{
    static const char sql[] = "SELECT tag FROM target_tag WHERE target = $1 ORDER BY tag";
    struct target target;
    int status = path_target(call, &target);
    if (status != FLEET_OK)
        return status;
    json_t *answer = json_array();
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(target.id)));
    while ((status = db_next(rows)) == DB_ROW)
        json_array_append_new(answer, json_string(db_text(rows, 0)));
    if (status == DB_OK)
        return mgmt_json(call, 200, answer);
    json_decref(answer);
    return status;
}

static int tag_one(struct api_call *call, const char *controller_id, const char *tag, bool present)
{
    struct target target;
    int status = target_find(&call->fleet, controller_id, &target);
    if (status == FLEET_NONE)
        return fleet_refuse(&call->fleet, FLEET_NONE, "there is no target %s", controller_id);
    if (status == FLEET_OK)
        status = target_tag(&call->fleet, target.id, tag, present);
    return status == FLEET_OK ? mgmt_audit(call, present ? "target.tag" : "target.untag", tag,
                                           "target %s", controller_id)
                              : status;
}

/* Every text of the body, which is a list of them. */
static int each_text(struct api_call *call, int (*each)(struct api_call *call, const char *text))
{
    size_t index;
    json_t *item;
    int status = FLEET_OK;
    if (!json_is_array(call->json) || json_array_size(call->json) == 0)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the body is a list of texts");
    if (json_array_size(call->json) > MGMT_LIST_MAX)
        return fleet_refuse(&call->fleet, FLEET_QUOTA, "more than %d at once", MGMT_LIST_MAX);
    json_array_foreach(call->json, index, item)
    {
        if (status != FLEET_OK)
            break;
        status = json_is_string(item)
                     ? each(call, json_string_value(item))
                     : fleet_refuse(&call->fleet, FLEET_INVALID, "the body is a list of texts");
    }
    return status == FLEET_OK ? api_status(call, 204) : status;
}

static int add_tag(struct api_call *call, const char *tag)
{
    return tag_one(call, call->segment[0], tag, true);
}

int mgmt_target_tag(struct api_call *call)
{
    return each_text(call, add_tag);
}

int mgmt_target_untag(struct api_call *call)
{
    int status = tag_one(call, call->segment[0], call->segment[1], false);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

/* Tags of the fleet: hawkBit's paths, with the name where it has a number. */

static json_t *show_tag(struct api_call *call, const struct db_rows *rows, void *context,
                        int *status)
{
    const char *tag = db_text(rows, 0);
    char segment[ESCAPED_URL(TARGET_TAG_MAX)];
    (void)context;
    (void)status;
    escape_url(tag, segment, sizeof segment);
    return json_pack("{s:s, s:I, s:{s:o}}", "name", tag, "targets", (json_int_t)db_int(rows, 1),
                     "_links", "assignedTargets",
                     mgmt_link(call, "/targettags/%s/assigned", segment));
}

static const struct mgmt_sort tag_sorts[] = {
    {"name", "n.tag"}, {"targets", "n.targets"}, {NULL, NULL}};
static const struct mgmt_rows tag_rows = {
    .columns = "n.tag, n.targets",
    .table = "(SELECT g.tag AS tag, COUNT(*) AS targets FROM target_tag AS g JOIN target AS t"
             " ON t.id = g.target WHERE t.tenant = $1 GROUP BY g.tag) AS n",
    .joins = "",
    .key = "n.tag",
    .sorts = tag_sorts,
    .show = show_tag,
};

int mgmt_tags(struct api_call *call)
{
    return mgmt_list(call, &tag_rows, "n.targets > 0", DB_ARGS(db_i(call->fleet.tenant)), NULL);
}

int mgmt_tagged(struct api_call *call)
{
    struct poll_rules rules;
    int status = poll_rules_read(call, &rules);
    return status == FLEET_OK
               ? mgmt_list(call, &target_rows,
                           "t.tenant = $1 AND t.id IN (SELECT target FROM target_tag"
                           " WHERE tag = $2)",
                           DB_ARGS(db_i(call->fleet.tenant), db_t(call->segment[0])), &rules)
               : status;
}

static int tag_target(struct api_call *call, const char *controller_id)
{
    return tag_one(call, controller_id, call->segment[0], true);
}

int mgmt_tag_targets(struct api_call *call)
{
    return each_text(call, tag_target);
}

static int change_tag(struct api_call *call, bool present)
{
    int status = tag_one(call, call->segment[1], call->segment[0], present);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

int mgmt_tag_target(struct api_call *call)
{
    return change_tag(call, true);
}

int mgmt_untag_target(struct api_call *call)
{
    return change_tag(call, false);
}
