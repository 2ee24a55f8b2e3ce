#include "tool/folder_new.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"
#include "host/signals.h"

static int set_paths(const char *path, struct folder_new *folder)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    folder->parent = length;
    while (folder->parent > 0 && path[folder->parent - 1] != '/')
        folder->parent--;
    int needed =
        snprintf(folder->temporary, sizeof folder->temporary, "%.*s.%.*s.XXXXXX",
                 (int)folder->parent, path, (int)(length - folder->parent), path + folder->parent);
    if (length == 0 || needed < 0 || (size_t)needed >= sizeof folder->temporary)
        return host_fail(path, "is not a name for a folder");
    memcpy(folder->path, path, length);
    folder->path[length] = '\0';
    return HOST_DONE;
}

/* Before the work, what would make it vain; the last step has the last word. */
static int check_place(const struct folder_new *folder)
{
    struct stat status;
    if (lstat(folder->path, &status) != 0)
        return HOST_DONE;
    if (!S_ISDIR(status.st_mode))
        return host_fail(folder->path, "exists and is not a folder");
    DIR *listing = opendir(folder->path);
    if (!listing)
        return host_fail(folder->path, "cannot be read: %s", strerror(errno));
    size_t entries = 0;
    for (const struct dirent *entry; (entry = readdir(listing));)
        entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    if (entries > 0)
        return host_fail(folder->path, "is a folder with files in it (name a new one)");
    return HOST_DONE;
}

int folder_new_begin(const char *path, struct folder_new *folder)
{
    if (set_paths(path, folder) != HOST_DONE || check_place(folder) != HOST_DONE)
        return HOST_FAILED;
    signals_hold(&folder->before);
    folder->fd = -1;
    if (mkdtemp(folder->temporary)) {
        folder->fd = open(folder->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder->fd >= 0)
            return HOST_DONE;
        (void)rmdir(folder->temporary);
    }
    int status = host_fail(folder->path, "cannot be made: %s", strerror(errno));
    signals_let(&folder->before);
    return status;
}

/* 0 or an errno value. */
static int write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        bytes += written;
        length -= (size_t)written;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

int folder_new_put(const struct folder_new *folder, const char *name, const void *bytes,
                   size_t length)
{
    int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error = fd < 0 ? errno : write_all(fd, bytes, length);
    if (fd >= 0 && close(fd) != 0 && error == 0)
        error = errno;
    if (error)
        return host_fail(folder->path, "%s cannot be written: %s", name, strerror(error));
    return HOST_DONE;
}

static void discard(const struct folder_new *folder)
{
    DIR *listing = opendir(folder->temporary);
    for (const struct dirent *entry; listing && (entry = readdir(listing));)
        (void)unlinkat(folder->fd, entry->d_name, 0);
    if (listing)
        closedir(listing);
    (void)rmdir(folder->temporary);
}

/* A rename is durable once the folder it happened in is. */
static void sync_parent(const struct folder_new *folder)
{
    char parent[PATH_MAX] = ".";
    if (folder->parent > 0) {
        memcpy(parent, folder->path, folder->parent);
        parent[folder->parent] = '\0';
    }
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

int folder_new_end(struct folder_new *folder, int status)
{
    if (status == HOST_DONE && fsync(folder->fd) != 0 && errno != EINVAL)
        status = host_fail(folder->path, "cannot be written: %s", strerror(errno));
    if (status == HOST_DONE && rename(folder->temporary, folder->path) != 0)
        status = host_fail(folder->path, "cannot be made: %s", strerror(errno));
    if (status == HOST_DONE)
        sync_parent(folder);
    else
        discard(folder);
    close(folder->fd);
    signals_let(&folder->before);
    return status;
}
