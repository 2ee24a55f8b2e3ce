/* fleet/fleet.c: sets a fleet up, lets it run, adds up. See fleet.h. */
#include "fleet/fleet.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "chain/error.h"
#include "chain/image.h"
#include "chain/verify.h"
#include "fleet/identities.h"
#include "fleet/loop.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"

#define SLOT_STEP    0x10000u
#define SLOT_MAX     (16u << 20)
#define FILES_SPARE  64u /* descriptors that are not connections */
#define LINES_AT_END 8u  /* a loop can always do with so many */
#define WATCH_MS     100
#define LINE_EVERY_S 10

struct fleet_state {
    const struct fleet_options *options;
    struct buffer image;
    struct image_app_desc desc;
    struct identities known;
    const char *gateway; /* token */
    struct line_peer peer;
    struct loop_shared shared;
    struct device *device;
    uint8_t *behaviour;
    size_t devices, online;
    struct loop *loop;
    unsigned loops;  /* that run */
    size_t resident; /* before there were devices */
};

/* What runs at first must be what devices would take: otherwise every update fails for a reason
 * that has nothing to do with the server. */
static int read_image(struct fleet_state *state)
{
    const struct fleet_options *options = state->options;
    int reason;
    int status = file_read(options->image, SLOT_MAX, &state->image);
    if (status != HOST_DONE)
        return status;
    struct verify_policy policy = {.kind = IMAGE_APP, .trust = &options->trust};
    if (verify_image(state->image.bytes, state->image.length, &policy, &host_crypto, NULL,
                     &state->desc, &reason) != SIGBLOCK_TRUSTED)
        return host_fail(options->image,
                         "is no image that devices would run: %s (see trustchain "
                         "verify)",
                         chain_error_text(reason));
    uint32_t length = (uint32_t)state->image.length;
    uint32_t slot = options->slot_bytes;
    if (slot == 0)
        slot = (length + 2 * SLOT_STEP - 1) / SLOT_STEP * SLOT_STEP;
    if (slot < length || slot > SLOT_MAX || slot % AGENT_SECTOR_BYTES != 0)
        return host_fail(options->image, "does not fit a slot of %" PRIu32 " bytes", slot);
    state->shared.slot_bytes = slot;
    return HOST_DONE;
}

static int read_identities(struct fleet_state *state)
{
    const struct fleet_options *options = state->options;
    const char *names = options->tokens != NULL ? options->tokens : options->certificates;
    int status = HOST_DONE;
    state->devices = options->devices;
    if (options->gateway != NULL)
        status = identities_of_gateway(options->gateway, &state->known, &state->gateway);
    else if (options->tokens != NULL)
        status = identities_of_tokens(options->tokens, &state->known);
    else if (options->certificates != NULL)
        status = identities_of_certificates(options->certificates, state->devices, &state->known);
    if (status != HOST_DONE || names == NULL)
        return status;
    if (state->devices == 0)
        state->devices = state->known.count;
    if (state->devices > state->known.count)
        return host_fail(names, "names %zu devices, not %zu", state->known.count, state->devices);
    return HOST_DONE;
}

static size_t resident_bytes(void)
{
    char text[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    const char *second = fgets(text, sizeof text, file) != NULL ? strchr(text, ' ') : NULL;
    fclose(file);
    size_t pages = second != NULL ? strtoul(second, NULL, 10) : 0;
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void name(struct fleet_state *state, size_t index)
{
    struct device *device = &state->device[index];
    if (state->known.count == 0) {
        snprintf(device->id, sizeof device->id, "%s%06zu", state->options->prefix, index + 1);
        device->token = state->gateway;
        return;
    }
    const struct identity *identity = &state->known.list[index];
    snprintf(device->id, sizeof device->id, "%s", identity->id);
    device->token = identity->token;
    device->line.certificate = identity->certificate;
    device->line.key = identity->key;
}

static int make_devices(struct fleet_state *state)
{
    const struct script *script = &state->options->script;
    state->resident = resident_bytes();
    state->device = calloc(state->devices, sizeof *state->device);
    state->behaviour = calloc(state->devices, 1);
    if (state->device == NULL || state->behaviour == NULL ||
        !script_draw(script, state->devices, state->behaviour))
        return host_fail(NULL, "not enough memory for %zu devices", state->devices);
    for (size_t i = 0; i < state->devices; i++) {
        name(state, i);
        state->device[i].behaviour = state->behaviour[i];
        state->device[i].random = script_seed(script, i);
        state->online += (state->behaviour[i] & 1u << SCRIPT_OFFLINE) == 0;
    }
    return HOST_DONE;
}

static unsigned thread_count(const struct fleet_state *state)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = state->options->threads;
    if (threads == 0)
        threads = cores < 1                         ? 1
                  : cores < (long)FLEET_THREADS_MAX ? (unsigned)cores
                                                    : FLEET_THREADS_MAX;
    return threads < state->devices ? threads : (unsigned)state->devices;
}

/* How many connections a loop may have, of all the descriptors this process may open. */
static unsigned lines_of_loop(unsigned loops)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return LINES_AT_END;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    uint64_t all = files.rlim_cur < FLEET_DEVICES_MAX ? files.rlim_cur : FLEET_DEVICES_MAX;
    uint64_t share = all > FILES_SPARE ? (all - FILES_SPARE) / loops : 0;
    return share > LINES_AT_END ? (unsigned)share : LINES_AT_END;
}

