/* server/release/store_prune.c: removing what no channel offers (server/release/store.h). */
#include "server/release/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/release/store_paths.h"

#define NEW_S 3600

/* The hashes that pointers name. */
struct offered {
    char (*hash)[RELEASE_HASH_CHARS + 1];
    size_t count;
    int error;                     /* the first pointer unreadable, or memory ran out */
    const struct store_kept *kept; /* NULL: there is no fleet */
};

static bool is_listed(char (*list)[RELEASE_HASH_CHARS + 1], size_t count, const char *hash)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], hash) == 0) {
            return true;
        }
    }
    return false;
}

static void add_offered(void *context, const char *product, const char *channel, int error,
                        const struct release *release)
{
    struct offered *offered = context;
    (void)product;
    (void)channel;
    if (offered->error != STORE_OK) {
        return;
    }
    if (error != STORE_OK) {
        offered->error = error;
        return;
    }
    void *grown = realloc(offered->hash, (offered->count + 1) * sizeof *offered->hash);
    if (grown == NULL) {
        offered->error = STORE_EMEMORY;
        return;
    }
    offered->hash = grown;
    memcpy(offered->hash[offered->count++], release->sha256, sizeof *offered->hash);
}

/* "<sha256>.bin" or ".json" of an image that no pointer names. Other files are not ours. */
static bool is_unused(const struct offered *offered, const char *name)
{
    char hash[RELEASE_HASH_CHARS + 1] = "";
    const char *suffix = name + RELEASE_HASH_CHARS;
    if (strlen(name) <= RELEASE_HASH_CHARS ||
        (strcmp(suffix, STORE_IMAGE_SUFFIX) != 0 && strcmp(suffix, STORE_META_SUFFIX) != 0)) {
        return false;
    }
    memcpy(hash, name, RELEASE_HASH_CHARS);
    if (!store_hash_valid(hash)) {
        return false;
    }
    return !is_listed(offered->hash, offered->count, hash) &&
           (offered->kept == NULL || !is_listed(offered->kept->sha256, offered->kept->count, hash));
}

/* An upload writes its image before the row that names it. */
static bool is_new(const struct offered *offered, const struct stat *st)
{
    return offered->kept != NULL && time(NULL) - st->st_mtime < NEW_S;
}

static int remove_unused(int folder, const struct offered *offered, bool dry_run,
                         store_pruned *each, void *context)
{
    int copy = dup(folder);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (entries == NULL) {
        return STORE_EIO;
    }
    int error = STORE_OK;
    for (struct dirent *entry; error == STORE_OK && (entry = readdir(entries)) != NULL;) {
        struct stat st;
        if (!is_unused(offered, entry->d_name) ||
            fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || is_new(offered, &st)) {
            continue;
        }
        if (!dry_run && unlinkat(folder, entry->d_name, 0) != 0) {
            error = STORE_EIO;
        } else {
            each(context, entry->d_name, (uint64_t)st.st_size);
        }
    }
    int saved = errno;
    closedir(entries);
    errno = saved;
    return error == STORE_OK && fsync(folder) != 0 ? STORE_EIO : error;
}

int store_prune(const struct store *store, const struct store_kept *kept, bool dry_run,
                store_pruned *each, void *context)
{
    struct offered offered = {.error = STORE_OK, .kept = kept};
    int error = store_list(store, add_offered, &offered);
    if (error == STORE_OK) {
        error = offered.error;
    }
    if (error == STORE_OK) {
        int folder =
            openat(store->folder, STORE_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (folder >= 0) {
            error = remove_unused(folder, &offered, dry_run, each, context);
            int saved = errno;
            close(folder);
            errno = saved;
        } else if (errno != ENOENT) { /* nothing has been published yet: nothing to remove */
            error = STORE_EIO;
        }
    }
    free(offered.hash);
    return error;
}
