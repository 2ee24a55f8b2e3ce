/* tool/program.c: see tool/program.h. */
#include "tool/program.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/error.h"

int program_run(const char *const *argv, const char *package)
{
    pid_t id;
    int status;
    int error = posix_spawnp(&id, argv[0], NULL, NULL, (char *const *)argv, environ);
    if (error != 0)
        return host_fail(argv[0], "cannot be run: %s (Debian has it in %s)", strerror(error),
                         package);
    while (waitpid(id, &status, 0) < 0) {
        if (errno != EINTR)
            return host_fail(argv[0], "cannot be waited for: %s", strerror(errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return HOST_DONE;
    return host_fail(argv[0], "has failed (what it said is above)");
}
