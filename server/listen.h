/* server/listen.h: "ADDRESS:PORT" to a listening socket. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stdint.h>

#define LISTEN_TEXT_MAX 64

struct listener {
    int fd;
    uint16_t port;              /* the one really bound */
    char text[LISTEN_TEXT_MAX]; /* "127.0.0.1:8443", "[::1]:8443" */
};

/* "fd:3" is a socket that listens already, as systemd hands it over (systemd.socket(5)).
 *
 * Numeric addresses only: "127.0.0.1:8443", "[::]:8443"; port 0 picks a free one. HOST_USAGE for
 * text that is no address, HOST_FAILED when it cannot be bound, each with its line printed. */
int listen_open(const char *address, struct listener *listener);

#endif
