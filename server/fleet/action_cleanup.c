/* server/fleet/action_cleanup.c: see server/fleet/action_cleanup.h. */
#include "server/fleet/action_cleanup.h"

/* One that finished and that nothing newer has taken the place of: of the same set, if that is what
 * the target has installed. */
#define LAST_FINISHED                                                                              \
    "a.state = 'finished' AND NOT EXISTS (SELECT 1 FROM action AS n WHERE n.target = a.target"     \
    " AND n.active = 0 AND n.state = 'finished' AND n.id > a.id"                                   \
    " AND (n.dist_set = a.dist_set OR COALESCE(t.installed_set, 0) <> a.dist_set))"

/* Of those that this step looks at, the ones that may go. */
struct step {
    size_t looked_at;
    int64_t last; /* looked at */
    bool young;   /* all of them, and so those behind them */
    struct db_list gone;
};

static int look(struct fleet *fleet, int64_t cursor, int64_t before, struct step *step)
{
    static const char sql[] =
        "SELECT a.id, a.created_at, CASE WHEN a.active = 0 AND a.changed_at < $2"
        " AND (a.counted = 1 OR a.rollout_group IS NULL)"
        " AND COALESCE(r.status, 'finished') IN ('finished', 'stopped')"
        " AND NOT EXISTS (SELECT 1 FROM target_filter AS f WHERE f.auto_set = a.dist_set)"
        " AND NOT (" LAST_FINISHED ") THEN 1 ELSE 0 END"
        " FROM action AS a JOIN target AS t ON t.id = a.target"
        " LEFT JOIN rollout AS r ON r.id = a.rollout"
        " WHERE a.id > $1 ORDER BY a.id LIMIT $3";
    int status = DB_OK;
    struct db_rows *rows =
        db_query(fleet->db, sql, DB_ARGS(db_i(cursor), db_i(before), db_i(CLEANUP_LOOK)));
    *step = (struct step){.last = cursor, .young = true};
    db_list_clear(&step->gone);
    while (step->gone.count < CLEANUP_ACTIONS && (status = db_next(rows)) == DB_ROW) {
        step->looked_at++;
        step->last = db_int(rows, 0);
        step->young = step->young && db_int(rows, 1) >= before;
        if (db_int(rows, 2) != 0)
            db_list_add(&step->gone, step->last);
    }
    if (status == DB_ROW)
        db_end(rows);
    return status == DB_ROW ? DB_OK : status;
}

/* What was reported on them, as much as one step takes. *all: nothing is left. */
static int remove_entries(struct fleet *fleet, struct db_list *actions, bool *all)
{
    static const char find[] =
        "SELECT id FROM action_status WHERE action {in $1} ORDER BY id LIMIT $2";
    static const char messages[] = "DELETE FROM action_message WHERE status {in $1}";
    static const char entries[] = "DELETE FROM action_status WHERE id {in $1}";
    struct db_list list;
    int status;
    struct db_rows *rows =
        db_query(fleet->db, find, DB_ARGS(db_l(fleet->db, actions), db_i(CLEANUP_ENTRIES)));
    db_list_clear(&list);
    while ((status = db_next(rows)) == DB_ROW)
        db_list_add(&list, db_int(rows, 0));
    *all = list.count < CLEANUP_ENTRIES;
    if (status == DB_OK)
        status = db_run(fleet->db, messages, DB_ARGS(db_l(fleet->db, &list)));
    return status == DB_OK ? db_run(fleet->db, entries, DB_ARGS(db_l(fleet->db, &list))) : status;
}

static int clean_up(struct fleet *fleet, int64_t before, struct action_cleanup *pass)
{
    static const char actions[] = "DELETE FROM action WHERE id {in $1}";
    struct step step;
    bool all = true;
    int status = look(fleet, pass->cursor, before, &step);
    if (status == DB_OK && step.gone.count > 0)
        status = remove_entries(fleet, &step.gone, &all);
    if (status != DB_OK || !all)
        return status; /* the same ones again */
    pass->cursor = step.last;
    pass->over = step.young || (step.gone.count < CLEANUP_ACTIONS && step.looked_at < CLEANUP_LOOK);
    pass->removed += (int64_t)step.gone.count;
    return step.gone.count > 0 ? db_run(fleet->db, actions, DB_ARGS(db_l(fleet->db, &step.gone)))
                               : DB_OK;
}

int action_cleanup_step(struct fleet *fleet, int64_t before, struct action_cleanup *pass)
{
    struct action_cleanup next = *pass;
    bool free;
    int status = fleet_alone(fleet, FLEET_CLEANUP, &free);
    if (status == FLEET_OK && free)
        status = clean_up(fleet, before, &next);
    if (status == FLEET_OK)
        *pass = next;
    return status;
}
