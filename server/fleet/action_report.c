/* server/fleet/action_report.c: what devices report, and what that does (hawkbit-ddi.md 6, 7). */
#include <string.h>

#include "server/fleet/action.h"
#include "server/fleet/action_status.h"

/* What a report's two words mean. */
struct verdict {
    bool final;              /* it ends the update, or the cancel */
    bool good;               /* final: as it was meant to */
    enum action_state entry; /* not final: what it is noted as */
};

/* What an execution that ends nothing is noted as; false: there is no such word. */
static bool entry_of(const char *execution, bool of_cancel, enum action_state *out)
{
    static const struct {
        const char *word;
        enum action_state update, cancel;
    } entries[] = {
        {"canceled", ACTION_CANCELED, ACTION_WARNING},
        {"rejected", ACTION_WARNING, ACTION_CANCEL_REJECTED},
        {"download", ACTION_DOWNLOAD, ACTION_RUNNING},
        {"downloaded", ACTION_DOWNLOADED, ACTION_RUNNING},
        {"proceeding", ACTION_RUNNING, ACTION_RUNNING},
        {"scheduled", ACTION_RUNNING, ACTION_RUNNING},
        {"resumed", ACTION_RUNNING, ACTION_RUNNING},
    };
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (strcmp(entries[i].word, execution) == 0) {
            *out = of_cancel ? entries[i].cancel : entries[i].update;
            return true;
        }
    }
    return false;
}

static int read_words(struct fleet *fleet, const struct feedback *feedback, bool of_cancel,
                      struct verdict *out)
{
    const char *finished = feedback->finished;
    *out = (struct verdict){.final = strcmp(feedback->execution, "closed") == 0,
                            .good = strcmp(finished, "failure") != 0};
    if (strcmp(finished, "success") != 0 && strcmp(finished, "none") != 0 && out->good)
        return fleet_refuse(fleet, FLEET_INVALID, "finished is success, failure or none");
    if (!out->final && !entry_of(feedback->execution, of_cancel, &out->entry))
        return fleet_refuse(fleet, FLEET_INVALID, "execution is none of the known words");
    return FLEET_OK;
}

static int keep_code(struct fleet *fleet, int64_t action, const struct feedback *feedback)
{
    static const char sql[] = "UPDATE action SET last_code = $2 WHERE id = $1";
    return feedback->has_code ? db_run(fleet->db, sql, DB_ARGS(db_i(action), db_i(feedback->code)))
                              : FLEET_OK;
}

static int64_t when(const struct fleet *fleet, const struct feedback *feedback)
{
    return feedback->occurred_at != 0 ? feedback->occurred_at : fleet->now;
}

/* Reports that end nothing are bounded: a device that loops must not fill the store. */
static int count_report(struct fleet *fleet, int64_t action)
{
    static const char sql[] =
        "UPDATE action SET reports = reports + 1 WHERE id = $1 AND reports < $2";
    int status = db_run(fleet->db, sql, DB_ARGS(db_i(action), db_i(ACTION_STATUS_MAX)));
    if (status == DB_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_QUOTA, "more than %d reports on one action",
                            ACTION_STATUS_MAX);
    return status;
}

static int note(struct fleet *fleet, const struct action *action, enum action_state entry,
                const struct feedback *feedback)
{
    int status = status_entry(fleet, action->id, entry, when(fleet, feedback), feedback, NULL);
    return status == FLEET_OK ? keep_code(fleet, action->id, feedback) : status;
}

static int count_active(struct fleet *fleet, int64_t target, int64_t *count)
{
    static const char sql[] = "SELECT COUNT(*) FROM action WHERE target = $1 AND active = 1";
    int status = db_get_int(fleet->db, sql, DB_ARGS(db_i(target)), count);
    return status == DB_ROW ? FLEET_OK : status == DB_OK ? DB_EIO : status;
}

/* The end of an update */

static int finished(struct fleet *fleet, const struct target *target, const struct action *action)
{
    int status = action_set_state(fleet, action->id, ACTION_FINISHED, false);
    if (status == FLEET_OK)
        status = target_installed(fleet, target->id, action->dist_set);
    if (status == FLEET_OK && target->assigned_set == action->dist_set)
        status = target_set_status(fleet, target->id, "in_sync");
    if (status == FLEET_OK)
        status = target_request_attributes(fleet, target->id, true);
    return status;
}

static int failed(struct fleet *fleet, const struct target *target, const struct action *action)
{
    int status = action_set_state(fleet, action->id, ACTION_ERROR, false);
    if (status != FLEET_OK || target->assigned_set != action->dist_set)
        return status; /* it has another set assigned since, which this says nothing about */
    status = target_set_status(fleet, target->id, "error");
    return status == FLEET_OK ? target_assigned(fleet, target->id, 0) : status;
}

static int closed(struct fleet *fleet, const struct target *target, const struct action *action,
                  const struct feedback *feedback, bool good)
{
    int status = note(fleet, action, good ? ACTION_FINISHED : ACTION_ERROR, feedback);
    if (status != FLEET_OK)
        return status;
    return good ? finished(fleet, target, action) : failed(fleet, target, action);
}

/* All that a download-only action asks for. */
static int downloaded(struct fleet *fleet, const struct target *target, const struct action *action)
{
    int status = action_set_state(fleet, action->id, ACTION_DOWNLOADED, false);
    if (status == FLEET_OK)
        status = target_set_status(fleet, target->id, "in_sync");
    if (status == FLEET_OK)
        status = target_request_attributes(fleet, target->id, true);
    return status;
}

