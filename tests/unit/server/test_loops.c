/* What the event loops promise, over real connections: people's long questions keep no device
 * waiting and are given up when nobody wants the answer, an overfull queue says so, and a loop
 * stays on the thread that made it. */
#include <arpa/inet.h>
#include <h2o.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit/db/stores.h"

#include "host/pki.h"
#include "server/fleet/target.h"
#include "server/fleet/token.h"
#include "server/server.h"

#define READERS 8 /* long reads at once ... */
#define LEFT    5 /* ... of which so many are not answered yet when a device has polled */
#define POLLS   4
#define CROWD   90 /* more of them than may wait */

/* Who made which loop: server/ is linked with these in place of libh2o's (CMakeLists.txt). */

static struct {
    pthread_mutex_t lock;
    unsigned count;
    struct {
        const h2o_loop_t *loop;
        pthread_t maker;
    } made[64];
    atomic_uint strangers; /* uses of a loop by another thread */
} loops = {.lock = PTHREAD_MUTEX_INITIALIZER};

h2o_loop_t *__real_h2o_evloop_create(void);
int __real_h2o_evloop_run(h2o_loop_t *loop, int32_t max_wait);
void __real_h2o_context_init(h2o_context_t *context, h2o_loop_t *loop, h2o_globalconf_t *config);
h2o_loop_t *__wrap_h2o_evloop_create(void);
int __wrap_h2o_evloop_run(h2o_loop_t *loop, int32_t max_wait);
void __wrap_h2o_context_init(h2o_context_t *context, h2o_loop_t *loop, h2o_globalconf_t *config);

static void note_use(const h2o_loop_t *loop)
{
    bool own = false;
    pthread_mutex_lock(&loops.lock);
    for (unsigned i = 0; i < loops.count; i++)
        own = own ||
              (loops.made[i].loop == loop && pthread_equal(loops.made[i].maker, pthread_self()));
    pthread_mutex_unlock(&loops.lock);
    if (!own)
        atomic_fetch_add(&loops.strangers, 1);
}

h2o_loop_t *__wrap_h2o_evloop_create(void)
{
    h2o_loop_t *loop = __real_h2o_evloop_create();
    pthread_mutex_lock(&loops.lock);
    if (loops.count < sizeof loops.made / sizeof loops.made[0]) {
        loops.made[loops.count].loop = loop;
        loops.made[loops.count++].maker = pthread_self();
    }
    pthread_mutex_unlock(&loops.lock);
    return loop;
}

int __wrap_h2o_evloop_run(h2o_loop_t *loop, int32_t max_wait)
{
    note_use(loop);
    return __real_h2o_evloop_run(loop, max_wait);
}

void __wrap_h2o_context_init(h2o_context_t *context, h2o_loop_t *loop, h2o_globalconf_t *config)
{
    note_use(loop);
    __real_h2o_context_init(context, loop, config);
}

/* A server in this process */

struct served {
    char releases[96], certificate[96], key[96], ca[96], ca_key[96];
    struct server *server;
    SSL_CTX *tls;
    char admin[80];
};

#define DEVICE_TOKEN "device-token-0123456789abcdef012"

