/* server/db/pool.h: the threads that talk to the store, so that no event loop waits for it.
 *
 * A job is a transaction, of a pool of one of two kinds: the one that writes (and reads what has to
 * be new), and the one that only reads, for questions that take long. On SQLite one thread runs the
 * writing jobs, as many as have come together under one commit (each behind a mark of its own), so
 * a burst of small writes costs one fsync. On PostgreSQL several threads with a connection each run
 * one job a transaction.
 *
 * What done() is told holds: with DB_OK the transaction is on disk, with anything else nothing of
 * it is there; a commit whose answer was lost with the connection is looked up
 * (server/db/receipt.h), and only where that fails too is DB_EUNKNOWN told. A job whose transaction
 * met another one, or lost the store, runs again until it is JOB_PATIENCE_MS old.
 */
#ifndef SERVER_DB_POOL_H
#define SERVER_DB_POOL_H

#include "server/db/db.h"

#define JOB_PATIENCE_MS  10000
#define POOL_THREADS_MAX 32u

/* What run() answers besides DB_OK and the errors: roll back, that was the answer. */
enum { JOB_REFUSED = 2 };

/* The first member of what the caller allocates. */
struct job {
    struct job *next;
    unsigned tries;
    int64_t since; /* when it was submitted */
    int status;
    enum db_access access;
    /* May be called again: begins anew each time. */
    int (*run)(struct job *job, struct db *db);
    /* Once, on a thread of the pool; the job is the caller's again. */
    void (*done)(struct job *job, int status);
};

struct pool;

/* The store must be migrated. `threads`: of PostgreSQL. HOST_DONE or HOST_FAILED. */
int pool_open(const char *url, unsigned threads, struct pool **out);

/* The same for jobs of DB_READ alone, on either store, each a transaction on a thread's own
 * connection: what takes long here keeps nobody else waiting, so these threads yield the processor
 * to all others of the machine. */
int pool_open_readers(const char *url, unsigned threads, struct pool **out);

/* Takes the job; never blocks on the store. */
void pool_submit(struct pool *pool, struct job *job);

/* Runs a job of DB_READ on the caller's own connection, here and now: for SQLite. Calls done(). */
void job_run_here(struct job *job, struct db *db);

/* Jobs that have been submitted and are not done: for metrics. */
unsigned pool_waiting(struct pool *pool);

/* Finishes every job, then ends the threads. */
void pool_close(struct pool *pool);

#endif
