/* server/fleet/audit.h: who did what, when: lines that are only ever added, each with a SHA-256
 * over itself and the one before it. */
#ifndef SERVER_FLEET_AUDIT_H
#define SERVER_FLEET_AUDIT_H

#include "server/fleet/fleet.h"

/* verb: "target.create"; subject: "target sensor-7"; detail: free, no secrets. */
int audit_note(struct fleet *fleet, const char *verb, const char *subject, const char *detail);

/* Walks over all lines. *broken: the number of the first line that does not hold, 0: none. */
int audit_verify(struct fleet *fleet, int64_t *broken);

#endif
