/* server/web/web.c: the routes of the console. */
#include "server/web/web.h"

const struct api_route console_routes[] = {
    {API_GET, "/console", API_PUBLIC, DB_READ, API_NO_BODY, web_to_folder, "To the console"},
    {API_GET, "/console/", API_PUBLIC, DB_READ, API_NO_BODY, web_page, "The console"},
    {API_GET, "/console/events", API_READ, DB_READ, API_NO_BODY, web_events,
     "Server-sent events: what has changed"},
    {API_GET, "/console/{file}", API_PUBLIC, DB_READ, API_NO_BODY, web_page,
     "A file of the console"},
    {API_GET, "/console/api/summary", API_READ, DB_READ, API_NO_BODY, web_summary,
     "The fleet in numbers"},
    {API_GET, "/console/api/devices", API_READ, DB_READ, API_NO_BODY, web_devices,
     "A page of devices with what they run"},
    {API_GET, "/console/api/failures/{rolloutId}", API_READ, DB_READ, API_NO_BODY, web_failures,
     "The devices that failed in a rollout, each with its last word"},
    {0},
};

int web_events(struct api_call *call)
{
    call->answer->is_events = true;
    return FLEET_OK;
}
