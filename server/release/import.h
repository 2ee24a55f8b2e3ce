/* server/release/import.h: what is published on a channel becomes a module and a distribution set,
 * so that DDI is fed by the same releases as the plain channel.
 *
 * The pointers are read about once a second; what the store has is remembered, so nothing more is
 * done for it. A release that it does not have is read, hashed and compared with its pointer
 * (publishing has judged it already), which takes its time and no writing transaction; then it is
 * added: product and version name both. Whoever comes first of several servers adds it. A version
 * that is there with other bytes stays as it is.
 */
#ifndef SERVER_RELEASE_IMPORT_H
#define SERVER_RELEASE_IMPORT_H

#include "server/db/db.h"
#include "server/fleet/catalog.h"
#include "server/release/ota_target.h"
#include "server/release/store.h"

#define IMPORT_NOTE_BYTES 512

/* What a channel offers. */
struct import_seen {
    char product[NAME_BYTES_MAX + 1];
    char channel[NAME_BYTES_MAX + 1];
    char sha256[RELEASE_HASH_CHARS + 1];
};

/* All zero is a new one. One step at a time. */
struct import {
    struct import_seen *seen; /* nothing to be done any more */
    size_t count;
    bool found; /* the following are to be added */
    struct import_seen what;
    struct artifact artifact;
    char note[IMPORT_NOTE_BYTES]; /* of the last step, for the log; "": nothing to say */
};
void import_free(struct import *import);

/* Inside a transaction that reads: import->found, or everything has been looked at, or import->note
 * and there may be more. DB_OK, or an error of the transaction. */
int import_find(struct import *import, const struct store *releases, struct db *db);

/* Inside one that writes, in a mark of its own: adds what was found. DB_OK, also when it is not for
 * the fleet's store (import->note), or an error of the transaction. */
int import_add(struct import *import, struct db *db, int64_t now);

#endif
