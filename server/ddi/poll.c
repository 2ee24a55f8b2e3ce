/* server/ddi/poll.c: the base of all: what is there to do? (hawkbit-ddi.md 3) */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/escape.h"
#include "server/api/service.h"
#include "server/ddi/ddi.h"
#include "server/fleet/action_window.h"
#include "server/fleet/poll_log.h"
#include "server/fleet/polling.h"
#include "server/fleet/setting.h"

#define LINK_MAX 3072 /* origin, tenant, device and file name, each as long as it may be */

json_t *ddi_link(const struct api_call *call, const char *format, ...)
{
    char text[LINK_MAX];
    char id[ESCAPED_URL(TARGET_ID_MAX)];
    int used = snprintf(text, sizeof text, "%s/%s/controller/v1/%s", call->request->origin,
                        call->fleet.tenant_name, escape_url(call->segment[1], id, sizeof id));
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

int ddi_device(struct api_call *call)
{
    return call->known ? FLEET_OK
                       : fleet_refuse(&call->fleet, FLEET_NONE, "this device is not registered");
}

/* An action whose last maintenance window is over can never be carried out: it is cancelled, and
 * read again. API_MUST_WRITE. */
static int expire(struct api_call *call, struct action *action)
{
    int64_t opens;
    if (!action->active || action->state == ACTION_CANCELING ||
        action_window_state(action, call->fleet.now, &opens) != ACTION_WINDOW_OVER)
        return FLEET_OK;
    if (call->access != DB_WRITE)
        return API_MUST_WRITE;
    int status = action_cancel(&call->fleet, action->id, false);
    return status == FLEET_OK ? action_of(&call->fleet, call->target.id, action->id, action)
                              : status;
}

/* The action that comes first; not active: there is none. */
static int first_action(struct api_call *call, struct action *action)
{
    *action = (struct action){.active = false};
    int status = action_next(&call->fleet, call->target.id, action);
    if (status == FLEET_OK)
        status = expire(call, action);
    return status == FLEET_NONE ? FLEET_OK : status;
}

static int usual_interval(struct api_call *call, uint32_t *seconds)
{
    char text[SETTING_VALUE_MAX + 1];
    struct polling polling;
    uint32_t random = 0;
    int status = setting_get(&call->fleet, "pollingTime", text);
    if (status != FLEET_OK)
        return status;
    if (polling_parse(text, &polling) != NULL)
        return DB_EIO;
    if (polling.spread > 0 && RAND_bytes((unsigned char *)&random, sizeof random) != 1)
        return DB_EIO;
    *seconds = polling_next(&polling, random);
    return FLEET_OK;
}

/* Until a window opens the device is to ask a few times more, each time sooner. */
static int seconds_to_next(struct api_call *call, const struct action *action, uint32_t *seconds)
{
    char count[SETTING_VALUE_MAX + 1];
    int64_t now = call->fleet.now;
    int64_t opens;
    int status = usual_interval(call, seconds);
    if (status != FLEET_OK || !action->active ||
        action_window_state(action, now, &opens) != ACTION_WINDOW_AHEAD)
        return status;
    status = setting_get(&call->fleet, "maintenanceWindowPollCount", count);
    if (status != FLEET_OK)
        return status;
    int64_t part = (opens - now) / 1000 / strtol(count, NULL, 10);
    if (part < *seconds)
        *seconds = part > POLLING_MIN_S ? (uint32_t)part : POLLING_MIN_S;
    return FLEET_OK;
}

static int add_action_link(struct api_call *call, const struct action *action, json_t *links)
{
    const char *base = "deploymentBase";
    if (!action->active)
        return FLEET_OK;
    if (action->state == ACTION_CANCELING)
        return json_object_set_new(links, "cancelAction",
                                   ddi_link(call, "/cancelAction/%" PRId64, action->id)) == 0
                   ? FLEET_OK
                   : DB_EIO;
    if (action->state == ACTION_WAIT_FOR_CONFIRMATION)
        base = "confirmationBase";
    json_t *link = ddi_link(call, "/%s/%" PRId64 "?c=%" PRId32, base, action->id,
                            action_mode_hash(action, call->fleet.now));
    return json_object_set_new(links, base, link) == 0 ? FLEET_OK : DB_EIO;
}

static int add_links(struct api_call *call, const struct action *action, json_t *links)
{
    int64_t installed;
    int status = add_action_link(call, action, links);
    if (status == FLEET_OK)
        status = action_installed(&call->fleet, &call->target, &installed);
    if (status == FLEET_OK &&
        json_object_set_new(links, "installedBase",
                            ddi_link(call, "/installedBase/%" PRId64, installed)) != 0)
        return DB_EIO;
    if (status < 0)
        return status;
    if (call->target.request_attributes &&
        json_object_set_new(links, "configData", ddi_link(call, "/configData")) != 0)
        return DB_EIO;
    return FLEET_OK;
}

int ddi_poll(struct api_call *call)
{
    struct action action;
    uint32_t seconds;
    char sleep[POLLING_CHARS + 1];
    int status = ddi_enrol(call);
    if (status == FLEET_OK)
        status = first_action(call, &action);
    if (status == FLEET_OK)
        status = seconds_to_next(call, &action, &seconds);
    if (status != FLEET_OK)
        return status;
    polling_print(seconds, sleep);
    json_t *links = json_object();
    status = add_links(call, &action, links);
    if (status != FLEET_OK) {
        json_decref(links);
        return status;
    }
    poll_log_note(call->service->polls, call->target.id, call->fleet.now, call->request->address);
    json_t *answer = json_pack("{s:{s:{s:s}}}", "config", "polling", "sleep", sleep);
    if (json_object_size(links) > 0)
        json_object_set_new(answer, "_links", links);
    else
        json_decref(links);
    return api_json(call, 200, answer);
}
