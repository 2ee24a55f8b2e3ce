/* server/mgmt/rollout_create.c: a rollout out of what a body says (hawkbit-ddi.md 10).
 *
 * Conditions stand at the rollout, for all groups, and at a group, for that one. Percentages are
 * texts in conditions ("50", "0.5") and numbers at groups.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/fleet/catalog.h"
#include "server/fleet/filter.h"
#include "server/fleet/rollout.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/rollouts.h"
#include "server/mgmt/terms.h"

#define SHARE_DEFAULT 5000 /* as in hawkBit */

/* "12.5" as hundredths of a percent; -1: it is no percentage. */
static int64_t parse_share(const char *text)
{
    char *end;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 6)
        return -1;
    int64_t share = 100 * strtoll(text, &end, 10);
    if (*end == '.' && end[1] >= '0' && end[1] <= '9') {
        share += 10 * (end[1] - '0');
        bool second = end[2] >= '0' && end[2] <= '9';
        share += second ? end[2] - '0' : 0;
        end += second ? 3 : 2;
    }
    return *end == '\0' && share <= ROLLOUT_SHARE ? share : -1;
}

/* {"condition":"THRESHOLD","expression":"50"}; absent: *share stays. */
static int read_condition(struct api_call *call, json_t *object, const char *name, int64_t *share)
{
    json_t *condition = json_object_get(object, name);
    const char *word = "THRESHOLD";
    const char *expression = NULL;
    if (condition == NULL || json_is_null(condition))
        return FLEET_OK;
    if (!json_is_object(condition))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is an object", name);
    int status = api_member_text(call, condition, "condition", false, 32, &word);
    if (status == FLEET_OK)
        status = api_member_text(call, condition, "expression", true, 16, &expression);
    if (status != FLEET_OK)
        return status;
    *share = parse_share(expression);
    if (strcasecmp(word, "THRESHOLD") == 0 && *share >= 0)
        return FLEET_OK;
    return fleet_refuse(&call->fleet, FLEET_INVALID,
                        "%s is a THRESHOLD with a percentage as its expression", name);
}

/* {"action":"NEXTGROUP"|"PAUSE"}; *pauses stays when it is absent. */
static int read_action(struct api_call *call, json_t *object, const char *name, bool *pauses)
{
    json_t *action = json_object_get(object, name);
    const char *word = NULL;
    if (action == NULL || json_is_null(action))
        return FLEET_OK;
    if (!json_is_object(action))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is an object", name);
    int status = api_member_text(call, action, "action", true, 32, &word);
    if (status != FLEET_OK)
        return status;
    *pauses = strcasecmp(word, "PAUSE") == 0;
    if (!*pauses && strcasecmp(word, "NEXTGROUP") != 0)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the action of %s is NEXTGROUP or PAUSE",
                            name);
    return FLEET_OK;
}

/* What both a rollout and a group may state; `out` has what holds otherwise. */
static int read_conditions(struct api_call *call, json_t *object, struct rollout_group_new *out)
{
    bool pauses = out->success_then == ROLLOUT_PAUSE;
    bool halts = true;
    int status = read_condition(call, object, "successCondition", &out->success_share);
    if (status == FLEET_OK)
        status = read_action(call, object, "successAction", &pauses);
    if (status == FLEET_OK)
        status = read_condition(call, object, "errorCondition", &out->error_share);
    if (status == FLEET_OK)
        status = read_action(call, object, "errorAction", &halts);
    if (status == FLEET_OK && !halts)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the action of errorAction is PAUSE");
    out->success_then = pauses ? ROLLOUT_PAUSE : ROLLOUT_NEXT_GROUP;
    return status;
}

static int read_percentage(struct api_call *call, json_t *object, int64_t *share)
{
    json_t *value = json_object_get(object, "targetPercentage");
    if (value == NULL || json_is_null(value))
        return FLEET_OK;
    double percent = json_is_number(value) ? json_number_value(value) : -1;
    if (!(percent >= 0.01 && percent <= 100))
        return fleet_refuse(&call->fleet, FLEET_INVALID,
                            "targetPercentage is a number, 0.01 to 100");
    *share = (int64_t)(percent * 100 + 0.5);
    return FLEET_OK;
}

