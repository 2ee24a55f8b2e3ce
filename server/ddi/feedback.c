/* server/ddi/feedback.c: what devices tell: progress, cancels, attributes, agreement
 * (hawkbit-ddi.md 6 and 7). Every good answer is 200 with an empty body. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/ddi/ddi.h"
#include "server/fleet/action_offline.h"
#include "server/fleet/catalog.h"
#include "server/fleet/target.h"

/* The texts of feedback->details live in call->json. */
struct report {
    struct feedback feedback;
    const char *details[ACTION_MESSAGES_MAX];
};

static int invalid(struct api_call *call, const char *what)
{
    return fleet_refuse(&call->fleet, FLEET_INVALID, "%s", what);
}

/* One text counts as a list of it, as in hawkBit. */
static int read_details(struct api_call *call, json_t *status_object, struct report *report)
{
    json_t *given = json_object_get(status_object, "details");
    bool one = json_is_string(given);
    size_t count = one ? 1 : json_array_size(given);
    if (given != NULL && !json_is_null(given) && !json_is_array(given) && !one)
        return invalid(call, "details is a list of texts");
    if (count > ACTION_MESSAGES_MAX)
        return fleet_refuse(&call->fleet, FLEET_QUOTA, "more than %d messages in one report",
                            ACTION_MESSAGES_MAX);
    for (size_t i = 0; i < count; i++) {
        report->details[i] = json_string_value(one ? given : json_array_get(given, i));
        if (report->details[i] == NULL)
            return invalid(call, "details is a list of texts");
    }
    report->feedback.details = report->details;
    report->feedback.detail_count = count;
    return FLEET_OK;
}

static int read_code(struct api_call *call, json_t *object, struct feedback *feedback)
{
    json_t *code = json_object_get(object, "code");
    feedback->has_code = code != NULL && !json_is_null(code);
    return api_member_int(call, object, "code", false, INT32_MIN, INT32_MAX, &feedback->code);
}

static int read_report(struct api_call *call, struct report *report)
{
    json_t *object = json_object_get(call->json, "status");
    json_t *result = json_object_get(object, "result");
    struct feedback *feedback = &report->feedback;
    *report = (struct report){0};
    if (!json_is_object(object) || !json_is_object(result))
        return invalid(call, "status and status.result are objects");
    int status = api_member_text(call, object, "execution", true, 32, &feedback->execution);
    if (status == FLEET_OK)
        status = api_member_text(call, result, "finished", true, 32, &feedback->finished);
    if (status == FLEET_OK)
        status = api_member_int(call, call->json, "timestamp", false, 0, INT64_MAX,
                                &feedback->occurred_at);
    if (status == FLEET_OK)
        status = read_code(call, object, feedback);
    return status == FLEET_OK ? read_details(call, object, report) : status;
}

static int report_action(struct api_call *call, int (*take)(struct fleet *, const struct target *,
                                                            int64_t, const struct feedback *))
{
    struct report report;
    int64_t id;
    int status = ddi_device(call);
    if (status == FLEET_OK)
        status = api_segment_id(call, 2, &id);
    if (status == FLEET_OK)
        status = read_report(call, &report);
    if (status == FLEET_OK)
        status = take(&call->fleet, &call->target, id, &report.feedback);
    return status == FLEET_OK ? api_status(call, 200) : status;
}

int ddi_feedback(struct api_call *call)
{
    return report_action(call, action_feedback);
}

int ddi_cancel_feedback(struct api_call *call)
{
    return report_action(call, action_cancel_feedback);
}

/* configData */

static int read_mode(struct api_call *call, enum attribute_mode *mode)
{
    const char *word = "merge";
    int status = api_member_text(call, call->json, "mode", false, 16, &word);
    *mode = ATTRIBUTES_MERGE;
    if (status != FLEET_OK || strcmp(word, "merge") == 0)
        return status;
    if (strcmp(word, "replace") != 0 && strcmp(word, "remove") != 0)
        return invalid(call, "mode is merge, replace or remove");
    *mode = strcmp(word, "replace") == 0 ? ATTRIBUTES_REPLACE : ATTRIBUTES_REMOVE;
    return FLEET_OK;
}

/* A number, true and false mean their text, as in hawkBit: not every client quotes them. */
static bool make_text(json_t *data, const char *key, json_t *value)
{
    if (json_is_string(value) || json_is_null(value))
        return true;
    if (!json_is_number(value) && !json_is_boolean(value))
        return false;
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    bool done = text != NULL && json_object_set_new(data, key, json_string(text)) == 0;
    free(text);
    return done;
}

int ddi_config_data(struct api_call *call)
{
    struct attribute list[2 * TARGET_ATTRIBUTES_MAX];
    json_t *data = json_object_get(call->json, "data");
    enum attribute_mode mode;
    const char *key;
    json_t *value;
    size_t count = 0;
    int status = ddi_device(call);
    if (status == FLEET_OK)
        status = read_mode(call, &mode);
    if (status != FLEET_OK)
        return status;
    if (!json_is_object(data) || json_object_size(data) == 0)
        return invalid(call, "data is an object with at least one attribute");
    if (json_object_size(data) > sizeof list / sizeof list[0])
        return fleet_refuse(&call->fleet, FLEET_QUOTA, "more than %d attributes",
                            TARGET_ATTRIBUTES_MAX);
    json_object_foreach(data, key, value)
    {
        if (!make_text(data, key, value))
            return invalid(call, "the values of attributes are texts");
        list[count++] = (struct attribute){key, json_string_value(json_object_get(data, key))};
    }
    status = target_attributes(&call->fleet, call->target.id, mode, list, count);
    return status == FLEET_OK ? api_status(call, 200) : status;
}

