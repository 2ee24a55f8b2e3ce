/* server/mgmt/targets.h: targets as several files of server/mgmt show them. */
#ifndef SERVER_MGMT_TARGETS_H
#define SERVER_MGMT_TARGETS_H

#include "server/mgmt/answer.h"

extern const struct mgmt_rows target_rows;

/* What showing targets needs to know besides: their context. */
struct poll_rules {
    int64_t interval, grace; /* milliseconds */
};
int poll_rules_read(struct api_call *call, struct poll_rules *out);

/* The target of the path's first variable. FLEET_NONE. */
int path_target(struct api_call *call, struct target *out);

/* Answers with the target as it is now. */
int answer_target(struct api_call *call, int status, int64_t id);

#endif
