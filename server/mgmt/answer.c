/* server/mgmt/answer.c: see server/mgmt/answer.h. */
#include "server/mgmt/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/fleet/audit.h"

#define LINK_MAX  2048
#define NAMED_MAX 64 /* bytes of a name in a refusal, so that the reason stays */

/* hawkbit-ddi.md 10: HAL unless plain JSON is asked for. */
static bool wants_plain(const struct api_call *call)
{
    const char *accept = call->request->accept;
    return accept != NULL && strstr(accept, "application/json") != NULL &&
           strstr(accept, "application/hal+json") == NULL;
}

int mgmt_json(struct api_call *call, int status, json_t *json)
{
    int result = api_json(call, status, json);
    if (result == FLEET_OK && !wants_plain(call))
        call->answer->type = "application/hal+json";
    return result;
}

int mgmt_error(struct api_call *call, int http, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fleet_refuse_list(&call->fleet, JOB_REFUSED, format, arguments);
    va_end(arguments);
    int status = api_json(
        call, http, json_pack("{s:s, s:s}", "errorCode", code, "message", call->fleet.problem));
    return status == FLEET_OK ? JOB_REFUSED : status;
}

json_t *mgmt_link(const struct api_call *call, const char *format, ...)
{
    char text[LINK_MAX];
    int used = snprintf(text, sizeof text, "%s/rest/v1", call->request->origin);
    if (used < 0 || (size_t)used >= sizeof text)
        return NULL;
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    va_end(arguments);
    if (more < 0 || (size_t)more >= sizeof text - (size_t)used)
        return NULL;
    return json_pack("{s:s}", "href", text);
}

void mgmt_stamp(json_t *object, const struct db_rows *rows, int column)
{
    json_object_set_new(object, "createdAt", json_integer(db_int(rows, column)));
    json_object_set_new(object, "createdBy", json_string(db_text(rows, column + 1)));
    json_object_set_new(object, "lastModifiedAt", json_integer(db_int(rows, column + 2)));
    json_object_set_new(object, "lastModifiedBy", json_string(db_text(rows, column + 3)));
}

const char *mgmt_text(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? NULL : db_text(rows, column);
}

int mgmt_audit(struct api_call *call, const char *verb, const char *detail, const char *subject,
               ...)
{
    char text[TARGET_ID_MAX + 64];
    va_list arguments;
    va_start(arguments, subject);
    vsnprintf(text, sizeof text, subject, arguments);
    va_end(arguments);
    return audit_note(&call->fleet, verb, text, detail);
}

/* A refusal of several says of which one it is: its name if it has a short one, and its place. */
static int name_refused(struct api_call *call, const json_t *object, size_t index, int status)
{
    static const char *const names[] = {"controllerId", "name", "key"};
    const char *name = NULL;
    size_t count = json_array_size(call->json);
    if (status < FLEET_NONE || count == 1)
        return status;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && name == NULL; i++)
        name = json_string_value(json_object_get(object, names[i]));
    if (name == NULL || strlen(name) > NAMED_MAX)
        return fleet_refuse(&call->fleet, status, "%zu of %zu: %s", index + 1, count,
                            call->fleet.problem);
    return fleet_refuse(&call->fleet, status, "%s (%zu of %zu): %s", name, index + 1, count,
                        call->fleet.problem);
}

int mgmt_each(struct api_call *call,
              int (*each)(struct api_call *call, json_t *object, json_t *answer), json_t **answer)
{
    size_t index;
    json_t *object;
    if (json_is_object(call->json))
        call->json = json_pack("[o]", call->json);
    if (!json_is_array(call->json))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the body is a list of objects");
    if (json_array_size(call->json) > MGMT_LIST_MAX)
        return fleet_refuse(&call->fleet, FLEET_QUOTA, "more than %d at once", MGMT_LIST_MAX);
    *answer = json_array();
    json_array_foreach(call->json, index, object)
    {
        int status = json_is_object(object) ? each(call, object, *answer)
                                            : fleet_refuse(&call->fleet, FLEET_INVALID,
                                                           "the body is a list of objects");
        if (status != FLEET_OK) {
            json_decref(*answer);
            *answer = NULL;
            return name_refused(call, object, index, status);
        }
    }
    return FLEET_OK;
}

int mgmt_member_note(struct api_call *call, json_t *object, const char *name, size_t max,
                     const char **out)
{
    json_t *value = json_object_get(object, name);
    if (json_is_string(value) && json_string_length(value) == 0) {
        *out = "";
        return FLEET_OK;
    }
    return api_member_text(call, object, name, false, max, out);
}
