/* tool/api_client.c: see tool/api_client.h. The HTTP client is libh2o's, one connection a call. */
#include "tool/api_client.h"

#include <ctype.h>
#include <errno.h>
#include <h2o.h>
#include <h2o/http1client.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "host/file.h"

#define TOKEN_MAX    256
#define ANSWER_MAX   (32u << 20)
#define IO_MS        60000
#define SERVER_LOCAL "https://localhost:8444"
#define BOUNDARY     "trustchain-form-3f1c2a9e7b"

struct api_client {
    char server[512]; /* as given, for messages */
    const char *about;
    char host[256];
    uint16_t port;
    char token[TOKEN_MAX + 1];
    SSL_CTX *tls;
    h2o_loop_t *loop;
    h2o_multithread_queue_t *queue;
    h2o_multithread_receiver_t names; /* of the resolver's thread */
    h2o_timeout_t timeout;
    h2o_http1client_ctx_t http;
};

/* One call under way. */
struct exchange {
    h2o_iovec_t request[2]; /* head, body */
    bool done;
    const char *error;
    int status;
    char *body;
    size_t length;
};

/* Options */

bool api_client_option(int key, char *text, struct api_client_options *options)
{
    switch (key) {
    case API_CLIENT_SERVER:
        options->server = text;
        return true;
    case API_CLIENT_CA:
        options->ca = text;
        return true;
    case API_CLIENT_TOKEN_FILE:
        options->token_file = text;
        return true;
    case 'p':
        options->project = text;
        return true;
    default:
        return false;
    }
}

static const char *first_of(const char *a, const char *b, const char *c)
{
    if (a != NULL)
        return a;
    return b != NULL && b[0] != '\0' ? b : c;
}

/* "https://HOST[:PORT]", an IPv6 address in brackets. */
static int parse_server(struct api_client *client, const char *url)
{
    static const char scheme[] = "https://";
    size_t skip = strlen(scheme);
    snprintf(client->server, sizeof client->server, "%s", url);
    if (strncmp(url, scheme, skip) != 0 || strlen(url) >= sizeof client->host)
        return host_usage(url, "not the address of a server (https://HOST:PORT)");
    const char *host = url + skip;
    bool bracket = host[0] == '[';
    size_t length = bracket ? strcspn(++host, "]") : strcspn(host, ":/");
    const char *rest = host + length + (bracket && host[length] == ']');
    unsigned long port = 443;
    char *end = (char *)rest;
    if (*rest == ':')
        port = strtoul(rest + 1, &end, 10);
    if (length == 0 || (*end != '\0' && strcmp(end, "/") != 0) || port == 0 || port > 65535)
        return host_usage(url, "not the address of a server (https://HOST:PORT)");
    memcpy(client->host, host, length);
    client->host[length] = '\0';
    client->port = (uint16_t)port;
    return HOST_DONE;
}

static int keep_token(struct api_client *client, const char *text, size_t length, const char *name)
{
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    if (length == 0 || length > TOKEN_MAX)
        return host_fail(name, "holds no token (trustchain token create makes one)");
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return host_fail(name, "holds more than a token (one line, nothing else)");
    }
    memcpy(client->token, text, length);
    client->token[length] = '\0';
    return HOST_DONE;
}

static int read_token(struct api_client *client, const char *path)
{
    const char *variable = getenv("TRUSTCHAIN_TOKEN");
    struct buffer file;
    if (path == NULL && variable == NULL)
        return host_fail(NULL, "no token (--token-file FILE, or set TRUSTCHAIN_TOKEN)");
    if (path == NULL)
        return keep_token(client, variable, strlen(variable), "TRUSTCHAIN_TOKEN");
    int status = file_read_private(path, 4096, &file);
    if (status == HOST_DONE) {
        status = keep_token(client, (const char *)file.bytes, file.length, path);
        buffer_free_secret(&file);
    }
    return status;
}

static int trust(struct api_client *client, const char *ca)
{
    client->tls = SSL_CTX_new(TLS_client_method());
    if (client->tls == NULL || SSL_CTX_set_min_proto_version(client->tls, TLS1_2_VERSION) != 1)
        return host_fail(NULL, "cannot set up TLS");
    SSL_CTX_set_verify(client->tls, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(client->tls, ca, NULL) != 1)
        return host_fail(ca, "cannot be read as the server's authority (--ca FILE, or --project)");
    return HOST_DONE;
}

