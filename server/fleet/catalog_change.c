/* server/fleet/catalog_change.c: changes to modules and sets, and their end
 * (server/fleet/catalog.h).
 */
#include "server/fleet/catalog.h"

#include <string.h>

#include "server/fleet/version_key.h"

/* The number that the query answers into *out; FLEET_NONE when there is no such row. */
static int ask(struct fleet *fleet, const char *sql, int64_t id, const char *what, int64_t *out)
{
    int status = db_get_int(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(id)), out);
    if (status == DB_OK)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such %s", what);
    return status == DB_ROW ? FLEET_OK : status;
}

static int text_rule(struct fleet *fleet, const char *what, const char *text, size_t max)
{
    if (text == NULL || text[0] == '\0' || fleet_text_valid(text, max))
        return FLEET_OK;
    return fleet_refuse(fleet, FLEET_INVALID, "%s has at most %zu characters", what, max);
}

/* Modules */

int module_update(struct fleet *fleet, int64_t id, const char *vendor, const char *description)
{
    static const char sql[] =
        "UPDATE module SET vendor = COALESCE($3, vendor),"
        " description = COALESCE($4, description), changed_at = $5, changed_by = $6"
        " WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL";
    int status = text_rule(fleet, "vendor", vendor, CATALOG_NAME_MAX);
    if (status == FLEET_OK)
        status = text_rule(fleet, "description", description, CATALOG_TEXT_MAX);
    if (status == FLEET_OK)
        status = db_run(fleet->db, sql,
                        DB_ARGS(db_i(fleet->tenant), db_i(id), db_t(vendor), db_t(description),
                                db_i(fleet->now), db_t(fleet->who)));
    if (status == DB_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such module");
    return status;
}

int module_delete(struct fleet *fleet, int64_t id)
{
    static const char deleted[] =
        "SELECT CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END FROM module"
        " WHERE tenant = $1 AND id = $2";
    static const char live[] = "SELECT COUNT(*) FROM set_module AS s JOIN dist_set AS d"
                               " ON d.id = s.dist_set WHERE d.tenant = $1 AND s.module = $2"
                               " AND d.deleted_at IS NULL";
    static const char used[] = "SELECT COUNT(*) FROM set_module WHERE module = $1";
    static const char leave[] = "UPDATE module SET deleted_at = $2, changed_by = $3 WHERE id = $1";
    static const char sql[] = "DELETE FROM module WHERE id = $1";
    int64_t gone;
    int64_t sets;
    int status = ask(fleet, deleted, id, "module", &gone);
    if (status != FLEET_OK || gone != 0)
        return status;
    status = ask(fleet, live, id, "module", &sets);
    if (status == FLEET_OK && sets > 0)
        return fleet_refuse(fleet, FLEET_LOCKED, "the module is part of a distribution set");
    if (status == FLEET_OK)
        status = db_get_int(fleet->db, used, DB_ARGS(db_i(id)), &sets);
    if (status != DB_ROW)
        return status;
    return sets > 0
               ? db_run(fleet->db, leave, DB_ARGS(db_i(id), db_i(fleet->now), db_t(fleet->who)))
               : db_run(fleet->db, sql, DB_ARGS(db_i(id)));
}

int module_metadata_put(struct fleet *fleet, int64_t id, const char *key, const char *value,
                        bool visible)
{
    static const char put[] =
        "INSERT INTO module_metadata (module, key, value, visible) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (module, key) DO UPDATE SET value = excluded.value,"
        " visible = excluded.visible";
    static const char total[] = "SELECT COUNT(*) FROM module_metadata WHERE module = $1";
    int64_t have = 0;
    int status = module_open(fleet, id);
    if (status != FLEET_OK)
        return status;
    if (!fleet_text_valid(key, METADATA_KEY_MAX) || strlen(value) > METADATA_VALUE_MAX)
        return fleet_refuse(fleet, FLEET_INVALID,
                            "metadata: a key of 1 to %d, a value of at most"
                            " %d characters",
                            METADATA_KEY_MAX, METADATA_VALUE_MAX);
    status = db_run(fleet->db, put, DB_ARGS(db_i(id), db_t(key), db_t(value), db_i(visible)));
    if (status == DB_OK)
        status = db_get_int(fleet->db, total, DB_ARGS(db_i(id)), &have);
    if (status == DB_ROW && have > METADATA_MAX)
        return fleet_refuse(fleet, FLEET_QUOTA, "a module has at most %d pieces of metadata",
                            METADATA_MAX);
    return status == DB_ROW ? FLEET_OK : status;
}

int module_metadata_delete(struct fleet *fleet, int64_t id, const char *key)
{
    static const char sql[] = "DELETE FROM module_metadata WHERE module = $1 AND key = $2";
    int status = module_open(fleet, id);
    if (status == FLEET_OK)
        status = db_run(fleet->db, sql, DB_ARGS(db_i(id), db_t(key)));
    if (status == FLEET_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such metadata");
    return status;
}

/* Sets */

int set_remove_module(struct fleet *fleet, int64_t id, int64_t module)
{
    static const char sql[] = "DELETE FROM set_module WHERE dist_set = $1 AND module = $2";
    int status = set_open(fleet, id);
    if (status == FLEET_OK)
        status = db_run(fleet->db, sql, DB_ARGS(db_i(id), db_i(module)));
    if (status == FLEET_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_NONE, "the distribution set has no such module");
    return status;
}

/* Another set of that name and version? */
static int name_is_free(struct fleet *fleet, int64_t id, const struct set_change *change)
{
    static const char sql[] =
        "SELECT COUNT(*) FROM dist_set AS d, dist_set AS other WHERE d.tenant = $1 AND d.id = $2"
        " AND other.tenant = d.tenant AND other.id <> d.id AND other.deleted_at IS NULL"
        " AND other.name = COALESCE($3, d.name) AND other.version = COALESCE($4, d.version)";
    int64_t others;
    int status = db_get_int(
        fleet->db, sql,
        DB_ARGS(db_i(fleet->tenant), db_i(id), db_t(change->name), db_t(change->version)), &others);
    if (status == DB_ROW && others > 0)
        return fleet_refuse(fleet, FLEET_EXISTS,
                            "there is a distribution set of that name and version already");
    return status == DB_ROW ? FLEET_OK : status;
}

int set_update(struct fleet *fleet, int64_t id, const struct set_change *change)
{
    static const char sql[] =
        "UPDATE dist_set SET name = COALESCE($3, name), version = COALESCE($4, version),"
        " version_key = COALESCE($5, version_key), description = COALESCE($6, description),"
        " migration_step = COALESCE($7, migration_step), changed_at = $8, changed_by = $9"
        " WHERE tenant = $1 AND id = $2";
    char key[VERSION_KEY_MAX];
    const bool *step = change->migration_step;
    bool all = change->name != NULL || change->version != NULL || step != NULL;
    int status = set_open(fleet, id);
    if (status == FLEET_LOCKED && !all)
        status = FLEET_OK;
    if (status == FLEET_OK)
        status = text_rule(fleet, "description", change->description, CATALOG_TEXT_MAX);
    if (status == FLEET_OK)
        status = name_is_free(fleet, id, change);
    if (status != FLEET_OK)
        return status;
    if (change->version != NULL)
        version_key(change->version, key);
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(fleet->tenant), db_i(id), db_t(change->name), db_t(change->version),
                          db_t(change->version != NULL ? key : NULL), db_t(change->description),
                          step != NULL ? db_i(*step) : DB_NULL, db_i(fleet->now),
                          db_t(fleet->who)));
}

