/* Jobs: each a transaction of its own, however many share a commit, whoever else writes. */
#include "tests/unit/db/stores.h"

#include <pthread.h>
#include <semaphore.h>

#include "server/db/pool.h"

#define JOBS 400

struct count_job {
    struct job job; /* first */
    sem_t *finished;
    int64_t n;
    int outcome; /* what run() is to return after writing */
    int told;
};

/* Reads and then writes: what gets lost when transactions are not kept apart. */
static int add(struct job *base, struct db *db)
{
    struct count_job *job = (struct count_job *)base;
    int64_t value;
    int status = db_get_int(db, "SELECT value FROM sum", DB_NO_ARGS, &value);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    status = db_run(db, "UPDATE sum SET value = $1", DB_ARGS(db_i(value + job->n)));
    return status != DB_OK ? status : job->outcome;
}

static void told(struct job *base, int status)
{
    struct count_job *job = (struct count_job *)base;
    job->told = status;
    sem_post(job->finished);
}

static struct db *with_sum(void **state)
{
    struct db *db = store_migrated(state);
    assert_int_equal(db_script(db, "CREATE TABLE sum (value BIGINT); INSERT INTO sum VALUES (0)"),
                     DB_OK);
    return db;
}

static int64_t sum(struct db *db)
{
    int64_t value = -1;
    assert_int_equal(db_get_int(db, "SELECT value FROM sum", DB_NO_ARGS, &value), DB_ROW);
    return value;
}

/* Two pools on one store, as two server processes would have. */
static void nothing_is_lost(void **state)
{
    struct store_under_test *store = *state;
    struct db *db = with_sum(state);
    static struct count_job job[JOBS];
    struct pool *pool[2];
    sem_t finished;
    int64_t expected = 0;
    sem_init(&finished, 0, 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pool_open(store->url, 3, &pool[i]), HOST_DONE);
    for (size_t i = 0; i < JOBS; i++) {
        job[i] = (struct count_job){
            .job = {.run = add, .done = told, .access = DB_WRITE},
            .finished = &finished,
            .n = (int64_t)i,
            .outcome = i % 7 == 3 ? JOB_REFUSED : DB_OK,
        };
        pool_submit(pool[i % 2], &job[i].job);
    }
    for (size_t i = 0; i < JOBS; i++)
        sem_wait(&finished);
    for (size_t i = 0; i < JOBS; i++) {
        if (job[i].told == DB_OK)
            expected += job[i].n;
        else
            assert_int_equal(job[i].told, JOB_REFUSED);
    }
    assert_int_equal(sum(db), expected);
    assert_int_equal(pool_waiting(pool[0]), 0);
    pool_close(pool[0]);
    pool_close(pool[1]);
    sem_destroy(&finished);
    db_close(db);
}

static void closing_finishes_what_is_there(void **state)
{
    struct store_under_test *store = *state;
    struct db *db = with_sum(state);
    static struct count_job job[20];
    struct pool *pool;
    sem_t finished;
    sem_init(&finished, 0, 0);
    assert_int_equal(pool_open(store->url, 1, &pool), HOST_DONE);
    for (size_t i = 0; i < 20; i++) {
        job[i] = (struct count_job){
            .job = {.run = add, .done = told, .access = DB_WRITE}, .finished = &finished, .n = 1};
        pool_submit(pool, &job[i].job);
    }
    pool_close(pool);
    assert_int_equal(sum(db), 20);
    sem_destroy(&finished);
    db_close(db);
}

static int read_sum(struct job *base, struct db *db)
{
    return db_get_int(db, "SELECT value FROM sum", DB_NO_ARGS, &((struct count_job *)base)->n) ==
                   DB_ROW
               ? DB_OK
               : DB_EIO;
}

static void reading_here(void **state)
{
    struct db *db = with_sum(state);
    sem_t finished;
    sem_init(&finished, 0, 0);
    struct count_job job = {
        .job = {.run = read_sum, .done = told, .access = DB_READ}, .finished = &finished, .n = 5};
    job_run_here(&job.job, db);
    assert_int_equal(job.told, DB_OK);
    assert_int_equal(job.n, 0);
    assert_int_equal(sem_trywait(&finished), 0);
    sem_destroy(&finished);
    db_close(db);
}

struct meeting {
    struct job job; /* first */
    pthread_barrier_t *both;
    sem_t *finished;
    int64_t value;
    int told;
};

static int meet(struct job *base, struct db *db)
{
    struct meeting *meeting = (struct meeting *)base;
    pthread_barrier_wait(meeting->both);
    int status = db_get_int(db, "SELECT value FROM sum", DB_NO_ARGS, &meeting->value);
    return status == DB_ROW ? DB_OK : DB_EIO;
}

static void met(struct job *base, int status)
{
    struct meeting *meeting = (struct meeting *)base;
    meeting->told = status;
    sem_post(meeting->finished);
}

/* On SQLite too: two at once, while somebody writes, who is not seen. */
static void readers_wait_for_nobody(void **state)
{
    struct store_under_test *store = *state;
    struct db *db = with_sum(state);
    struct meeting meeting[2];
    pthread_barrier_t both;
    sem_t finished;
    struct pool *pool;
    pthread_barrier_init(&both, NULL, 2);
    sem_init(&finished, 0, 0);
    assert_int_equal(pool_open_readers(store->url, 2, &pool), HOST_DONE);
    assert_int_equal(db_begin(db, DB_WRITE), DB_OK);
    assert_int_equal(db_run(db, "UPDATE sum SET value = 7", DB_NO_ARGS), DB_OK);
    for (size_t i = 0; i < 2; i++) {
        meeting[i] = (struct meeting){.job = {.run = meet, .done = met, .access = DB_READ},
                                      .both = &both,
                                      .finished = &finished,
                                      .value = -1};
        pool_submit(pool, &meeting[i].job);
    }
    for (size_t i = 0; i < 2; i++)
        sem_wait(&finished);
    assert_int_equal(pool_waiting(pool), 0);
    assert_int_equal(db_commit(db), DB_OK);
    pool_close(pool);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(meeting[i].told, DB_OK);
        assert_int_equal(meeting[i].value, 0);
    }
    pthread_barrier_destroy(&both);
    sem_destroy(&finished);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(nothing_is_lost),
        STORE_TESTS(closing_finishes_what_is_there),
        STORE_TESTS(reading_here),
        STORE_TESTS(readers_wait_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
