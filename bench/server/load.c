/* server_load: a plain HTTPS/1.1 client that keeps a server busy, for bench/server/run.
 *
 *     server_load get PORT PATH CONNECTIONS SECONDS        bytes and requests per second
 *     server_load handshake PORT PATH CONNECTIONS SECONDS  full handshakes per second
 *     server_load idle PORT PATH CONNECTIONS SECONDS       opens connections and holds them
 *
 * One thread a connection, blocking. Certificates are not checked and sessions not resumed: the
 * figures are the server's, and the client costs both servers the same. Prints
 * "BYTES_PER_SECOND REQUESTS_PER_SECOND"; any failure ends it with status 1.
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

#define BUFFER_BYTES 65536

enum mode { MODE_GET, MODE_HANDSHAKE, MODE_IDLE };

struct load {
    enum mode mode;
    uint16_t port;
    const char *path;
    double until; /* seconds of the monotonic clock */
    SSL_CTX *tls;
};

struct client {
    pthread_t thread;
    const struct load *load;
    uint64_t bytes; /* of bodies */
    uint64_t requests;
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

static SSL *dial(const struct load *load)
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
    if (tls == NULL || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1) {
        fail("no TLS handshake");
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

static void get(struct client *client, SSL *tls)
{
    uint64_t body;
    int length = snprintf(client->buffer, BUFFER_BYTES,
                          "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", client->load->path);
    if (SSL_write(tls, client->buffer, length) != length) {
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
    client->bytes += body;
    client->requests++;
}

static void *run(void *argument)
{
    struct client *client = argument;
    const struct load *load = client->load;
    SSL *tls = load->mode == MODE_HANDSHAKE ? NULL : dial(load);
    if (load->mode == MODE_IDLE) {
        get(client, tls);
        while (now() < load->until) {
            usleep(50000);
        }
    }
    while (load->mode == MODE_GET && now() < load->until) {
        get(client, tls);
    }
    while (load->mode == MODE_HANDSHAKE && now() < load->until) {
        hang_up(dial(load));
        client->requests++;
    }
    if (tls != NULL) {
        hang_up(tls);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const char *const modes[] = {"get", "handshake", "idle"};
    struct load load = {.mode = MODE_GET};
    if (argc != 6) {
        fprintf(stderr, "usage: server_load get|handshake|idle PORT PATH CONNECTIONS SECONDS\n");
        return 2;
    }
    while (strcmp(argv[1], modes[load.mode]) != 0) {
        if (++load.mode > MODE_IDLE) {
            fail("mode is get, handshake or idle");
        }
    }
    size_t count = strtoul(argv[4], NULL, 10);
    double seconds = strtod(argv[5], NULL);
    load.port = (uint16_t)strtoul(argv[2], NULL, 10);
    load.path = argv[3];
    load.tls = SSL_CTX_new(TLS_client_method());
    struct client *clients = calloc(count, sizeof *clients);
    if (load.tls == NULL || clients == NULL) {
        fail("out of memory");
    }
    signal(SIGPIPE, SIG_IGN);
    load.until = now() + seconds;
    for (size_t i = 0; i < count; i++) {
        clients[i].load = &load;
        if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0) {
            fail("too many connections");
        }
    }
    uint64_t bytes = 0;
    uint64_t requests = 0;
    for (size_t i = 0; i < count; i++) {
        pthread_join(clients[i].thread, NULL);
        bytes += clients[i].bytes;
        requests += clients[i].requests;
    }
    printf("%.0f %.1f\n", (double)bytes / seconds, (double)requests / seconds);
    free(clients);
    SSL_CTX_free(load.tls);
    return 0;
}
