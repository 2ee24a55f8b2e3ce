#include "tool/batch.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "host/signals.h"

#define THREADS_MAX    64
#define BAR_WIDTH      30
#define BAR_AFTER_NS   300000000ull
#define BAR_REDRAWN_NS 100000000ull

struct outcome {
    bool ready;
    int status;
    char *line; /* malloc'd, NULL when nothing was said */
};

struct pool {
    const struct batch *batch;
    struct outcome *outcome;
    pthread_mutex_t lock; /* of all that follows, and of outcome[].ready */
    pthread_cond_t changed;
    size_t next;    /* file to be taken */
    size_t ready;   /* files done */
    size_t working; /* threads that still take files */
};

/* The bar on stderr. */
struct bar {
    bool wanted;
    bool drawn;
    struct timespec begin;
};

static struct timespec later(struct timespec time, unsigned long long nanoseconds)
{
    unsigned long long sum = (unsigned long long)time.tv_nsec + nanoseconds;
    time.tv_sec += (time_t)(sum / 1000000000u);
    time.tv_nsec = (long)(sum % 1000000000u);
    return time;
}

static bool is_past(struct timespec time)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > time.tv_sec || (now.tv_sec == time.tv_sec && now.tv_nsec >= time.tv_nsec);
}

static void bar_draw(struct bar *bar, size_t done, size_t count)
{
    static const char full[] = "##############################";
    int filled = (int)(done * BAR_WIDTH / count);
    if (!bar->wanted || (!bar->drawn && !is_past(later(bar->begin, BAR_AFTER_NS))))
        return;
    fprintf(stderr, "\r[%.*s%*s] %zu of %zu files", filled, full, BAR_WIDTH - filled, "", done,
            count);
    fflush(stderr);
    bar->drawn = true;
}

static void bar_erase(struct bar *bar)
{
    if (bar->drawn)
        fputs("\r\033[K", stderr);
}

static void run_one(struct pool *pool, size_t index)
{
    struct host_kept kept = {.subject = file_input_name(pool->batch->names[index])};
    struct outcome *outcome = &pool->outcome[index];
    host_keep(&kept);
    outcome->status = pool->batch->work(pool->batch->context, index);
    host_keep(NULL);
    if (kept.text[0] != '\0')
        outcome->line = strdup(kept.text);
}

/* Held back by batch_run(), but somebody waits for it to take effect. */
static bool is_interrupted(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t pending;
    struct sigaction action;
    sigpending(&pending);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigismember(&pending, signals[i]) == 1 && sigaction(signals[i], NULL, &action) == 0 &&
            action.sa_handler != SIG_IGN)
            return true;
    }
    return false;
}

static void *worker(void *argument)
{
    struct pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    while (pool->next < pool->batch->count && !is_interrupted()) {
        size_t index = pool->next++;
        pthread_mutex_unlock(&pool->lock);
        run_one(pool, index);
        pthread_mutex_lock(&pool->lock);
        pool->outcome[index].ready = true;
        pool->ready++;
        pthread_cond_signal(&pool->changed);
    }
    pool->working--;
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Waits for file `index`. False when no thread will come to it any more. */
static bool await(struct pool *pool, struct bar *bar, size_t index)
{
    struct timespec until;
    pthread_mutex_lock(&pool->lock);
    while (!pool->outcome[index].ready && pool->working > 0) {
        bar_draw(bar, pool->ready, pool->batch->count);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until = later(until, BAR_REDRAWN_NS);
        pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
    }
    bool ready = pool->outcome[index].ready;
    pthread_mutex_unlock(&pool->lock);
    return ready;
}

/* On stdout and stderr, in an order that also holds when both are the same file. */
static int tell_one(const struct pool *pool, struct bar *bar, size_t index)
{
    const struct batch *batch = pool->batch;
    const struct outcome *outcome = &pool->outcome[index];
    bar_erase(bar);
    if (outcome->line) {
        fflush(stdout);
        host_fail(NULL, "%s", outcome->line);
    }
    int told =
        batch->tell(batch->context, index, outcome->status, outcome->line ? outcome->line : "");
    return outcome->status == HOST_DONE ? told : outcome->status;
}

/* In order, each as soon as it is ready. */
static int tell_all(struct pool *pool, struct bar *bar, bool threads)
{
    int status = HOST_DONE;
    for (size_t i = 0; i < pool->batch->count; i++) {
        if (!threads) {
            bar_draw(bar, i, pool->batch->count);
            run_one(pool, i);
        } else if (!await(pool, bar, i)) {
            status = HOST_FAILED;
            break;
        }
        if (tell_one(pool, bar, i) != HOST_DONE)
            status = HOST_FAILED;
    }
    bar_erase(bar);
    return status;
}

static size_t threads_wanted(const struct batch *batch)
{
    cpu_set_t cores;
    if (batch->alone || batch->count < 2 || sched_getaffinity(0, sizeof cores, &cores) != 0)
        return 0;
    size_t threads = (size_t)CPU_COUNT(&cores);
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    return threads < batch->count ? threads : batch->count;
}

/* Threads inherit that the signals are held; without any, the calling thread does the work. */
static int run_threads(struct pool *pool, struct bar *bar, size_t wanted)
{
    pthread_t thread[THREADS_MAX];
    sigset_t before;
    size_t started = 0;
    signals_hold(&before);
    pool->working = wanted;
    while (started < wanted && pthread_create(&thread[started], NULL, worker, pool) == 0)
        started++;
    pthread_mutex_lock(&pool->lock);
    pool->working -= wanted - started;
    pthread_mutex_unlock(&pool->lock);
    int status = tell_all(pool, bar, started > 0);
    for (size_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    signals_let(&before);
    return status;
}

int batch_run(const struct batch *batch)
{
    struct bar bar = {.wanted = batch->count > 1 && isatty(STDERR_FILENO)};
    struct pool pool = {.batch = batch, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_condattr_t clock;
    size_t threads = threads_wanted(batch);
    pool.outcome = calloc(batch->count, sizeof *pool.outcome);
    if (!pool.outcome)
        return host_fail(NULL, "out of memory");
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&pool.changed, &clock);
    pthread_condattr_destroy(&clock);
    clock_gettime(CLOCK_MONOTONIC, &bar.begin);
    int status = threads ? run_threads(&pool, &bar, threads) : tell_all(&pool, &bar, false);
    for (size_t i = 0; i < batch->count; i++)
        free(pool.outcome[i].line);
    free(pool.outcome);
    pthread_cond_destroy(&pool.changed);
    return status;
}
