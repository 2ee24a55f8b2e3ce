/* fleet/line.h: one device's connection to the server: TCP and TLS, never blocking.
 *
 * The server must show a certificate under the pinned authority, made for the name or address that
 * was asked for; TLS 1.2 at least. A line is watched by an epoll descriptor from its first step on,
 * edge-triggered: an event means that going on may succeed. Answers are those of struct agent_net.
 */
#ifndef FLEET_LINE_H
#define FLEET_LINE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "fleet/tally.h"

/* What all lines share. */
struct line_peer {
    char host[256];
    uint16_t port;
    bool numeric; /* host is an address: certificates are judged by it, and no name is sent */
    struct sockaddr_storage address;
    socklen_t address_bytes;
    SSL_CTX *tls;
};

/* "https://HOST[:PORT]", HOST a name or an address ([v6] in brackets), and the PEM file of the
 * authority. `resume`: sessions are kept for the next connection. HOST_DONE, or its line is
 * printed. */
int line_peer_open(struct line_peer *peer, const char *url, const char *authority, bool resume);
void line_peer_close(struct line_peer *peer);

enum line_state { LINE_DOWN, LINE_DIALLING, LINE_SHAKING, LINE_UP };

struct line {
    enum line_state state;
    int fd;
    SSL *tls;
    X509 *certificate;      /* whom it shows itself as, with ... */
    EVP_PKEY *key;          /* ... its key; the caller's. NULL: nobody */
    SSL_SESSION *session;   /* kept for the next connection; or NULL */
    uint64_t began_us;      /* of dialling, on the caller's clock */
    enum tally_fault fault; /* what the last error was */
};

/* AGENT_OK once up, AGENT_AGAIN, AGENT_ENETWORK or AGENT_EIDENTITY. `owner` is what events in
 * `epoll` carry. */
int line_connect(struct line *line, const struct line_peer *peer, int epoll, void *owner);
int line_send(struct line *line, const void *bytes, size_t length);
int line_receive(struct line *line, void *bytes, size_t size);
/* The session stays. */
void line_close(struct line *line);
void line_forget_session(struct line *line);

#endif