static void configure(struct fleet_state *state, unsigned loops)
{
    const struct fleet_options *options = state->options;
    struct loop_shared *shared = &state->shared;
    unsigned dials = options->handshakes / loops;
    shared->agent = (struct agent_config){
        .host = state->peer.host,
        .port = state->peer.port,
        .product = options->product != NULL ? options->product : state->desc.project_name,
        .channel = options->channel,
        .tenant = options->tenant,
        .gateway = state->gateway != NULL,
        .poll_ms = options->poll_s * 1000,
        .backoff_ms = 1000,
        .backoff_max_ms = 60000,
        .trial_ms = 60000,
        .trust = &options->trust,
    };
    shared->peer = &state->peer;
    shared->share_verdicts = options->share_verdicts;
    shared->speed = options->speed;
    shared->dials_max = dials > 0 ? dials : 1;
    shared->lines_max = lines_of_loop(loops);
    shared->image = state->image.bytes;
    shared->image_bytes = state->image.length;
    clock_gettime(CLOCK_MONOTONIC, &shared->began);
}

static int start_loops(struct fleet_state *state)
{
    unsigned loops = thread_count(state);
    size_t given = 0;
    state->loop = calloc(loops, sizeof *state->loop);
    state->shared.sectors = sectors_new();
    state->shared.views = views_new(state->shared.sectors, state->shared.slot_bytes / SECTOR_BYTES);
    if (state->loop == NULL || state->shared.sectors == NULL || state->shared.views == NULL)
        return host_fail(NULL, "out of memory");
    configure(state, loops);
    for (unsigned i = 0; i < loops; i++) {
        struct loop *loop = &state->loop[i];
        size_t share = (state->devices - given) / (loops - i);
        loop->shared = &state->shared;
        loop->device = state->device + given;
        loop->device_count = share;
        given += share;
        int status = loop_start(loop);
        if (status != HOST_DONE)
            return status;
        state->loops++;
    }
    return HOST_DONE;
}

static int open_all(struct fleet_state *state)
{
    const struct fleet_options *options = state->options;
    int status = read_identities(state);
    if (status == HOST_DONE && state->devices == 0)
        status = host_usage("fleet run", "how many devices? (--devices N)");
    if (status == HOST_DONE)
        status = read_image(state);
    if (status == HOST_DONE)
        status = line_peer_open(&state->peer, options->server, options->authority, options->resume);
    if (status == HOST_DONE && options->log != NULL)
        status = event_log_open(options->log, &state->shared.log);
    if (status == HOST_DONE)
        status = make_devices(state);
    return status;
}

static uint64_t count_now(const struct fleet_state *state, enum tally_count count)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < state->loops; i++)
        sum += atomic_load_explicit(&state->loop[i].tally.count[count], memory_order_relaxed);
    return sum;
}

static void show_progress(const struct fleet_state *state, double seconds)
{
    struct fleet_progress progress = {
        .seconds = seconds,
        .online = state->online,
        .ended = count_now(state, TALLY_UPDATED) + count_now(state, TALLY_ROLLED_BACK) +
                 count_now(state, TALLY_REFUSED),
        .polls = count_now(state, TALLY_POLLS),
        .bytes = count_now(state, TALLY_BYTES),
    };
    if (state->options->bar)
        fleet_print_bar(&progress, stderr);
    else
        fleet_print_progress(&progress, stderr);
}

/* Until it is time to end. */
static void watch(struct fleet_state *state, const sigset_t *ends)
{
    const struct fleet_options *options = state->options;
    const struct timespec while_ms = {.tv_nsec = WATCH_MS * 1000000L};
    bool over = false;
    double shown = 0;
    while (!over) {
        bool told = sigtimedwait(ends, NULL, &while_ms) > 0;
        double seconds = (double)loop_us(&state->loop[0]) / 1e6;
        bool settled = options->once && count_now(state, TALLY_SETTLED) == state->online;
        over = told || settled || (options->seconds > 0 && seconds >= options->seconds);
        if (options->bar || seconds - shown >= LINE_EVERY_S) {
            show_progress(state, seconds);
            shown = seconds;
        }
    }
    if (options->bar)
        fputc('\n', stderr);
}