/* A device, and a fleet whose names take a while to look through. */
static void fill(struct db *db, char *admin, size_t size)
{
    static const char many[] =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO target (tenant, controller_id, name, security_token, update_status,"
        " created_at, created_by, changed_at, changed_by) SELECT 1, 'many-' || i,"
        " printf('%060d', i), 'none', 'unknown', 0, 'test', 0, 'test' FROM n";
    char secret[TOKEN_CHARS + 1];
    struct target target;
    struct fleet fleet = {
        .db = db, .tenant = SCHEMA_TENANT_ID, .tenant_name = SCHEMA_TENANT, .who = "test"};
    struct target_new new = {
        .controller_id = "thermo-1", .security_token = DEVICE_TOKEN, .update_status = "registered"};
    assert_int_equal(db_begin(db, DB_WRITE), DB_OK);
    assert_int_equal(target_create(&fleet, &new, &target), FLEET_OK);
    assert_int_equal(token_create(&fleet, "tester", "admin", secret), FLEET_OK);
    assert_int_equal(db_script(db, many), DB_OK);
    assert_int_equal(db_commit(db), DB_OK);
    snprintf(admin, size, "Bearer %s", secret);
}

static void name_files(struct served *served, const char *folder)
{
    const struct {
        char *path;
        const char *name;
    } files[] = {{served->releases, "releases"},
                 {served->certificate, "server.pem"},
                 {served->key, "server.key"},
                 {served->ca, "ca.pem"},
                 {served->ca_key, "ca.key"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        snprintf(files[i].path, sizeof served->ca, "%s/%s", folder, files[i].name);
}

static void start(struct served *served, const char *url, unsigned threads)
{
    struct server_options options = {.releases = served->releases,
                                     .store = url,
                                     .certificate = served->certificate,
                                     .key = served->key,
                                     .listen = "127.0.0.1:0",
                                     .manage = "127.0.0.1:0",
                                     .threads = threads};
    assert_int_equal(server_start(&options, &served->server), HOST_DONE);
}

static struct served *serve(void **state, unsigned threads)
{
    struct store_under_test *store = *state;
    struct db *db = store_migrated(state);
    struct served *served = calloc(1, sizeof *served);
    static const char *const ip[] = {"127.0.0.1"};
    name_files(served, store->folder);
    assert_int_equal(mkdir(served->releases, 0700), 0);
    const struct pki_files ca = {served->ca, served->ca_key};
    const struct pki_files own = {served->certificate, served->key};
    const struct pki_names names = {.ip = ip, .ip_count = 1};
    assert_int_equal(pki_ca_create(&ca, "test", 2), HOST_DONE);
    assert_int_equal(pki_server_create(&ca, &own, &names, 2), HOST_DONE);
    fill(db, served->admin, sizeof served->admin);
    db_close(db);
    served->tls = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_load_verify_locations(served->tls, served->ca, NULL), 1);
    SSL_CTX_set_verify(served->tls, SSL_VERIFY_PEER, NULL);
    start(served, store->url, threads);
    return served;
}

static void forget(struct served *served)
{
    server_stop(served->server, 0);
    SSL_CTX_free(served->tls);
    free(served);
}

/* Its clients */

static SSL *dial(const struct served *served, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    SSL *tls = SSL_new(served->tls);
    SSL_set_fd(tls, fd);
    assert_int_equal(SSL_connect(tls), 1);
    return tls;
}

static void hang_up(SSL *tls)
{
    int fd = SSL_get_fd(tls);
    SSL_free(tls);
    close(fd);
}

static void ask(SSL *tls, const char *path, const char *authorization)
{
    char text[4096];
    int length =
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\n\r\n", path,
                 authorization);
    assert_true(length > 0 && (size_t)length < sizeof text);
    assert_int_equal(SSL_write(tls, text, length), length);
}

/* The status; with its head in `head`, its body read and forgotten. */
static int answer(SSL *tls, char head[2048])
{
    size_t have = 0;
    char *end = NULL;
    while (end == NULL) {
        int got = SSL_read(tls, head + have, (int)(2047 - have));
        assert_true(got > 0);
        have += (size_t)got;
        head[have] = '\0';
        end = strstr(head, "\r\n\r\n");
        assert_true(end != NULL || have < 2047);
    }
    const char *field = strcasestr(head, "content-length:");
    size_t left = field != NULL ? strtoul(field + 15, NULL, 10) : 0;
    left -= have - (size_t)(end + 4 - head);
    while (left > 0) {
        char rest[4096];
        int got = SSL_read(tls, rest, (int)(left < sizeof rest ? left : sizeof rest));
        assert_true(got > 0);
        left -= (size_t)got;
    }
    return atoi(head + strlen("HTTP/1.1 "));
}

static int get(SSL *tls, const char *path, const char *authorization)
{
    char head[2048];
    ask(tls, path, authorization);
    return answer(tls, head);
}

/* One that has been answered once: what comes next is the next answer (and no session ticket). */
static SSL *dial_in(const struct served *served, uint16_t port)
{
    SSL *tls = dial(served, port);
    assert_int_equal(get(tls, "/healthz", "none"), 200);
    return tls;
}

static bool is_answered(const SSL *tls)
{
    struct pollfd one = {.fd = SSL_get_fd(tls), .events = POLLIN};
    return poll(&one, 1, 0) == 1;
}

static void poll_as_device(SSL *tls)
{
    assert_int_equal(get(tls, "/default/controller/v1/thermo-1", "TargetToken " DEVICE_TOKEN), 200);
}

/* Looks at every name once for each of its terms, none of which is there. */
static const char *long_read(void)
{
    static char path[2048];
    if (path[0] == '\0') {
        size_t used = (size_t)snprintf(path, sizeof path, "/rest/v1/targets?q=");
        for (int i = 0; i < 40; i++)
            used += (size_t)snprintf(path + used, sizeof path - used, "%sname==*x%d*",
                                     i > 0 ? "," : "", i);
    }
    return path;
}

/* Tests */

static void long_reads_hold_up_no_device(void **state)
{
    struct served *served = serve(state, 1);
    SSL *people[READERS];
    unsigned left = 0;
    char head[2048];
    SSL *device = dial_in(served, server_port(served->server));
    for (unsigned i = 0; i < READERS; i++)
        people[i] = dial_in(served, server_manage_port(served->server));
    poll_as_device(device);
    for (unsigned i = 0; i < READERS; i++)
        ask(people[i], long_read(), served->admin);
    for (unsigned i = 0; i < POLLS; i++)
        poll_as_device(device);
    for (unsigned i = 0; i < READERS; i++)
        left += is_answered(people[i]) ? 0 : 1;
    if (left < LEFT)
        fail_msg("the device was answered behind %u of %d long reads", READERS - left, READERS);
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(answer(people[i], head), 200);
        hang_up(people[i]);
    }
    hang_up(device);
    forget(served);
}

