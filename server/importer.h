/* server/importer.h: takes in what was published (server/release/import.h), about once a second.
 * Internal to server/.
 *
 * Looking and hashing is a job of those that read long, only adding one of those that write, so
 * that no device waits while a large image is hashed. There is never more than one of them.
 */
#ifndef SERVER_IMPORTER_H
#define SERVER_IMPORTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/db/pool.h"
#include "server/release/import.h"

struct service;

struct importer {
    struct job job; /* first */
    struct service *service;
    atomic_bool busy;
    atomic_bool finishing;
    _Atomic int64_t next_at; /* milliseconds since 1970 */
    struct import import;
    char said[IMPORT_NOTE_BYTES]; /* the last line in the log */
};

/* From any loop, about ten times a second. Nothing without a store. */
void importer_tick(struct service *service);

/* The loops have ended; before the pools close. What is not in yet waits for the next start. */
void importer_finish(struct service *service);

#endif