static int proceeds(struct fleet *fleet, const struct target *target, const struct action *action,
                    const struct feedback *feedback, enum action_state entry)
{
    int status = count_report(fleet, action->id);
    if (status == FLEET_OK)
        status = note(fleet, action, entry, feedback);
    if (status != FLEET_OK)
        return status;
    if (entry == ACTION_DOWNLOADED && action->terms.kind == ACTION_DOWNLOADONLY)
        return downloaded(fleet, target, action);
    bool moves = action->state != ACTION_CANCELING && entry != ACTION_CANCELED;
    return moves ? action_set_state(fleet, action->id, entry, true) : FLEET_OK;
}

int action_feedback(struct fleet *fleet, const struct target *target, int64_t id,
                    const struct feedback *feedback)
{
    struct action action;
    struct verdict verdict;
    int status = read_words(fleet, feedback, false, &verdict);
    if (status == FLEET_OK)
        status = action_of(fleet, target->id, id, &action);
    if (status != FLEET_OK)
        return status;
    if (action.state == ACTION_WAIT_FOR_CONFIRMATION)
        return fleet_refuse(fleet, FLEET_NONE, "the action waits for confirmation");
    bool late = action.terms.kind == ACTION_DOWNLOADONLY && action.state == ACTION_DOWNLOADED;
    if (!action.active && !(late && verdict.final))
        return fleet_refuse(fleet, FLEET_GONE, "the action is over");
    return verdict.final ? closed(fleet, target, &action, feedback, verdict.good)
                         : proceeds(fleet, target, &action, feedback, verdict.entry);
}

/* The end of a cancel */

int action_settle_target(struct fleet *fleet, const struct target *target)
{
    int64_t active;
    int status = count_active(fleet, target->id, &active);
    if (status != FLEET_OK || active > 0)
        return status;
    status = target_assigned(fleet, target->id, target->installed_set);
    if (status != FLEET_OK)
        return status;
    return target_set_status(fleet, target->id,
                             target->installed_set != 0 ? "in_sync" : "registered");
}

static int cancel_closed(struct fleet *fleet, const struct target *target,
                         const struct action *action, const struct feedback *feedback, bool good)
{
    int status = note(fleet, action, good ? ACTION_CANCELED : ACTION_CANCEL_REJECTED, feedback);
    if (status == FLEET_OK)
        status =
            action_set_state(fleet, action->id, good ? ACTION_CANCELED : ACTION_RUNNING, !good);
    return status == FLEET_OK && good ? action_settle_target(fleet, target) : status;
}

int action_cancel_feedback(struct fleet *fleet, const struct target *target, int64_t id,
                           const struct feedback *feedback)
{
    struct action action;
    struct verdict verdict;
    int status = read_words(fleet, feedback, true, &verdict);
    if (status == FLEET_OK)
        status = action_of(fleet, target->id, id, &action);
    if (status != FLEET_OK)
        return status;
    if (action.state == ACTION_CANCELED && !action.active)
        return FLEET_OK; /* said again, since the answer was lost */
    if (action.state != ACTION_CANCELING || !action.active)
        return fleet_refuse(fleet, FLEET_NO_CANCEL, "the action is not being cancelled");
    if (verdict.final)
        return cancel_closed(fleet, target, &action, feedback, verdict.good);
    status = count_report(fleet, id);
    if (status == FLEET_OK)
        status = note(fleet, &action, verdict.entry, feedback);
    if (status == FLEET_OK && verdict.entry == ACTION_CANCEL_REJECTED)
        status = action_set_state(fleet, id, ACTION_RUNNING, true);
    return status;
}

/* Confirmation */

int action_confirm(struct fleet *fleet, const struct target *target, int64_t id, bool agreed,
                   const struct feedback *feedback)
{
    struct action action;
    int status = action_of(fleet, target->id, id, &action);
    if (status != FLEET_OK)
        return status;
    if (!action.active)
        return fleet_refuse(fleet, FLEET_GONE, "the action is over");
    if (action.state != ACTION_WAIT_FOR_CONFIRMATION)
        return fleet_refuse(fleet, FLEET_NONE, "the action does not wait for confirmation");
    status = count_report(fleet, id);
    if (status == FLEET_OK)
        status =
            note(fleet, &action, agreed ? ACTION_RUNNING : ACTION_WAIT_FOR_CONFIRMATION, feedback);
    if (status == FLEET_OK && agreed)
        status = action_set_state(fleet, id, ACTION_RUNNING, true);
    return status;
}

static int confirm_waiting(struct fleet *fleet, const struct target *target)
{
    static const char sql[] =
        "UPDATE action SET state = 'running', changed_at = $2, changed_by = $3"
        " WHERE target = $1 AND active = 1 AND state = 'wait_for_confirmation'";
    return db_run(fleet->db, sql, DB_ARGS(db_i(target->id), db_i(fleet->now), db_t(fleet->who)));
}

int target_auto_confirm(struct fleet *fleet, const struct target *target, bool on,
                        const char *initiator, const char *remark)
{
    static const char sql[] = "UPDATE target SET auto_confirm_at = $2, auto_confirm_by = $3,"
                              " auto_confirm_remark = $4 WHERE id = $1";
    if (on && target->auto_confirm)
        return fleet_refuse(fleet, FLEET_EXISTS, "confirmation is automatic already");
    int status = db_run(fleet->db, sql,
                        DB_ARGS(db_i(target->id), on ? db_i(fleet->now) : DB_NULL,
                                db_t(on ? initiator : NULL), db_t(on ? remark : NULL)));
    return status == FLEET_OK && on ? confirm_waiting(fleet, target) : status;
}
