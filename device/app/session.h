/* device/app/session.h: the TLS session of the last connection, kept in RAM for the next one.
 *
 * Who goes on with a session (TLS 1.3: a ticket, and a new key exchange all the same) is spared the
 * certificate and its signatures. The pin holds nevertheless: the session's key came out of a
 * handshake in which this host proved a certificate under the pinned authority, or out of one that
 * went on with such a session. Whoever does not have that key cannot finish the next handshake by
 * it, whatever certificate is shown; who does have it is who proved to be the server. Therefore
 *
 * - it is kept only behind a handshake that was verified to its end, and dropped with the authority
 *   that it was verified under (tls_init());
 * - it is offered to the same host and port only, and once: a handshake that fails leaves none;
 * - SESSION_AGE_MS after the certificate it has to be shown again, however often the session was
 *   renewed in between: a key that was taken from the server lets nobody in for ever (RFC 8446,
 *   4.6.1).
 *
 * It is nowhere else. The device sleeps between polls with its RAM on, and after a reset it costs
 * one full handshake to have a session again. In flash its key would be as secret as the device's
 * token, at the price of a write a poll; in memory that outlives a reset it would outlive the
 * firmware, and the pin in it, too.
 */
#ifndef DEVICE_APP_SESSION_H
#define DEVICE_APP_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "device/agent/settings.h"

/* A ticket of our server takes 250; a session with a larger one than fits is not kept. It has to
 * fit into a hello of MBEDTLS_SSL_OUT_CONTENT_LEN as well. */
#define SESSION_BYTES_MAX 1024u
#define SESSION_AGE_MS    (24u * 3600 * 1000)

struct session {
    char host[SETTINGS_HOST_BYTES];
    uint16_t port;
    size_t length;      /* of `bytes`; 0: none is kept */
    uint64_t proven_ms; /* when its server last showed the certificate */
    uint8_t bytes[SESSION_BYTES_MAX];
};

/* Wiped. */
void session_drop(struct session *session);

/* Length of what is kept for this server; 0: nothing is, and what was kept is dropped. */
size_t session_find(struct session *session, const char *host, uint16_t port, uint64_t now_ms);

/* The first `length` of `bytes`, which the caller has filled, are a session with this server. */
void session_keep(struct session *session, const char *host, uint16_t port, uint64_t proven_ms,
                  size_t length);

#endif
