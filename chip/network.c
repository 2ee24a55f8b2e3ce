/* chip/network.c: see network.h. */
#include "chip/network.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chain/soc.h"
#include "chip/pcap.h"
#include "chip/peripherals.h"
#include "host/library.h"

#define QUEUE_FRAMES 256u
#define POLL_FDS_MAX 512u
#define SLIRP_CONFIG 4u

#define SLIRP_FUNCTIONS(EACH)                                                                      \
    EACH(slirp_cleanup)                                                                            \
    EACH(slirp_input)                                                                              \
    EACH(slirp_new)                                                                                \
    EACH(slirp_pollfds_fill)                                                                       \
    EACH(slirp_pollfds_poll)

/* Loaded with the first network. */
static struct {
    SLIRP_FUNCTIONS(LIBRARY_POINTER)
} slirp;
static bool slirp_is_here;

static void load_slirp(void)
{
#define SLIRP_ENTRY(function) {#function, &slirp.function},
    static const struct library_function functions[] = {SLIRP_FUNCTIONS(SLIRP_ENTRY)};
    slirp_is_here =
        library_load("libslirp.so.0", functions, sizeof functions / sizeof functions[0]) == NULL;
}

struct frame {
    size_t length;
    uint8_t bytes[NETWORK_FRAME_MAX];
};

/* slirp asks for timers only for router advertisements (IPv6, which is off); they work anyway. */
struct timer {
    struct timer *next;
    SlirpTimerCb expired;
    void *opaque;
    int64_t due_ms; /* INT64_MAX: not set */
};

struct network {
    struct chip *chip;
    Slirp *slirp;
    FILE *pcap;
    struct timer *timers;
    struct frame queue[QUEUE_FRAMES];
    unsigned first, count;
    bool delivering, loss_noted;
    struct pollfd fds[POLL_FDS_MAX];
    unsigned fd_count;
};

static uint64_t now_ns(const struct network *network)
{
    uint64_t now = chip_now(network->chip);
    return now / SOC_CPU_MHZ * 1000 + now % SOC_CPU_MHZ * 1000 / SOC_CPU_MHZ;
}

static void capture(struct network *network, const uint8_t *frame, size_t length)
{
    if (network->pcap == NULL || pcap_write(network->pcap, now_ns(network), frame, length))
        return;
    chip_note(network->chip, "capture file: %s; capture ends", strerror(errno));
    fclose(network->pcap);
    network->pcap = NULL;
}

/* --- what slirp calls ----------------------------------------------------------------------- */

static ssize_t to_guest(const void *bytes, size_t length, void *opaque)
{
    struct network *network = opaque;
    if (length > NETWORK_FRAME_MAX || network->count == QUEUE_FRAMES) {
        if (!network->loss_noted)
            chip_note(network->chip, "network: a frame of %zu bytes was lost", length);
        network->loss_noted = true;
        return (ssize_t)length;
    }
    struct frame *frame = &network->queue[(network->first + network->count) % QUEUE_FRAMES];
    memcpy(frame->bytes, bytes, length);
    frame->length = length;
    network->count++;
    capture(network, bytes, length);
    return (ssize_t)length;
}

static void guest_error(const char *message, void *opaque)
{
    struct network *network = opaque;
    chip_note(network->chip, "network: %s", message);
}

static int64_t clock_ns(void *opaque)
{
    return (int64_t)now_ns(opaque);
}

static void *timer_new(SlirpTimerCb expired, void *timer_opaque, void *opaque)
{
    struct network *network = opaque;
    struct timer *timer = malloc(sizeof(*timer));
    if (timer == NULL)
        return NULL;
    *timer = (struct timer){network->timers, expired, timer_opaque, INT64_MAX};
    network->timers = timer;
    return timer;
}

static void timer_free(void *timer, void *opaque)
{
    struct network *network = opaque;
    for (struct timer **link = &network->timers; *link != NULL; link = &(*link)->next) {
        if (*link != timer)
            continue;
        *link = (*link)->next;
        free(timer);
        return;
    }
}

static void timer_set(void *timer, int64_t due_ms, void *opaque)
{
    (void)opaque;
    ((struct timer *)timer)->due_ms = due_ms;
}

static void ignore_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void ignore_notice(void *opaque)
{
    (void)opaque;
}

static const SlirpCb callbacks = {
    .send_packet = to_guest,
    .guest_error = guest_error,
    .clock_get_ns = clock_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_set,
    .register_poll_fd = ignore_fd,
    .unregister_poll_fd = ignore_fd,
    .notify = ignore_notice,
};