/* FLEET_OK when nothing under way needs it; *history: something still refers to it. */
static int set_unneeded(struct fleet *fleet, int64_t id, int64_t *history)
{
    static const char actions[] = "SELECT COUNT(*) FROM action WHERE tenant = $1 AND dist_set = $2"
                                  " AND active = 1 AND state <> 'canceling'";
    static const char rollouts[] =
        "SELECT COUNT(*) FROM rollout WHERE tenant = $1 AND dist_set = $2"
        " AND status NOT IN ('finished', 'stopped', 'deleted', 'approval_denied')";
    static const char anything[] =
        "SELECT (SELECT COUNT(*) FROM action WHERE dist_set = $2)"
        " + (SELECT COUNT(*) FROM rollout WHERE tenant = $1 AND dist_set = $2)"
        " + (SELECT COUNT(*) FROM target WHERE assigned_set = $2)"
        " + (SELECT COUNT(*) FROM target WHERE installed_set = $2)";
    int64_t count;
    int status = ask(fleet, actions, id, "distribution set", &count);
    if (status == FLEET_OK && count > 0)
        return fleet_refuse(fleet, FLEET_LOCKED, "%lld actions are bringing it to their targets",
                            (long long)count);
    if (status == FLEET_OK)
        status = ask(fleet, rollouts, id, "distribution set", &count);
    if (status == FLEET_OK && count > 0)
        return fleet_refuse(fleet, FLEET_LOCKED, "a rollout needs it");
    return status == FLEET_OK ? ask(fleet, anything, id, "distribution set", history) : status;
}

int set_delete(struct fleet *fleet, int64_t id)
{
    static const char deleted[] =
        "SELECT CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END FROM dist_set"
        " WHERE tenant = $1 AND id = $2";
    static const char filters[] = "UPDATE target_filter SET auto_set = NULL WHERE auto_set = $1";
    static const char leave[] =
        "UPDATE dist_set SET deleted_at = $2, changed_by = $3 WHERE id = $1";
    static const char sql[] = "DELETE FROM dist_set WHERE id = $1";
    int64_t gone;
    int64_t history = 0;
    int status = ask(fleet, deleted, id, "distribution set", &gone);
    if (status != FLEET_OK || gone != 0)
        return status;
    status = set_unneeded(fleet, id, &history);
    if (status == FLEET_OK)
        status = db_run(fleet->db, filters, DB_ARGS(db_i(id)));
    if (status != FLEET_OK)
        return status;
    return history > 0
               ? db_run(fleet->db, leave, DB_ARGS(db_i(id), db_i(fleet->now), db_t(fleet->who)))
               : db_run(fleet->db, sql, DB_ARGS(db_i(id)));
}
