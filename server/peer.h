/* server/peer.h: ports, and the connections accepted on them. Internal to server/.
 *
 * Each event loop listens on the device port and, when there is one, on the management port. They
 * differ in what they let in: how large a body, how many connections, which certificates.
 *
 * A peer is one accepted connection. It exists from accept to close and is what bounds the
 * number of connections, refuses plain HTTP, knows the client's certificate, and tells at shutdown
 * who is still busy.
 */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <h2o.h>
#include <stdbool.h>

enum port_kind { PORT_DEVICE, PORT_MANAGE, PORT_KINDS };

struct worker;

struct port {
    struct worker *worker;
    enum port_kind kind;
    h2o_context_t http; /* libh2o takes a connection's limits from the context it came in by */
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener; /* NULL once stopping */
    bool listening;         /* false while the connection limit is reached */
    unsigned peer_count;
    unsigned peer_max;
};

#define PEER_ADDRESS_MAX 64  /* "[IPv6]:port" */
#define PEER_NAME_MAX    256 /* characters of a certificate's common name */

struct peer {
    struct port *port;
    h2o_socket_t *socket;
    h2o_linklist_t link;        /* in worker->peers */
    h2o_timeout_entry_t silent; /* armed until the first byte has come */
    h2o_timeout_entry_t stuck;  /* armed while an answer is not taken */
    uint64_t since;             /* loop time */
    bool asked;                 /* has sent a request */
    unsigned requests;          /* being answered */
    unsigned aborted;           /* requests the client gave up, over the connection's life */
    char *name;                 /* common name of its verified certificate; NULL: it has none */
    char address[PEER_ADDRESS_MAX];
};

/* Takes the listening socket `fd` over. `worker` has its loop. */
void port_open(struct port *port, struct worker *worker, enum port_kind kind, int fd,
               unsigned peer_max);
/* Accepts again, if there is room. If not, those go who have not asked for anything in 3 s. */
void port_resume(struct port *port);
/* Accepts no more, and asks those who are here to leave. */
void port_close(struct port *port);
/* After the last peer. */
void port_dispose(struct port *port);

/* Where a request came in. */
struct port *port_of(h2o_req_t *request);
struct worker *worker_of(h2o_req_t *request);
/* NULL when its socket is gone already. */
struct peer *peer_of(h2o_req_t *request);

/* Marks the peer busy until the request is disposed of. From now on it is cut off when it takes
 * nothing for worker->patience, whatever protocol it stalls. */
void peer_hold(h2o_req_t *request);

/* The peer has taken something. */
void peer_moves(struct peer *peer);

/* Everything it asked for has been taken, though its request goes on. */
void peer_rests(struct peer *peer);

/* Cuts the connection below the protocol; libh2o then sees an error and cleans up. */
void peer_cut(struct peer *peer);

/* Info callback of the TLS contexts: counts the handshake, and keeps the name of a verified client
 * certificate, of a full one as of a resumed one. */
void peer_on_tls(const SSL *tls, int where, int value);

#endif