static void add_version(struct fleet_summary *summary, const char *version)
{
    size_t i = 0;
    while (i < summary->versions && strcmp(summary->version[i].version, version) != 0)
        i++;
    if (i == FLEET_VERSIONS_MAX)
        return;
    if (i == summary->versions) {
        summary->versions++;
        memcpy(summary->version[i].version, version, strlen(version) + 1);
    }
    summary->version[i].devices++;
}

static int more_devices(const void *a, const void *b)
{
    const struct fleet_version *left = a, *right = b;
    return (left->devices < right->devices) - (left->devices > right->devices);
}

static void add_up(const struct fleet_state *state, struct fleet_summary *summary)
{
    struct rusage usage;
    size_t resident = resident_bytes();
    summary->devices = state->devices;
    summary->online = state->online;
    summary->seconds = (double)loop_us(&state->loop[0]) / 1e6;
    for (unsigned i = 0; i < state->loops; i++) {
        const struct tally *tally = &state->loop[i].tally;
        for (unsigned k = 0; k < TALLY_COUNTS; k++)
            summary->count[k] += tally->count[k];
        for (unsigned k = 0; k < FAULT_KINDS; k++)
            summary->fault[k] += tally->fault[k];
        for (unsigned k = 0; k < TIME_KINDS; k++)
            spread_merge(&summary->time[k], &tally->time[k]);
    }
    for (size_t i = 0; i < state->devices; i++) {
        summary->phase[state->device[i].phase]++;
        summary->outcome[state->device[i].outcome]++;
        if (state->device[i].version[0] != '\0') /* it came to that before the end */
            add_version(summary, state->device[i].version);
    }
    qsort(summary->version, summary->versions, sizeof *summary->version, more_devices);
    if (resident > state->resident && state->devices > 0)
        summary->memory_per_device = (resident - state->resident) / state->devices;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        summary->memory_peak = (uint64_t)usage.ru_maxrss * 1024;
}

/* Did it do what it was started for? */
static int verdict(const struct fleet_state *state, const struct fleet_summary *summary)
{
    const struct fleet_options *options = state->options;
    const uint64_t *fault = summary->fault;
    for (unsigned i = 0; i < state->loops; i++) {
        if (state->loop[i].out_of_memory)
            return host_fail(NULL, "not enough memory for %zu devices", state->devices);
    }
    if (fault[FAULT_IDENTITY] > 0 && summary->count[TALLY_CONNECTIONS] == 0)
        return host_fail(options->server,
                         "shows a certificate that %s did not sign for this name "
                         "(--ca)",
                         options->authority);
    if (summary->count[TALLY_REQUESTS] == 0 && state->online > 0)
        return host_fail(options->server, "answered no device (is it running?)");
    if (fault[FAULT_DENIED] > 0 && fault[FAULT_DENIED] == summary->count[TALLY_REQUESTS])
        return host_fail(options->server,
                         "let no device in (--token-file FILE, and is the tenant right?)");
    if (options->once && summary->count[TALLY_SETTLED] < state->online)
        return host_fail("fleet run", "%" PRIu64 " of %zu devices came through an update",
                         summary->count[TALLY_SETTLED], state->online);
    return HOST_DONE;
}

static void close_all(struct fleet_state *state)
{
    for (unsigned i = 0; i < state->loops; i++)
        loop_free(&state->loop[i]);
    views_free(state->shared.views);
    sectors_free(state->shared.sectors);
    free(state->loop);
    free(state->device);
    free(state->behaviour);
    line_peer_close(&state->peer);
    identities_free(&state->known);
    buffer_free(&state->image);
}

static void stop_loops(struct fleet_state *state)
{
    atomic_store(&state->shared.stop, true);
    for (unsigned i = 0; i < state->loops; i++)
        loop_join(&state->loop[i]);
}

int fleet_run(const struct fleet_options *options, struct fleet_summary *summary)
{
    struct fleet_state state = {.options = options};
    sigset_t ends, before;
    *summary = (struct fleet_summary){.devices = 0};
    int status = open_all(&state);
    if (status == HOST_DONE) {
        sigemptyset(&ends);
        sigaddset(&ends, SIGINT);
        sigaddset(&ends, SIGTERM);
        sigprocmask(SIG_BLOCK, &ends, &before);
        status = start_loops(&state);
        if (status == HOST_DONE)
            watch(&state, &ends);
        stop_loops(&state);
        if (status == HOST_DONE) {
            add_up(&state, summary);
            status = verdict(&state, summary);
        }
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    if (event_log_close(state.shared.log) != HOST_DONE)
        status = HOST_FAILED;
    close_all(&state);
    return status;
}
