/* server/fleet/target.c: see server/fleet/target.h. */
#include "server/fleet/target.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "id, controller_id, security_token, update_status, request_attributes, revoked_at,"            \
    " assigned_set, installed_set, installed_at, auto_confirm_at"

static void copy(char *out, size_t size, const struct db_rows *rows, int column)
{
    snprintf(out, size, "%s", db_text(rows, column));
}

/* The one row, or FLEET_NONE. */
static int read_target(struct fleet *fleet, struct db_rows *rows, struct target *out)
{
    int status = db_next(rows);
    if (status == DB_OK)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such target");
    if (status != DB_ROW)
        return status;
    out->id = db_int(rows, 0);
    copy(out->controller_id, sizeof out->controller_id, rows, 1);
    copy(out->security_token, sizeof out->security_token, rows, 2);
    copy(out->update_status, sizeof out->update_status, rows, 3);
    out->request_attributes = db_int(rows, 4) != 0;
    out->revoked = !db_is_null(rows, 5);
    out->assigned_set = db_int(rows, 6);
    out->installed_set = db_int(rows, 7);
    out->installed_at = db_int(rows, 8);
    out->auto_confirm = !db_is_null(rows, 9);
    db_end(rows);
    return FLEET_OK;
}

int target_find(struct fleet *fleet, const char *controller_id, struct target *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM target WHERE tenant = $1 AND controller_id = $2";
    return read_target(
        fleet, db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_t(controller_id))), out);
}

int target_get(struct fleet *fleet, int64_t id, struct target *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM target WHERE tenant = $1 AND id = $2";
    return read_target(fleet, db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(id))),
                       out);
}

/* What goes into a path and a certificate: printable, no blank, no slash. */
static bool controller_id_valid(const char *id)
{
    size_t length = strlen(id);
    if (length == 0 || length > TARGET_ID_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)id[i] <= ' ' || id[i] == 0x7F || id[i] == '/')
            return false;
    }
    return true;
}

int target_create(struct fleet *fleet, const struct target_new *new, struct target *out)
{
    static const char sql[] =
        "INSERT INTO target (tenant, controller_id, name, description, address, type, group_name,"
        " security_token, update_status, created_at, created_by, changed_at, changed_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $11)"
        " ON CONFLICT (tenant, controller_id) DO NOTHING";
    char token[TARGET_TOKEN_MAX + 1];
    const char *name = new->name != NULL ? new->name : new->controller_id;
    if (!controller_id_valid(new->controller_id))
        return fleet_refuse(fleet, FLEET_INVALID,
                            "a controller id has 1 to %d characters, no blank, no slash",
                            TARGET_ID_MAX);
    if (new->security_token != NULL && !fleet_text_valid(new->security_token, TARGET_TOKEN_MAX))
        return fleet_refuse(fleet, FLEET_INVALID, "a security token has 1 to %d characters",
                            TARGET_TOKEN_MAX);
    int status = fleet_random_text(token, TARGET_TOKEN_CHARS);
    if (status != FLEET_OK)
        return status;
    status = db_run(fleet->db, sql,
                    DB_ARGS(db_i(fleet->tenant), db_t(new->controller_id), db_t(name),
                            db_t(new->description), db_t(new->address), db_t(new->type),
                            db_t(new->group),
                            db_t(new->security_token != NULL ? new->security_token : token),
                            db_t(new->update_status), db_i(fleet->now), db_t(fleet->who)));
    if (status == DB_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_EXISTS, "there is a target %s already",
                            new->controller_id);
    return status == DB_OK ? target_find(fleet, new->controller_id, out) : status;
}

int target_update(struct fleet *fleet, int64_t id, const struct target_change *change)
{
    static const char sql[] =
        "UPDATE target SET name = COALESCE($2, name), description = COALESCE($3, description),"
        " address = COALESCE($4, address), type = COALESCE($5, type),"
        " group_name = COALESCE($6, group_name), security_token = COALESCE($7, security_token),"
        " request_attributes = COALESCE($8, request_attributes), changed_at = $9, changed_by = $10"
        " WHERE id = $1";
    if (change->security_token != NULL &&
        !fleet_text_valid(change->security_token, TARGET_TOKEN_MAX))
        return fleet_refuse(fleet, FLEET_INVALID, "a security token has 1 to %d characters",
                            TARGET_TOKEN_MAX);
    return db_run(
        fleet->db, sql,
        DB_ARGS(db_i(id), db_t(change->name), db_t(change->description), db_t(change->address),
                db_t(change->type), db_t(change->group), db_t(change->security_token),
                change->request_attributes != NULL ? db_i(*change->request_attributes) : DB_NULL,
                db_i(fleet->now), db_t(fleet->who)));
}

int target_delete(struct fleet *fleet, int64_t id)
{
    static const char sql[] = "DELETE FROM target WHERE tenant = $1 AND id = $2";
    int status = db_run(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(id)));
    if (status == DB_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_NONE, "there is no such target");
    return status;
}

int target_revoke(struct fleet *fleet, int64_t id, bool revoked)
{
    static const char sql[] =
        "UPDATE target SET revoked_at = $2, changed_at = $3, changed_by = $4 WHERE id = $1";
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(id), revoked ? db_i(fleet->now) : DB_NULL, db_i(fleet->now),
                          db_t(fleet->who)));
}

