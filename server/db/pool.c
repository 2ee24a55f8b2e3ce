/* server/db/pool.c: see server/db/pool.h. */
#include "server/db/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "host/error.h"
#include "server/db/receipt.h"

#define BATCH_MAX    256u
#define PAUSE_MIN_NS 500000u /* before a job runs again; doubles ... */
#define PAUSE_MAX_NS 64000000u
#define READER_NICE  10

struct pool;

struct thread {
    struct pool *pool;
    pthread_t id;
    struct db *db;
    struct receipt receipt; /* of PostgreSQL */
    unsigned seed;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct job *first;
    struct job **last; /* where the next one is put */
    unsigned waiting;
    bool stopping;
    bool only_reads;
    unsigned thread_count;
    struct thread thread[POOL_THREADS_MAX];
};

/* Waits for work: up to `max` jobs as a list, or NULL when the pool closes. */
static struct job *take(struct pool *pool, unsigned max)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->first == NULL && !pool->stopping)
        pthread_cond_wait(&pool->work, &pool->lock);
    struct job *taken = pool->first;
    struct job **end = &pool->first;
    for (unsigned i = 0; i < max && *end != NULL; i++)
        end = &(*end)->next;
    pool->first = *end;
    *end = NULL;
    if (pool->first == NULL)
        pool->last = &pool->first;
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

static void finish(struct pool *pool, struct job *job, int status)
{
    pthread_mutex_lock(&pool->lock);
    pool->waiting--;
    pthread_mutex_unlock(&pool->lock);
    job->done(job, status);
}

static void pause_before_again(struct thread *thread, unsigned tries)
{
    unsigned bound = PAUSE_MIN_NS << (tries < 7 ? tries : 7);
    if (bound > PAUSE_MAX_NS)
        bound = PAUSE_MAX_NS;
    struct timespec time = {.tv_nsec = bound / 2 + (long)((unsigned)rand_r(&thread->seed) % bound)};
    nanosleep(&time, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* After a while nobody waits for the answer any more; and while the store is away, those who come
 * later shall not wait for the sum of all. */
static bool too_late(const struct job *job)
{
    return now_ms() - job->since >= JOB_PATIENCE_MS;
}

static int run_once(struct thread *thread, struct job *job)
{
    struct db *db = thread->db;
    int status = db_begin(db, job->access);
    if (status == DB_OK && job->access != DB_READ && !db_embedded(db))
        status = receipt_write(&thread->receipt, db);
    if (status == DB_OK)
        status = job->run(job, db);
    if (status == DB_OK)
        status = db_commit(db);
    if (status == DB_EUNKNOWN && job->access == DB_READ)
        status = DB_EAGAIN;
    if (status != DB_OK)
        db_rollback(db);
    return status;
}

/* What became of a commit whose answer was lost. */
static int find_out(struct thread *thread, struct job *job)
{
    int status = DB_EUNKNOWN;
    do {
        pause_before_again(thread, ++job->tries);
        if (db_mend(thread->db) == DB_OK)
            status = receipt_ask(&thread->receipt, thread->db);
    } while (status == DB_EUNKNOWN && !too_late(job));
    return status;
}

/* One job as one transaction, until it is through. */
static int run_alone(struct thread *thread, struct job *job)
{
    for (;;) {
        int status = run_once(thread, job);
        if (status == DB_EUNKNOWN)
            status = find_out(thread, job);
        if (status != DB_EAGAIN || too_late(job))
            return status;
        pause_before_again(thread, ++job->tries);
        (void)db_mend(thread->db); /* when it does not mend, the next db_begin() says so */
    }
}

static void *run_each(void *argument)
{
    struct thread *thread = argument;
    struct job *job;
    while ((job = take(thread->pool, 1)) != NULL) {
        job->next = NULL;
        finish(thread->pool, job, run_alone(thread, job));
    }
    return NULL;
}

/* The batch in one transaction. A job's own failure undoes that job only; any failure of the
 * transaction itself is returned, and then nothing of the batch is there. */
static int run_together(struct db *db, struct job *batch)
{
    int status = db_begin(db, DB_WRITE);
    for (struct job *job = batch; job != NULL && status == DB_OK; job = job->next) {
        status = db_mark(db);
        if (status != DB_OK)
            break;
        job->status = job->run(job, db);
        status = job->status == DB_OK ? db_release(db) : db_rollback_mark(db);
    }
    if (status == DB_OK)
        status = db_commit(db);
    if (status != DB_OK)
        db_rollback(db);
    return status;
}

/* Alone, each job learns its own status: a full disk may leave room for the small ones. */
static void run_batch(struct thread *thread, struct job *batch)
{
    bool alone = batch->next == NULL;
    int status = alone ? DB_OK : run_together(thread->db, batch);
    while (batch != NULL) {
        struct job *job = batch;
        batch = job->next;
        job->next = NULL;
        if (status == DB_EAGAIN && too_late(job))
            job->status = status;
        else if (alone || status != DB_OK || job->status == DB_EAGAIN)
            job->status = run_alone(thread, job);
        finish(thread->pool, job, job->status);
    }
}

static void *run_batches(void *argument)
{
    struct thread *thread = argument;
    struct job *batch;
    while ((batch = take(thread->pool, BATCH_MAX)) != NULL)
        run_batch(thread, batch);
    return NULL;
}

/* Devices first. Linux has a priority for each thread; where it gives none, all are equal. */
static void *run_reads(void *argument)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), READER_NICE);
    return run_each(argument);
}

