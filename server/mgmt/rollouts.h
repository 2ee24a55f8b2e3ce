/* server/mgmt/rollouts.h: rollouts as their two files share them. */
#ifndef SERVER_MGMT_ROLLOUTS_H
#define SERVER_MGMT_ROLLOUTS_H

#include "server/mgmt/answer.h"

/* The rollout of the path's first variable. FLEET_NONE. */
int path_rollout(struct api_call *call, int64_t *id);

/* Answers with the whole rollout as it is now. */
int answer_rollout(struct api_call *call, int status, int64_t id);

#endif