static void start_loop(struct api_client *client)
{
    client->loop = h2o_evloop_create();
    client->queue = h2o_multithread_create_queue(client->loop);
    h2o_multithread_register_receiver(client->queue, &client->names, h2o_hostinfo_getaddr_receiver);
    h2o_timeout_init(client->loop, &client->timeout, IO_MS);
    client->http = (h2o_http1client_ctx_t){.loop = client->loop,
                                           .getaddr_receiver = &client->names,
                                           .io_timeout = &client->timeout,
                                           .ssl_ctx = client->tls};
}

int api_client_open(const struct api_client_options *options, struct api_client **out)
{
    char own_ca[PATH_MAX];
    struct api_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return host_fail(NULL, "out of memory");
    int status =
        file_path(options->project != NULL ? options->project : ".", "pki/ca_cert.pem", own_ca);
    if (status == HOST_DONE)
        status = parse_server(client,
                              first_of(options->server, getenv("TRUSTCHAIN_SERVER"), SERVER_LOCAL));
    if (status == HOST_DONE)
        status = read_token(client, options->token_file);
    if (status == HOST_DONE)
        status = trust(client, first_of(options->ca, getenv("TRUSTCHAIN_CA"), own_ca));
    if (status == HOST_DONE)
        start_loop(client);
    if (status == HOST_DONE)
        *out = client;
    else
        api_client_close(client);
    return status;
}

void api_client_close(struct api_client *client)
{
    if (client->loop != NULL) {
        h2o_timeout_dispose(client->loop, &client->timeout);
        h2o_multithread_unregister_receiver(client->queue, &client->names);
        h2o_multithread_destroy_queue(client->queue);
        h2o_evloop_destroy(client->loop);
    }
    SSL_CTX_free(client->tls);
    OPENSSL_cleanse(client->token, sizeof client->token);
    free(client);
}

void api_client_about(struct api_client *client, const char *name)
{
    client->about = name;
}

/* The exchange, as libh2o calls back */

static struct exchange *of(h2o_http1client_t *http)
{
    return http->data;
}

static void end(struct exchange *exchange, const char *error)
{
    exchange->error = error;
    exchange->done = true;
}

static int on_body(h2o_http1client_t *http, const char *error)
{
    struct exchange *exchange = of(http);
    h2o_buffer_t *input = http->sock->input;
    if (error != NULL && error != h2o_http1client_error_is_eos) {
        end(exchange, error);
        return -1;
    }
    if (input->size > ANSWER_MAX - exchange->length) {
        end(exchange, "the answer is too long");
        return -1;
    }
    exchange->body = h2o_mem_realloc(exchange->body, exchange->length + input->size + 1);
    if (input->size > 0) {
        memcpy(exchange->body + exchange->length, input->bytes, input->size);
        exchange->length += input->size;
        h2o_buffer_consume(&http->sock->input, input->size);
    }
    if (error == h2o_http1client_error_is_eos)
        end(exchange, NULL);
    return 0;
}

static h2o_http1client_body_cb on_head(h2o_http1client_t *http, const char *error,
                                       int minor_version, int status, h2o_iovec_t message,
                                       struct st_h2o_header_t *fields, size_t count, int read)
{
    struct exchange *exchange = of(http);
    (void)minor_version;
    (void)message;
    (void)fields;
    (void)count;
    (void)read;
    exchange->status = status;
    if (error != NULL && error != h2o_http1client_error_is_eos) {
        end(exchange, error);
        return NULL;
    }
    if (error == h2o_http1client_error_is_eos) { /* there is no body */
        end(exchange, NULL);
        return NULL;
    }
    return on_body;
}

static h2o_http1client_head_cb on_connect(h2o_http1client_t *http, const char *error,
                                          h2o_iovec_t **buffers, size_t *count, int *is_head)
{
    struct exchange *exchange = of(http);
    if (error != NULL) {
        end(exchange, error);
        return NULL;
    }
    *buffers = exchange->request;
    *count = exchange->request[1].len > 0 ? 2 : 1;
    *is_head = 0;
    return on_head;
}

