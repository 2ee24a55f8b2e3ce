/* server/fleet/rollout_row.h: what the files of rollout.h share. Internal to server/fleet.
 *
 * A step looks for one thing to do, in any tenant, does a bounded piece of it and says so in
 * *worked. Where there is nothing it costs a look into an index.
 */
#ifndef SERVER_FLEET_ROLLOUT_ROW_H
#define SERVER_FLEET_ROLLOUT_ROW_H

#include "server/fleet/rollout.h"

struct rollout_row {
    int64_t id, tenant, dist_set;
    char status[24];
    struct action_terms terms; /* rollout and group not set */
    int64_t retries, retry_seconds;
    int64_t cursor;   /* the last target looked at while creating, -1: all have been; the last
                         action cancelled while stopping or deleting */
    int64_t retry_of; /* 0: none */
    char voice[32];   /* "rollout 3": who does what the engine does */
};

struct group_row {
    int64_t id, position;
    char name[129];
    char status[16];
    int64_t share, wanted, total;
    int64_t filled_place; /* of the last target that was sorted into it */
    int64_t success_share, error_share, accepted;
    bool pauses; /* when it is done */
    bool confirm;
};

int rollout_read(struct fleet *fleet, int64_t id, struct rollout_row *out); /* of any tenant */
bool rollout_is(const struct rollout_row *rollout, const char *status);
int rollout_group_read(struct fleet *fleet, int64_t id, struct group_row *out);

/* `fleet` as the rollout itself, in its tenant. */
struct fleet rollout_voice(const struct fleet *fleet, const struct rollout_row *rollout);

/* Whoever changes it or its set at the same time begins again, or this step does (DB_STEP): the
 * orders of operators do the former, set_invalidate() the latter. */
int rollout_hold(struct fleet *fleet, const struct rollout_row *rollout);

/* And the reason for being paused; NULL: none. */
int rollout_set_status(struct fleet *fleet, struct rollout_row *rollout, const char *status,
                       const char *reason);
int rollout_group_set_status(struct fleet *fleet, int64_t group, const char *status);
int rollout_audit(struct fleet *fleet, const struct rollout_row *rollout, const char *verb,
                  const char *detail);

/* Is there a group that is done and has to be halted for, or ended, or followed by the next? */
int rollout_judge(struct fleet *fleet, struct rollout_row *rollout, int64_t group);
/* Goes on to the next group if the last one that started is done. By hand: whatever it was to do
 * then; *moved tells whether there was one. */
int rollout_advance(struct fleet *fleet, struct rollout_row *rollout, bool by_hand);
int rollout_start_next(struct fleet *fleet, const struct rollout_row *rollout, bool *moved);

/* The steps. */
int rollout_step_count(struct fleet *fleet, bool *worked);
int rollout_step_check(struct fleet *fleet, bool *worked);
int rollout_step_stop(struct fleet *fleet, bool *worked);
int rollout_step_assign(struct fleet *fleet, bool *worked);
int rollout_step_retry(struct fleet *fleet, bool *worked);
int rollout_step_start(struct fleet *fleet, bool *worked);
int rollout_step_create(struct fleet *fleet, bool *worked);

/* Several numbers of up to ROLLOUT_STEP rows, read before anything is written. */
struct rollout_batch {
    size_t count;
    int64_t row[ROLLOUT_STEP][4];
};
int rollout_batch_read(struct fleet *fleet, struct rollout_batch *batch, int columns,
                       const char *sql, const struct db_value *values, size_t value_count);

/* The number that the query answers; FLEET_NONE: no row. */
int rollout_number(struct fleet *fleet, const char *sql, const struct db_value *values,
                   size_t count, int64_t *out);

#endif
