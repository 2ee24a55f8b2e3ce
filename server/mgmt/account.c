/* server/mgmt/account.c: who is asking, who else may, what is here, who did what. */
#include <string.h>

#include "host/escape.h"
#include "server/fleet/audit.h"
#include "server/fleet/token.h"
#include "server/mgmt/answer.h"
#include "server/mgmt/mgmt.h"

static const char *role_word(enum api_role role)
{
    return role == API_ADMIN ? "admin" : role == API_OPERATE ? "operate" : "read";
}

int mgmt_userinfo(struct api_call *call)
{
    return mgmt_json(call, 200,
                     json_pack("{s:s, s:s, s:s}", "tenant", call->fleet.tenant_name, "username",
                               call->who, "role", role_word(call->role)));
}

/* Of this tenant; others are none of its business. */
int mgmt_usage(struct api_call *call)
{
    static const struct {
        const char *name, *sql;
    } counts[] = {
        {"overallTargets", "SELECT COUNT(*) FROM target WHERE tenant = $1"},
        {"overallActions", "SELECT COUNT(*) FROM action WHERE tenant = $1"},
        {"overallArtifacts", "SELECT COUNT(*) FROM artifact AS a JOIN module AS m"
                             " ON m.id = a.module WHERE m.tenant = $1 AND m.deleted_at IS NULL"},
        {"overallArtifactVolumeInBytes",
         "SELECT COALESCE(SUM(size), 0) FROM (SELECT DISTINCT a.sha256, a.size FROM artifact AS a"
         " JOIN module AS m ON m.id = a.module WHERE m.tenant = $1 AND m.deleted_at IS NULL)"
         " AS one"},
    };
    json_t *answer = json_pack("{s:s}", "tenantName", call->fleet.tenant_name);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int64_t count;
        int status =
            db_get_int(call->fleet.db, counts[i].sql, DB_ARGS(db_i(call->fleet.tenant)), &count);
        if (status != DB_ROW) {
            json_decref(answer);
            return status == DB_OK ? DB_EIO : status;
        }
        json_object_set_new(answer, counts[i].name, json_integer(count));
    }
    return mgmt_json(call, 200, answer);
}

/* Tokens */

static json_t *show_token(struct api_call *call, const struct db_rows *rows, void *context,
                          int *status)
{
    char segment[ESCAPED_URL(TOKEN_NAME_MAX)];
    (void)context;
    (void)status;
    json_t *token = json_pack(
        "{s:s, s:s, s:I, s:s, s:b, s:{s:o}}", "name", db_text(rows, 1), "role", db_text(rows, 2),
        "createdAt", (json_int_t)db_int(rows, 3), "createdBy", db_text(rows, 4), "revoked",
        !db_is_null(rows, 5), "_links", "self",
        mgmt_link(call, "/tokens/%s", escape_url(db_text(rows, 1), segment, sizeof segment)));
    if (token != NULL && !db_is_null(rows, 5))
        json_object_set_new(token, "revokedAt", json_integer(db_int(rows, 5)));
    return token;
}

static const struct mgmt_sort token_sorts[] = {
    {"name", "k.name"}, {"role", "k.role"}, {"createdat", "k.created_at"}, {NULL, NULL}};
static const struct mgmt_rows token_rows = {
    .columns = "k.id, k.name, k.role, k.created_at, k.created_by, k.revoked_at",
    .table = "api_token AS k",
    .joins = "",
    .key = "k.id",
    .sorts = token_sorts,
    .show = show_token,
};

int mgmt_tokens(struct api_call *call)
{
    return mgmt_list(call, &token_rows, "k.tenant = $1", DB_ARGS(db_i(call->fleet.tenant)), NULL);
}

int mgmt_token_create(struct api_call *call)
{
    char secret[TOKEN_CHARS + 1];
    const char *name = NULL;
    const char *role = NULL;
    int status = api_member_text(call, call->json, "name", true, TOKEN_NAME_MAX, &name);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "role", true, 16, &role);
    if (status == FLEET_OK)
        status = token_create(&call->fleet, name, role, secret);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "token.create", role, "token %s", name);
    return status == FLEET_OK ? mgmt_json(call, 201,
                                          json_pack("{s:s, s:s, s:s}", "name", name, "role", role,
                                                    "token", secret))
                              : status;
}

int mgmt_token_revoke(struct api_call *call)
{
    int status = token_revoke(&call->fleet, call->segment[0]);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "token.revoke", "", "token %s", call->segment[0]);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

/* The audit log */

static json_t *show_line(struct api_call *call, const struct db_rows *rows, void *context,
                         int *status)
{
    (void)call;
    (void)context;
    (void)status;
    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "id", (json_int_t)db_int(rows, 0), "at",
                     (json_int_t)db_int(rows, 1), "who", db_text(rows, 2), "verb", db_text(rows, 3),
                     "subject", db_text(rows, 4), "detail", db_text(rows, 5), "digest",
                     db_text(rows, 6));
}

static const struct mgmt_sort line_sorts[] = {{"id", "u.id"}, {"at", "u.at"}, {NULL, NULL}};
static const struct mgmt_rows line_rows = {
    .columns = "u.id, u.at, u.who, u.verb, u.subject, u.detail, u.digest",
    .table = "audit AS u",
    .joins = "",
    .key = "u.id",
    .sorts = line_sorts,
    .newest_first = true,
    .filtered = true,
    .filter = FILTER_AUDIT,
    .show = show_line,
};

int mgmt_audit_lines(struct api_call *call)
{
    return mgmt_list(call, &line_rows, "u.tenant = $1", DB_ARGS(db_i(call->fleet.tenant)), NULL);
}

/* Reads every line. `head`: a digest kept elsewhere. */
int mgmt_audit_verify(struct api_call *call)
{
    char text[AUDIT_DIGEST_CHARS + 1];
    struct audit_verdict verdict;
    const char *head;
    int status = api_query(call, "head", text, sizeof text, &head);
    if (status == FLEET_OK)
        status = audit_verify(&call->fleet, head, &verdict);
    if (status != FLEET_OK)
        return status;
    json_t *answer = json_pack("{s:b, s:I, s:s}", "intact", verdict.broken == 0, "lines",
                               (json_int_t)verdict.lines, "head", verdict.last);
    if (verdict.broken != 0)
        json_object_set_new(answer, "firstBroken", json_integer(verdict.broken));
    if (head != NULL)
        json_object_set_new(answer, "headFound", json_boolean(verdict.found));
    return mgmt_json(call, 200, answer);
}
