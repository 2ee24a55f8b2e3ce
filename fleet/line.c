/* fleet/line.c: see line.h. */
#include "fleet/line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "device/agent/agent.h"
#include "host/error.h"

#define PORT_DEFAULT "443"
#define SCHEME       "https://"

/* "HOST[:PORT]" into its two texts. */
static bool split(const char *text, char *host, size_t host_size, const char **port)
{
    const char *end = text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":/");
    *port = PORT_DEFAULT;
    if (end == NULL)
        return false;
    const char *begin = text[0] == '[' ? text + 1 : text;
    const char *after = text[0] == '[' ? end + 1 : end;
    size_t length = (size_t)(end - begin);
    if (*after == ':')
        *port = after + 1;
    else if (*after != '\0')
        return false;
    if (length == 0 || length >= host_size)
        return false;
    memcpy(host, begin, length);
    host[length] = '\0';
    return true;
}

static bool port_number(const char *text, uint16_t *port)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < 1 || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

static int resolve(struct line_peer *peer, const char *url)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    const char *port;
    uint8_t address[sizeof(struct in6_addr)];
    if (strncmp(url, SCHEME, sizeof SCHEME - 1) != 0 ||
        !split(url + sizeof SCHEME - 1, peer->host, sizeof peer->host, &port) ||
        !port_number(port, &peer->port))
        return host_usage(url, "is not the address of a server (" SCHEME "HOST:PORT)");
    int error = getaddrinfo(peer->host, port, &hints, &found);
    if (error != 0)
        return host_fail(url, "is not found: %s", gai_strerror(error));
    memcpy(&peer->address, found->ai_addr, found->ai_addrlen);
    peer->address_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    peer->numeric = inet_pton(AF_INET, peer->host, address) == 1 ||
                    inet_pton(AF_INET6, peer->host, address) == 1;
    return HOST_DONE;
}

static int keep_session(SSL *tls, SSL_SESSION *session)
{
    struct line *line = SSL_get_app_data(tls);
    SSL_SESSION_free(line->session);
    line->session = session;
    return 1; /* ours now */
}

static int make_context(struct line_peer *peer, const char *authority, bool resume)
{
    peer->tls = SSL_CTX_new(TLS_client_method());
    if (peer->tls == NULL || SSL_CTX_set_min_proto_version(peer->tls, TLS1_2_VERSION) != 1)
        return host_fail(NULL, "TLS cannot be set up");
    if (SSL_CTX_load_verify_locations(peer->tls, authority, NULL) != 1)
        return host_fail(authority,
                         "is not a readable certificate (the PEM file that devices pin)");
    SSL_CTX_set_verify(peer->tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(peer->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (resume) {
        SSL_CTX_set_session_cache_mode(peer->tls,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(peer->tls, keep_session);
    }
    return HOST_DONE;
}

int line_peer_open(struct line_peer *peer, const char *url, const char *authority, bool resume)
{
    *peer = (struct line_peer){.tls = NULL};
    int status = resolve(peer, url);
    if (status == HOST_DONE)
        status = make_context(peer, authority, resume);
    if (status != HOST_DONE)
        line_peer_close(peer);
    return status;
}

void line_peer_close(struct line_peer *peer)
{
    SSL_CTX_free(peer->tls);
    peer->tls = NULL;
}

static int lost(struct line *line, enum tally_fault fault)
{
    line->fault = fault;
    ERR_clear_error();
    return AGENT_ENETWORK;
}

static int dial(struct line *line, const struct line_peer *peer, int epoll, void *owner)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = owner};
    int on = 1;
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    line->fd = socket(peer->address.ss_family, type, IPPROTO_TCP);
    if (line->fd < 0)
        return lost(line, FAULT_DEVICE);
    line->state = LINE_DIALLING;
    (void)setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, line->fd, &event) != 0)
        return lost(line, FAULT_DEVICE);
    return AGENT_OK;
}

