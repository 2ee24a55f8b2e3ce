/* Every system call of a publish as its last one.
 *
 * A child publishes version 2 over version 1 under ptrace, which stops it before and after every
 * system call. The n-th run kills it with SIGKILL at stop n; then the store is read as the server
 * reads it. Before the pointer's rename it must offer version 1, after it version 2, each with its
 * whole image and metadata, and nothing else at any stop. Then a publish runs undisturbed over what
 * the killed one left, and must succeed. The runs end when a child reaches its own exit.
 *
 * This is about crashes of the process: what the kernel has taken stays. Loss of power is what the
 * fsync() calls are for, which a test in user space cannot take away.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/server/store_fixture.h"

#define IMAGE_BYTES 20000u
#define STOPS_MAX   1000u

static uint8_t image_1[IMAGE_BYTES];
static uint8_t image_2[IMAGE_BYTES];

static int publish(const struct store *store, const struct release *release, const uint8_t *bytes)
{
    int lock;
    int error = store_lock(store, &lock);
    if (error == STORE_OK) {
        error = store_put_image(store, release, bytes);
        if (error == STORE_OK) {
            error = store_put_metadata(store, release->sha256, release->version);
        }
        if (error == STORE_OK) {
            error = store_point(store, "thermo", "stable", release);
        }
        store_unlock(lock);
    }
    return error;
}

/* The child: traced from the first line on. */
static void publish_traced(const struct store *store, const struct release *release)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(100);
    }
    raise(SIGSTOP);
    _exit(publish(store, release, image_2) == STORE_OK ? 0 : 101);
}

/* Lets the child go through `stops` stops, then kills it. True when it finished before that. */
static bool run_and_kill(const struct store *store, const struct release *release, unsigned stops)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        publish_traced(store, release);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 100) {
        skip(); /* this machine does not allow tracing */
    }
    assert_true(WIFSTOPPED(status));
    for (unsigned i = 0; i < stops; i++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return true;
        }
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return false;
}

/* What a server would send now: 1 or 2, or the test fails. */
static unsigned offered(const struct store *store)
{
    static uint8_t back[IMAGE_BYTES + 1];
    char metadata[64];
    struct release release;
    int fd;
    assert_int_equal(store_get(store, "thermo", "stable", &release), STORE_OK);
    assert_int_equal(store_open_image(store, &release, &fd), STORE_OK);
    assert_int_equal(read(fd, back, sizeof back), IMAGE_BYTES);
    close(fd);
    assert_int_equal(store_read_metadata(store, release.sha256, metadata, sizeof metadata),
                     STORE_OK);
    assert_string_equal(metadata, release.version);
    bool first = strcmp(release.version, "1.0.0") == 0;
    assert_true(first || strcmp(release.version, "2.0.0") == 0);
    assert_memory_equal(back, first ? image_1 : image_2, IMAGE_BYTES);
    return first ? 1 : 2;
}

static void every_system_call(void **state)
{
    unsigned stops = 0;
    unsigned seen[3] = {0};
    unsigned last = 1;
    (void)state;
    for (bool finished = false; !finished; stops++) {
        struct fixture *fixture = fixture_new();
        const struct store *store = &fixture->store;
        struct release release_1 = fixture_release("1.0.0", 1, image_1, IMAGE_BYTES);
        struct release release_2 = fixture_release("2.0.0", 2, image_2, IMAGE_BYTES);
        assert_int_equal(publish(store, &release_1, image_1), STORE_OK);
        finished = run_and_kill(store, &release_2, stops);
        unsigned now = offered(store);
        assert_true(now >= last); /* the rename happens at one place */
        last = now;
        seen[now]++;
        assert_int_equal(publish(store, &release_2, image_2), STORE_OK);
        assert_int_equal(offered(store), 2);
        fixture_free(fixture);
        assert_true(stops < STOPS_MAX);
    }
    print_message("%u stops: %u left the old release, %u the new one\n", stops, seen[1], seen[2]);
    assert_true(seen[1] > 10 && seen[2] > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_system_call)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
