/* device/app/session.c: see session.h. */
#include "device/app/session.h"

#include <string.h>

void session_drop(struct session *session)
{
    explicit_bzero(session, sizeof *session);
}

size_t session_find(struct session *session, const char *host, uint16_t port, uint64_t now_ms)
{
    if (session->length == 0 || session->port != port || strcmp(session->host, host) != 0 ||
        now_ms - session->proven_ms >= SESSION_AGE_MS)
        session_drop(session);
    return session->length;
}

void session_keep(struct session *session, const char *host, uint16_t port, uint64_t proven_ms,
                  size_t length)
{
    size_t host_bytes = strlen(host) + 1;
    if (length > sizeof session->bytes || host_bytes > sizeof session->host) {
        session_drop(session);
        return;
    }
    memcpy(session->host, host, host_bytes);
    session->port = port;
    session->length = length;
    session->proven_ms = proven_ms;
}
