/* server/release/store.c: reading the store (server/release/store.h); store_write.c writes it. */
#include "server/release/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/release/store_paths.h"
#include "server/release/ota_target.h"

#define POINTER_BYTES_MAX 4096

const char *store_error_text(int error)
{
    switch (error) {
    case STORE_OK:
        return "done";
    case STORE_ENONE:
        return "no such release";
    case STORE_EDAMAGED:
        return "damaged";
    case STORE_EIO:
        return strerror(errno);
    case STORE_ENAME:
        return "not a valid product or channel name";
    case STORE_EMEMORY:
        return "out of memory";
    default:
        return "unknown error";
    }
}

int store_open(struct store *store, const char *path)
{
    store->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->folder < 0) {
        return STORE_EIO;
    }
    if (faccessat(store->folder, ".", R_OK | X_OK, 0) != 0) {
        int saved = errno;
        store_close(store);
        errno = saved;
        return STORE_EIO;
    }
    return STORE_OK;
}

void store_close(struct store *store)
{
    close(store->folder);
    store->folder = -1;
}

int store_check(const struct store *store)
{
    struct stat st;
    if (fstat(store->folder, &st) != 0) {
        return STORE_EIO;
    }
    errno = ESTALE;
    return st.st_nlink > 0 ? STORE_OK : STORE_EIO;
}

int store_read_file(const struct store *store, const char *path, char *out, size_t size,
                    size_t *length)
{
    int fd = openat(store->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ELOOP) {
            return STORE_EDAMAGED;
        }
        return errno == ENOENT || errno == ENOTDIR ? STORE_ENONE : STORE_EIO;
    }
    struct stat st;
    ssize_t got = -1;
    if (fstat(fd, &st) == 0) {
        if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (size_t)st.st_size > size) {
            close(fd);
            return STORE_EDAMAGED;
        }
        got = read(fd, out, (size_t)st.st_size);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    if (got < 0) {
        return STORE_EIO;
    }
    *length = (size_t)got;
    return STORE_OK;
}

/* A string member of 1 to size - 1 printable ASCII characters. */
static bool take_text(const json_t *object, const char *key, char *out, size_t size)
{
    const json_t *member = json_object_get(object, key);
    size_t length = json_string_length(member);
    if (!json_is_string(member) || length == 0 || length >= size) {
        return false;
    }
    const char *text = json_string_value(member);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    memcpy(out, text, length + 1);
    return true;
}

static bool take_number(const json_t *object, const char *key, json_int_t min, json_int_t max,
                        uint32_t *out)
{
    const json_t *member = json_object_get(object, key);
    json_int_t value = json_integer_value(member);
    if (!json_is_integer(member) || value < min || value > max) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

bool store_hash_valid(const char *hash)
{
    return strlen(hash) == RELEASE_HASH_CHARS &&
           strspn(hash, "0123456789abcdef") == RELEASE_HASH_CHARS;
}

static int parse_pointer(const char *text, size_t length, struct release *release)
{
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    bool good = take_text(object, "version", release->version, sizeof release->version) &&
                take_text(object, "project", release->project, sizeof release->project) &&
                take_text(object, "published", release->published, sizeof release->published) &&
                take_text(object, "sha256", release->sha256, sizeof release->sha256) &&
                store_hash_valid(release->sha256) &&
                take_number(object, "size", 1, RELEASE_SIZE_MAX, &release->size) &&
                take_number(object, "secure_version", 0, UINT32_MAX, &release->secure_version);
    json_decref(object);
    return good ? STORE_OK : STORE_EDAMAGED;
}

int store_get(const struct store *store, const char *product, const char *channel,
              struct release *release)
{
    char path[STORE_PATH_MAX];
    char text[POINTER_BYTES_MAX];
    size_t length = 0;
    if (!store_pointer_path(path, product, channel)) {
        return STORE_ENAME;
    }
    memset(release, 0, sizeof *release);
    int error = store_read_file(store, path, text, sizeof text, &length);
    return error != STORE_OK ? error : parse_pointer(text, length, release);
}

int store_get_stamp(const struct store *store, const char *product, const char *channel,
                    struct store_stamp *stamp)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    if (!store_pointer_path(path, product, channel)) {
        return STORE_ENAME;
    }
    if (fstatat(store->folder, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? STORE_ENONE : STORE_EIO;
    }
    *stamp = (struct store_stamp){.device = st.st_dev,
                                  .inode = st.st_ino,
                                  .size = st.st_size,
                                  .modified = st.st_mtim,
                                  .changed = st.st_ctim};
    return STORE_OK;
}

int store_open_image(const struct store *store, const struct release *release, int *fd)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    store_image_path(path, release->sha256);
    *fd = openat(store->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0) {
        return errno == ENOENT || errno == ELOOP ? STORE_EDAMAGED : STORE_EIO;
    }
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != (off_t)release->size) {
        close(*fd);
        return STORE_EDAMAGED;
    }
    return STORE_OK;
}

/* The channel of a pointer file's name; false for any other file. */
static bool channel_of(const char *name, char channel[NAME_BYTES_MAX + 1])
{
    size_t length = strlen(name);
    size_t suffix = strlen(STORE_POINTER_SUFFIX);
    if (length <= suffix || length - suffix > NAME_BYTES_MAX ||
        strcmp(name + length - suffix, STORE_POINTER_SUFFIX) != 0 ||
        !name_valid(name, length - suffix)) {
        return false;
    }
    memcpy(channel, name, length - suffix);
    channel[length - suffix] = '\0';
    return true;
}

static void free_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

/* One product's folder: every "<channel>.json" in it. */
static int list_product(const struct store *store, const char *product, store_visit *each,
                        void *context)
{
    struct dirent **names;
    int count = scandirat(store->folder, product, &names, NULL, alphasort);
    if (count < 0) {
        return STORE_EIO;
    }
    for (int i = 0; i < count; i++) {
        struct release release;
        char channel[NAME_BYTES_MAX + 1];
        if (!channel_of(names[i]->d_name, channel)) {
            continue;
        }
        int error = store_get(store, product, channel, &release);
        if (error != STORE_ENONE) { /* withdrawn since it was listed */
            each(context, product, channel, error, &release);
        }
    }
    free_names(names, count);
    return STORE_OK;
}

int store_list(const struct store *store, store_visit *each, void *context)
{
    struct dirent **names;
    int count = scandirat(store->folder, ".", &names, NULL, alphasort);
    if (count < 0) {
        return STORE_EIO;
    }
    int error = STORE_OK;
    for (int i = 0; i < count && error == STORE_OK; i++) {
        struct stat st;
        const char *name = names[i]->d_name;
        if (name_valid_product(name, strlen(name)) && fstatat(store->folder, name, &st, 0) == 0 &&
            S_ISDIR(st.st_mode)) {
            error = list_product(store, name, each, context);
        }
    }
    free_names(names, count);
    return error;
}