static void too_many_are_told_so(void **state)
{
    struct served *served = serve(state, 1);
    SSL *crowd[CROWD];
    unsigned refused = 0;
    char head[2048];
    SSL *device = dial_in(served, server_port(served->server));
    for (unsigned i = 0; i < CROWD; i++)
        crowd[i] = dial_in(served, server_manage_port(served->server));
    for (unsigned i = 0; i < CROWD; i++)
        ask(crowd[i], long_read(), served->admin);
    poll_as_device(device);
    for (unsigned i = 0; i < CROWD; i++) {
        if (answer(crowd[i], head) == 503) {
            assert_non_null(strcasestr(head, "\r\nretry-after: "));
            refused++;
        } else {
            assert_non_null(strstr(head, "HTTP/1.1 200 "));
        }
        hang_up(crowd[i]);
    }
    assert_in_range(refused, 1, CROWD - 64);
    hang_up(device);
    forget(served);
}

/* A frame of HTTP/2 (RFC 9113, 4.1). */
static void send_frame(SSL *tls, unsigned char type, unsigned char flags, unsigned char stream,
                       const void *data, size_t length)
{
    unsigned char frame[2048] = {
        0, (unsigned char)(length >> 8), (unsigned char)length, type, flags, 0, 0, 0, stream};
    memcpy(frame + 9, data, length);
    assert_int_equal(SSL_write(tls, frame, (int)(9 + length)), 9 + length);
}

/* A field of HPACK, neither indexed nor compressed; at most 16383 + 127 bytes of value. */
static size_t put_field(unsigned char *out, const char *name, const char *value)
{
    size_t used = 0;
    size_t length = strlen(value);
    out[used++] = 0;
    out[used++] = (unsigned char)strlen(name);
    memcpy(out + used, name, strlen(name));
    used += strlen(name);
    out[used++] = (unsigned char)(length < 127 ? length : 127);
    if (length >= 127) {
        out[used++] = (unsigned char)(0x80 | ((length - 127) & 0x7f));
        out[used++] = (unsigned char)((length - 127) >> 7);
    }
    memcpy(out + used, value, length);
    return used + length;
}