/* connect() once more tells how the first one ended. */
static int dialled(struct line *line, const struct line_peer *peer)
{
    const struct sockaddr *address = (const struct sockaddr *)&peer->address;
    if (connect(line->fd, address, peer->address_bytes) == 0 || errno == EISCONN)
        return AGENT_OK;
    if (errno == EINPROGRESS || errno == EALREADY || errno == EINTR)
        return AGENT_AGAIN;
    return lost(line, FAULT_UNREACHABLE);
}

static int begin_tls(struct line *line, const struct line_peer *peer)
{
    static const unsigned char protocol[] = "\x08http/1.1";
    line->tls = SSL_new(peer->tls);
    if (line->tls == NULL || SSL_set_fd(line->tls, line->fd) != 1)
        return lost(line, FAULT_DEVICE);
    SSL_set_app_data(line->tls, line);
    int named = peer->numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(line->tls), peer->host)
                              : SSL_set1_host(line->tls, peer->host) &&
                                    SSL_set_tlsext_host_name(line->tls, peer->host) == 1;
    if (named != 1 || SSL_set_alpn_protos(line->tls, protocol, sizeof protocol - 1) != 0)
        return lost(line, FAULT_DEVICE);
    if (line->certificate != NULL && (SSL_use_certificate(line->tls, line->certificate) != 1 ||
                                      SSL_use_PrivateKey(line->tls, line->key) != 1))
        return lost(line, FAULT_DEVICE);
    if (line->session != NULL)
        SSL_set_session(line->tls, line->session);
    line->state = LINE_SHAKING;
    return AGENT_OK;
}

static bool wants_more(const struct line *line, int result)
{
    int error = SSL_get_error(line->tls, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static int shake(struct line *line)
{
    int result = SSL_connect(line->tls);
    if (result == 1) {
        line->state = LINE_UP;
        return AGENT_OK;
    }
    if (wants_more(line, result))
        return AGENT_AGAIN;
    bool stranger = SSL_get_verify_result(line->tls) != X509_V_OK;
    (void)lost(line, stranger ? FAULT_IDENTITY : FAULT_TLS);
    return stranger ? AGENT_EIDENTITY : AGENT_ENETWORK;
}

int line_connect(struct line *line, const struct line_peer *peer, int epoll, void *owner)
{
    int error = AGENT_OK;
    if (line->state == LINE_DOWN)
        error = dial(line, peer, epoll, owner);
    if (error == AGENT_OK && line->state == LINE_DIALLING) {
        error = dialled(line, peer);
        if (error == AGENT_OK)
            error = begin_tls(line, peer);
    }
    if (error == AGENT_OK && line->state == LINE_SHAKING)
        error = shake(line);
    return error;
}

int line_send(struct line *line, const void *bytes, size_t length)
{
    size_t sent;
    if (line->state != LINE_UP)
        return lost(line, FAULT_LOST);
    int result = SSL_write_ex(line->tls, bytes, length, &sent);
    if (result == 1)
        return (int)sent;
    return wants_more(line, result) ? AGENT_AGAIN : lost(line, FAULT_LOST);
}

int line_receive(struct line *line, void *bytes, size_t size)
{
    size_t got;
    if (line->state != LINE_UP)
        return lost(line, FAULT_LOST);
    int result = SSL_read_ex(line->tls, bytes, size, &got);
    if (result == 1)
        return (int)got;
    if (wants_more(line, result))
        return AGENT_AGAIN;
    if (SSL_get_error(line->tls, result) == SSL_ERROR_ZERO_RETURN) {
        line->fault = FAULT_LOST;
        return 0;
    }
    return lost(line, FAULT_LOST);
}

void line_close(struct line *line)
{
    if (line->state == LINE_UP)
        (void)SSL_shutdown(line->tls); /* the alert is sent if there is room; nobody waits */
    SSL_free(line->tls);
    ERR_clear_error();
    line->tls = NULL;
    if (line->state != LINE_DOWN)
        close(line->fd);
    line->state = LINE_DOWN;
}

void line_forget_session(struct line *line)
{
    SSL_SESSION_free(line->session);
    line->session = NULL;
}