int target_new_token(struct fleet *fleet, int64_t id, char out[TARGET_TOKEN_MAX + 1])
{
    static const char sql[] =
        "UPDATE target SET security_token = $2, changed_at = $3, changed_by = $4 WHERE id = $1";
    int status = fleet_random_text(out, TARGET_TOKEN_CHARS);
    return status == FLEET_OK
               ? db_run(fleet->db, sql,
                        DB_ARGS(db_i(id), db_t(out), db_i(fleet->now), db_t(fleet->who)))
               : status;
}

int target_set_status(struct fleet *fleet, int64_t id, const char *update_status)
{
    static const char sql[] = "UPDATE target SET update_status = $2 WHERE id = $1";
    return db_run(fleet->db, sql, DB_ARGS(db_i(id), db_t(update_status)));
}

int target_assigned(struct fleet *fleet, int64_t id, int64_t dist_set)
{
    static const char sql[] = "UPDATE target SET assigned_set = $2 WHERE id = $1";
    return db_run(fleet->db, sql, DB_ARGS(db_i(id), dist_set != 0 ? db_i(dist_set) : DB_NULL));
}

int target_installed(struct fleet *fleet, int64_t id, int64_t dist_set)
{
    static const char sql[] =
        "UPDATE target SET installed_set = $2, installed_at = $3 WHERE id = $1";
    return db_run(fleet->db, sql, DB_ARGS(db_i(id), db_i(dist_set), db_i(fleet->now)));
}

int target_request_attributes(struct fleet *fleet, int64_t id, bool wanted)
{
    static const char sql[] = "UPDATE target SET request_attributes = $2 WHERE id = $1";
    return db_run(fleet->db, sql, DB_ARGS(db_i(id), db_i(wanted)));
}

/* hawkbit-ddi.md 7: ASCII letters, digits, blanks and common punctuation. */
static bool attribute_text_valid(const char *text)
{
    size_t length = strlen(text);
    if (length > TARGET_ATTRIBUTE_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return true;
}

static int set_attribute(struct fleet *fleet, int64_t id, const struct attribute *attribute,
                         bool remove)
{
    static const char put[] =
        "INSERT INTO target_attribute (target, key, value) VALUES ($1, $2, $3)"
        " ON CONFLICT (target, key) DO UPDATE SET value = excluded.value";
    static const char drop[] = "DELETE FROM target_attribute WHERE target = $1 AND key = $2";
    if (attribute->key[0] == '\0' || !attribute_text_valid(attribute->key) ||
        (attribute->value != NULL && !attribute_text_valid(attribute->value)))
        return fleet_refuse(fleet, FLEET_INVALID,
                            "attributes are at most %d printable ASCII characters",
                            TARGET_ATTRIBUTE_MAX);
    if (remove || attribute->value == NULL)
        return db_run(fleet->db, drop, DB_ARGS(db_i(id), db_t(attribute->key)));
    return db_run(fleet->db, put, DB_ARGS(db_i(id), db_t(attribute->key), db_t(attribute->value)));
}

int target_attributes(struct fleet *fleet, int64_t id, enum attribute_mode mode,
                      const struct attribute *list, size_t count)
{
    static const char clear[] = "DELETE FROM target_attribute WHERE target = $1";
    static const char total[] = "SELECT COUNT(*) FROM target_attribute WHERE target = $1";
    int status = FLEET_OK;
    int64_t have = 0;
    if (mode == ATTRIBUTES_REPLACE)
        status = db_run(fleet->db, clear, DB_ARGS(db_i(id)));
    for (size_t i = 0; i < count && status == FLEET_OK; i++)
        status = set_attribute(fleet, id, &list[i], mode == ATTRIBUTES_REMOVE);
    if (status == FLEET_OK)
        status = db_get_int(fleet->db, total, DB_ARGS(db_i(id)), &have);
    if (status != DB_ROW)
        return status;
    if (have > TARGET_ATTRIBUTES_MAX)
        return fleet_refuse(fleet, FLEET_QUOTA, "more than %d attributes", TARGET_ATTRIBUTES_MAX);
    /* What was removed says nothing of what the device is. */
    return mode != ATTRIBUTES_REMOVE ? target_request_attributes(fleet, id, false) : FLEET_OK;
}

int target_tag(struct fleet *fleet, int64_t id, const char *tag, bool present)
{
    static const char put[] =
        "INSERT INTO target_tag (target, tag) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    static const char drop[] = "DELETE FROM target_tag WHERE target = $1 AND tag = $2";
    static const char total[] = "SELECT COUNT(*) FROM target_tag WHERE target = $1";
    int64_t have = 0;
    if (!fleet_text_valid(tag, TARGET_TAG_MAX))
        return fleet_refuse(fleet, FLEET_INVALID, "a tag has 1 to %d characters", TARGET_TAG_MAX);
    int status = db_run(fleet->db, present ? put : drop, DB_ARGS(db_i(id), db_t(tag)));
    if (status == DB_OK)
        status = db_get_int(fleet->db, total, DB_ARGS(db_i(id)), &have);
    if (status == DB_ROW && have > TARGET_TAGS_MAX)
        return fleet_refuse(fleet, FLEET_QUOTA, "a target has at most %d tags", TARGET_TAGS_MAX);
    return status == DB_ROW ? FLEET_OK : status;
}
