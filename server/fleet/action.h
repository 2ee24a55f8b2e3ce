/* server/fleet/action.h: actions: one distribution set for one target, from assignment to its end.
 *
 * The state machine is hawkBit's (hawkbit-ddi.md 4 and 6). Of a target's active actions the one
 * with the highest weight, the oldest of those, is what a poll offers; assigning a new set puts the
 * others into "canceling", which the device has to confirm.
 */
#ifndef SERVER_FLEET_ACTION_H
#define SERVER_FLEET_ACTION_H

#include "server/fleet/fleet.h"
#include "server/fleet/target.h"

#define ACTION_WEIGHT_DEFAULT 1000
#define ACTION_CODE_REFUSED   4006 /* of a failure: the device will never take this set */
#define ACTION_STATUS_MAX     1000 /* reports of one action; final ones are always taken */
#define ACTION_MESSAGES_MAX   50   /* of one report */
#define ACTION_MESSAGE_MAX    512  /* characters; longer ones are split */

enum action_state {
    ACTION_RUNNING,
    ACTION_RETRIEVED,
    ACTION_DOWNLOAD,
    ACTION_DOWNLOADED,
    ACTION_SCHEDULED,
    ACTION_WARNING,
    ACTION_CANCELING,
    ACTION_CANCELED,
    ACTION_CANCEL_REJECTED,
    ACTION_FINISHED,
    ACTION_ERROR,
    ACTION_WAIT_FOR_CONFIRMATION,
};
const char *action_state_word(enum action_state state); /* "wait_for_confirmation": as stored */
bool action_state_parse(const char *word, enum action_state *out);

enum action_kind { ACTION_FORCED, ACTION_SOFT, ACTION_TIMEFORCED, ACTION_DOWNLOADONLY };
const char *action_kind_word(enum action_kind kind);
bool action_kind_parse(const char *word, enum action_kind *out);

/* A maintenance window as given (hawkbit-ddi.md 4); schedule[0] == '\0': none. */
struct action_window {
    char schedule[129];
    char duration[17];
    char zone[9];
};

struct action_terms {
    enum action_kind kind;
    int64_t force_at; /* of ACTION_TIMEFORCED */
    int64_t weight;   /* -1: the default */
    struct action_window window;
    bool confirm;   /* the device has to agree first, if the tenant's setting allows it */
    bool downgrade; /* an older version is meant */
    int64_t rollout, rollout_group; /* 0: none */
};

struct action {
    int64_t id;
    int64_t target;
    int64_t dist_set;
    enum action_state state; /* of the action; "canceling" while a cancel is under way */
    bool active;
    struct action_terms terms;
    int64_t created_at, changed_at;
    int64_t last_code; /* -1: none reported */
};

/* Assigns: *id is the new action. FLEET_EXISTS: that set is what the target is to have already.
 * FLEET_INVALID: its image is older than the installed one and downgrade was not said; or the set
 * is not valid. Locks the set. */
int action_assign(struct fleet *fleet, const struct target *target, int64_t dist_set,
                  const struct action_terms *terms, int64_t *id);

/* The same for many targets, none twice, at most DB_LIST_MAX, in as many statements as for one.
 * Sorts them. Each gets its own verdict; what is returned is only that of the store. *last: the id
 * of an action, if there is a new one. */
struct assignment {
    int64_t target;
    int status;     /* FLEET_OK, EXISTS, INVALID, NONE */
    bool installed; /* EXISTS: and it runs there */
};
int action_assign_many(struct fleet *fleet, int64_t dist_set, const struct action_terms *terms,
                       struct assignment *list, size_t count, int64_t *last);

int action_get(struct fleet *fleet, int64_t id, struct action *out);
/* FLEET_NONE when it is another target's. */
int action_of(struct fleet *fleet, int64_t target, int64_t id, struct action *out);
/* What a poll offers; FLEET_NONE: nothing. */
int action_next(struct fleet *fleet, int64_t target, struct action *out);
/* The last finished action of what the target has installed. FLEET_NONE. */
int action_installed(struct fleet *fleet, const struct target *target, int64_t *id);

/* What the device is told now. */
struct action_mode {
    const char *download, *update; /* "skip", "attempt", "forced" */
    const char *window;            /* "available", "unavailable"; NULL: no schedule */
};
struct action_mode action_mode(const struct action *action, int64_t now);
/* Changes whenever the mode does, for the links (hawkbit-ddi.md 3). */
int32_t action_mode_hash(const struct action *action, int64_t now);

/* The device has read it, or downloads: a status entry, if the last one is another. */
int action_note(struct fleet *fleet, const struct action *action, enum action_state state,
                const char *message);

struct feedback {
    const char *execution; /* hawkbit-ddi.md 6 */
    const char *finished;
    bool has_code;
    int64_t code;
    int64_t occurred_at; /* 0: now */
    const char *const *details;
    size_t detail_count;
};
/* Of deploymentBase and of cancelAction. NONE, INVALID, GONE, QUOTA, NO_CANCEL. */
int action_feedback(struct fleet *fleet, const struct target *target, int64_t id,
                    const struct feedback *feedback);
int action_cancel_feedback(struct fleet *fleet, const struct target *target, int64_t id,
                           const struct feedback *feedback);

/* By an operator. Force: without the device, only after a normal cancel (STATE). */
int action_cancel(struct fleet *fleet, int64_t id, bool force);
/* The active ones of many. Force: they end now; else the devices are asked, but for those that have
 * not agreed to theirs yet. */
int action_cancel_many(struct fleet *fleet, struct db_list *ids, bool force);
int action_force(struct fleet *fleet, int64_t id); /* soft becomes forced */

/* The device, or an operator for it, agrees or not. GONE, NONE. */
int action_confirm(struct fleet *fleet, const struct target *target, int64_t id, bool agreed,
                   const struct feedback *feedback);
int target_auto_confirm(struct fleet *fleet, const struct target *target, bool on,
                        const char *initiator, const char *remark); /* EXISTS */

/* Newest messages first, none of the server's own; calls each for at most `max`. */
int action_messages(struct fleet *fleet, int64_t id, int64_t max,
                    void (*each)(void *context, const char *text), void *context);

#endif
