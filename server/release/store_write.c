/* server/release/store_write.c: changing the store (server/release/store.h), under its lock.
 *
 * Every file is written under a fixed hidden name in its own folder, synced, renamed into place,
 * and its folder synced. The lock makes the hidden name safe to reuse, so that no amount of killed
 * writers leaves more than one of them behind.
 */
#include "server/release/store.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/release/store_paths.h"

#define INCOMING     ".incoming"
#define LOCK_LOOK_MS 10u

bool store_pointer_path(char path[STORE_PATH_MAX], const char *product, const char *channel)
{
    if (!name_valid_product(product, strlen(product)) || !name_valid(channel, strlen(channel))) {
        return false;
    }
    snprintf(path, STORE_PATH_MAX, "%s/%s" STORE_POINTER_SUFFIX, product, channel);
    return true;
}

void store_image_path(char path[STORE_PATH_MAX], const char *sha256)
{
    snprintf(path, STORE_PATH_MAX, STORE_IMAGES "/%.64s" STORE_IMAGE_SUFFIX, sha256);
}

void store_metadata_path(char path[STORE_PATH_MAX], const char *sha256)
{
    snprintf(path, STORE_PATH_MAX, STORE_IMAGES "/%.64s" STORE_META_SUFFIX, sha256);
}

/* close() that keeps the errno of what failed before it. */
static void close_quietly(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

/* The lock's file; -1: it cannot be opened. */
static int open_lock(const struct store *store)
{
    return openat(store->folder, STORE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
}

int store_lock(const struct store *store, int *lock)
{
    *lock = open_lock(store);
    if (*lock < 0) {
        return STORE_EIO;
    }
    while (flock(*lock, LOCK_EX) != 0) {
        if (errno != EINTR) {
            close_quietly(*lock);
            return STORE_EIO;
        }
    }
    return STORE_OK;
}

int store_lock_within(const struct store *store, unsigned patience_ms, int *lock)
{
    *lock = open_lock(store);
    if (*lock < 0) {
        return STORE_EIO;
    }
    for (unsigned waited = 0; flock(*lock, LOCK_EX | LOCK_NB) != 0; waited += LOCK_LOOK_MS) {
        if (errno != EINTR && (errno != EWOULDBLOCK || waited >= patience_ms)) {
            close_quietly(*lock);
            return STORE_EIO;
        }
        usleep(LOCK_LOOK_MS * 1000);
    }
    return STORE_OK;
}

void store_unlock(int lock)
{
    close(lock);
}

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR) {
            return STORE_EIO;
        }
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        }
    }
    return STORE_OK;
}

/* Bytes to `name` in `folder`, all or nothing, durable when it returns. */
static int replace_file(int folder, const char *name, const void *bytes, size_t length)
{
    int fd = openat(folder, INCOMING, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return STORE_EIO;
    }
    int error = write_all(fd, bytes, length);
    if (error == STORE_OK && fsync(fd) != 0) {
        error = STORE_EIO;
    }
    close_quietly(fd);
    if (error == STORE_OK && renameat(folder, INCOMING, folder, name) != 0) {
        error = STORE_EIO;
    }
    if (error != STORE_OK) {
        int saved = errno;
        unlinkat(folder, INCOMING, 0);
        errno = saved;
        return error;
    }
    return fsync(folder) == 0 ? STORE_OK : STORE_EIO;
}

/* Opens a folder of the store, making it first (durably) when it is missing. */
static int open_folder(const struct store *store, const char *name, int *fd)
{
    bool made = mkdirat(store->folder, name, 0755) == 0;
    if (!made && errno != EEXIST) {
        return STORE_EIO;
    }
    if (made && fsync(store->folder) != 0) {
        return STORE_EIO;
    }
    *fd = openat(store->folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return *fd < 0 ? STORE_EIO : STORE_OK;
}

/* replace_file() on a path "folder/name" of the store. */
static int replace_in_store(const struct store *store, const char *path, const void *bytes,
                            size_t length)
{
    char folder_name[STORE_PATH_MAX];
    const char *slash = strchr(path, '/');
    int folder;
    snprintf(folder_name, sizeof folder_name, "%.*s", (int)(slash - path), path);
    int error = open_folder(store, folder_name, &folder);
    if (error != STORE_OK) {
        return error;
    }
    error = replace_file(folder, slash + 1, bytes, length);
    close_quietly(folder);
    return error;
}

int store_put_image(const struct store *store, const struct release *release, const uint8_t *bytes)
{
    char path[STORE_PATH_MAX];
    store_image_path(path, release->sha256);
    return replace_in_store(store, path, bytes, release->size);
}

int store_put_metadata(const struct store *store, const char *sha256, const char *text)
{
    char path[STORE_PATH_MAX];
    store_metadata_path(path, sha256);
    return replace_in_store(store, path, text, strlen(text));
}

int store_point(const struct store *store, const char *product, const char *channel,
                const struct release *release)
{
    char path[STORE_PATH_MAX];
    if (!store_pointer_path(path, product, channel)) {
        return STORE_ENAME;
    }
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I, s:s, s:s}", "project", release->project, "version", release->version,
        "secure_version", (json_int_t)release->secure_version, "size", (json_int_t)release->size,
        "sha256", release->sha256, "published", release->published);
    char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    if (text == NULL) {
        return STORE_EMEMORY;
    }
    int error = replace_in_store(store, path, text, strlen(text));
    free(text);
    return error;
}

int store_withdraw(const struct store *store, const char *product, const char *channel)
{
    char path[STORE_PATH_MAX];
    if (!store_pointer_path(path, product, channel)) {
        return STORE_ENAME;
    }
    if (unlinkat(store->folder, path, 0) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? STORE_ENONE : STORE_EIO;
    }
    int folder = openat(store->folder, product, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return STORE_EIO;
    }
    int error = fsync(folder) == 0 ? STORE_OK : STORE_EIO;
    close_quietly(folder);
    return error;
}
