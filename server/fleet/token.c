/* server/fleet/token.c: see server/fleet/token.h. */
#include "server/fleet/token.h"

#include <stdio.h>
#include <string.h>

#include "server/digest.h"

#define DIGEST_CHARS 64

/* In the audit log a name stands where "device sensor-7", "rollout 3", "account root", "server" and
 * "release" do: it must not look like any of them. */
static bool name_valid(const char *name)
{
    return fleet_text_valid(name, TOKEN_NAME_MAX) && strpbrk(name, ": \\") == NULL &&
           strcmp(name, "server") != 0 && strcmp(name, "release") != 0;
}

static bool role_valid(const char *role)
{
    return strcmp(role, "read") == 0 || strcmp(role, "operate") == 0 || strcmp(role, "admin") == 0;
}

int token_add(struct fleet *fleet, const char *name, const char *role, const char *secret)
{
    static const char sql[] =
        "INSERT INTO api_token (tenant, name, role, digest, created_at, created_by)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, name) DO NOTHING";
    char digest[DIGEST_CHARS + 1];
    if (!name_valid(name))
        return fleet_refuse(fleet, FLEET_INVALID,
                            "a token's name has 1 to %d characters, no blank, colon or backslash;"
                            " server and release are taken",
                            TOKEN_NAME_MAX);
    if (!role_valid(role))
        return fleet_refuse(fleet, FLEET_INVALID, "a token's role is read, operate or admin");
    if (!digest_make("SHA256", secret, TOKEN_CHARS, digest))
        return DB_EIO;
    int status = db_run(fleet->db, sql,
                        DB_ARGS(db_i(fleet->tenant), db_t(name), db_t(role), db_t(digest),
                                db_i(fleet->now), db_t(fleet->who)));
    if (status == DB_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_EXISTS, "there is a token %s already", name);
    return status;
}

int token_create(struct fleet *fleet, const char *name, const char *role,
                 char secret[TOKEN_CHARS + 1])
{
    int status = fleet_random_text(secret, TOKEN_CHARS);
    return status == FLEET_OK ? token_add(fleet, name, role, secret) : status;
}

int token_revoke(struct fleet *fleet, const char *name)
{
    static const char sql[] = "UPDATE api_token SET revoked_at = $3 WHERE tenant = $1 AND name = $2"
                              " AND revoked_at IS NULL";
    int status = db_run(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_t(name), db_i(fleet->now)));
    if (status == DB_OK && db_changes(fleet->db) == 0)
        return fleet_refuse(fleet, FLEET_NONE, "there is no token %.64s in use", name);
    return status;
}

/* Looked up by digest: what the time of it tells is about the digest, not about the token. */
int token_check(struct fleet *fleet, const char *name, const char *secret, size_t length,
                struct token *out)
{
    static const char sql[] =
        "SELECT tenant, name, role FROM api_token WHERE digest = $1 AND revoked_at IS NULL";
    char digest[DIGEST_CHARS + 1];
    if (!digest_make("SHA256", secret, length, digest))
        return DB_EIO;
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_t(digest)));
    int status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? FLEET_NONE : status;
    out->tenant = db_int(rows, 0);
    snprintf(out->name, sizeof out->name, "%s", db_text(rows, 1));
    snprintf(out->role, sizeof out->role, "%s", db_text(rows, 2));
    db_end(rows);
    return name == NULL || strcmp(name, out->name) == 0 ? FLEET_OK : FLEET_NONE;
}

int token_each(struct fleet *fleet, token_visit *each, void *context)
{
    static const char sql[] = "SELECT name, role, created_by, created_at, revoked_at FROM api_token"
                              " WHERE tenant = $1 ORDER BY name";
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant)));
    int status;
    while ((status = db_next(rows)) == DB_ROW) {
        const struct token_facts token = {db_text(rows, 0), db_text(rows, 1), db_text(rows, 2),
                                          db_int(rows, 3), db_int(rows, 4)};
        each(context, &token);
    }
    return status;
}
