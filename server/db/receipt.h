/* server/db/receipt.h: a row by which a connection finds out what became of a commit whose answer
 * was lost. Internal to server/db.
 *
 * Each connection of the pool has one row, which every writing transaction renumbers first. The
 * number is there exactly when the rest of the transaction is; and who asks waits on the row until
 * the server has finished with the transaction that lost its client.
 */
#ifndef SERVER_DB_RECEIPT_H
#define SERVER_DB_RECEIPT_H

#include "server/db/db.h"

struct receipt {
    char session[33]; /* random; no two connections have the same */
    int64_t number;
};

/* Rows of connections that have been quiet for a day are removed. DB_OK or an error. */
int receipt_open(struct receipt *receipt, struct db *db);

/* At the start of a transaction. */
int receipt_write(struct receipt *receipt, struct db *db);

/* On the connection made anew. DB_OK: the last transaction is there. DB_EAGAIN: it is not and never
 * will be. DB_EUNKNOWN: the store does not say. */
int receipt_ask(const struct receipt *receipt, struct db *db);

#endif