/* Every signal is the starting thread's business. */
static int start_thread(struct thread *thread)
{
    void *(*body)(void *) = db_embedded(thread->db) ? run_batches : run_each;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error =
        pthread_create(&thread->id, NULL, thread->pool->only_reads ? run_reads : body, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static int start(struct pool *pool, const char *url)
{
    struct thread *thread = &pool->thread[pool->thread_count];
    if (db_open(url, &thread->db) != HOST_DONE)
        return HOST_FAILED;
    thread->pool = pool;
    thread->seed = pool->thread_count;
    bool writes_far = !pool->only_reads && !db_embedded(thread->db);
    if (writes_far && receipt_open(&thread->receipt, thread->db) != DB_OK) {
        host_fail(NULL, "cannot use the store: %s", db_error(thread->db));
        db_close(thread->db);
        return HOST_FAILED;
    }
    int error = start_thread(thread);
    if (error != 0) {
        db_close(thread->db);
        return host_fail(NULL, "cannot start a thread for the store: %s", strerror(error));
    }
    pool->thread_count++;
    return HOST_DONE;
}

static int open_pool(const char *url, unsigned threads, bool only_reads, struct pool **out)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return host_fail(NULL, "out of memory");
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pool->last = &pool->first;
    pool->only_reads = only_reads;
    int status = start(pool, url);
    bool one = status == HOST_DONE && !only_reads && db_embedded(pool->thread[0].db);
    while (status == HOST_DONE && !one && pool->thread_count < threads &&
           pool->thread_count < POOL_THREADS_MAX)
        status = start(pool, url);
    if (status != HOST_DONE) {
        pool_close(pool);
        return status;
    }
    *out = pool;
    return HOST_DONE;
}

int pool_open(const char *url, unsigned threads, struct pool **out)
{
    return open_pool(url, threads, false, out);
}

int pool_open_readers(const char *url, unsigned threads, struct pool **out)
{
    return open_pool(url, threads, true, out);
}

void pool_submit(struct pool *pool, struct job *job)
{
    job->next = NULL;
    job->tries = 0;
    job->since = now_ms();
    pthread_mutex_lock(&pool->lock);
    *pool->last = job;
    pool->last = &job->next;
    pool->waiting++;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

void job_run_here(struct job *job, struct db *db)
{
    int status = db_begin(db, DB_READ);
    if (status == DB_OK)
        status = job->run(job, db);
    if (status == DB_OK)
        status = db_commit(db);
    if (status != DB_OK)
        db_rollback(db);
    job->done(job, status);
}

unsigned pool_waiting(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    unsigned waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}

void pool_close(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->thread[i].id, NULL);
        db_close(pool->thread[i].db);
    }
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
