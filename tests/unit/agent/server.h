/* tests/unit/agent/server.h: a scripted update server behind the agent's net operations.
 *
 * It answers as the real one does (strong ETag, If-None-Match lists, Range with If-Range), unless
 * told to misbehave. Every second call answers AGENT_AGAIN and bytes come in odd portions.
 */
#ifndef TESTS_AGENT_SERVER_H
#define TESTS_AGENT_SERVER_H

#include "device/agent/agent.h"

struct server {
    const uint8_t *file; /* NULL: 404 */
    uint32_t length;
    uint8_t etag[32];

    /* Misbehaviour; zero is none. */
    const char *raw;         /* this answer, word for word, and nothing else */
    uint32_t cut_after;      /* close after so many bytes of body (once) */
    bool ignores_conditions; /* no 304, no 206 */
    int32_t range_shift;     /* a 206 claims to start so many bytes later */
    uint32_t claimed_length; /* Content-Length and total, whatever is sent */
    int connect_result;      /* AGENT_ENETWORK, AGENT_EIDENTITY */
    unsigned connect_limit;  /* no more connections than this, 0 = any number */
    bool silent;             /* takes the request, says nothing */
    uint32_t drip;           /* so many calls without a byte before each byte ... */
    uint32_t drip_after;     /* ... once so many bytes of an answer were sent */
    bool restless;           /* each answer has another ETag, and ends at cut_after */

    /* What happened. */
    unsigned connections, not_modified, whole, partial;
    uint32_t body_bytes; /* sent over all connections */
    uint32_t last_first; /* first byte of the last partial answer */
    char request[2048];  /* the last one */

    /* The connection. */
    uint32_t asked;
    char head[512];
    uint32_t head_length, head_sent;
    uint32_t at, end, sent_here, held_back;
    bool answering, turn;
};

void server_serve(struct server *server, const uint8_t *file, uint32_t length);
struct agent_net server_net(struct server *server);

#endif
