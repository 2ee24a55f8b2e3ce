/* server/web/web.h: what the routes of the console do. Most of what it shows comes from the
 * Management API; here is what that has no words for. */
#ifndef SERVER_WEB_WEB_H
#define SERVER_WEB_WEB_H

#include "server/api/api.h"

int web_page(struct api_call *call);
int web_to_folder(struct api_call *call);

/* The whole fleet in numbers: by state, by installed version, by when it was last here. */
int web_summary(struct api_call *call);

/* A page of devices, with what they run and when they were last here: ?q=FILTER&text=WORDS&
 * sort=KEY:ASC|DESC&offset=N&limit=N. `text` is looked for in ids and names. */
int web_devices(struct api_call *call);

/* The devices that failed in a rollout, group by group: ?offset=N&limit=N. */
int web_failures(struct api_call *call);

/* Server-sent events (server/events.h). */
int web_events(struct api_call *call);

#endif
