/* server/download.c: see server/download.h. */
#include "server/download.h"

#include <errno.h>
#include <unistd.h>

#include "server/worker.h"

#define CHUNK_BYTES 32768u

struct download {
    h2o_generator_t generator; /* first: libh2o hands this pointer back */
    struct peer *peer;         /* outlives its requests */
    int fd;
    uint64_t at;   /* offset of the next byte */
    uint64_t left; /* bytes still to send */
    char chunk[CHUNK_BYTES];
};

/* libh2o: the client went away, or the connection was cut. */
static void on_stop(h2o_generator_t *generator, h2o_req_t *request)
{
    (void)request;
    close(((struct download *)generator)->fd);
}

static ssize_t read_chunk(struct download *download)
{
    size_t wanted = download->left < CHUNK_BYTES ? (size_t)download->left : CHUNK_BYTES;
    ssize_t got;
    do {
        got = pread(download->fd, download->chunk, wanted, (off_t)download->at);
    } while (got < 0 && errno == EINTR);
    return got;
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *request)
{
    struct download *download = (struct download *)generator;
    ssize_t got = read_chunk(download);
    peer_moves(download->peer);
    if (got <= 0) {
        /* The length is promised already: only cutting the answer short tells the client. */
        log_line(&worker_of(request)->service->log, "image cannot be read to its end: %s",
                 got == 0 ? "file is shorter than its release" : strerror(errno));
        close(download->fd);
        h2o_send(request, NULL, 0, H2O_SEND_STATE_ERROR);
        return;
    }
    download->at += (uint64_t)got;
    download->left -= (uint64_t)got;
    h2o_iovec_t chunk = h2o_iovec_init(download->chunk, (size_t)got);
    if (download->left == 0) {
        close(download->fd);
        h2o_send(request, &chunk, 1, H2O_SEND_STATE_FINAL);
    } else {
        h2o_send(request, &chunk, 1, H2O_SEND_STATE_IN_PROGRESS);
    }
}

void download_start(h2o_req_t *request, int fd, const struct range *range)
{
    struct download *download = h2o_mem_alloc_pool(&request->pool, sizeof *download);
    download->generator = (h2o_generator_t){.proceed = on_proceed, .stop = on_stop};
    download->peer = peer_of(request);
    download->fd = fd;
    download->at = range->first;
    download->left = range->last - range->first + 1;
    h2o_start_response(request, &download->generator);
    on_proceed(&download->generator, request);
}
