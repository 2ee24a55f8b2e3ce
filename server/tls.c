/* server/tls.c: see server/tls.h. */
#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"

#define SECURITY_LEVEL 2 /* OpenSSL's: at least 112 bits, so RSA from 2048 */

static const char tls12_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char groups[] = "X25519:P-256:P-384";
static const unsigned char session_context[] = "trustchain";

static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "unknown error";
}

/* A server that starts by itself has nobody to ask. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static bool readable(const char *path, const char *what)
{
    if (access(path, R_OK) == 0) {
        return true;
    }
    host_fail(path, "cannot read the %s: %s (trustchain pki server makes one)", what,
              strerror(errno));
    return false;
}

static bool load_certificate(SSL_CTX *context, const char *path)
{
    if (!readable(path, "certificate")) {
        return false;
    }
    if (SSL_CTX_use_certificate_chain_file(context, path) != 1) {
        host_fail(path, "not a PEM certificate (%s)", openssl_reason());
        return false;
    }
    if (X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(context))) < 0) {
        host_fail(path, "this certificate has expired (trustchain pki server makes a new one)");
        return false;
    }
    return true;
}

static bool load_key(SSL_CTX *context, const char *path, const char *certificate)
{
    if (!readable(path, "key")) {
        return false;
    }
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(context) == 1) {
        return true;
    }
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == SSL_R_NO_CERTIFICATE_ASSIGNED) {
        host_fail(path, "this key does not belong to the certificate %s", certificate);
    } else {
        host_fail(path, "not a PEM private key without passphrase (%s)", openssl_reason());
    }
    return false;
}

/* All of it explicit: the machine's openssl.cnf must not weaken what devices rely on. */
static bool set_protocol(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, tls12_ciphers) == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1 &&
           SSL_CTX_set_num_tickets(context, 1) == 1 &&
           SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1) ==
               1;
}

SSL_CTX *tls_context(const char *certificate, const char *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || !set_protocol(context)) {
        host_fail(NULL, "cannot set up TLS: %s", openssl_reason());
    } else if (load_certificate(context, certificate) && load_key(context, key, certificate)) {
        ERR_clear_error();
        return context;
    }
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}
