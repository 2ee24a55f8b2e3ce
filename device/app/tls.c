/* device/app/tls.c: see tls.h. */
#include "device/app/tls.h"

#include <string.h>

#include "mbedtls/psa_util.h"
#include "mbedtls/ssl.h"
#include "mbedtls/x509_crt.h"
#include "psa/crypto.h"

#include "device/app/log.h"
#include "device/app/session.h"
#include "device/app/stream.h"
#include "device/hal/system.h"

static const char *const protocols[] = {"http/1.1", NULL};
/* AES on the accelerator; no suite without forward secrecy and authenticated encryption. */
static const int suites[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0,
};
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};
/* PKCS #1 v1.5 before PSS: mbedTLS 3.6 verifies PSS in TLS 1.3 only, where the former is not
 * allowed anyway, and most servers of TLS 1.2 take the client's first. */
static const uint16_t signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_NONE,
};

static struct {
    mbedtls_x509_crt authority;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    struct stream stream;
    bool ready;       /* tls_init() came to its end */
    bool started;     /* ssl is set up */
    bool offered;     /* this connection went on, or tried to, with the session kept */
    bool verified;    /* its handshake came to a good end */
    const char *host; /* what it is a connection to */
    uint16_t port;
    uint64_t proven_ms;  /* when that showed its certificate: now, or before its session */
    struct session kept; /* for the next connection */
} tls;

static uint64_t now_ms(void)
{
    return hal_time_us() / 1000;
}

