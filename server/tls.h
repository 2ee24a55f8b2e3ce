/* server/tls.h: the server's TLS settings.
 *
 * TLS 1.2 and 1.3, forward secrecy and AEAD only, no renegotiation, no compression; session tickets
 * (server/ticket.h) resume without state on the server. HTTP/2 and HTTP/1.1 by ALPN.
 */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <openssl/ssl.h>

struct tls_files {
    const char *certificate; /* PEM, leaf first, then intermediates */
    const char *key;         /* PEM, not encrypted, open to its owner only */
    const char *client_ca;   /* PEM; NULL: clients are not asked for certificates */
};

/* A client may come without a certificate; one that shows a certificate of another authority, or an
 * expired one, fails the handshake. `purpose` keeps the sessions of one port from being resumed on
 * another, and another client_ca those of the one before. NULL after one line on stderr that says
 * which file is wrong. The caller frees it with SSL_CTX_free(). */
SSL_CTX *tls_context(const struct tls_files *files, const char *purpose);

#endif
