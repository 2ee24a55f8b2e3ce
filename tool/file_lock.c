#include "tool/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"

/* Whoever held the lock before may have replaced the file: ours would then be no file any more. */
static bool is_still_there(const char *path, int fd)
{
    struct stat opened, there;
    return fstat(fd, &opened) == 0 && stat(path, &there) == 0 && opened.st_dev == there.st_dev &&
           opened.st_ino == there.st_ino;
}

int file_lock(const char *path, int access, int *fd)
{
    struct stat status;
    *fd = open(path, access | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 && errno == EISDIR)
        return host_fail(path, "is a folder, not a file");
    if (*fd < 0)
        return host_fail(path, "cannot be opened to read and write: %s", strerror(errno));
    int error = HOST_DONE;
    if (fstat(*fd, &status) != 0)
        error = host_fail(path, "cannot be examined: %s", strerror(errno));
    else if (!S_ISREG(status.st_mode))
        error = host_fail(path, "is not a regular file");
    else if (flock(*fd, LOCK_EX | LOCK_NB) != 0 || !is_still_there(path, *fd))
        error = host_fail(path, "is in use by another run (wait for it or stop it)");
    if (error != HOST_DONE) {
        close(*fd);
        *fd = -1;
    }
    return error;
}

int file_lock_output(const char *path, int *fd)
{
    struct stat status;
    *fd = -1;
    if (strcmp(path, "-") == 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return HOST_DONE; /* what cannot be written, the writing will say */
    return file_lock(path, O_RDONLY, fd);
}

void file_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}
