#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "host/error.h"
#include "host/signals.h"

#define PIPE_FIRST_BYTES 65536u
#define POPULATE_BYTES   65536u

static bool is_dash(const char *path)
{
    return strcmp(path, "-") == 0;
}

const char *file_input_name(const char *path)
{
    return is_dash(path) ? "stdin" : path;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

void buffer_free_secret(struct buffer *buffer)
{
    if (buffer->bytes)
        OPENSSL_cleanse(buffer->bytes, buffer->length);
    buffer_free(buffer);
}

/* All of its pages at once: a third of the time it takes to read into them one fault each. That the
 * kernel may not know how (before 5.14) does no harm. */
static void touch(uint8_t *bytes, size_t length)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)bytes + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)bytes + length) & ~(page - 1);
    if (length >= POPULATE_BYTES && end > begin)
        (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

/* Not realloc: what is read may be a key, and realloc would leave a copy of it behind. */
static bool buffer_grow(struct buffer *buffer, size_t capacity)
{
    uint8_t *larger = malloc(capacity);
    if (!larger)
        return false;
    touch(larger, capacity);
    if (buffer->bytes) {
        memcpy(larger, buffer->bytes, buffer->length);
        OPENSSL_cleanse(buffer->bytes, buffer->length);
        free(buffer->bytes);
    }
    buffer->bytes = larger;
    return true;
}

/* 0 or an errno value. One byte more than `max` is asked for, to tell full from too large. */
static int read_all(int fd, size_t expected, size_t max, struct buffer *out)
{
    size_t capacity = 0;
    for (;;) {
        if (out->length == capacity) {
            size_t next = capacity ? capacity * 2 : expected + 1;
            if (next > max + 1)
                next = max + 1;
            if (next <= capacity)
                return EFBIG;
            if (!buffer_grow(out, next))
                return ENOMEM;
            capacity = next;
        }
        ssize_t got = read(fd, out->bytes + out->length, capacity - out->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            return 0;
        out->length += (size_t)got;
    }
}

static int check_readable(const char *name, const struct stat *status, size_t max, bool secret)
{
    if (S_ISDIR(status->st_mode))
        return host_fail(name, "is a folder, not a file");
    if (!S_ISREG(status->st_mode) && !S_ISFIFO(status->st_mode))
        return host_fail(name, "is neither a file nor a pipe");
    if (!S_ISREG(status->st_mode))
        return HOST_DONE;
    if ((uintmax_t)status->st_size > max)
        return host_fail(name, "is %jd bytes, more than the %zu this can be",
                         (intmax_t)status->st_size, max);
    if (secret && (status->st_mode & (S_IRWXG | S_IRWXO)))
        return host_fail(name, "holds a secret but is open to others (chmod 600 it)");
    return HOST_DONE;
}

static int read_descriptor(int fd, const char *name, size_t max, bool secret, struct buffer *out)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return host_fail(name, "cannot be read: %s", strerror(errno));
    /* A terminal or /dev/null on stdin is as good as a pipe. */
    bool standard_input = fd == STDIN_FILENO && S_ISCHR(status.st_mode);
    if (!standard_input && check_readable(name, &status, max, secret) != HOST_DONE)
        return HOST_FAILED;
    size_t expected = S_ISREG(status.st_mode) ? (size_t)status.st_size : PIPE_FIRST_BYTES;
    int error = read_all(fd, expected, max, out);
    if (error == 0 && out->length > 0)
        return HOST_DONE;
    buffer_free_secret(out);
    if (error == EFBIG)
        return host_fail(name, "is larger than the %zu bytes this can be", max);
    if (error)
        return host_fail(name, "cannot be read: %s", strerror(error));
    return host_fail(name, "is empty");
}

static int read_path(const char *path, size_t max, bool secret, struct buffer *out)
{
    *out = (struct buffer){0};
    const char *name = file_input_name(path);
    if (is_dash(path))
        return read_descriptor(STDIN_FILENO, name, max, secret, out);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return host_fail(name, "cannot be opened: %s", strerror(errno));
    int status = read_descriptor(fd, name, max, secret, out);
    close(fd);
    return status;
}

int file_read(const char *path, size_t max, struct buffer *out)
{
    return read_path(path, max, false, out);
}

int file_read_private(const char *path, size_t max, struct buffer *out)
{
    return read_path(path, max, true, out);
}

/* 0 or an errno value. */
static int write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, bytes, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        bytes += put;
        length -= (size_t)put;
    }
    return 0;
}

/* Where `path` splits: the folder part for "a/b" and "a/b/" is "a/", for "b" it is empty. */
static size_t folder_length(const char *path)
{
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length;
}

/* Opens a new hidden file beside `path`; its name goes to `name`. -1 and errno on failure. The
 * process's umask applies, as to any new file. */
