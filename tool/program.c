/* tool/program.c: see tool/program.h. */
#include "tool/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/error.h"

#define SAID_MAX 512 /* bytes of stderr that are kept */

/* The child with `err` as its stderr, no signal held back, and SIGPIPE as it was. 0 or an errno
 * value. */
static int start(const char *const *argv, int err, pid_t *id)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, pipe_signal;
    sigemptyset(&none);
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawnp(id, argv[0], &actions, &attributes, (char *const *)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Reads to the end; the first line stays in said[]. */
static void listen_to(int fd, char said[SAID_MAX])
{
    char rest[SAID_MAX];
    size_t length = 0;
    for (;;) {
        bool full = length == SAID_MAX - 1;
        ssize_t got =
            full ? read(fd, rest, sizeof rest) : read(fd, said + length, SAID_MAX - 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        if (!full)
            length += (size_t)got;
    }
    said[length] = '\0';
    said[strcspn(said, "\n")] = '\0';
}

static int end_of(const char *name, pid_t id, int *status)
{
    while (waitpid(id, status, 0) < 0) {
        if (errno != EINTR)
            return host_fail(name, "cannot be waited for: %s", strerror(errno));
    }
    return HOST_DONE;
}

int program_run(const struct program *program, const char *subject)
{
    const char *name = program->argv[0];
    char said[SAID_MAX];
    int err[2];
    int status;
    pid_t id;
    if (pipe2(err, O_CLOEXEC) != 0)
        return host_fail(name, "cannot be run: %s", strerror(errno));
    int error = start(program->argv, err[1], &id);
    close(err[1]);
    if (error == 0)
        listen_to(err[0], said);
    close(err[0]);
    if (error != 0)
        return host_fail(name, "cannot be run: %s (Debian has it in %s)", strerror(error),
                         program->package);
    if (end_of(name, id, &status) != HOST_DONE)
        return HOST_FAILED;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= program->worst)
        return HOST_DONE;
    return host_fail(subject, "%s has failed: %s", name, said[0] != '\0' ? said : "without a word");
}
