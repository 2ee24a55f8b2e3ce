/* server/download.c: see server/download.h. */
#include "server/download.h"

#include <errno.h>
#include <unistd.h>

#include "server/worker.h"

#define CHUNK_BYTES 32768u

struct download {
    h2o_generator_t generator; /* first: libh2o hands this pointer back */
    h2o_req_t *request;
    int fd;
    uint64_t at;   /* offset of the next byte */
    uint64_t left; /* bytes still to send */
    h2o_timeout_entry_t stalled;
    char chunk[CHUNK_BYTES];
};

static void finish(struct download *download)
{
    h2o_timeout_unlink(&download->stalled);
    close(download->fd);
}

/* libh2o: the client went away, or the connection was cut. */
static void on_stop(h2o_generator_t *generator, h2o_req_t *request)
{
    (void)request;
    finish((struct download *)generator);
}

static void on_stalled(h2o_timeout_entry_t *entry)
{
    struct download *download = H2O_STRUCT_FROM_MEMBER(struct download, stalled, entry);
    struct peer *peer = peer_of(download->request);
    if (peer != NULL) {
        log_line(&peer->worker->service->log, "%s stalled, closing", peer->address);
        peer_cut(peer);
    }
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
    struct worker *worker = worker_of(request);
    ssize_t got = read_chunk(download);
    h2o_timeout_unlink(&download->stalled);
    if (got <= 0) {
        /* The length is promised already: only cutting the answer short tells the client. */
        log_line(&worker->service->log, "image cannot be read to its end: %s",
                 got == 0 ? "file is shorter than its release" : strerror(errno));
        finish(download);
        h2o_send(request, NULL, 0, H2O_SEND_STATE_ERROR);
        return;
    }
    download->at += (uint64_t)got;
    download->left -= (uint64_t)got;
    h2o_iovec_t chunk = h2o_iovec_init(download->chunk, (size_t)got);
    if (download->left == 0) {
        finish(download);
        h2o_send(request, &chunk, 1, H2O_SEND_STATE_FINAL);
    } else {
        h2o_timeout_link(worker->loop, &worker->stall, &download->stalled);
        h2o_send(request, &chunk, 1, H2O_SEND_STATE_IN_PROGRESS);
    }
}

void download_start(h2o_req_t *request, int fd, const struct range *range)
{
    struct download *download = h2o_mem_alloc_pool(&request->pool, sizeof *download);
    download->generator = (h2o_generator_t){.proceed = on_proceed, .stop = on_stop};
    download->request = request;
    download->fd = fd;
    download->at = range->first;
    download->left = range->last - range->first + 1;
    download->stalled = (h2o_timeout_entry_t){.cb = on_stalled};
    h2o_start_response(request, &download->generator);
    on_proceed(&download->generator, request);
}
