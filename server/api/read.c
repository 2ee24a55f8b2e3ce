/* server/api/read.c: what handlers read from query, path and JSON, each value within its rule. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/percent.h"

const char *api_query(const struct api_call *call, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    const char *at = call->request->query;
    while (at != NULL && *at != '\0') {
        size_t pair = strcspn(at, "&");
        if (pair > length && at[length] == '=' && memcmp(at, name, length) == 0)
            return percent_decode(at + length + 1, pair - length - 1, true, out, size) >= 0 ? out
                                                                                            : NULL;
        at += pair + (at[pair] == '&');
    }
    return NULL;
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
    *out = otherwise;
    const char *value = api_query(call, name, text, sizeof text);
    if (value == NULL)
        return FLEET_OK;
    if (!parse_number(value, out) || *out < min || *out > max)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is %" PRId64 " to %" PRId64, name, min,
                            max);
    return FLEET_OK;
}

int api_segment_id(struct api_call *call, unsigned index, int64_t *id)
{
    if (!parse_number(call->segment[index], id) || *id < 1)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "not a number: %.64s",
                            call->segment[index]);
    return FLEET_OK;
}

/* NULL when it is not there or null; *status then says whether that is allowed. */
static json_t *member(struct api_call *call, json_t *object, const char *name, bool needed,
                      int *status)
{
    json_t *value = json_object_get(object, name);
    *status = FLEET_OK;
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
