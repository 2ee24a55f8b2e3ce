/* server_load: a plain HTTPS/1.1 client that keeps a server busy, for bench/server/run.
 *
 *     server_load get PORT PATH CONNECTIONS SECONDS [HEADER]        asks as fast as it is answered
 *     server_load handshake PORT PATH CONNECTIONS SECONDS           full handshakes, nothing else
 *     server_load resume PORT PATH CONNECTIONS SECONDS [HEADER]     resumed, with one request each
 *     server_load idle PORT PATH CONNECTIONS SECONDS [HEADER]       opens them and holds them
 *
 * "{}" in PATH is the connection's number, six digits, so that each can be another device. TLS 1.3
 * with one cipher suite, so that both servers do the same work; certificates are not checked. One
 * thread a connection, blocking; idle connections share 16 threads, each asks again every few
 * seconds, since servers close what is silent, and a line "open" tells that all are there. Prints
 * "BYTES_PER_SECOND REQUESTS_PER_SECOND P99_MS"; any failure ends it with status 1.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES  65536
#define REQUEST_BYTES 1024
#define IDLE_THREADS  16u
#define AGAIN_S       5
#define SLOTS         50000u /* of the histogram */
#define SLOT_US       20u

enum mode { MODE_GET, MODE_HANDSHAKE, MODE_RESUME, MODE_IDLE };

struct load {
    enum mode mode;
    uint16_t port;
    const char *path;
    const char *header; /* "Name: value", or NULL */
    unsigned connections;
    double seconds;
    double until; /* seconds of the monotonic clock; of idle: set once all are open */
    SSL_CTX *tls;
    pthread_barrier_t open;
};

struct client {
    pthread_t thread;
    struct load *load;
    unsigned number; /* from 0 */
    uint64_t bytes;  /* of bodies */
    uint64_t requests;
    uint32_t *slot; /* answers by the time they took */
    char buffer[BUFFER_BYTES];
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "server_load: %s\n", what);
    exit(1);
}

/* `session` NULL: a full handshake. */
static SSL *dial(const struct load *load, SSL_SESSION *session)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(load->port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&where, sizeof where) != 0) {
        fail("cannot connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL *tls = SSL_new(load->tls);
    if (tls == NULL || SSL_set_fd(tls, fd) != 1 ||
        (session != NULL && SSL_set_session(tls, session) != 1) || SSL_connect(tls) != 1) {
        fail("no TLS handshake");
    }
    if (session != NULL && SSL_session_reused(tls) != 1) {
        fail("the session was not resumed");
    }
    return tls;
}

static void hang_up(SSL *tls)
{
    int fd = SSL_get_fd(tls);
    SSL_free(tls);
    close(fd);
}

/* Reads up to the end of the head; returns how many bytes of body came with it. */
static size_t read_head(struct client *client, SSL *tls, uint64_t *body)
{
    size_t used = 0;
    while (used < BUFFER_BYTES - 1) {
        int got = SSL_read(tls, client->buffer + used, (int)(BUFFER_BYTES - 1 - used));
        if (got <= 0) {
            fail("connection lost in the head");
        }
        used += (size_t)got;
        client->buffer[used] = '\0';
        char *end = strstr(client->buffer, "\r\n\r\n");
        if (end == NULL) {
            continue;
        }
        const char *length = strcasestr(client->buffer, "\r\ncontent-length:");
        if (strncmp(client->buffer, "HTTP/1.1 200", 12) != 0 || length == NULL) {
            fail("not the answer 200 with a length");
        }
        *body = strtoull(length + strlen("\r\ncontent-length:"), NULL, 10);
        return used - (size_t)(end + 4 - client->buffer);
    }
    fail("head too large");
    return 0;
}

static int write_request(const struct client *client, char out[REQUEST_BYTES])
{
    const struct load *load = client->load;
    const char *mark = strstr(load->path, "{}");
    int before = mark != NULL ? (int)(mark - load->path) : (int)strlen(load->path);
    char number[16] = "";
    if (mark != NULL) {
        snprintf(number, sizeof number, "%06u", client->number + 1);
    }
    return snprintf(out, REQUEST_BYTES, "GET %.*s%s%s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n",
                    before, load->path, number, mark != NULL ? mark + 2 : "",
                    load->header != NULL ? load->header : "", load->header != NULL ? "\r\n" : "");
}

static void get(struct client *client, SSL *tls)
{
    char request[REQUEST_BYTES];
    uint64_t body;
    int length = write_request(client, request);
    double since = now();
    if (SSL_write(tls, request, length) != length) {
        fail("cannot send");
    }
    uint64_t have = read_head(client, tls, &body);
    while (have < body) {
        int got = SSL_read(tls, client->buffer, BUFFER_BYTES);
        if (got <= 0) {
            fail("connection lost in the body");
        }
        have += (uint64_t)got;
    }
    uint64_t slot = (uint64_t)((now() - since) * 1e6) / SLOT_US;
    client->slot[slot < SLOTS ? slot : SLOTS - 1]++;
    client->bytes += body;
    client->requests++;
}

/* This thread's share of all, each asked for again and again. */
static void hold_idle(struct client *client)
{
    struct load *load = client->load;
    unsigned count = load->connections / IDLE_THREADS +
                     (client->number < load->connections % IDLE_THREADS ? 1 : 0);
    SSL **held = calloc(count, sizeof(SSL *));
    double *asked = calloc(count, sizeof *asked);
    if (held == NULL || asked == NULL) {
        fail("out of memory");
    }
    for (unsigned i = 0; i < count; i++) {
        held[i] = dial(load, NULL);
        get(client, held[i]);
        asked[i] = now();
        for (unsigned old = 0; i % 64 == 0 && old < i; old++) {
            if (now() > asked[old] + AGAIN_S) {
                get(client, held[old]);
                asked[old] = now();
            }
        }
    }
    pthread_barrier_wait(&load->open);
    if (client->number == 0) {
        puts("open");
        fflush(stdout);
    }
    double until = now() + load->seconds;
    while (now() < until) {
        for (unsigned i = 0; i < count; i++) {
            if (now() > asked[i] + AGAIN_S) {
                get(client, held[i]);
                asked[i] = now();
            }
        }
        usleep(50000);
    }
    for (unsigned i = 0; i < count; i++) {
        hang_up(held[i]);
    }
    free(held);
    free(asked);
}

static void resume_again_and_again(struct client *client)
{
    SSL_SESSION *session = NULL;
    while (now() < client->load->until) {
        SSL *tls = dial(client->load, session);
        bool resumed = session != NULL;
        get(client, tls);
        client->requests -= resumed ? 0 : 1;
        SSL_SESSION_free(session);
        session = SSL_get1_session(tls); /* with the ticket that came before the answer */
        SSL_shutdown(tls);
        hang_up(tls);
    }
    SSL_SESSION_free(session);
}

static void *run(void *argument)
{
    struct client *client = argument;
    struct load *load = client->load;
    if (load->mode == MODE_IDLE) {
        hold_idle(client);
    } else if (load->mode == MODE_RESUME) {
        resume_again_and_again(client);
    } else if (load->mode == MODE_GET) {
        SSL *tls = dial(load, NULL);
        while (now() < load->until) {
            get(client, tls);
        }
        hang_up(tls);
    }
    while (load->mode == MODE_HANDSHAKE && now() < load->until) {
        hang_up(dial(load, NULL));
        client->requests++;
    }
    return NULL;
}

/* Milliseconds within which 99 of 100 answers came. */
static double p99(const struct client *clients, unsigned count)
{
    uint64_t total = 0;
    uint64_t seen = 0;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            total += clients[i].slot[slot];
        }
    }
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        for (unsigned i = 0; i < count; i++) {
            seen += clients[i].slot[slot];
        }
        if (seen * 100 >= total * 99) {
            return (double)(slot + 1) * SLOT_US / 1e3;
        }
    }
    return 0;
}

