/* server/release/publish_verdict.h: how checks refuse, for publish.c and publish_check.c only. */
#ifndef SERVER_RELEASE_PUBLISH_VERDICT_H
#define SERVER_RELEASE_PUBLISH_VERDICT_H

#include "server/release/publish.h"

/* Sets the verdict and its reason; false, for `return publish_refuse(...)` from a check. */
bool publish_refuse(struct publish_result *result, enum publish_verdict word, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

#endif
