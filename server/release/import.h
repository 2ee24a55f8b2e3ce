/* server/release/import.h: what is published on a channel becomes a module and a distribution set,
 * so that DDI is fed by the same releases as the plain channel.
 *
 * The pointers are read about once a second; what the store has is remembered, so nothing more is
 * done for it. A release that it does not have is read, hashed and compared with its pointer
 * (publishing has judged it already), and added: product and version name both. Whoever comes first
 * of several servers adds it. A version that is there with other bytes stays as it is.
 */
#ifndef SERVER_RELEASE_IMPORT_H
#define SERVER_RELEASE_IMPORT_H

#include "server/db/db.h"
#include "server/release/store.h"

struct import_seen;

/* All zero is a new one. */
struct import {
    struct import_seen *seen;
    size_t count;
};
void import_free(struct import *import);

/* Inside the caller's transaction, and in a mark of its own: adds at most one release, *worked
 * then. `note[size]`: a line for the log, "" for none. DB_OK, or an error of the transaction. */
int import_step(struct import *import, const struct store *releases, struct db *db, int64_t now,
                bool *worked, char *note, size_t size);

#endif