/* As many at once as the server lets one connection have; it does not wait for the answers. */
static SSL *ask_eight_times(const struct served *served)
{
    static const unsigned char h2[] = {2, 'h', '2'};
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    unsigned char fields[2048];
    size_t used = put_field(fields, ":method", "GET");
    used += put_field(fields + used, ":scheme", "https");
    used += put_field(fields + used, ":authority", "a");
    used += put_field(fields + used, ":path", long_read());
    used += put_field(fields + used, "authorization", served->admin);
    SSL_CTX_set_alpn_protos(served->tls, h2, sizeof h2);
    SSL *tls = dial(served, server_manage_port(served->server));
    SSL_CTX_set_alpn_protos(served->tls, NULL, 0);
    assert_int_equal(SSL_write(tls, preface, sizeof preface - 1), sizeof preface - 1);
    send_frame(tls, 4, 0, 0, "", 0); /* SETTINGS */
    for (unsigned char i = 0; i < 8; i++)
        send_frame(tls, 1, 5, (unsigned char)(2 * i + 1), fields, used); /* HEADERS, the end */
    return tls;
}

static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A browser that leaves a view. */
static void who_leaves_is_not_worked_for(void **state)
{
    struct served *served = serve(state, 1);
    SSL *gone[7];
    SSL *last = dial_in(served, server_manage_port(served->server));
    double before = cpu_seconds();
    assert_int_equal(get(last, long_read(), served->admin), 200);
    double one = cpu_seconds() - before;
    for (unsigned i = 0; i < 7; i++)
        gone[i] = ask_eight_times(served);
    before = cpu_seconds();
    for (unsigned i = 0; i < 7; i++)
        hang_up(gone[i]);
    assert_int_equal(get(last, long_read(), served->admin), 200);
    double cost = (cpu_seconds() - before) / one;
    if (cost > 28)
        fail_msg("behind 56 reads whose clients had left, one cost as much as %.0f", cost);
    hang_up(last);
    forget(served);
}

struct visitor {
    pthread_t thread;
    struct served *served;
};

/* Comes, asks, and leaves in the middle as often as not. */
static void *visit(void *argument)
{
    const struct served *served = ((struct visitor *)argument)->served;
    for (unsigned i = 0; i < 12; i++) {
        SSL *person = dial(served, server_manage_port(served->server));
        SSL *device = dial(served, server_port(served->server));
        ask(person, i % 2 == 0 ? "/console/api/summary" : "/rest/v1/targets", served->admin);
        poll_as_device(device);
        if (i % 3 == 0)
            poll_as_device(device);
        hang_up(device);
        hang_up(person);
    }
    return NULL;
}

/* libh2o keeps free buffers in lists of a thread's own: a loop used by another thread than the one
 * that made it breaks them sooner or later, so the first such use is the fault. */
static void each_loop_stays_on_its_thread(void **state)
{
    struct store_under_test *store = *state;
    struct served *served = serve(state, 4);
    for (unsigned turn = 0; turn < 4; turn++) {
        struct visitor visitors[4];
        for (unsigned i = 0; i < 4; i++) {
            visitors[i].served = served;
            assert_int_equal(pthread_create(&visitors[i].thread, NULL, visit, &visitors[i]), 0);
        }
        for (unsigned i = 0; i < 4; i++)
            pthread_join(visitors[i].thread, NULL);
        server_stop(served->server, turn % 2 == 0 ? 0 : 1000);
        start(served, store->url, 1 + turn);
    }
    forget(served);
    assert_in_range(loops.count, 4 + 1 + 2 + 3 + 4, 64);
    assert_int_equal(atomic_load(&loops.strangers), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_reads_hold_up_no_device, store_new_sqlite,
                                        store_forget),
        cmocka_unit_test_setup_teardown(who_leaves_is_not_worked_for, store_new_sqlite,
                                        store_forget),
        cmocka_unit_test_setup_teardown(too_many_are_told_so, store_new_sqlite, store_forget),
        cmocka_unit_test_setup_teardown(each_loop_stays_on_its_thread, store_new_sqlite,
                                        store_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
