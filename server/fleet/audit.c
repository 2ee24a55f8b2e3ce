/* server/fleet/audit.c: see server/fleet/audit.h. */
#include "server/fleet/audit.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "server/digest.h"

#define PAGE "1000" /* lines read at once */

struct line {
    const char *before; /* the digest of the line before; "" */
    int64_t at;
    const char *who, *verb, *subject, *detail;
};

/* Each part with its length, so that no two lines read the same. */
static int digest_of(const struct line *line, char out[AUDIT_DIGEST_CHARS + 1])
{
    const char *const parts[] = {line->before, line->who, line->verb, line->subject, line->detail};
    unsigned char digest[32];
    char number[48];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    int length = snprintf(number, sizeof number, "%" PRId64 "\n", line->at);
    good = good && EVP_DigestUpdate(context, number, (size_t)length) == 1;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        length = snprintf(number, sizeof number, "%zu ", strlen(parts[i]));
        good = good && EVP_DigestUpdate(context, number, (size_t)length) == 1 &&
               EVP_DigestUpdate(context, parts[i], strlen(parts[i])) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (good)
        digest_print(digest, sizeof digest, out);
    return good ? FLEET_OK : DB_EIO;
}

static int last_digest(struct fleet *fleet, char out[AUDIT_DIGEST_CHARS + 1])
{
    static const char sql[] = "SELECT digest FROM audit WHERE tenant = $1 ORDER BY id DESC LIMIT 1";
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant)));
    int status = db_next(rows);
    out[0] = '\0';
    if (status != DB_ROW)
        return status;
    snprintf(out, AUDIT_DIGEST_CHARS + 1, "%s", db_text(rows, 0));
    db_end(rows);
    return FLEET_OK;
}

int audit_note(struct fleet *fleet, const char *verb, const char *subject, const char *detail)
{
    static const char sql[] = "INSERT INTO audit (tenant, at, who, verb, subject, detail, digest)"
                              " VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /* Two that add a line at the same time change this row: one of them begins again (DB_STEP). */
    static const char hold[] = "UPDATE tenant SET name = name WHERE id = $1";
    char before[AUDIT_DIGEST_CHARS + 1];
    char digest[AUDIT_DIGEST_CHARS + 1];
    struct line line = {before, fleet->now, fleet->who, verb, subject, detail};
    int status = db_run(fleet->db, hold, DB_ARGS(db_i(fleet->tenant)));
    if (status == FLEET_OK)
        status = last_digest(fleet, before);
    if (status == FLEET_OK)
        status = digest_of(&line, digest);
    if (status != FLEET_OK)
        return status;
    return db_run(fleet->db, sql,
                  DB_ARGS(db_i(fleet->tenant), db_i(fleet->now), db_t(fleet->who), db_t(verb),
                          db_t(subject), db_t(detail), db_t(digest)));
}

/* The next lines after number *id. FLEET_OK when there are no more, or one does not hold. */
static int verify_page(struct fleet *fleet, int64_t *id, const char *head,
                       struct audit_verdict *verdict)
{
    static const char sql[] = "SELECT id, at, who, verb, subject, detail, digest FROM audit"
                              " WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT " PAGE;
    char digest[AUDIT_DIGEST_CHARS + 1] = "";
    bool any = false;
    int status;
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_i(*id)));
    while ((status = db_next(rows)) == DB_ROW) {
        struct line line = {verdict->last,    db_int(rows, 1),  db_text(rows, 2),
                            db_text(rows, 3), db_text(rows, 4), db_text(rows, 5)};
        *id = db_int(rows, 0);
        any = true;
        status = digest_of(&line, digest);
        if (status != FLEET_OK || strcmp(digest, db_text(rows, 6)) != 0) {
            verdict->broken = *id;
            db_end(rows);
            return status;
        }
        snprintf(verdict->last, sizeof verdict->last, "%s", digest);
        verdict->found = verdict->found || (head != NULL && strcmp(head, digest) == 0);
        verdict->lines++;
    }
    return status == DB_OK && any ? DB_ROW : status;
}

int audit_verify(struct fleet *fleet, const char *head, struct audit_verdict *verdict)
{
    int64_t id = 0;
    int status;
    *verdict = (struct audit_verdict){0};
    do
        status = verify_page(fleet, &id, head, verdict);
    while (status == DB_ROW);
    return status;
}