static void start(struct load *load, struct client *clients, unsigned count)
{
    load->until = now() + load->seconds;
    for (unsigned i = 0; i < count; i++) {
        clients[i].load = load;
        clients[i].number = i;
        clients[i].slot = calloc(SLOTS, sizeof *clients[i].slot);
        if (clients[i].slot == NULL ||
            pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0) {
            fail("too many connections");
        }
    }
}

static void report(const struct load *load, struct client *clients, unsigned count)
{
    uint64_t bytes = 0;
    uint64_t requests = 0;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(clients[i].thread, NULL);
        bytes += clients[i].bytes;
        requests += clients[i].requests;
    }
    printf("%.0f %.1f %.2f\n", (double)bytes / load->seconds, (double)requests / load->seconds,
           p99(clients, count));
}

static void read_arguments(int argc, char **argv, struct load *load)
{
    static const char *const modes[] = {"get", "handshake", "resume", "idle"};
    if (argc != 6 && argc != 7) {
        fail("usage: server_load get|handshake|resume|idle PORT PATH CONNECTIONS SECONDS [HEADER]");
    }
    while (strcmp(argv[1], modes[load->mode]) != 0) {
        if (++load->mode > MODE_IDLE) {
            fail("mode is get, handshake, resume or idle");
        }
    }
    load->port = (uint16_t)strtoul(argv[2], NULL, 10);
    load->path = argv[3];
    load->connections = (unsigned)strtoul(argv[4], NULL, 10);
    load->seconds = strtod(argv[5], NULL);
    load->header = argv[6];
}

int main(int argc, char **argv)
{
    static struct load load;
    read_arguments(argc, argv, &load);
    unsigned count = load.mode == MODE_IDLE ? IDLE_THREADS : load.connections;
    load.tls = SSL_CTX_new(TLS_client_method());
    struct client *clients = calloc(count, sizeof *clients);
    if (load.tls == NULL || clients == NULL ||
        SSL_CTX_set_min_proto_version(load.tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(load.tls, "TLS_AES_128_GCM_SHA256") != 1) {
        fail("out of memory");
    }
    SSL_CTX_set_mode(load.tls, SSL_MODE_RELEASE_BUFFERS);
    signal(SIGPIPE, SIG_IGN);
    pthread_barrier_init(&load.open, NULL, count);
    start(&load, clients, count);
    report(&load, clients, count);
    for (unsigned i = 0; i < count; i++) {
        free(clients[i].slot);
    }
    free(clients);
    SSL_CTX_free(load.tls);
    return 0;
}
