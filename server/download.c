/* server/download.c: see server/download.h. */
#include "server/download.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/http.h"
#include "server/worker.h"

#define CHUNK_BYTES    32768u
#define BOUNDARY_CHARS 32
#define HEAD_MAX       192u /* bytes before a part of several */

struct download {
    h2o_generator_t generator; /* first: libh2o hands this pointer back */
    struct peer *peer;         /* outlives its requests */
    int fd;
    uint64_t size;
    uint64_t at;   /* offset of the next byte */
    uint64_t left; /* bytes still to send of this part */
    size_t next;   /* part to begin when nothing is left of this one */
    size_t count;
    const struct range *parts;
    char boundary[BOUNDARY_CHARS + 1]; /* between several */
    bool tail_left;                    /* which comes behind several */
    char chunk[CHUNK_BYTES];
};

/* RFC 9110, 14.6 */

static size_t head_of(const struct download *download, size_t part, char *out)
{
    const struct range *range = &download->parts[part];
    int length = snprintf(out, HEAD_MAX,
                          "%s--%s\r\nContent-Type: application/octet-stream\r\n"
                          "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n\r\n",
                          part > 0 ? "\r\n" : "", download->boundary, range->first, range->last,
                          download->size);
    return (size_t)length;
}

static size_t tail_of(const struct download *download, char *out)
{
    return (size_t)snprintf(out, HEAD_MAX, "\r\n--%s--\r\n", download->boundary);
}

static bool is_multipart(const struct download *download)
{
    return download->count > 1;
}

static uint64_t length_of(const struct download *download)
{
    char text[HEAD_MAX];
    uint64_t length = is_multipart(download) ? tail_of(download, text) : 0;
    for (size_t i = 0; i < download->count; i++) {
        length += download->parts[i].last - download->parts[i].first + 1;
        length += is_multipart(download) ? head_of(download, i, text) : 0;
    }
    return length;
}

/* Sending */

/* libh2o: the client went away, or the connection was cut. */
static void on_stop(h2o_generator_t *generator, h2o_req_t *request)
{
    (void)request;
    close(((struct download *)generator)->fd);
}

static ssize_t read_some(struct download *download, char *out, size_t room)
{
    size_t wanted = download->left < room ? (size_t)download->left : room;
    ssize_t got;
    do {
        got = pread(download->fd, out, wanted, (off_t)download->at);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Bytes that were put before the part. */
static size_t begin_part(struct download *download, char *out)
{
    const struct range *part = &download->parts[download->next];
    size_t length = is_multipart(download) ? head_of(download, download->next, out) : 0;
    download->next++;
    download->at = part->first;
    download->left = part->last - part->first + 1;
    return length;
}

static bool parts_left(const struct download *download)
{
    return download->left > 0 || download->next < download->count;
}

/* The next piece of the answer into download->chunk. 0: end of the file, or -1. */
static ssize_t fill(struct download *download)
{
    size_t used = 0;
    while (parts_left(download) && used + HEAD_MAX <= CHUNK_BYTES) {
        if (download->left == 0)
            used += begin_part(download, download->chunk + used);
        ssize_t got = read_some(download, download->chunk + used, CHUNK_BYTES - used);
        if (got <= 0)
            return got;
        used += (size_t)got;
        download->at += (uint64_t)got;
        download->left -= (uint64_t)got;
    }
    if (!parts_left(download) && download->tail_left && used + HEAD_MAX <= CHUNK_BYTES) {
        used += tail_of(download, download->chunk + used);
        download->tail_left = false;
    }
    return (ssize_t)used;
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *request)
{
    struct download *download = (struct download *)generator;
    ssize_t got = fill(download);
    peer_moves(download->peer);
    if (got <= 0) {
        /* The length is promised already: only cutting the answer short tells the client. */
        log_line(&worker_of(request)->service->log, "image cannot be read to its end: %s",
                 got == 0 ? "file is shorter than its release" : strerror(errno));
        close(download->fd);
        h2o_send(request, NULL, 0, H2O_SEND_STATE_ERROR);
        return;
    }
    h2o_iovec_t chunk = h2o_iovec_init(download->chunk, (size_t)got);
    if (parts_left(download) || download->tail_left) {
        h2o_send(request, &chunk, 1, H2O_SEND_STATE_IN_PROGRESS);
    } else {
        close(download->fd);
        h2o_send(request, &chunk, 1, H2O_SEND_STATE_FINAL);
    }
}

/* Starting */

/* Nobody who made the file can know it. */
static void make_boundary(char out[BOUNDARY_CHARS + 1])
{
    unsigned char random[BOUNDARY_CHARS / 2];
    if (RAND_bytes(random, sizeof random) != 1)
        h2o_fatal("no random numbers");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(out + 2 * i, 3, "%02x", random[i]);
}

static void describe(h2o_req_t *request, const struct download *download,
                     enum range_verdict verdict)
{
    char text[96];
    const struct range *range = &download->parts[0];
    request->res.status = verdict == RANGE_PART ? 206 : 200;
    request->res.reason = verdict == RANGE_PART ? "Partial Content" : "OK";
    request->res.content_length = (size_t)length_of(download);
    if (is_multipart(download)) {
        snprintf(text, sizeof text, "multipart/byteranges; boundary=%s", download->boundary);
        http_add(request, H2O_TOKEN_CONTENT_TYPE, text);
        return;
    }
    http_add(request, H2O_TOKEN_CONTENT_TYPE, "application/octet-stream");
    if (verdict == RANGE_PART) {
        snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
                 range->last, download->size);
        http_add(request, H2O_TOKEN_CONTENT_RANGE, text);
    }
}

void download_start(h2o_req_t *request, int fd, uint64_t size, enum range_verdict verdict,
                    const struct ranges *ranges)
{
    struct download *download = h2o_mem_alloc_pool(&request->pool, sizeof *download);
    size_t bytes = ranges->count * sizeof ranges->part[0];
    struct range *parts = h2o_mem_alloc_pool(&request->pool, bytes);
    memcpy(parts, ranges->part, bytes);
    download->generator = (h2o_generator_t){.proceed = on_proceed, .stop = on_stop};
    download->peer = peer_of(request);
    download->fd = fd;
    download->size = size;
    download->left = 0;
    download->next = 0;
    download->count = ranges->count;
    download->parts = parts;
    download->tail_left = is_multipart(download);
    if (is_multipart(download))
        make_boundary(download->boundary);
    describe(request, download, verdict);
    h2o_start_response(request, &download->generator);
    on_proceed(&download->generator, request);
}
