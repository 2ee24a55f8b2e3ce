/* A commit whose answer is lost happens once: PostgreSQL behind a relay that cuts the connection.
 */
#include "tests/unit/db/stores.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "server/db/pool.h"

/* What becomes of the next COMMIT; the client loses its connection in any case. */
enum cut {
    CUT_NOTHING,
    CUT_BEFORE, /* the server never gets it */
    CUT_AFTER,  /* the server has answered */
    CUT_AHEAD,  /* the server gets it while the client asks already */
};

#define AHEAD_US 300000

struct relay {
    char folder[FOLDER_BYTES]; /* with the socket as libpq names it */
    char server[128];
    int listener;
    pthread_t thread;
    atomic_int cut;
};

static int open_socket(const char *folder, bool listening)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s/.s.PGSQL.5432", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int status = listening ? bind(fd, (struct sockaddr *)&name, sizeof name) + listen(fd, 8)
                           : connect(fd, (struct sockaddr *)&name, sizeof name);
    assert_int_equal(status, 0);
    return fd;
}

static void end_server(int server)
{
    char rest[256];
    shutdown(server, SHUT_WR);
    while (read(server, rest, sizeof rest) > 0)
        continue;
    close(server);
}

/* True when it was this message that the cut was for: both sides are closed then. */
static bool cut_here(struct relay *relay, int client, int server, const char *bytes, size_t length)
{
    char answer[4096];
    if (memmem(bytes, length, "COMMIT", 7) == NULL)
        return false;
    int cut = atomic_exchange(&relay->cut, CUT_NOTHING);
    if (cut == CUT_NOTHING)
        return false;
    if (cut == CUT_AHEAD) {
        close(client);
        usleep(AHEAD_US);
    }
    if (cut != CUT_BEFORE)
        assert_int_equal(write(server, bytes, length), length);
    if (cut == CUT_AFTER)
        assert_true(read(server, answer, sizeof answer) > 0);
    if (cut != CUT_AHEAD)
        close(client);
    end_server(server);
    return true;
}

struct pair {
    struct relay *relay;
    int client;
};

static void *relay_one(void *argument)
{
    struct pair pair = *(struct pair *)argument;
    char bytes[65536];
    int server = open_socket(pair.relay->server, false);
    free(argument);
    for (;;) {
        struct pollfd ready[] = {{.fd = pair.client, .events = POLLIN},
                                 {.fd = server, .events = POLLIN}};
        poll(ready, 2, -1);
        bool up = ready[0].revents != 0;
        ssize_t length = read(up ? pair.client : server, bytes, sizeof bytes);
        if (length <= 0)
            break;
        if (up && cut_here(pair.relay, pair.client, server, bytes, (size_t)length))
            return NULL;
        if (write(up ? server : pair.client, bytes, (size_t)length) != length)
            break;
    }
    close(pair.client);
    close(server);
    return NULL;
}

static void *relay_all(void *argument)
{
    struct relay *relay = argument;
    int client;
    while ((client = accept(relay->listener, NULL, NULL)) >= 0) {
        struct pair *pair = malloc(sizeof *pair);
        pthread_t thread;
        *pair = (struct pair){relay, client};
        assert_int_equal(pthread_create(&thread, NULL, relay_one, pair), 0);
        pthread_detach(thread);
    }
    return NULL;
}

/* The store's URL by way of the relay. */
static void relay_start(struct relay *relay, const char *url, char through[512])
{
    const char *host = strstr(url, "host=") + strlen("host=");
    snprintf(relay->server, sizeof relay->server, "%s", host);
    folder_new("relay", relay->folder);
    snprintf(through, 512, "%.*s%s", (int)(host - url), url, relay->folder);
    relay->listener = open_socket(relay->folder, true);
    assert_int_equal(pthread_create(&relay->thread, NULL, relay_all, relay), 0);
}

static void relay_stop(struct relay *relay)
{
    shutdown(relay->listener, SHUT_RDWR);
    pthread_join(relay->thread, NULL);
    close(relay->listener);
    folder_remove(relay->folder);
}

struct add_job {
    struct job job; /* first */
    sem_t told;
    int status;
    int runs;
};

static int add(struct job *base, struct db *db)
{
    ((struct add_job *)base)->runs++;
    return db_run(db, "UPDATE sum SET value = value + 1", DB_NO_ARGS);
}

static void told(struct job *base, int status)
{
    struct add_job *job = (struct add_job *)base;
    job->status = status;
    sem_post(&job->told);
}

static void happens_once(void **state, enum cut cut, int runs)
{
    static struct relay relay;
    struct store_under_test *store = *state;
    struct db *db = store_migrated(state);
    struct pool *pool;
    char through[512];
    int64_t value;
    struct add_job job = {.job = {.run = add, .done = told, .access = DB_WRITE}};
    assert_int_equal(db_script(db, "CREATE TABLE sum (value BIGINT); INSERT INTO sum VALUES (0)"),
                     DB_OK);
    sem_init(&job.told, 0, 0);
    relay_start(&relay, store->url, through);
    assert_int_equal(pool_open(through, 1, &pool), HOST_DONE);
    atomic_store(&relay.cut, cut);
    pool_submit(pool, &job.job);
    sem_wait(&job.told);
    assert_int_equal(job.status, DB_OK);
    assert_int_equal(job.runs, runs);
    assert_int_equal(db_get_int(db, "SELECT value FROM sum", DB_NO_ARGS, &value), DB_ROW);
    assert_int_equal(value, 1);
    assert_int_equal(atomic_load(&relay.cut), CUT_NOTHING);
    pool_close(pool);
    relay_stop(&relay);
    sem_destroy(&job.told);
    db_close(db);
}

static void the_server_never_got_it(void **state)
{
    happens_once(state, CUT_BEFORE, 2);
}

static void the_answer_was_lost(void **state)
{
    happens_once(state, CUT_AFTER, 1);
}

static void it_is_still_under_way(void **state)
{
    happens_once(state, CUT_AHEAD, 1);
}

static void without_a_pool_nobody_knows(void **state)
{
    static struct relay relay;
    struct store_under_test *store = *state;
    struct db *direct = store_migrated(state);
    struct db *db;
    char through[512];
    relay_start(&relay, store->url, through);
    assert_int_equal(db_open(through, &db), HOST_DONE);
    assert_int_equal(db_begin(db, DB_WRITE), DB_OK);
    atomic_store(&relay.cut, CUT_AFTER);
    assert_int_equal(db_commit(db), DB_EUNKNOWN);
    assert_int_equal(db_begin(db, DB_WRITE), DB_EAGAIN);
    assert_int_equal(db_mend(db), DB_OK);
    assert_int_equal(db_begin(db, DB_WRITE), DB_OK);
    assert_int_equal(db_commit(db), DB_OK);
    db_close(db);
    relay_stop(&relay);
    db_close(direct);
}

#define POSTGRES_TEST(test) cmocka_unit_test_setup_teardown(test, store_new_postgres, store_forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POSTGRES_TEST(the_server_never_got_it),
        POSTGRES_TEST(the_answer_was_lost),
        POSTGRES_TEST(it_is_still_under_way),
        POSTGRES_TEST(without_a_pool_nobody_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