/* --- polling -------------------------------------------------------------------------------- */

static int add_poll(int fd, int events, void *opaque)
{
    struct network *network = opaque;
    if (network->fd_count == POLL_FDS_MAX)
        return -1;
    short wanted = 0;
    wanted |= events & SLIRP_POLL_IN ? POLLIN : 0;
    wanted |= events & SLIRP_POLL_OUT ? POLLOUT : 0;
    wanted |= events & SLIRP_POLL_PRI ? POLLPRI : 0;
    network->fds[network->fd_count] = (struct pollfd){.fd = fd, .events = wanted};
    return (int)network->fd_count++;
}

static int get_events(int index, void *opaque)
{
    const struct network *network = opaque;
    if (index < 0)
        return 0;
    short got = network->fds[index].revents;
    int events = 0;
    events |= got & POLLIN ? SLIRP_POLL_IN : 0;
    events |= got & POLLOUT ? SLIRP_POLL_OUT : 0;
    events |= got & POLLPRI ? SLIRP_POLL_PRI : 0;
    events |= got & POLLERR ? SLIRP_POLL_ERR : 0;
    events |= got & POLLHUP ? SLIRP_POLL_HUP : 0;
    return events;
}

static void run_timers(struct network *network)
{
    int64_t now = clock_ns(network) / 1000000;
    for (struct timer *timer = network->timers, *next; timer != NULL; timer = next) {
        next = timer->next;
        if (timer->due_ms > now)
            continue;
        timer->due_ms = INT64_MAX;
        timer->expired(timer->opaque);
    }
}

void network_wait(struct network *network, uint64_t nanoseconds)
{
    network_deliver(network);
    uint32_t slirp_ms = UINT32_MAX;
    network->fd_count = 0;
    slirp.slirp_pollfds_fill(network->slirp, &slirp_ms, add_poll, network);
    uint64_t wait = (uint64_t)slirp_ms * 1000000;
    if (wait > nanoseconds)
        wait = nanoseconds;
    struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000),
                               .tv_nsec = (long)(wait % 1000000000)};
    int ready = ppoll(network->fds, network->fd_count, &timeout, NULL);
    slirp.slirp_pollfds_poll(network->slirp, ready < 0, get_events, network);
    run_timers(network);
    network_deliver(network);
}

/* Delivering can make the guest's MAC ask for more from within; one loop is enough. */
void network_deliver(struct network *network)
{
    if (network->delivering)
        return;
    network->delivering = true;
    while (network->count > 0) {
        const struct frame *frame = &network->queue[network->first];
        if (!ethernet_deliver(network->chip, frame->bytes, frame->length))
            break;
        network->first = (network->first + 1) % QUEUE_FRAMES;
        network->count--;
    }
    network->delivering = false;
}

void network_send(struct network *network, const uint8_t *frame, size_t length)
{
    capture(network, frame, length);
    slirp.slirp_input(network->slirp, frame, (int)length);
    network_deliver(network);
}

/* --- life ----------------------------------------------------------------------------------- */

static struct in_addr address(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct in_addr){htonl((uint32_t)a << 24 | (uint32_t)b << 16 | (uint32_t)c << 8 | d)};
}

int network_new(struct chip *chip, const char *pcap_path, struct network **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, load_slirp) != 0 || !slirp_is_here)
        return CHIP_ESLIRP;
    struct network *network = calloc(1, sizeof(*network));
    if (network == NULL)
        return CHIP_EMEMORY;
    network->chip = chip;
    if (pcap_path != NULL && (network->pcap = pcap_create(pcap_path)) == NULL) {
        network_free(network);
        return CHIP_EFILE;
    }
    const SlirpConfig config = {
        .version = SLIRP_CONFIG,
        .in_enabled = true,
        .vnetwork = address(10, 0, 2, 0),
        .vnetmask = address(255, 255, 255, 0),
        .vhost = address(10, 0, 2, 2),
        .vdhcp_start = address(10, 0, 2, 15),
        .vnameserver = address(10, 0, 2, 3),
    };
    network->slirp = slirp.slirp_new(&config, &callbacks, network);
    if (network->slirp == NULL) {
        network_free(network);
        return CHIP_ENETWORK;
    }
    *out = network;
    return CHIP_OK;
}

void network_free(struct network *network)
{
    if (network == NULL)
        return;
    if (network->slirp != NULL)
        slirp.slirp_cleanup(network->slirp);
    while (network->timers != NULL)
        timer_free(network->timers, network);
    if (network->pcap != NULL)
        fclose(network->pcap);
    free(network);
}
