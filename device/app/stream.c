/* device/app/stream.c: see stream.h. lwIP calls back during network_poll(). */
#include "device/app/stream.h"

#include <string.h>

#include "lwip/dns.h"
#include "lwip/tcp.h"

#include "device/agent/agent.h"
#include "device/app/network.h"

enum {
    STREAM_CLOSED,
    STREAM_LOOKUP,
    STREAM_CONNECTING,
    STREAM_OPEN,
    STREAM_PEER_CLOSED,
    STREAM_LOST
};

static err_t on_connected(void *context, struct tcp_pcb *pcb, err_t error)
{
    struct stream *stream = context;
    (void)pcb;
    stream->state = error == ERR_OK ? STREAM_OPEN : STREAM_LOST;
    return ERR_OK;
}

static err_t on_received(void *context, struct tcp_pcb *pcb, struct pbuf *chain, err_t error)
{
    struct stream *stream = context;
    (void)pcb;
    (void)error;
    if (chain == NULL)
        stream->state = STREAM_PEER_CLOSED;
    else if (stream->received == NULL)
        stream->received = chain;
    else
        pbuf_cat(stream->received, chain);
    return ERR_OK;
}

/* The control block is gone already. */
static void on_error(void *context, err_t error)
{
    struct stream *stream = context;
    (void)error;
    stream->pcb = NULL;
    stream->state = STREAM_LOST;
}

static void start(struct stream *stream, const ip_addr_t *address)
{
    stream->state = STREAM_LOST;
    stream->pcb = tcp_new();
    if (stream->pcb == NULL)
        return;
    tcp_arg(stream->pcb, stream);
    tcp_recv(stream->pcb, on_received);
    tcp_err(stream->pcb, on_error);
    if (tcp_connect(stream->pcb, address, stream->port, on_connected) == ERR_OK)
        stream->state = STREAM_CONNECTING;
}

static void on_address(const char *name, const ip_addr_t *address, void *context)
{
    struct stream *stream = context;
    (void)name;
    if (stream->state != STREAM_LOOKUP)
        return; /* closed in the meantime */
    if (address == NULL)
        stream->state = STREAM_LOST;
    else
        start(stream, address);
}

static void look_up(struct stream *stream, const char *host)
{
    ip_addr_t address;
    stream->state = STREAM_LOOKUP;
    err_t error = dns_gethostbyname(host, &address, on_address, stream);
    if (error == ERR_OK)
        start(stream, &address);
    else if (error != ERR_INPROGRESS)
        stream->state = STREAM_LOST;
}

int stream_connect(struct stream *stream, const char *host, uint16_t port)
{
    if (stream->state == STREAM_CLOSED) {
        if (!network_ready())
            return AGENT_AGAIN;
        stream->port = port;
        look_up(stream, host);
    }
    switch (stream->state) {
    case STREAM_LOOKUP:
    case STREAM_CONNECTING:
        return AGENT_AGAIN;
    case STREAM_OPEN:
    case STREAM_PEER_CLOSED:
        return AGENT_OK;
    default:
        return AGENT_ENETWORK;
    }
}

int stream_send(struct stream *stream, const void *bytes, size_t length)
{
    if (stream->state != STREAM_OPEN && stream->state != STREAM_PEER_CLOSED)
        return AGENT_ENETWORK;
    size_t room = tcp_sndbuf(stream->pcb);
    if (length > room)
        length = room;
    if (length == 0)
        return AGENT_AGAIN;
    err_t error = tcp_write(stream->pcb, bytes, (u16_t)length, TCP_WRITE_FLAG_COPY);
    if (error == ERR_MEM)
        return AGENT_AGAIN;
    if (error != ERR_OK || tcp_output(stream->pcb) != ERR_OK)
        return AGENT_ENETWORK;
    return (int)length;
}

int stream_receive(struct stream *stream, void *bytes, size_t size)
{
    if (stream->received == NULL) {
        if (stream->state == STREAM_OPEN)
            return AGENT_AGAIN;
        return stream->state == STREAM_PEER_CLOSED ? 0 : AGENT_ENETWORK;
    }
    size_t left = stream->received->tot_len;
    u16_t take = (u16_t)(size < left ? size : left);
    pbuf_copy_partial(stream->received, bytes, take, 0);
    stream->received = pbuf_free_header(stream->received, take);
    if (stream->pcb != NULL)
        tcp_recved(stream->pcb, take);
    return take;
}

void stream_close(struct stream *stream)
{
    if (stream->received != NULL)
        pbuf_free(stream->received);
    if (stream->pcb != NULL) {
        tcp_arg(stream->pcb, NULL);
        tcp_recv(stream->pcb, NULL);
        tcp_err(stream->pcb, NULL);
        if (tcp_close(stream->pcb) != ERR_OK)
            tcp_abort(stream->pcb);
    }
    memset(stream, 0, sizeof *stream);
}
