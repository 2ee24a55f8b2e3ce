/* device/app/stream.h: one TCP connection as a stream of bytes that never blocks.
 *
 * Returns are those of the agent's net operations (device/agent/agent.h).
 */
#ifndef DEVICE_APP_STREAM_H
#define DEVICE_APP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_pcb;
struct pbuf;

struct stream {
    struct tcp_pcb *pcb;   /* NULL: closed */
    struct pbuf *received; /* not yet read */
    uint16_t port;
    uint8_t state;
};

/* Start or go on: name look-up, then TCP. OK when connected, AGAIN, ENETWORK. */
int stream_connect(struct stream *stream, const char *host, uint16_t port);
int stream_send(struct stream *stream, const void *bytes, size_t length);
int stream_receive(struct stream *stream, void *bytes, size_t size);
void stream_close(struct stream *stream);

#endif
