/* server/db/receipt.c: see server/db/receipt.h. */
#include "server/db/receipt.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <time.h>

#define DAY_MS (24 * 3600 * INT64_C(1000))

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int receipt_open(struct receipt *receipt, struct db *db)
{
    static const char old[] = "DELETE FROM receipt WHERE at < $1";
    unsigned char random[(sizeof receipt->session - 1) / 2];
    if (RAND_bytes(random, sizeof random) != 1)
        return DB_EIO;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(receipt->session + 2 * i, 3, "%02x", random[i]);
    receipt->number = 0;
    return db_run(db, old, DB_ARGS(db_i(now_ms() - DAY_MS)));
}

int receipt_write(struct receipt *receipt, struct db *db)
{
    static const char sql[] = "INSERT INTO receipt (session, number, at) VALUES ($1, $2, $3)"
                              " ON CONFLICT (session) DO UPDATE SET number = $2, at = $3";
    receipt->number++;
    return db_run(db, sql, DB_ARGS(db_t(receipt->session), db_i(receipt->number), db_i(now_ms())));
}

/* It writes, so that it waits for another one that has written the row and is not over. */
int receipt_ask(const struct receipt *receipt, struct db *db)
{
    static const char sql[] = "INSERT INTO receipt (session, number, at) VALUES ($1, 0, $2)"
                              " ON CONFLICT (session) DO UPDATE SET number = receipt.number"
                              " RETURNING number";
    int64_t number;
    int status = db_get_int(db, sql, DB_ARGS(db_t(receipt->session), db_i(now_ms())), &number);
    if (status != DB_ROW)
        return DB_EUNKNOWN;
    return number == receipt->number ? DB_OK : DB_EAGAIN;
}