static int open_temporary(const char *path, mode_t mode, char name[PATH_MAX])
{
    size_t folder = folder_length(path);
    for (int attempt = 0; attempt < 16; attempt++) {
        uint32_t random;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
            return -1;
        int length = snprintf(name, PATH_MAX, "%.*s.%.40s.%08x", (int)folder, path, path + folder,
                              (unsigned)random);
        if (length < 0 || length >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* A rename is durable once its folder is. File systems without that notion answer EINVAL, and
 * there is nothing more to do then. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    size_t length = folder_length(path);
    if (length >= sizeof folder)
        return;
    memcpy(folder, path, length);
    folder[length] = '\0';
    int fd = open(length ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

enum placing {
    PLACE_OUTPUT,  /* replaces what is there */
    PLACE_LASTING, /* and stays, once this returns */
    PLACE_NEW,     /* stays as well, but replaces nothing */
};

/* link() fails where a file exists already, rename() replaces it: both in one step. */
static int put_in_place(const char *temporary, const char *path, enum placing placing)
{
    if (placing != PLACE_NEW)
        return rename(temporary, path) == 0 ? 0 : errno;
    int error = link(temporary, path) == 0 ? 0 : errno;
    (void)unlink(temporary);
    return error;
}

/* Where a file goes. */
struct place {
    const char *path;  /* links followed */
    const char *shown; /* what the caller calls it, for messages */
    mode_t mode;
    enum placing placing;
};

static int place_failed(const struct place *place, int error)
{
    if (error == EEXIST)
        return host_fail(place->shown, "exists already and is not replaced (remove it first)");
    return host_fail(place->shown, "cannot be written: %s", strerror(error));
}

static int write_held(const struct place *place, const void *bytes, size_t length)
{
    char temporary[PATH_MAX];
    int fd = open_temporary(place->path, place->mode, temporary);
    if (fd < 0)
        return host_fail(place->shown, "cannot be written: %s", strerror(errno));
    int error = write_all(fd, bytes, length);
    if (error == 0 && fsync(fd) != 0)
        error = errno;
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0)
        error = put_in_place(temporary, place->path, place->placing);
    if (error) {
        (void)unlink(temporary);
        return place_failed(place, error);
    }
    if (place->placing != PLACE_OUTPUT)
        sync_folder(place->path);
    return HOST_DONE;
}

/* A signal that ends the process does so before or after, and leaves no temporary file. */
static int write_beside(const struct place *place, const void *bytes, size_t length)
{
    sigset_t before;
    signals_hold(&before);
    int status = write_held(place, bytes, length);
    signals_let(&before);
    return status;
}

static int write_device(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return host_fail(path, "cannot be opened: %s", strerror(errno));
    int error = write_all(fd, bytes, length);
    if (close(fd) != 0 && error == 0)
        error = errno;
    return error ? host_fail(path, "cannot be written: %s", strerror(error)) : HOST_DONE;
}

static int write_stdout(const void *bytes, size_t length)
{
    int error = fflush(stdout) == 0 ? write_all(STDOUT_FILENO, bytes, length) : errno;
    return error ? host_fail("stdout", "cannot be written: %s", strerror(error)) : HOST_DONE;
}

static int write_over(const char *path, const void *bytes, size_t length, mode_t mode,
                      enum placing placing)
{
    struct stat status;
    struct place place = {path, path, mode, placing};
    char target[PATH_MAX];
    if (is_dash(path))
        return write_stdout(bytes, length);
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return host_fail(path, "is a folder, not a file");
        if (!S_ISREG(status.st_mode))
            return write_device(path, bytes, length);
        if (!realpath(path, target))
            return host_fail(path, "cannot be written: %s", strerror(errno));
        place.path = target;
    }
    return write_beside(&place, bytes, length);
}

int file_write(const char *path, const void *bytes, size_t length, mode_t mode)
{
    return write_over(path, bytes, length, mode, PLACE_OUTPUT);
}

int file_write_lasting(const char *path, const void *bytes, size_t length, mode_t mode)
{
    return write_over(path, bytes, length, mode, PLACE_LASTING);
}

int file_create(const char *path, const void *bytes, size_t length, mode_t mode)
{
    if (is_dash(path))
        return write_stdout(bytes, length);
    return write_beside(&(struct place){path, path, mode, PLACE_NEW}, bytes, length);
}

/* 0 or an errno value. */
static int sync_made(const char *made, bool *is_folder)
{
    struct stat status = {0};
    int fd = open(made, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno;
    int error = fstat(fd, &status) == 0 ? 0 : errno;
    *is_folder = S_ISDIR(status.st_mode);
    if (error == 0 && (*is_folder ? syncfs(fd) : fsync(fd)) != 0)
        error = errno;
    close(fd);
    return error;
}

static int place_made(const char *made, const struct place *place)
{
    bool is_folder = false;
    int error = sync_made(made, &is_folder);
    if (error == 0)
        error = put_in_place(made, place->path, is_folder ? PLACE_LASTING : place->placing);
    if (error)
        return place_failed(place, error);
    sync_folder(place->path);
    return HOST_DONE;
}

int file_place(const char *made, const char *path)
{
    return place_made(made, &(struct place){path, path, 0, PLACE_LASTING});
}

int file_place_new(const char *made, const char *path)
{
    return place_made(made, &(struct place){path, path, 0, PLACE_NEW});
}

int file_path(const char *folder, const char *name, char out[PATH_MAX])
{
    int length = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return length >= 0 && length < PATH_MAX ? HOST_DONE : host_fail(folder, "is too long a path");
}

int folder_make(const char *path, mode_t mode)
{
    struct stat status;
    if (mkdir(path, mode) == 0)
        return HOST_DONE;
    int error = errno;
    if (error == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return HOST_DONE;
    if (error == EEXIST)
        return host_fail(path, "exists and is not a folder");
    return host_fail(path, "cannot be made: %s", strerror(error));
}
