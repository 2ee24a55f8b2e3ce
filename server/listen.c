/* server/listen.c: see server/listen.h. */
#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/error.h"

#define FIRST_BYTES_S 10 /* how long the kernel keeps a client that has not said anything */

static const char inherited[] = "fd:";

/* "HOST:PORT" or "[HOST]:PORT" taken apart; getaddrinfo() judges the pieces. */
static struct addrinfo *resolve(const char *address)
{
    char host[LISTEN_TEXT_MAX];
    struct addrinfo *found = NULL;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    const char *colon = strrchr(address, ':');
    if (colon == NULL || (size_t)(colon - address) >= sizeof host || colon[1] == '\0') {
        return NULL;
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    size_t length = strlen(host);
    char *name = host;
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        name++;
    } else if (strchr(host, ':') != NULL) {
        return NULL; /* an IPv6 address needs its brackets */
    }
    /* getaddrinfo() takes port 70000 modulo 65536. */
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port > UINT16_MAX || name[0] == '\0') {
        return NULL;
    }
    return getaddrinfo(name, colon + 1, &hints, &found) == 0 ? found : NULL;
}

static void describe(struct listener *listener, const struct sockaddr_storage *bound)
{
    char text[INET6_ADDRSTRLEN];
    if (bound->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)bound;
        listener->port = ntohs(in6->sin6_port);
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
        snprintf(listener->text, sizeof listener->text, "[%s]:%u", text, listener->port);
    } else {
        const struct sockaddr_in *in = (const void *)bound;
        listener->port = ntohs(in->sin_port); /* NOLINT: getsockname() has filled it */
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        snprintf(listener->text, sizeof listener->text, "%s:%u", text, listener->port);
    }
}

static int bind_and_listen(const struct addrinfo *where, struct listener *listener)
{
    int on = 1;
    int defer = FIRST_BYTES_S;
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;
    listener->fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0) {
        return -errno;
    }
    if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener->fd, where->ai_addr, where->ai_addrlen) != 0 ||
        setsockopt(listener->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof defer) != 0 ||
        listen(listener->fd, SOMAXCONN) != 0 ||
        getsockname(listener->fd, (struct sockaddr *)&bound, &length) != 0) {
        int error = -errno;
        close(listener->fd);
        return error;
    }
    describe(listener, &bound);
    return 0;
}

/* From whoever started us: it stays open there while we are replaced by the next. */
static int take_over(const char *address, struct listener *listener)
{
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;
    int listening = 0;
    socklen_t flag = sizeof listening;
    char *end;
    long fd = strtol(address + sizeof inherited - 1, &end, 10);
    if (*end != '\0' || fd < 3 || fd > INT16_MAX) {
        return host_usage(address, "not a socket to take over (write fd:3, or an address)");
    }
    listener->fd = (int)fd;
    if (getsockopt(listener->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &flag) != 0 ||
        listening == 0 || getsockname(listener->fd, (struct sockaddr *)&bound, &length) != 0 ||
        (bound.ss_family != AF_INET && bound.ss_family != AF_INET6)) {
        return host_fail(address, "this is no listening TCP socket (systemd hands them over in the "
                                  "order of its .socket file, from fd:3 on)");
    }
    if (fcntl(listener->fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(listener->fd, F_SETFL, O_NONBLOCK) != 0) {
        return host_fail(address, "cannot listen: %s", strerror(errno));
    }
    describe(listener, &bound);
    return HOST_DONE;
}

int listen_open(const char *address, struct listener *listener)
{
    if (strncmp(address, inherited, sizeof inherited - 1) == 0) {
        return take_over(address, listener);
    }
    struct addrinfo *where = resolve(address);
    if (where == NULL) {
        return host_usage(address, "not an address to listen on (write 127.0.0.1:8443 or [::1]:0)");
    }
    int error = bind_and_listen(where, listener);
    freeaddrinfo(where);
    if (error == -EADDRINUSE) {
        return host_fail(address, "this port is in use (choose another with --listen)");
    }
    if (error != 0) {
        return host_fail(address, "cannot listen: %s", strerror(-error));
    }
    return HOST_DONE;
}
