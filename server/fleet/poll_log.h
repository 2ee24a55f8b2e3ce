/* server/fleet/poll_log.h: when each device was last here, on its way to the store.
 *
 * A poll must not cost a commit, so the last polls gather in memory and are written together, about
 * once a second. A crash loses those of the last second, which the next poll makes good. Shared by
 * all threads.
 */
#ifndef SERVER_FLEET_POLL_LOG_H
#define SERVER_FLEET_POLL_LOG_H

#include "server/db/db.h"

#define POLL_ADDRESS_MAX 48

struct poll_log;

struct poll_log *poll_log_new(void); /* NULL: out of memory */
void poll_log_free(struct poll_log *log);

/* Never fails: what does not fit into memory is left out. `log` may be NULL. */
void poll_log_note(struct poll_log *log, int64_t target, int64_t at, const char *address);

/* Polls not yet written. */
size_t poll_log_waiting(struct poll_log *log);

/* Writes what has gathered, inside the caller's transaction; one thread at a time. It is kept until
 * poll_log_written() tells that the commit went well, and written again otherwise. */
int poll_log_write(struct poll_log *log, struct db *db);
void poll_log_written(struct poll_log *log);

#endif