/* Sends and waits. libh2o bounds each step by the timeout. */
static int converse(struct api_client *client, struct exchange *exchange)
{
    h2o_http1client_t *http = NULL;
    h2o_http1client_connect(&http, exchange, &client->http,
                            h2o_iovec_init(client->host, strlen(client->host)), client->port, 1,
                            on_connect);
    while (!exchange->done)
        h2o_evloop_run(client->loop, INT32_MAX);
    if (exchange->error != NULL)
        return host_fail(client->server,
                         "cannot be reached: %s (--server URL says where it is, --ca FILE who "
                         "vouches for it)",
                         exchange->error);
    return HOST_DONE;
}

/* What the server said of a failure: its message, or what its status means. */
static int refused(const struct api_client *client, const struct exchange *exchange,
                   const json_t *answer)
{
    const char *message = json_string_value(json_object_get(answer, "message"));
    bool of_token = exchange->status == 401 || exchange->status == 403;
    if (message != NULL)
        return host_fail(client->about != NULL && !of_token ? client->about : client->server, "%s",
                         message);
    if (exchange->status == 401)
        return host_fail(client->server, "the server does not know this token");
    if (exchange->status == 404)
        return host_fail(client->server, "has no Management API (its management port has)");
    return host_fail(client->server, "answered with status %d", exchange->status);
}

static int finish(const struct api_client *client, const struct exchange *exchange, json_t **answer)
{
    json_t *json =
        exchange->length > 0 ? json_loadb(exchange->body, exchange->length, 0, NULL) : NULL;
    if (exchange->status < 200 || exchange->status > 299) {
        refused(client, exchange, json);
        json_decref(json);
        return HOST_FAILED;
    }
    if (exchange->length > 0 && json == NULL)
        return host_fail(client->server, "answered something else than JSON (is it our server?)");
    if (answer != NULL)
        *answer = json;
    else
        json_decref(json);
    return HOST_DONE;
}

static int call(struct api_client *client, const char *method, const char *path, const char *type,
                h2o_iovec_t body, json_t **answer)
{
    char head[4096];
    struct exchange exchange = {.request[1] = body};
    if (answer != NULL)
        *answer = NULL;
    int length = snprintf(head, sizeof head,
                          "%s %s HTTP/1.1\r\nHost: %s:%u\r\nAuthorization: Bearer %s\r\n"
                          "Accept: application/json\r\nContent-Type: %s\r\n"
                          "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                          method, path, client->host, client->port, client->token, type, body.len);
    if (length < 0 || (size_t)length >= sizeof head)
        return host_fail(client->server, "the request is too long");
    exchange.request[0] = h2o_iovec_init(head, (size_t)length);
    int status = converse(client, &exchange);
    OPENSSL_cleanse(head, sizeof head);
    if (status == HOST_DONE)
        status = finish(client, &exchange, answer);
    free(exchange.body);
    return status;
}

int api_client_call(struct api_client *client, const char *method, const char *path, json_t *body,
                    json_t **answer)
{
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    h2o_iovec_t bytes = {text, text != NULL ? strlen(text) : 0};
    if (body != NULL && text == NULL) {
        json_decref(body);
        return host_fail(NULL, "out of memory");
    }
    int status = call(client, method, path, "application/json", bytes, answer);
    free(text);
    json_decref(body);
    return status;
}

void api_client_take_back(struct api_client *client, const char *path)
{
    struct host_kept unsaid;
    host_keep(&unsaid);
    (void)api_client_call(client, "DELETE", path, NULL, NULL);
    host_keep(NULL);
}

int api_client_upload(struct api_client *client, const char *path, const char *filename,
                      const uint8_t *bytes, size_t length, json_t **answer)
{
    static const char tail[] = "\r\n--" BOUNDARY "--\r\n";
    char head[1024];
    if (strpbrk(filename, "\"\r\n\\") != NULL)
        return host_fail(filename, "a file of this name cannot be sent");
    int begin = snprintf(head, sizeof head,
                         "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; "
                         "filename=\"%s\"\r\nContent-Type: application/octet-stream\r\n\r\n",
                         filename);
    if (begin < 0 || (size_t)begin >= sizeof head)
        return host_fail(filename, "the name is too long");
    size_t total = (size_t)begin + length + strlen(tail);
    char *form = malloc(total);
    if (form == NULL)
        return host_fail(NULL, "out of memory");
    memcpy(form, head, (size_t)begin);
    memcpy(form + begin, bytes, length);
    memcpy(form + begin + length, tail, sizeof tail - 1);
    int status = call(client, "POST", path, "multipart/form-data; boundary=" BOUNDARY,
                      h2o_iovec_init(form, total), answer);
    free(form);
    return status;
}
