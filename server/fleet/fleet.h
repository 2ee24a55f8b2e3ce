/* server/fleet/fleet.h: what all of server/fleet shares: who asks for what, when, in which tenant.
 *
 * server/fleet is what the update server knows and decides: targets (devices), modules, artifacts
 * and distribution sets (what can be installed), actions (one set for one target), rollouts. It
 * speaks to the store only, knows neither HTTP nor JSON, and runs inside the caller's transaction:
 * a function that does not return FLEET_OK leaves things for the caller to roll back.
 *
 * Words and rules are hawkBit's (hawkbit-ddi.md), so that its clients find what they expect.
 */
#ifndef SERVER_FLEET_FLEET_H
#define SERVER_FLEET_FLEET_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/db/db.h"

/* Refusals are positive and leave a line in fleet->problem; what is negative is an enum db_status
 * error and goes to whoever runs the transaction. */
enum fleet_status {
    FLEET_OK = 0,
    FLEET_NONE = 16, /* there is no such thing, or not for who asks (404) */
    FLEET_INVALID,   /* a value breaks a rule (400) */
    FLEET_EXISTS,    /* the name is taken (409) */
    FLEET_STATE,     /* not in this state (400) */
    FLEET_NO_CANCEL, /* the device speaks of a cancel that is not under way (405) */
    FLEET_GONE,      /* the action is over (410) */
    FLEET_LOCKED,    /* in use, cannot change any more (423) */
    FLEET_QUOTA,     /* too many of them (429) */
    FLEET_DENIED,    /* not for this role (403) */
};

struct fleet {
    struct db *db;
    int64_t tenant;
    char tenant_name[65];
    int64_t now;     /* milliseconds since 1970; the same for the whole transaction */
    const char *who; /* "admin", "device sensor-7", "rollout 3": for created_by and the audit */
    char problem[200];
};

/* Notes what is wrong and returns `status`. */
int fleet_refuse(struct fleet *fleet, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int fleet_refuse_list(struct fleet *fleet, int status, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* Work that one process of a store is to do at a time; SQLite has only one anyway. *free: this
 * transaction may, until it ends. Who does it all the same would only have to begin again. */
enum fleet_work { FLEET_ROLLOUTS = 7236843, FLEET_CLEANUP };
int fleet_alone(struct fleet *fleet, enum fleet_work work, bool *free);

/* What a name, a version, a token may be: UTF-8 without control characters, 1..max bytes. */
bool fleet_text_valid(const char *text, size_t max);

/* `count` characters out of letters and digits, NUL-terminated, from the system's generator. */
int fleet_random_text(char *out, size_t count);

#endif
