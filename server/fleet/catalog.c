/* server/fleet/catalog.c: see server/fleet/catalog.h. */
#include "server/fleet/catalog.h"

#include <stdio.h>
#include <string.h>

#include "server/fleet/version_key.h"

#define ARTIFACT_COLUMNS                                                                           \
    "a.id, a.module, a.filename, a.size, a.sha256, a.sha1, a.md5, a.project, a.version,"           \
    " a.secure_version, a.created_at"

static int no_rows(struct fleet *fleet, int status, const char *what)
{
    if (status == DB_OK)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such %s", what);
    return status == DB_ROW ? FLEET_OK : status;
}

/* Modules */

static int text_rule(struct fleet *fleet, const char *what, const char *text, size_t max)
{
    if (text != NULL && fleet_text_valid(text, max))
        return FLEET_OK;
    return fleet_refuse(fleet, FLEET_INVALID, "%s has 1 to %zu characters", what, max);
}

static int naming_rules(struct fleet *fleet, const char *type, const char *name,
                        const char *version, const char *description)
{
    int status = text_rule(fleet, "type", type, CATALOG_TYPE_MAX);
    if (status == FLEET_OK)
        status = text_rule(fleet, "name", name, CATALOG_NAME_MAX);
    if (status == FLEET_OK)
        status = text_rule(fleet, "version", version, CATALOG_VERSION_MAX);
    if (status == FLEET_OK && description != NULL && description[0] != '\0')
        status = text_rule(fleet, "description", description, CATALOG_TEXT_MAX);
    return status;
}

int module_create(struct fleet *fleet, const struct module_new *new, int64_t *id)
{
    static const char sql[] =
        "INSERT INTO module (tenant, type, name, version, vendor, description, encrypted,"
        " created_at, created_by, changed_at, changed_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $9)"
        " ON CONFLICT DO NOTHING RETURNING id";
    int status = naming_rules(fleet, new->type, new->name, new->version, new->description);
    if (status != FLEET_OK)
        return status;
    status = db_get_int(fleet->db, sql,
                        DB_ARGS(db_i(fleet->tenant), db_t(new->type), db_t(new->name),
                                db_t(new->version), db_t(new->vendor), db_t(new->description),
                                db_i(new->encrypted), db_i(fleet->now), db_t(fleet->who)),
                        id);
    if (status == DB_OK)
        return fleet_refuse(fleet, FLEET_EXISTS, "there is a module %s %s already", new->name,
                            new->version);
    return status == DB_ROW ? FLEET_OK : status;
}

int module_open(struct fleet *fleet, int64_t id)
{
    static const char sql[] =
        "SELECT locked FROM module WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL";
    int64_t locked;
    int status =
        no_rows(fleet, db_get_int(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(id)), &locked),
                "module");
    if (status == FLEET_OK && locked != 0)
        return fleet_refuse(fleet, FLEET_LOCKED, "the module has been assigned: it stays as it is");
    return status;
}

/* Artifacts */

static void read_artifact(const struct db_rows *rows, struct artifact *out)
{
    out->id = db_int(rows, 0);
    out->module = db_int(rows, 1);
    snprintf(out->filename, sizeof out->filename, "%s", db_text(rows, 2));
    out->size = db_int(rows, 3);
    snprintf(out->sha256, sizeof out->sha256, "%s", db_text(rows, 4));
    snprintf(out->sha1, sizeof out->sha1, "%s", db_text(rows, 5));
    snprintf(out->md5, sizeof out->md5, "%s", db_text(rows, 6));
    snprintf(out->project, sizeof out->project, "%s", db_text(rows, 7));
    snprintf(out->version, sizeof out->version, "%s", db_text(rows, 8));
    out->secure_version = (uint32_t)db_int(rows, 9);
    out->created_at = db_int(rows, 10);
}

static int one_artifact(struct fleet *fleet, struct db_rows *rows, struct artifact *out)
{
    int status = db_next(rows);
    if (status != DB_ROW)
        return no_rows(fleet, status, "artifact");
    read_artifact(rows, out);
    db_end(rows);
    return FLEET_OK;
}

