/* server/fleet/audit.h: who did what, when: lines that are only ever added, each with a SHA-256
 * over itself and the one before it. */
#ifndef SERVER_FLEET_AUDIT_H
#define SERVER_FLEET_AUDIT_H

#include "server/fleet/fleet.h"

/* verb: "target.create"; subject: "target sensor-7"; detail: free, no secrets. */
int audit_note(struct fleet *fleet, const char *verb, const char *subject, const char *detail);

#define AUDIT_DIGEST_CHARS 64

struct audit_verdict {
    int64_t lines;  /* that hold, from the first one on */
    int64_t broken; /* the number of the first line that does not hold; 0: none */
    bool found;     /* `head` is the digest of one of the lines that hold */
    char last[AUDIT_DIGEST_CHARS + 1]; /* the digest of the last line that holds */
};

/* Walks over all lines. `head`: a digest to look for, or NULL: a chain does not show that its last
 * lines are gone, a digest kept elsewhere does. */
int audit_verify(struct fleet *fleet, const char *head, struct audit_verdict *verdict);

#endif
