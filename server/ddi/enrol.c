/* server/ddi/enrol.c: an unknown device whose credential lets it in becomes a target
 * (docs/server.md 4), as long as there is room: who finds the door open must not fill the store. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/service.h"
#include "server/ddi/ddi.h"
#include "server/fleet/audit.h"
#include "server/fleet/setting.h"
#include "server/metrics.h"

/* How many targets may still come of themselves; operators may make more. */
static int room_left(struct api_call *call, int64_t *room)
{
    static const char sql[] = "SELECT targets FROM tenant WHERE id = $1";
    char max[SETTING_VALUE_MAX + 1];
    int64_t have;
    int status = setting_get(&call->fleet, "enrolment.targets", max);
    if (status != FLEET_OK)
        return status;
    status = db_get_int(call->fleet.db, sql, DB_ARGS(db_i(call->fleet.tenant)), &have);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    *room = strtoll(max, NULL, 10) - have;
    return FLEET_OK;
}

static int may_come(struct api_call *call, int64_t *room)
{
    char enrolment[SETTING_VALUE_MAX + 1];
    int status = setting_get(&call->fleet, "enrolment", enrolment);
    if (status != FLEET_OK)
        return status;
    if (strcmp(enrolment, "closed") == 0)
        return fleet_refuse(&call->fleet, FLEET_NONE, "this device is not registered");
    status = room_left(call, room);
    if (status != FLEET_OK || *room > 0)
        return status;
    metrics_enrolment_refused(call->service->metrics);
    return fleet_refuse(&call->fleet, FLEET_QUOTA,
                        "no room for another device: enrolment.targets are there");
}

/* It is told once, by the device that takes the last place. */
static int note(struct api_call *call, int64_t room)
{
    char subject[TARGET_ID_MAX + 16];
    snprintf(subject, sizeof subject, "target %s", call->segment[1]);
    int status = audit_note(&call->fleet, "target.enrol", subject, "");
    if (status != FLEET_OK || room > 1)
        return status;
    return audit_note(&call->fleet, "enrolment.full", "setting enrolment.targets",
                      "other devices are refused until it is raised or targets are deleted");
}

int ddi_enrol(struct api_call *call)
{
    int64_t room = 0;
    if (call->known)
        return FLEET_OK;
    int status = may_come(call, &room);
    if (status != FLEET_OK)
        return status;
    if (call->access != DB_WRITE)
        return API_MUST_WRITE;
    struct target_new new = {
        .controller_id = call->segment[1],
        .security_token = call->enrol_token,
        .update_status = "registered",
    };
    status = target_create(&call->fleet, &new, &call->target);
    call->known = status == FLEET_OK;
    return status == FLEET_OK ? note(call, room) : status;
}
