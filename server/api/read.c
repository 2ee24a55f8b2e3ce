/* server/api/read.c: what handlers read from query, path and JSON, each value within its rule. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/escape.h"
#include "server/api/api.h"

/* Where the value of `name` begins, and how long it is; NULL: it is not there. */
static const char *find_value(const char *query, const char *name, size_t *value_length)
{
    size_t length = strlen(name);
    while (query != NULL && *query != '\0') {
        size_t pair = strcspn(query, "&");
        if (pair > length && query[length] == '=' && memcmp(query, name, length) == 0) {
            *value_length = pair - length - 1;
            return query + length + 1;
        }
        query += pair + (query[pair] == '&');
    }
    return NULL;
}

int api_query(struct api_call *call, const char *name, char *out, size_t size, const char **value)
{
    size_t length;
    const char *at = find_value(call->request->query, name, &length);
    *value = at != NULL ? out : NULL;
    if (at != NULL && unescape_url(at, length, true, out, size) < 0)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is a text of at most %zu bytes", name,
                            size - 1);
    return FLEET_OK;
}

static bool parse_number(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != ' ' && text[0] != '+';
}

int api_query_int(struct api_call *call, const char *name, int64_t min, int64_t max,
                  int64_t otherwise, int64_t *out)
{
    char text[24];
    const char *value;
    *out = otherwise;
    int status = api_query(call, name, text, sizeof text, &value);
    if (value == NULL || status != FLEET_OK)
        return status;
    if (!parse_number(value, out) || *out < min || *out > max)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is %" PRId64 " to %" PRId64, name, min,
                            max);
    return FLEET_OK;
}

int api_query_bool(struct api_call *call, const char *name, bool *out)
{
    char text[8];
    const char *value;
    *out = false;
    int status = api_query(call, name, text, sizeof text, &value);
    if (value == NULL || status != FLEET_OK)
        return status;
    *out = strcasecmp(value, "true") == 0;
    return *out || strcasecmp(value, "false") == 0
               ? FLEET_OK
               : fleet_refuse(&call->fleet, FLEET_INVALID, "%s is true or false", name);
}

int api_segment_id(struct api_call *call, unsigned index, int64_t *id)
{
    if (!parse_number(call->segment[index], id) || *id < 1)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "not a number: %.64s",
                            call->segment[index]);
    return FLEET_OK;
}

/* NULL when it is not there or null; *status then says whether that may be. */
static json_t *member(struct api_call *call, json_t *object, const char *name, bool needed,
                      int *status)
{
    json_t *value = json_object_get(object, name);
    *status = FLEET_OK;
    if (!json_is_object(object)) {
        *status =
            fleet_refuse(&call->fleet, FLEET_INVALID, "an object, perhaps with %s, is meant", name);
        return NULL;
    }
    if (value != NULL && !json_is_null(value))
        return value;
    if (needed)
        *status = fleet_refuse(&call->fleet, FLEET_INVALID, "%s is missing", name);
    return NULL;
}

int api_member_text(struct api_call *call, json_t *object, const char *name, bool needed,
                    size_t max, const char **out)
{
    int status;
    json_t *value = member(call, object, name, needed, &status);
    if (value == NULL)
        return status;
    if (!json_is_string(value))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is a text", name);
    if (!fleet_text_valid(json_string_value(value), max))
        return fleet_refuse(&call->fleet, FLEET_INVALID,
                            "%s has 1 to %zu bytes, none a control character", name, max);
    *out = json_string_value(value);
    return FLEET_OK;
}

int api_member_int(struct api_call *call, json_t *object, const char *name, bool needed,
                   int64_t min, int64_t max, int64_t *out)
{
    int status;
    json_t *value = member(call, object, name, needed, &status);
    if (value == NULL)
        return status;
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is a number, %" PRId64 " to %" PRId64,
                            name, min, max);
    *out = json_integer_value(value);
    return FLEET_OK;
}

int api_member_bool(struct api_call *call, json_t *object, const char *name, bool *out)
{
    int status;
    json_t *value = member(call, object, name, false, &status);
    if (value == NULL)
        return status;
    if (!json_is_boolean(value))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is true or false", name);
    *out = json_is_true(value);
    return FLEET_OK;
}
