/* server/mgmt/artifacts.h: how an artifact is shown. */
#ifndef SERVER_MGMT_ARTIFACTS_H
#define SERVER_MGMT_ARTIFACTS_H

#include "server/fleet/catalog.h"
#include "server/mgmt/answer.h"

json_t *show_artifact(struct api_call *call, const struct artifact *artifact);

#endif
