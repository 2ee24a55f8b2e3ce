/* server/tls.h: the server's TLS settings.
 *
 * TLS 1.2 and 1.3, forward secrecy and AEAD only, no renegotiation, no compression; session tickets
 * resume without state on the server. HTTP/2 and HTTP/1.1 by ALPN.
 */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <openssl/ssl.h>

/* `certificate`: PEM, leaf first, then intermediates. `key`: PEM, not encrypted, open to
 * its owner only. NULL after one
 * line on stderr that says which file is wrong. The caller frees it with SSL_CTX_free(). */
SSL_CTX *tls_context(const char *certificate, const char *key);

#endif
