/* fleet_feedback: devices that report progress as fast as the server takes it, for bench/fleet/run.
 *
 *     fleet_feedback PORT FILE CONNECTIONS SECONDS
 *
 * FILE has a line ID TOKEN ACTION for each device. One thread a connection, kept alive, one report
 * at a time; the devices take turns. Certificates are not checked. Prints reports per second; an
 * answer that is not 200 ends it with status 1.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define DEVICES_MAX  100000u
#define ANSWER_BYTES 4096

static const char body[] = "{\"status\":{\"execution\":\"proceeding\",\"result\":{\"finished\":"
                           "\"none\"},\"details\":[\"at work\"]}}";

struct reporter {
    char id[65], token[129], action[24];
};

struct load {
    uint16_t port;
    double until;
    SSL_CTX *tls;
    struct reporter *device;
    size_t devices;
};

struct client {
    pthread_t thread;
    const struct load *load;
    size_t next, step; /* device */
    uint64_t reports;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what, const char *more)
{
    fprintf(stderr, "fleet_feedback: %s%s\n", what, more);
    exit(1);
}

static SSL *dial(const struct load *load)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(load->port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&where, sizeof where) != 0)
        fail("cannot connect", "");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL *tls = SSL_new(load->tls);
    if (tls == NULL || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1)
        fail("no TLS handshake", "");
    return tls;
}

/* Good answers to feedback have no body: they end with their head. */
static void read_answer(SSL *tls)
{
    char answer[ANSWER_BYTES];
    int used = 0;
    do {
        int got = SSL_read(tls, answer + used, (int)sizeof answer - 1 - used);
        if (got <= 0)
            fail("connection lost", "");
        used += got;
        answer[used] = '\0';
    } while (strstr(answer, "\r\n\r\n") == NULL);
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
        fail("not the answer 200: ", answer);
}

static void report(struct client *client, SSL *tls)
{
    char request[1024];
    const struct load *load = client->load;
    const struct reporter *device = &load->device[client->next];
    int length = snprintf(request, sizeof request,
                          "POST /DEFAULT/controller/v1/%s/deploymentBase/%s/feedback HTTP/1.1\r\n"
                          "Host: localhost\r\nAuthorization: TargetToken %s\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          device->id, device->action, device->token, sizeof body - 1, body);
    if (SSL_write(tls, request, length) != length)
        fail("cannot send", "");
    read_answer(tls);
    client->reports++;
    client->next += client->step;
    if (client->next >= load->devices)
        client->next %= client->step;
}

static void *run(void *argument)
{
    struct client *client = argument;
    SSL *tls = dial(client->load);
    while (now() < client->load->until)
        report(client, tls);
    SSL_free(tls);
    return NULL;
}

static void read_devices(const char *path, struct load *load)
{
    FILE *file = fopen(path, "re");
    load->device = calloc(DEVICES_MAX, sizeof *load->device);
    if (file == NULL || load->device == NULL)
        fail("cannot read ", path);
    while (load->devices < DEVICES_MAX) {
        struct reporter *device = &load->device[load->devices];
        if (fscanf(file, "%64s %128s %23s", device->id, device->token, device->action) != 3)
            break;
        load->devices++;
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    struct load load = {.port = 0};
    if (argc != 5)
        fail("usage: fleet_feedback PORT FILE CONNECTIONS SECONDS", "");
    size_t count = strtoul(argv[3], NULL, 10);
    double seconds = strtod(argv[4], NULL);
    load.port = (uint16_t)strtoul(argv[1], NULL, 10);
    read_devices(argv[2], &load);
    load.tls = SSL_CTX_new(TLS_client_method());
    struct client *clients = calloc(count, sizeof *clients);
    if (load.tls == NULL || clients == NULL || count == 0 || load.devices < count)
        fail("more connections than devices", "");
    signal(SIGPIPE, SIG_IGN);
    load.until = now() + seconds;
    for (size_t i = 0; i < count; i++) {
        clients[i] = (struct client){.load = &load, .next = i, .step = count};
        if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0)
            fail("too many connections", "");
    }
    uint64_t reports = 0;
    for (size_t i = 0; i < count; i++) {
        pthread_join(clients[i].thread, NULL);
        reports += clients[i].reports;
    }
    printf("%.0f\n", (double)reports / seconds);
    free(clients);
    free(load.device);
    SSL_CTX_free(load.tls);
    return 0;
}