static int stream_to_mbedtls(int result, int want)
{
    if (result == AGENT_AGAIN)
        return want;
    return result >= 0 ? result : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int bio_send(void *context, const unsigned char *bytes, size_t length)
{
    return stream_to_mbedtls(stream_send(context, bytes, length), MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int bio_receive(void *context, unsigned char *bytes, size_t size)
{
    return stream_to_mbedtls(stream_receive(context, bytes, size), MBEDTLS_ERR_SSL_WANT_READ);
}

bool tls_init(const uint8_t *ca, size_t ca_bytes)
{
    tls_forget();
    mbedtls_x509_crt_init(&tls.authority);
    mbedtls_ssl_config_init(&tls.config);
    if (psa_crypto_init() != PSA_SUCCESS ||
        mbedtls_x509_crt_parse_der_nocopy(&tls.authority, ca, ca_bytes) != 0 ||
        mbedtls_ssl_config_defaults(&tls.config, MBEDTLS_SSL_IS_CLIENT,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return false;
    mbedtls_ssl_conf_rng(&tls.config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_authmode(&tls.config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&tls.config, &tls.authority, NULL);
    mbedtls_ssl_conf_min_tls_version(&tls.config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_ciphersuites(&tls.config, suites);
    mbedtls_ssl_conf_groups(&tls.config, groups);
    mbedtls_ssl_conf_sig_algs(&tls.config, signatures);
    /* Sessions are gone on with in TLS 1.3 only, and never without a new key exchange. In TLS 1.2
     * there is none: who gets at the server's ticket key later reads all that was said. */
    mbedtls_ssl_conf_session_tickets(&tls.config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &tls.config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_tls13_key_exchange_modes(
        &tls.config, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL |
                         MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL);
    tls.ready =
        mbedtls_ssl_conf_alpn_protocols(&tls.config, (const char **)(uintptr_t)protocols) == 0;
    return tls.ready;
}

bool tls_ready(void)
{
    return tls.ready;
}

void tls_forget(void)
{
    session_drop(&tls.kept);
}

/* Whatever comes of it, the session is spent: its ticket has been seen on the line, and one that a
 * handshake fails with must not stop the next. The server gives another. */
static void offer_session(void)
{
    mbedtls_ssl_session session;
    size_t length = session_find(&tls.kept, tls.host, tls.port, now_ms());
    mbedtls_ssl_session_init(&session);
    tls.offered = length > 0 && mbedtls_ssl_session_load(&session, tls.kept.bytes, length) == 0 &&
                  mbedtls_ssl_set_session(&tls.ssl, &session) == 0;
    tls.proven_ms = tls.kept.proven_ms;
    mbedtls_ssl_session_free(&session); /* wipes */
    session_drop(&tls.kept);
}

/* A ticket has come, on a connection that is verified: the newest one counts. */
static void keep_session(void)
{
    mbedtls_ssl_session session;
    size_t length = 0;
    session_drop(&tls.kept);
    mbedtls_ssl_session_init(&session);
    if (tls.verified && mbedtls_ssl_get_session(&tls.ssl, &session) == 0 &&
        mbedtls_ssl_session_save(&session, tls.kept.bytes, sizeof tls.kept.bytes, &length) == 0)
        session_keep(&tls.kept, tls.host, tls.port, tls.proven_ms, length);
    mbedtls_ssl_session_free(&session);
}

static int begin(const char *host, uint16_t port)
{
    mbedtls_ssl_init(&tls.ssl);
    tls.started = true;
    tls.verified = false;
    tls.host = host;
    tls.port = port;
    if (mbedtls_ssl_setup(&tls.ssl, &tls.config) != 0 ||
        mbedtls_ssl_set_hostname(&tls.ssl, host) != 0) {
        log_line('E', "tls", "out of memory");
        return AGENT_ENETWORK;
    }
    mbedtls_ssl_set_bio(&tls.ssl, &tls.stream, bio_send, bio_receive, NULL);
    offer_session();
    return AGENT_OK;
}

/* Why the certificate is not accepted, in words; the first of the reasons. */
static const char *certificate_reason(uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *text;
    } reasons[] = {
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "not signed by the pinned authority"},
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, "made for another name"},
        {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
             MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
         "not a server certificate"},
        {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY,
         "signed with an algorithm that is too weak"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if ((flags & reasons[i].flag) != 0)
            return reasons[i].text;
    }
    return "not acceptable";
}

static const char *handshake_reason(int error)
{
    switch (error) {
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        return "the server does not speak TLS 1.2 or 1.3";
    case MBEDTLS_ERR_SSL_CONN_EOF:
        return "the server closed the connection during the handshake";
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return "the server ended the handshake with an alert";
    default:
        return "the handshake failed";
    }
}

static int handshake_failed(int error)
{
    uint32_t flags = mbedtls_ssl_get_verify_result(&tls.ssl);
    if (error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || error == MBEDTLS_ERR_SSL_BAD_CERTIFICATE) {
        log_line('E', "tls", "server certificate refused: %s", certificate_reason(flags));
        return AGENT_EIDENTITY;
    }
    log_line('E', "tls", "%s (-0x%04x)", handshake_reason(error), -error);
    return AGENT_ENETWORK;
}

/* One step of the handshake: the longest, a signature check, takes a fraction of a second. */
static int shake_hands(void)
{
    int error = mbedtls_ssl_handshake_step(&tls.ssl);
    if (error != 0 && error != MBEDTLS_ERR_SSL_WANT_READ && error != MBEDTLS_ERR_SSL_WANT_WRITE)
        return handshake_failed(error);
    if (!mbedtls_ssl_is_handshake_over(&tls.ssl))
        return AGENT_AGAIN;
    /* VERIFY_REQUIRED has ended a bad handshake already; asked again in case that was skipped. Only
     * who goes on with a session shows no certificate. */
    bool shown = mbedtls_ssl_get_peer_cert(&tls.ssl) != NULL;
    if (mbedtls_ssl_get_verify_result(&tls.ssl) != 0 || (!shown && !tls.offered))
        return handshake_failed(MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
    if (shown)
        tls.proven_ms = now_ms();
    tls.verified = true;
    log_line('I', "tls", "%s, %s%s", mbedtls_ssl_get_version(&tls.ssl),
             mbedtls_ssl_get_ciphersuite(&tls.ssl), shown ? "" : ", resumed");
    return AGENT_OK;
}

static int net_connect(void *context, const char *host, uint16_t port)
{
    (void)context;
    if (!tls.ready)
        return AGENT_ENETWORK;
    int error = stream_connect(&tls.stream, host, port);
    if (error == AGENT_OK && !tls.started)
        error = begin(host, port);
    return error == AGENT_OK ? shake_hands() : error;
}

static int from_mbedtls(int result)
{
    switch (result) {
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        return AGENT_AGAIN;
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return 0;
    default:
        return result >= 0 ? result : AGENT_ENETWORK;
    }
}

static int net_send(void *context, const void *bytes, size_t length)
{
    (void)context;
    return from_mbedtls(mbedtls_ssl_write(&tls.ssl, bytes, length));
}

/* A ticket comes in two returns without data: one that holds it back, one that it has been read. */
static bool ticket_came(int result)
{
    if (result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
        keep_session();
        return true;
    }
    return result == MBEDTLS_ERR_SSL_WANT_READ && mbedtls_ssl_check_pending(&tls.ssl) != 0;
}

static int net_receive(void *context, void *bytes, size_t size)
{
    int result;
    (void)context;
    do
        result = mbedtls_ssl_read(&tls.ssl, bytes, size);
    while (ticket_came(result));
    return from_mbedtls(result);
}

static void net_close(void *context)
{
    (void)context;
    if (tls.started) {
        (void)mbedtls_ssl_close_notify(&tls.ssl);
        mbedtls_ssl_free(&tls.ssl);
    }
    tls.started = false;
    stream_close(&tls.stream);
}

struct agent_net tls_net(void)
{
    return (struct agent_net){NULL, net_connect, net_send, net_receive, net_close};
}

void tls_authority(char *out, size_t size)
{
    if (mbedtls_x509_dn_gets(out, size, &tls.authority.subject) < 0)
        out[0] = '\0';
}
