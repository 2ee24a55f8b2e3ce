/* server/fleet/ticket_salt.c: see server/fleet/ticket_salt.h. */
#include "server/fleet/ticket_salt.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#define SALT_CHARS (2 * TICKET_SALT_BYTES)

/* DB_ROW: it is there. */
static int find(struct db *db, int64_t period, unsigned char salt[TICKET_SALT_BYTES])
{
    static const char sql[] = "SELECT salt FROM ticket_salt WHERE period = $1";
    struct db_rows *rows = db_query(db, sql, DB_ARGS(db_i(period)));
    size_t length = 0;
    int status = db_next(rows);
    if (status != DB_ROW)
        return status;
    int good = OPENSSL_hexstr2buf_ex(salt, TICKET_SALT_BYTES, &length, db_text(rows, 0), '\0');
    db_end(rows);
    return good == 1 && length == TICKET_SALT_BYTES ? DB_ROW : DB_EIO;
}

static int make(struct db *db, int64_t period)
{
    static const char sql[] =
        "INSERT INTO ticket_salt (period, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    unsigned char salt[TICKET_SALT_BYTES];
    char text[SALT_CHARS + 1];
    if (RAND_bytes(salt, sizeof salt) != 1 ||
        OPENSSL_buf2hexstr_ex(text, sizeof text, NULL, salt, sizeof salt, '\0') != 1)
        return DB_EIO;
    return db_run(db, sql, DB_ARGS(db_i(period), db_t(text)));
}

int ticket_salts(struct db *db, int64_t period, struct ticket_salts *out)
{
    static const char forget[] = "DELETE FROM ticket_salt WHERE period < $1";
    int64_t first = period - 1;
    for (int i = 0; i < TICKET_PERIODS; i++) {
        int status = find(db, first + i, out->salt[i]);
        if (status == DB_OK)
            status = make(db, first + i);
        if (status == DB_OK)
            status = find(db, first + i, out->salt[i]);
        if (status != DB_ROW)
            return status == DB_OK ? DB_EIO : status;
    }
    return db_run(db, forget, DB_ARGS(db_i(first)));
}
