/* What only a store in a file can meet: its mode, a full disk, damage, readers that never end. */
#include "tests/unit/db/stores.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "server/db/pool.h"

static const char *file_of(void **state, const char *suffix)
{
    static char path[128];
    struct store_under_test *store = *state;
    snprintf(path, sizeof path, "%s/fleet.db%s", store->folder, suffix);
    return path;
}

static int64_t size_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void nobody_else_can_read_it(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    mode_t before = umask(0);
    struct db *db = store_migrated(state);
    umask(before);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct stat status;
        assert_int_equal(stat(file_of(state, suffixes[i]), &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
    }
    db_close(db);
}

static int refused(const char *url, const char *because)
{
    struct host_kept kept = {.subject = "store"};
    struct db *db;
    host_keep(&kept);
    int status = db_open(url, &db);
    host_keep(NULL);
    if (status == HOST_FAILED && strstr(kept.text, because) == NULL)
        fail_msg("%s", kept.text);
    return status;
}

static void a_file_that_may_not_be_written(void **state)
{
    struct store_under_test *store = *state;
    db_close(store_migrated(state));
    assert_int_equal(chmod(file_of(state, ""), 0444), 0);
    assert_int_equal(chmod(store->folder, 0777), 0);
    uid_t me = geteuid();
    if (me == 0)
        assert_int_equal(seteuid(65534), 0);
    int status = refused(store->url, "readonly");
    if (me == 0)
        assert_int_equal(seteuid(me), 0);
    assert_int_equal(status, HOST_FAILED);
}

static void a_file_that_is_something_else(void **state)
{
    struct store_under_test *store = *state;
    char noise[8192];
    memset(noise, 0x5A, sizeof noise);
    int fd = open(file_of(state, ""), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, noise, sizeof noise), sizeof noise);
    close(fd);
    assert_int_equal(refused(store->url, "not a database"), HOST_FAILED);
}

/* Jobs that each add a row of so many bytes. */
struct fill_job {
    struct job job; /* first */
    sem_t *told;
    int64_t bytes;
    int status;
};

static int fill(struct job *base, struct db *db)
{
    return db_run(db, "INSERT INTO bulk VALUES (zeroblob($1))",
                  DB_ARGS(db_i(((struct fill_job *)base)->bytes)));
}

static void told(struct job *base, int status)
{
    struct fill_job *job = (struct fill_job *)base;
    job->status = status;
    sem_post(job->told);
}

static void fill_with(struct pool *pool, struct fill_job *jobs, size_t count, int64_t bytes)
{
    sem_t finished;
    sem_init(&finished, 0, 0);
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (struct fill_job){.job = {.run = fill, .done = told, .access = DB_WRITE},
                                    .told = &finished};
        jobs[i].bytes = i % 8 == 3 ? bytes : 10;
        pool_submit(pool, &jobs[i].job);
    }
    for (size_t i = 0; i < count; i++)
        sem_wait(&finished);
    sem_destroy(&finished);
}

/* The small ones still fit, the large ones are told so, and later there is room again. */
static void a_full_disk(void **state)
{
    struct store_under_test *store = *state;
    struct db *db = store_migrated(state);
    struct fill_job jobs[32];
    struct pool *pool;
    struct rlimit unlimited;
    int64_t rows;
    assert_int_equal(db_script(db, "CREATE TABLE bulk (bytes BLOB)"), DB_OK);
    assert_int_equal(pool_open(store->url, 1, &pool), HOST_DONE);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &unlimited);
    struct rlimit full = {.rlim_cur = (rlim_t)size_of(file_of(state, "-wal")) + (1 << 20),
                          .rlim_max = unlimited.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
    fill_with(pool, jobs, 32, 4 << 20);
    setrlimit(RLIMIT_FSIZE, &unlimited);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(jobs[i].status, i % 8 == 3 ? DB_EFULL : DB_OK);
    assert_int_equal(db_get_int(db, "SELECT COUNT(*) FROM bulk", DB_NO_ARGS, &rows), DB_ROW);
    assert_int_equal(rows, 28);
    fill_with(pool, jobs, 8, 4 << 20);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(jobs[i].status, DB_OK);
    pool_close(pool);
    db_close(db);
}

/* Two readers, of which one always reads. */
struct readers {
    const char *url;
    atomic_bool stop;
};

static void *read_always(void *argument)
{
    struct readers *readers = argument;
    struct db *db[2];
    int64_t rows;
    for (size_t i = 0; i < 2; i++)
        if (db_open(readers->url, &db[i]) != HOST_DONE)
            return "cannot open";
    for (size_t i = 0; !atomic_load(&readers->stop); i ^= 1) {
        (void)db_begin(db[i], DB_READ);
        (void)db_get_int(db[i], "SELECT COUNT(*) FROM bulk", DB_NO_ARGS, &rows);
        usleep(1000);
        (void)db_commit(db[i ^ 1]); /* the first time there is nothing to end */
    }
    db_close(db[0]);
    db_close(db[1]);
    return NULL;
}

static void the_wal_does_not_grow_for_ever(void **state)
{
    struct store_under_test *store = *state;
    struct db *db = store_migrated(state);
    struct readers readers = {.url = store->url};
    pthread_t thread;
    void *problem;
    int64_t largest = 0;
    assert_int_equal(db_script(db, "CREATE TABLE bulk (bytes BLOB)"), DB_OK);
    assert_int_equal(pthread_create(&thread, NULL, read_always, &readers), 0);
    for (int i = 0; i < 96; i++) {
        assert_int_equal(db_script(db, "INSERT INTO bulk VALUES (zeroblob(1048576))"), DB_OK);
        int64_t size = size_of(file_of(state, "-wal"));
        largest = size > largest ? size : largest;
    }
    atomic_store(&readers.stop, true);
    pthread_join(thread, &problem);
    assert_null(problem);
    /* All 96 MB would be there. A slow machine waits in vain for a reader now and then. */
    assert_in_range(largest, 4 << 20, 64 << 20);
    db_close(db);
}

#define SQLITE_TEST(test) cmocka_unit_test_setup_teardown(test, store_new_sqlite, store_forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(nobody_else_can_read_it),        SQLITE_TEST(a_file_that_may_not_be_written),
        SQLITE_TEST(a_file_that_is_something_else),  SQLITE_TEST(a_full_disk),
        SQLITE_TEST(the_wal_does_not_grow_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
