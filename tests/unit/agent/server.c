/* tests/unit/agent/server.c: see server.h. */
#include "tests/unit/agent/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/agent/image.h"

static void print_etag(const struct server *server, char out[67])
{
    out[0] = '"';
    for (unsigned i = 0; i < 32; i++)
        sprintf(out + 1 + 2 * i, "%02x", server->etag[i]);
    strcpy(out + 65, "\"");
}

void server_serve(struct server *server, const uint8_t *file, uint32_t length)
{
    server->file = file;
    server->length = length;
    test_digest(file, length, server->etag);
}

static const char *field(const struct server *server, const char *name)
{
    const char *found = strstr(server->request, name);
    return found != NULL ? found + strlen(name) : NULL;
}

static bool field_has(const struct server *server, const char *name, const char *etag)
{
    const char *value = field(server, name);
    const char *end = value != NULL ? strstr(value, "\r\n") : NULL;
    const char *found = value != NULL ? strstr(value, etag) : NULL;
    return found != NULL && end != NULL && found < end;
}

static void answer_file(struct server *server, const char *etag)
{
    const char *range = field(server, "\r\nRange: bytes=");
    uint32_t total = server->claimed_length != 0 ? server->claimed_length : server->length;
    server->at = 0;
    server->end = server->length;
    if (range != NULL && field_has(server, "\r\nIf-Range: ", etag) && !server->ignores_conditions) {
        server->at = (uint32_t)strtoul(range, NULL, 10);
        server->last_first = server->at;
        server->partial++;
        sprintf(server->head,
                "HTTP/1.1 206 Partial Content\r\nETag: %s\r\nContent-Length: %u\r\n"
                "Content-Range: bytes %u-%u/%u\r\n\r\n",
                etag, total - server->at, server->at + (uint32_t)server->range_shift, total - 1,
                total);
        return;
    }
    server->whole++;
    sprintf(server->head,
            "HTTP/1.1 200 OK\r\nServer: test\r\netag:%s\r\nContent-Length: %u\r\n\r\n", etag,
            total);
}

static void answer(struct server *server)
{
    char etag[67];
    server->etag[0] = (uint8_t)(server->etag[0] + server->restless);
    print_etag(server, etag);
    server->at = server->end = 0;
    if (server->raw != NULL) {
        server->head_length = 0;
    } else if (server->file == NULL) {
        strcpy(server->head, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    } else if (field_has(server, "\r\nIf-None-Match: ", etag) && !server->ignores_conditions) {
        server->not_modified++;
        sprintf(server->head, "HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n", etag);
    } else {
        answer_file(server, etag);
    }
    server->head_length = (uint32_t)strlen(server->raw != NULL ? server->raw : server->head);
    server->head_sent = server->sent_here = 0;
    server->answering = true;
}

static bool again(struct server *server)
{
    server->turn = !server->turn;
    return server->turn;
}

static int net_connect(void *context, const char *host, uint16_t port)
{
    struct server *server = context;
    (void)host;
    (void)port;
    if (server->connect_result != AGENT_OK)
        return server->connect_result;
    if (server->connect_limit != 0 && server->connections == server->connect_limit)
        return AGENT_ENETWORK;
    if (again(server))
        return AGENT_AGAIN;
    server->connections++;
    server->asked = 0;
    server->answering = false;
    return AGENT_OK;
}

static int net_send(void *context, const void *bytes, size_t length)
{
    struct server *server = context;
    uint32_t take = length < 100 ? (uint32_t)length : 100;
    if (again(server))
        return AGENT_AGAIN;
    if (server->asked + take >= sizeof server->request)
        abort();
    memcpy(server->request + server->asked, bytes, take);
    server->asked += take;
    server->request[server->asked] = '\0';
    if (strstr(server->request, "\r\n\r\n") != NULL && !server->silent)
        answer(server);
    return (int)take;
}

static bool dripping(const struct server *server)
{
    return server->drip != 0 && server->head_sent + server->sent_here >= server->drip_after;
}

/* Not yet the next byte? */
static bool holds_back(struct server *server)
{
    if (!dripping(server))
        return false;
    server->held_back = (server->held_back + 1) % server->drip;
    return server->held_back != 0;
}

static int give(struct server *server, void *bytes, size_t size, const void *from, uint32_t left)
{
    uint32_t portion = 1 + (server->sent_here * 7 + server->head_sent * 3) % 1500;
    if (dripping(server))
        portion = 1;
    if (portion > left)
        portion = left;
    if (portion > size)
        portion = (uint32_t)size;
    memcpy(bytes, from, portion);
    return (int)portion;
}

static int net_receive(void *context, void *bytes, size_t size)
{
    struct server *server = context;
    int given;
    if (!server->answering || again(server) || holds_back(server))
        return AGENT_AGAIN;
    if (server->head_sent < server->head_length) {
        const char *head = server->raw != NULL ? server->raw : server->head;
        given = give(server, bytes, size, head + server->head_sent,
                     server->head_length - server->head_sent);
        server->head_sent += (uint32_t)given;
        return given;
    }
    uint32_t left = server->end - server->at;
    if (server->cut_after != 0 && left > server->cut_after - server->sent_here)
        left = server->cut_after - server->sent_here;
    if (left == 0) {
        if (server->end > server->at && !server->restless)
            server->cut_after = 0;
        return 0;
    }
    given = give(server, bytes, size, server->file + server->at, left);
    server->at += (uint32_t)given;
    server->sent_here += (uint32_t)given;
    server->body_bytes += (uint32_t)given;
    return given;
}

static void net_close(void *context)
{
    struct server *server = context;
    server->answering = false;
}

struct agent_net server_net(struct server *server)
{
    return (struct agent_net){server, net_connect, net_send, net_receive, net_close};
}