/* It becomes part of a path and of a header: no slash, no quote, no control character. */
static bool filename_valid(const char *name)
{
    return fleet_text_valid(name, ARTIFACT_FILENAME_MAX) && strpbrk(name, "/\\\"<>") == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int refuse_same_name(struct fleet *fleet)
{
    return fleet_refuse(fleet, FLEET_EXISTS, "the module has a file of that name already");
}

int artifact_check(struct fleet *fleet, const struct artifact *artifact)
{
    static const char sql[] = "SELECT COUNT(*), COALESCE(SUM(CASE WHEN filename = $2 THEN 1 ELSE 0"
                              " END), 0) FROM artifact WHERE module = $1";
    if (!filename_valid(artifact->filename))
        return fleet_refuse(fleet, FLEET_INVALID, "not a file name that can be offered");
    int status = module_open(fleet, artifact->module);
    if (status != FLEET_OK)
        return status;
    struct db_rows *rows =
        db_query(fleet->db, sql, DB_ARGS(db_i(artifact->module), db_t(artifact->filename)));
    status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    int64_t have = db_int(rows, 0);
    bool same_name = db_int(rows, 1) > 0;
    db_end(rows);
    if (same_name)
        return refuse_same_name(fleet);
    if (have >= ARTIFACTS_MAX)
        return fleet_refuse(fleet, FLEET_QUOTA, "a module has at most %d artifacts", ARTIFACTS_MAX);
    return FLEET_OK;
}

int artifact_add(struct fleet *fleet, const struct artifact *artifact, int64_t *id)
{
    static const char sql[] =
        "INSERT INTO artifact (module, filename, size, sha256, sha1, md5, project, version,"
        " secure_version, created_at, created_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT (module, filename) DO NOTHING RETURNING id";
    int status = artifact_check(fleet, artifact);
    if (status != FLEET_OK)
        return status;
    status =
        db_get_int(fleet->db, sql,
                   DB_ARGS(db_i(artifact->module), db_t(artifact->filename), db_i(artifact->size),
                           db_t(artifact->sha256), db_t(artifact->sha1), db_t(artifact->md5),
                           artifact->project[0] != '\0' ? db_t(artifact->project) : DB_NULL,
                           artifact->version[0] != '\0' ? db_t(artifact->version) : DB_NULL,
                           db_i(artifact->secure_version), db_i(fleet->now), db_t(fleet->who)),
                   id);
    if (status == DB_OK)
        return refuse_same_name(fleet);
    return status == DB_ROW ? FLEET_OK : status;
}

int artifact_delete(struct fleet *fleet, int64_t module, int64_t id)
{
    static const char sql[] = "DELETE FROM artifact WHERE module = $1 AND id = $2";
    int status = module_open(fleet, module);
    if (status != FLEET_OK)
        return status;
    status = db_run(fleet->db, sql, DB_ARGS(db_i(module), db_i(id)));
    if (status == DB_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such artifact");
    return status;
}

int artifact_get(struct fleet *fleet, int64_t module, int64_t id, struct artifact *out)
{
    static const char sql[] =
        "SELECT " ARTIFACT_COLUMNS " FROM artifact AS a JOIN module AS m ON m.id = a.module"
        " WHERE m.tenant = $1 AND a.module = $2 AND a.id = $3";
    return one_artifact(
        fleet, db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(module), db_i(id))), out);
}

int artifact_find(struct fleet *fleet, int64_t module, const char *filename, struct artifact *out)
{
    static const char sql[] =
        "SELECT " ARTIFACT_COLUMNS " FROM artifact AS a JOIN module AS m ON m.id = a.module"
        " WHERE m.tenant = $1 AND a.module = $2 AND a.filename = $3";
    return one_artifact(
        fleet, db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(module), db_t(filename))),
        out);
}

/* Sets */

