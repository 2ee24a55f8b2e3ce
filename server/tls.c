/* server/tls.c: see server/tls.h. */
#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"

#define KEY_BYTES_MAX  65536u
#define CA_BYTES_MAX   (1u << 20)
#define SECURITY_LEVEL 2 /* OpenSSL's: at least 112 bits, so RSA from 2048 */

/* AES-128 first: as strong as the groups, and devices have SHA-256 in hardware, not SHA-384. */
static const char tls12_ciphers[] = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20";
static const char tls13_ciphers[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                    "TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

/* The first error is the cause; those after it only say which library passed it on. */
static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
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
    const X509 *certificate = SSL_CTX_get0_certificate(context);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        host_fail(path, "this certificate has expired (trustchain pki server makes a new one)");
        return false;
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        host_fail(path, "this certificate is not valid yet (is the clock right?)");
        return false;
    }
    return true;
}

/* NULL after one line. */
static EVP_PKEY *read_key(const char *path)
{
    struct buffer pem;
    if (!readable(path, "key") || file_read_private(path, KEY_BYTES_MAX, &pem) != HOST_DONE) {
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.length);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    buffer_free_secret(&pem);
    if (key == NULL) {
        host_fail(path, "not a PEM private key without passphrase (%s)", openssl_reason());
    }
    return key;
}

static bool load_key(SSL_CTX *context, const char *path, const char *certificate)
{
    EVP_PKEY *key = read_key(path);
    if (key == NULL) {
        return false;
    }
    bool fits =
        SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    if (!fits) {
        host_fail(path, "this key does not belong to the certificate %s", certificate);
    }
    return fits;
}

/* All of it explicit: the machine's openssl.cnf must not weaken what devices rely on. */
static bool set_protocol(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* No chain but the one in the certificate's file: built anew each time, it would cost a
     * signature check a handshake, and end in the authority that clients have. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, tls12_ciphers) == 1 &&
           SSL_CTX_set_ciphersuites(context, tls13_ciphers) == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1 &&
           SSL_CTX_set_num_tickets(context, 1) == 1;
}

/* What a session belongs to: one that began under another authority was verified by that one. */
static bool set_session_context(SSL_CTX *context, const char *purpose, const struct buffer *ca)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool done = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(hash, purpose, strlen(purpose) + 1) == 1 &&
                EVP_DigestUpdate(hash, ca->bytes, ca->length) == 1 &&
                EVP_DigestFinal_ex(hash, digest, NULL) == 1 &&
                SSL_CTX_set_session_id_context(context, digest, sizeof digest) == 1;
    EVP_MD_CTX_free(hash);
    return done;
}

static bool load_client_ca(SSL_CTX *context, const char *path, const char *purpose)
{
    struct buffer pem = {0};
    if (path == NULL) {
        return set_session_context(context, purpose, &pem);
    }
    if (!readable(path, "authority of device certificates") ||
        file_read(path, CA_BYTES_MAX, &pem) != HOST_DONE) {
        return false;
    }
    bool set = set_session_context(context, purpose, &pem);
    buffer_free(&pem);
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (names == NULL || SSL_CTX_load_verify_file(context, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        host_fail(path, "not a PEM certificate (%s)", openssl_reason());
        return false;
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return set;
}

SSL_CTX *tls_context(const struct tls_files *files, const char *purpose)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || !set_protocol(context)) {
        host_fail(NULL, "cannot set up TLS: %s", openssl_reason());
    } else if (load_certificate(context, files->certificate) &&
               load_key(context, files->key, files->certificate) &&
               load_client_ca(context, files->client_ca, purpose)) {
        ERR_clear_error();
        return context;
    }
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}