/* As if it had been assigned, whatever its version; what the device still has to do stays. */
static int note_installed(struct api_call *call, int64_t dist_set)
{
    static const struct action_terms terms = {
        .kind = ACTION_FORCED, .weight = -1, .downgrade = true};
    struct action action;
    int64_t id;
    int status = action_next(&call->fleet, call->target.id, &action);
    if (status == FLEET_OK)
        return target_installed(&call->fleet, call->target.id, dist_set);
    return status == FLEET_NONE ? action_offline(&call->fleet, &call->target, dist_set, &terms, &id)
                                : status;
}

int ddi_declare_installed(struct api_call *call)
{
    const char *name = NULL;
    const char *version = NULL;
    int64_t dist_set;
    int status = ddi_device(call);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "name", true, CATALOG_NAME_MAX, &name);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "version", true, CATALOG_VERSION_MAX, &version);
    if (status == FLEET_OK)
        status = set_find(&call->fleet, name, version, &dist_set);
    if (status != FLEET_OK)
        return status;
    if (call->target.installed_set == dist_set || call->target.assigned_set == dist_set)
        return api_status(call, 200);
    status = note_installed(call, dist_set);
    return status == FLEET_OK ? api_status(call, 201) : status;
}

/* Confirmation */

int ddi_confirmation(struct api_call *call)
{
    static const char sql[] = "SELECT auto_confirm_by, auto_confirm_remark, auto_confirm_at"
                              " FROM target WHERE id = $1 AND auto_confirm_at IS NOT NULL";
    struct action action;
    json_t *automatic = NULL;
    json_t *links = json_object();
    int status = ddi_enrol(call);
    if (status == FLEET_OK) {
        struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(call->target.id)));
        status = db_next(rows);
        if (status == DB_ROW) {
            automatic = json_pack("{s:b, s:s*, s:s*, s:I}", "active", 1, "initiator",
                                  db_is_null(rows, 0) ? NULL : db_text(rows, 0), "remark",
                                  db_is_null(rows, 1) ? NULL : db_text(rows, 1), "activatedAt",
                                  (json_int_t)db_int(rows, 2));
            db_end(rows);
            status = FLEET_OK;
        }
    }
    if (status == FLEET_OK)
        status = action_next(&call->fleet, call->target.id, &action);
    if (status == FLEET_OK && action.state == ACTION_WAIT_FOR_CONFIRMATION)
        json_object_set_new(links, "confirmationBase",
                            ddi_link(call, "/confirmationBase/%" PRId64 "?c=%" PRId32, action.id,
                                     action_mode_hash(&action, call->fleet.now)));
    const char *change = automatic != NULL ? "deactivateAutoConfirm" : "activateAutoConfirm";
    json_object_set_new(links, change, ddi_link(call, "/confirmationBase/%s", change));
    if (automatic == NULL)
        automatic = json_pack("{s:b}", "active", 0);
    json_t *answer = json_pack("{s:o, s:o}", "autoConfirm", automatic, "_links", links);
    if (status != FLEET_OK && status != FLEET_NONE) {
        json_decref(answer);
        return status;
    }
    return call->known ? api_json(call, 200, answer) : (json_decref(answer), FLEET_NONE);
}

int ddi_confirmation_feedback(struct api_call *call)
{
    struct report report = {0};
    const char *word = NULL;
    int64_t id;
    int status = ddi_device(call);
    if (status == FLEET_OK)
        status = api_segment_id(call, 2, &id);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "confirmation", true, 16, &word);
    if (status == FLEET_OK && strcmp(word, "confirmed") != 0 && strcmp(word, "denied") != 0)
        status = invalid(call, "confirmation is confirmed or denied");
    if (status == FLEET_OK)
        status = read_code(call, call->json, &report.feedback);
    if (status == FLEET_OK)
        status = read_details(call, call->json, &report);
    if (status == FLEET_OK)
        status = action_confirm(&call->fleet, &call->target, id, strcmp(word, "confirmed") == 0,
                                &report.feedback);
    return status == FLEET_OK ? api_status(call, 200) : status;
}

int ddi_auto_confirm_on(struct api_call *call)
{
    const char *initiator = NULL;
    const char *remark = NULL;
    int status = ddi_device(call);
    if (status == FLEET_OK && call->json != NULL)
        status = api_member_text(call, call->json, "initiator", false, 64, &initiator);
    if (status == FLEET_OK && call->json != NULL)
        status = api_member_text(call, call->json, "remark", false, 512, &remark);
    if (status == FLEET_OK)
        status = target_auto_confirm(&call->fleet, &call->target, true, initiator, remark);
    return status == FLEET_OK ? api_status(call, 200) : status;
}

int ddi_auto_confirm_off(struct api_call *call)
{
    int status = ddi_device(call);
    if (status == FLEET_OK)
        status = target_auto_confirm(&call->fleet, &call->target, false, NULL, NULL);
    return status == FLEET_OK ? api_status(call, 200) : status;
}
