/* server/mgmt/assign.c: which target gets which set, on which terms (hawkbit-ddi.md 4 and 10). */
#include <stdio.h>
#include <string.h>

#include "host/escape.h"
#include "server/fleet/action_offline.h"
#include "server/fleet/window.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/sets.h"
#include "server/mgmt/targets.h"
#include "server/mgmt/terms.h"

/* What has been assigned so far. */
struct tally {
    int64_t already;
    json_t *actions;
    bool offline;
};

/* Terms */

static int copy_text(struct api_call *call, json_t *object, const char *name, char *out,
                     size_t size)
{
    const char *text = NULL;
    int status = api_member_text(call, object, name, true, size - 1, &text);
    if (status == FLEET_OK)
        snprintf(out, size, "%s", text);
    return status;
}

static int read_window(struct api_call *call, json_t *object, struct action_window *out)
{
    struct window window;
    if (object == NULL || json_is_null(object))
        return FLEET_OK;
    if (!json_is_object(object))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "maintenanceWindow is an object");
    int status = copy_text(call, object, "schedule", out->schedule, sizeof out->schedule);
    if (status == FLEET_OK)
        status = copy_text(call, object, "duration", out->duration, sizeof out->duration);
    if (status == FLEET_OK)
        status = copy_text(call, object, "timezone", out->zone, sizeof out->zone);
    if (status != FLEET_OK)
        return status;
    const char *wrong = window_parse(out->schedule, out->duration, out->zone, &window);
    if (wrong == NULL && !window_open(&window, call->fleet.now) &&
        window_next(&window, call->fleet.now) < 0)
        wrong = "it never opens again";
    return wrong == NULL
               ? FLEET_OK
               : fleet_refuse(&call->fleet, FLEET_INVALID, "maintenanceWindow: %s", wrong);
}

int read_terms(struct api_call *call, json_t *object, struct action_terms *out)
{
    const char *kind = "forced";
    *out = (struct action_terms){.weight = -1, .confirm = true};
    int status = api_member_text(call, object, "type", false, 16, &kind);
    if (status == FLEET_OK && !action_kind_parse(kind, &out->kind))
        return fleet_refuse(&call->fleet, FLEET_INVALID,
                            "type is forced, soft, timeforced or downloadonly");
    if (status == FLEET_OK)
        status = api_member_int(call, object, "forcetime", out->kind == ACTION_TIMEFORCED, 0,
                                INT64_MAX, &out->force_at);
    if (status == FLEET_OK)
        status =
            api_member_int(call, object, "weight", false, 0, ACTION_WEIGHT_DEFAULT, &out->weight);
    if (status == FLEET_OK)
        status = api_member_bool(call, object, "confirmationRequired", &out->confirm);
    if (status == FLEET_OK)
        status = api_member_bool(call, object, "downgrade", &out->downgrade);
    return status == FLEET_OK
               ? read_window(call, json_object_get(object, "maintenanceWindow"), &out->window)
               : status;
}

/* Assigning */

static int assign(struct api_call *call, const struct target *target, int64_t set,
                  struct action_terms *terms, struct tally *tally)
{
    char detail[80];
    int64_t id;
    if (target->assigned_set == set) {
        tally->already++;
        return FLEET_OK;
    }
    int status =
        (tally->offline ? action_offline : action_assign)(&call->fleet, target, set, terms, &id);
    if (status != FLEET_OK)
        return status;
    snprintf(detail, sizeof detail, "set %lld, action %lld%s", (long long)set, (long long)id,
             tally->offline ? ", offline" : "");
    char segment[ESCAPED_URL(TARGET_ID_MAX)];
    escape_url(target->controller_id, segment, sizeof segment);
    json_array_append_new(
        tally->actions,
        json_pack("{s:I, s:{s:o}}", "id", (json_int_t)id, "_links", "self",
                  mgmt_link(call, "/targets/%s/actions/%lld", segment, (long long)id)));
    return mgmt_audit(call, "target.assign", detail, "target %s", target->controller_id);
}

static int start_tally(struct api_call *call, struct tally *tally)
{
    *tally = (struct tally){.actions = json_array()};
    return api_query_bool(call, "offline", &tally->offline);
}

static int end_tally(struct api_call *call, struct tally *tally, int status)
{
    if (status != FLEET_OK) {
        json_decref(tally->actions);
        return status;
    }
    json_int_t count = (json_int_t)json_array_size(tally->actions);
    return mgmt_json(call, 200,
                     json_pack("{s:I, s:I, s:I, s:o}", "assigned", count, "alreadyAssigned",
                               (json_int_t)tally->already, "total",
                               count + (json_int_t)tally->already, "assignedActions",
                               tally->actions));
}

static int assign_named(struct api_call *call, json_t *object, int64_t set, struct tally *tally)
{
    struct action_terms terms;
    struct target target;
    const char *controller_id = NULL;
    if (!json_is_object(object))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the body is a list of objects");
    int status = api_member_text(call, object, "id", true, TARGET_ID_MAX, &controller_id);
    if (status == FLEET_OK)
        status = read_terms(call, object, &terms);
    if (status == FLEET_OK)
        status = target_find(&call->fleet, controller_id, &target);
    if (status == FLEET_NONE)
        return fleet_refuse(&call->fleet, FLEET_NONE, "there is no target %s", controller_id);
    return status == FLEET_OK ? assign(call, &target, set, &terms, tally) : status;
}

int mgmt_assign_targets(struct api_call *call)
{
    struct tally tally;
    size_t index;
    json_t *object;
    int64_t set;
    int status = path_set(call, &set);
    if (status != FLEET_OK)
        return status;
    if (json_array_size(call->json) == 0)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the body is a list of {\"id\": text}");
    if (json_array_size(call->json) > MGMT_LIST_MAX)
        return fleet_refuse(&call->fleet, FLEET_QUOTA, "more than %d targets at once",
                            MGMT_LIST_MAX);
    status = start_tally(call, &tally);
    json_array_foreach(call->json, index, object)
    {
        if (status == FLEET_OK)
            status = assign_named(call, object, set, &tally);
    }
    return end_tally(call, &tally, status);
}

int mgmt_assign_set(struct api_call *call)
{
    struct action_terms terms;
    struct target target;
    struct tally tally;
    json_t *object = json_is_array(call->json) ? json_array_get(call->json, 0) : call->json;
    int64_t set;
    if (!json_is_object(object) || json_array_size(call->json) > 1)
        return fleet_refuse(&call->fleet, FLEET_INVALID,
                            "a target is assigned one distribution set at a time");
    int status = path_target(call, &target);
    if (status == FLEET_OK)
        status = member_id(call, object, &set);
    if (status == FLEET_OK)
        status = read_terms(call, object, &terms);
    if (status != FLEET_OK)
        return status;
    status = start_tally(call, &tally);
    if (status == FLEET_OK)
        status = assign(call, &target, set, &terms, &tally);
    return end_tally(call, &tally, status);
}
