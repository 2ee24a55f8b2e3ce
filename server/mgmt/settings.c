/* server/mgmt/settings.c: a tenant's settings (hawkbit-ddi.md 10). */
#include "server/fleet/setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/mgmt/answer.h"
#include "server/mgmt/mgmt.h"

#define MASK "***" /* in place of a secret, for those who may not see it */

static bool is_secret(const char *key)
{
    return strcmp(key, "authentication.gatewaytoken.key") == 0;
}

/* Kept as texts, shown as what they mean. */
static json_t *value_of(const char *key, const char *text)
{
    const char *usual = setting_default(key);
    if (strcmp(usual, "true") == 0 || strcmp(usual, "false") == 0)
        return json_boolean(strcmp(text, "true") == 0);
    return json_string(text);
}

static int show_setting(struct api_call *call, const char *key, json_t **out)
{
    char value[SETTING_VALUE_MAX + 1];
    int status = setting_get(&call->fleet, key, value);
    if (status != FLEET_OK)
        return status;
    bool usual = strcmp(value, setting_default(key)) == 0;
    const char *shown = is_secret(key) && value[0] != '\0' && call->role < API_ADMIN ? MASK : value;
    *out = json_pack("{s:o, s:b, s:{s:o}}", "value", value_of(key, shown), "global", usual,
                     "_links", "self", mgmt_link(call, "/system/configs/%s", key));
    return *out != NULL ? FLEET_OK : DB_EIO;
}

struct listing {
    struct api_call *call;
    json_t *answer;
    int status;
};

static void add_setting(void *context, const char *key)
{
    struct listing *listing = context;
    json_t *shown;
    if (listing->status == FLEET_OK)
        listing->status = show_setting(listing->call, key, &shown);
    if (listing->status == FLEET_OK)
        json_object_set_new(listing->answer, key, shown);
}

int mgmt_settings(struct api_call *call)
{
    struct listing listing = {.call = call, .answer = json_object()};
    setting_each(add_setting, &listing);
    if (listing.status == FLEET_OK)
        return mgmt_json(call, 200, listing.answer);
    json_decref(listing.answer);
    return listing.status;
}

int mgmt_setting(struct api_call *call)
{
    json_t *shown;
    int status = show_setting(call, call->segment[0], &shown);
    return status == FLEET_OK ? mgmt_json(call, 200, shown) : status;
}

/* `value` NULL: back to the default. */
static int put_setting(struct api_call *call, const char *key, json_t *value)
{
    char number[24];
    const char *text = json_string_value(value);
    if (json_is_boolean(value))
        text = json_is_true(value) ? "true" : "false";
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = number;
    }
    if (value != NULL && text == NULL)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%.64s: a text, a number, true or false",
                            key);
    int status = setting_set(&call->fleet, key, text);
    if (status != FLEET_OK)
        return status;
    const char *detail = text == NULL ? "default" : is_secret(key) ? MASK : text;
    return mgmt_audit(call, "setting.change", detail, "setting %s", key);
}

int mgmt_setting_put(struct api_call *call)
{
    json_t *value = json_object_get(call->json, "value");
    int status = value != NULL ? put_setting(call, call->segment[0], value)
                               : fleet_refuse(&call->fleet, FLEET_INVALID, "value is missing");
    return status == FLEET_OK ? api_status(call, 204) : status;
}

int mgmt_setting_reset(struct api_call *call)
{
    int status = put_setting(call, call->segment[0], NULL);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

int mgmt_settings_put(struct api_call *call)
{
    const char *key;
    json_t *value;
    int status = FLEET_OK;
    if (!json_is_object(call->json) || json_object_size(call->json) == 0)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the body is a map of settings");
    json_object_foreach(call->json, key, value)
    {
        if (status == FLEET_OK)
            status = put_setting(call, key, value);
    }
    return status == FLEET_OK ? api_status(call, 204) : status;
}
