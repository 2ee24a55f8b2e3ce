/* server/ddi/deployment.c: what to install, what was installed, what to agree to (hawkbit-ddi.md
 * 4).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/ddi/ddi.h"
#include "server/ddi/links.h"
#include "server/fleet/action_window.h"

#define HISTORY_MAX 100

/* hawkbit-ddi.md 4: two types have another name in DDI. */
static const char *part_of(const char *type)
{
    if (strcmp(type, "application") == 0)
        return "bApp";
    return strcmp(type, "runtime") == 0 ? "jvm" : type;
}

/* Metadata that the device may see; NULL when there is none. */
static int read_metadata(struct api_call *call, int64_t module, json_t **out)
{
    static const char sql[] =
        "SELECT key, value FROM module_metadata WHERE module = $1 AND visible = 1 ORDER BY key";
    int status;
    *out = NULL;
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(module)));
    while ((status = db_next(rows)) == DB_ROW) {
        if (*out == NULL)
            *out = json_array();
        json_array_append_new(
            *out, json_pack("{s:s, s:s}", "key", db_text(rows, 0), "value", db_text(rows, 1)));
    }
    return status;
}

static int read_chunks(struct api_call *call, int64_t dist_set, json_t *chunks)
{
    static const char sql[] =
        "SELECT m.id, m.type, m.version, m.name, m.encrypted FROM module AS m"
        " JOIN set_module AS s ON s.module = m.id WHERE s.dist_set = $1 ORDER BY m.id";
    int status;
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(dist_set)));
    while ((status = db_next(rows)) == DB_ROW) {
        json_t *artifacts;
        json_t *metadata = NULL;
        status = ddi_module_artifacts(call, db_int(rows, 0), &artifacts);
        if (status == FLEET_OK)
            status = read_metadata(call, db_int(rows, 0), &metadata);
        json_t *chunk = json_pack("{s:s, s:s, s:s, s:o, s:o*}", "part", part_of(db_text(rows, 1)),
                                  "version", db_text(rows, 2), "name", db_text(rows, 3),
                                  "artifacts", artifacts, "metadata", metadata);
        if (db_int(rows, 4) != 0)
            json_object_set_new(chunk, "encrypted", json_true());
        if (status != FLEET_OK || json_array_append_new(chunks, chunk) != 0) {
            db_end(rows);
            return status != FLEET_OK ? status : DB_EIO;
        }
    }
    return status;
}

static void add_message(void *context, const char *text)
{
    json_array_append_new(context, json_string(text));
}

/* What the device has reported itself, if it asks for that. */
static int add_history(struct api_call *call, const struct action *action, json_t *answer)
{
    int64_t count;
    char word[32];
    int status = api_query_int(call, "actionHistory", INT32_MIN, INT32_MAX, 0, &count);
    if (status != FLEET_OK || count == 0)
        return status;
    if (count < 0 || count > HISTORY_MAX)
        count = HISTORY_MAX;
    json_t *messages = json_array();
    status = action_messages(&call->fleet, action->id, count, add_message, messages);
    if (status != FLEET_OK || json_array_size(messages) == 0) {
        json_decref(messages);
        return status;
    }
    ddi_upper(action_state_word(action->state), word, sizeof word);
    return json_object_set_new(answer, "actionHistory",
                               json_pack("{s:s, s:o}", "status", word, "messages", messages)) == 0
               ? FLEET_OK
               : DB_EIO;
}

/* The same shape for all three; `member` is what the object is called. */
static int answer_action(struct api_call *call, const struct action *action, const char *member)
{
    struct action_mode mode = action_mode(action, call->fleet.now);
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, action->id);
    json_t *chunks = json_array();
    int status = read_chunks(call, action->dist_set, chunks);
    json_t *answer =
        json_pack("{s:s, s:{s:s, s:s, s:s*, s:o}}", "id", id, member, "download", mode.download,
                  "update", mode.update, "maintenanceWindow", mode.window, "chunks", chunks);
    if (status == FLEET_OK)
        status = answer != NULL ? add_history(call, action, answer) : DB_EIO;
    if (status != FLEET_OK) {
        json_decref(answer);
        return status;
    }
    return api_json(call, 200, answer);
}

/* Too late: the next poll cancels it. */
static bool window_is_over(const struct api_call *call, const struct action *action)
{
    int64_t opens;
    return action->active &&
           action_window_state(action, call->fleet.now, &opens) == ACTION_WINDOW_OVER;
}

/* The action of the path, which must be this device's. */
static int find_action(struct api_call *call, struct action *out)
{
    int64_t id;
    int status = ddi_device(call);
    if (status == FLEET_OK)
        status = api_segment_id(call, 2, &id);
    return status == FLEET_OK ? action_of(&call->fleet, call->target.id, id, out) : status;
}

static int not_now(struct api_call *call)
{
    return fleet_refuse(&call->fleet, FLEET_NONE, "there is no such action in this state");
}

int ddi_deployment(struct api_call *call)
{
    struct action action;
    int status = find_action(call, &action);
    if (status != FLEET_OK)
        return status;
    if (action.state == ACTION_CANCELING || action.state == ACTION_CANCELED ||
        action.state == ACTION_WAIT_FOR_CONFIRMATION || window_is_over(call, &action))
        return not_now(call);
    if (action.active)
        status = action_note(&call->fleet, &action, ACTION_RETRIEVED,
                             "Update Server: the device has read what to install");
    return status == FLEET_OK ? answer_action(call, &action, "deployment") : status;
}

int ddi_installed(struct api_call *call)
{
    struct action action;
    int status = find_action(call, &action);
    if (status != FLEET_OK)
        return status;
    if (action.active || action.state == ACTION_CANCELED)
        return not_now(call);
    return answer_action(call, &action, "deployment");
}

int ddi_confirmation_action(struct api_call *call)
{
    struct action action;
    int status = find_action(call, &action);
    if (status != FLEET_OK)
        return status;
    if (!action.active || action.state != ACTION_WAIT_FOR_CONFIRMATION ||
        window_is_over(call, &action))
        return not_now(call);
    return answer_action(call, &action, "confirmation");
}

int ddi_cancel(struct api_call *call)
{
    struct action action;
    char id[24];
    int status = find_action(call, &action);
    if (status != FLEET_OK)
        return status;
    if (action.state != ACTION_CANCELING && action.state != ACTION_CANCELED)
        return not_now(call);
    if (action.active)
        status = action_note(&call->fleet, &action, ACTION_RETRIEVED,
                             "Update Server: the device has read what to cancel");
    if (status != FLEET_OK)
        return status;
    snprintf(id, sizeof id, "%" PRId64, action.id);
    return api_json(call, 200, json_pack("{s:s, s:{s:s}}", "id", id, "cancelAction", "stopId", id));
}