int set_create(struct fleet *fleet, const struct set_new *new, int64_t *id)
{
    static const char sql[] =
        "INSERT INTO dist_set (tenant, type, name, version, description, migration_step,"
        " created_at, created_by, changed_at, changed_by, version_key)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $8, $9)"
        " ON CONFLICT DO NOTHING RETURNING id";
    char key[VERSION_KEY_MAX];
    int status = naming_rules(fleet, new->type, new->name, new->version, new->description);
    if (status != FLEET_OK)
        return status;
    version_key(new->version, key);
    status =
        db_get_int(fleet->db, sql,
                   DB_ARGS(db_i(fleet->tenant), db_t(new->type), db_t(new->name),
                           db_t(new->version), db_t(new->description), db_i(new->migration_step),
                           db_i(fleet->now), db_t(fleet->who), db_t(key)),
                   id);
    if (status == DB_OK)
        return fleet_refuse(fleet, FLEET_EXISTS, "there is a distribution set %s %s already",
                            new->name, new->version);
    return status == DB_ROW ? set_add_modules(fleet, *id, new->modules, new->module_count) : status;
}

int set_open(struct fleet *fleet, int64_t id)
{
    static const char sql[] =
        "SELECT locked FROM dist_set WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL";
    int64_t locked;
    int status =
        no_rows(fleet, db_get_int(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(id)), &locked),
                "distribution set");
    if (status == FLEET_OK && locked != 0)
        return fleet_refuse(fleet, FLEET_LOCKED,
                            "the distribution set has been assigned: it stays as it is");
    return status;
}

int set_add_modules(struct fleet *fleet, int64_t id, const int64_t *modules, size_t count)
{
    static const char known[] =
        "SELECT id FROM module WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL";
    static const char add[] = "INSERT INTO set_module (dist_set, module) VALUES ($1, $2)"
                              " ON CONFLICT (dist_set, module) DO NOTHING";
    static const char total[] = "SELECT COUNT(*) FROM set_module WHERE dist_set = $1";
    int64_t have = 0;
    int status = set_open(fleet, id);
    for (size_t i = 0; i < count && status == FLEET_OK; i++) {
        int64_t module;
        status = no_rows(
            fleet,
            db_get_int(fleet->db, known, DB_ARGS(db_i(fleet->tenant), db_i(modules[i])), &module),
            "module");
        if (status == FLEET_OK)
            status = db_run(fleet->db, add, DB_ARGS(db_i(id), db_i(modules[i])));
    }
    if (status != FLEET_OK)
        return status;
    status = db_get_int(fleet->db, total, DB_ARGS(db_i(id)), &have);
    if (status == DB_ROW && have > SET_MODULES_MAX)
        return fleet_refuse(fleet, FLEET_QUOTA, "a distribution set has at most %d modules",
                            SET_MODULES_MAX);
    return status == DB_ROW ? FLEET_OK : status;
}

int set_lock(struct fleet *fleet, int64_t id)
{
    static const char modules[] = "UPDATE module SET locked = 1 WHERE locked = 0 AND id IN"
                                  " (SELECT module FROM set_module WHERE dist_set = $1)";
    static const char set[] = "UPDATE dist_set SET locked = 1 WHERE locked = 0 AND id = $1";
    int status = db_run(fleet->db, set, DB_ARGS(db_i(id)));
    if (status != DB_OK || db_changes(fleet->db) == 0)
        return status; /* locked before, and its modules with it */
    return db_run(fleet->db, modules, DB_ARGS(db_i(id)));
}

int set_find(struct fleet *fleet, const char *name, const char *version, int64_t *id)
{
    static const char sql[] =
        "SELECT id FROM dist_set WHERE tenant = $1 AND name = $2 AND version = $3"
        " AND deleted_at IS NULL";
    return no_rows(
        fleet,
        db_get_int(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_t(name), db_t(version)), id),
        "distribution set");
}

int set_image(struct fleet *fleet, int64_t id, struct artifact *out)
{
    static const char sql[] =
        "SELECT " ARTIFACT_COLUMNS " FROM artifact AS a JOIN set_module AS s ON s.module = a.module"
        " WHERE s.dist_set = $1 AND a.project IS NOT NULL"
        " ORDER BY a.id LIMIT 1";
    return one_artifact(fleet, db_query(fleet->db, sql, DB_ARGS(db_i(id))), out);
}