static int read_group(struct api_call *call, json_t *object, struct rollout_group_new *out)
{
    if (!json_is_object(object))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "groups is a list of objects");
    out->share = ROLLOUT_SHARE;
    int status = api_member_text(call, object, "name", false, CATALOG_NAME_MAX, &out->name);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, object, "description", CATALOG_TEXT_MAX, &out->description);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, object, "targetFilterQuery", FILTER_TEXT_MAX, &out->filter);
    if (status == FLEET_OK)
        status = read_percentage(call, object, &out->share);
    if (status == FLEET_OK)
        status = api_member_bool(call, object, "confirmationRequired", &out->confirm);
    return status == FLEET_OK ? read_conditions(call, object, out) : status;
}

/* `groups`, or as many equal ones as `amountGroups` says, else one; *out is the caller's to free.
 */
static int read_groups(struct api_call *call, struct rollout_new *new,
                       struct rollout_group_new **out)
{
    json_t *list = json_object_get(call->json, "groups");
    bool listed = json_is_array(list) && json_array_size(list) > 0;
    struct rollout_group_new common = {
        .success_share = SHARE_DEFAULT, .error_share = SHARE_DEFAULT, .share = ROLLOUT_EQUAL_PART};
    int64_t count = listed ? (int64_t)json_array_size(list) : 1;
    int status = FLEET_OK;
    if (!listed)
        status = api_member_int(call, call->json, "amountGroups", json_is_array(list), 1,
                                ROLLOUT_GROUPS_MAX, &count);
    if (status == FLEET_OK && count > ROLLOUT_GROUPS_MAX)
        return fleet_refuse(&call->fleet, FLEET_QUOTA, "a rollout has at most %d groups",
                            ROLLOUT_GROUPS_MAX);
    if (status == FLEET_OK)
        status = read_conditions(call, call->json, &common);
    if (status != FLEET_OK)
        return status;
    *out = calloc((size_t)count, sizeof **out);
    if (*out == NULL)
        return DB_EIO;
    for (size_t i = 0; i < (size_t)count && status == FLEET_OK; i++) {
        (*out)[i] = common;
        if (listed)
            status = read_group(call, json_array_get(list, i), &(*out)[i]);
    }
    new->groups = *out;
    new->group_count = (size_t)count;
    return status;
}

static int read_rollout(struct api_call *call, struct rollout_new *new)
{
    json_t *body = call->json;
    bool dynamic = false;
    if (!json_is_object(body))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the body is an object");
    int status = api_member_text(call, body, "name", true, CATALOG_NAME_MAX, &new->name);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, body, "description", CATALOG_TEXT_MAX, &new->description);
    if (status == FLEET_OK)
        status =
            api_member_text(call, body, "targetFilterQuery", true, FILTER_TEXT_MAX, &new->filter);
    if (status == FLEET_OK)
        status =
            api_member_int(call, body, "distributionSetId", true, 1, INT64_MAX, &new->dist_set);
    if (status == FLEET_OK)
        status = api_member_int(call, body, "startAt", false, 0, INT64_MAX, &new->start_at);
    if (status == FLEET_OK)
        status =
            api_member_int(call, body, "retries", false, 0, ROLLOUT_RETRIES_MAX, &new->retries);
    if (status == FLEET_OK)
        status = api_member_int(call, body, "retrySeconds", false, 0, ROLLOUT_PAUSE_MAX,
                                &new->retry_seconds);
    if (status == FLEET_OK)
        status = api_member_bool(call, body, "dynamic", &dynamic);
    if (status == FLEET_OK && dynamic)
        return fleet_refuse(&call->fleet, FLEET_INVALID,
                            "no dynamic rollouts (a target filter with a set to assign gives it"
                            " to new targets)");
    return status == FLEET_OK ? read_terms(call, body, &new->terms) : status;
}

int mgmt_rollout_create(struct api_call *call)
{
    struct rollout_new new = {.retry_seconds = 300};
    struct rollout_group_new *groups = NULL;
    int64_t id;
    int status = read_rollout(call, &new);
    if (status == FLEET_OK)
        status = read_groups(call, &new, &groups);
    if (status == FLEET_OK)
        status = rollout_create(&call->fleet, &new, &id);
    free(groups);
    return status == FLEET_OK ? answer_rollout(call, 201, id) : status;
}
