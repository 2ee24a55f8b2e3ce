/* server/release/store.h: the releases on disk.
 *
 *     releases/artifacts/<sha256>.bin      images, named by their own content, never changed
 *     releases/artifacts/<sha256>.json     what each image is (server/release/metadata.h)
 *     releases/<product>/<channel>.json    the pointer: which image a channel offers
 *     releases/.lock                       held by whoever writes (flock)
 *
 * Readers take no lock: a pointer is replaced by rename, so they see the old release or the new
 * one, and an image once opened stays what it was. Writers hold the lock from the decision to the
 * rename. Files become visible only complete and synced; a writer that is killed leaves the old
 * state and at most one hidden temporary file, which the next writer reuses.
 *
 * A struct store is immutable after store_open() and may be shared by threads.
 */
#ifndef SERVER_RELEASE_STORE_H
#define SERVER_RELEASE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define RELEASE_HASH_CHARS 64          /* SHA-256 in lower-case hexadecimal */
#define RELEASE_SIZE_MAX   (16u << 20) /* bytes: the largest flash an ESP32-C6 addresses */

enum store_error {
    STORE_OK = 0,
    STORE_ENONE = -1,    /* no such release */
    STORE_EDAMAGED = -2, /* a file is there but is not what this program writes */
    STORE_EIO = -3,      /* the system refused; errno says why */
    STORE_ENAME = -4,    /* product or channel is not a valid name */
    STORE_EMEMORY = -5,  /* out of memory */
};

const char *store_error_text(int error);

struct store {
    int folder; /* descriptor of releases/ */
};

/* What a pointer file says. Strings are NUL-terminated and bounded by the formats they come from
 * (formats.md 1.5: 32 characters each). */
struct release {
    char project[33];
    char version[33];
    uint32_t secure_version;
    uint32_t size; /* bytes, signature sector included; 1..RELEASE_SIZE_MAX */
    char sha256[RELEASE_HASH_CHARS + 1];
    char published[21]; /* "2026-01-31T12:00:00Z" */
};

/* `path` must be an existing, readable folder. STORE_EIO. */
int store_open(struct store *store, const char *path);
void store_close(struct store *store);

/* STORE_EIO, with errno, when the store's folder was removed since it was opened: what is missing
 * then is the store, not a release. */
int store_check(const struct store *store);

/* The release that a channel offers now. ENONE, EDAMAGED, EIO, ENAME. */
int store_get(const struct store *store, const char *product, const char *channel,
              struct release *release);

/* Which pointer file it is; two equal ones, a second or more after the last change, say the same.
 */
struct store_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

/* Without reading it. ENONE, EIO, ENAME. */
int store_get_stamp(const struct store *store, const char *product, const char *channel,
                    struct store_stamp *stamp);

/* Opens the image for reading; the caller closes *fd. Its size on disk has been compared with the
 * release. EDAMAGED, EIO. */
int store_open_image(const struct store *store, const struct release *release, int *fd);

/* Reads all of the image, its size as the release says; free() *bytes. Nothing has been hashed.
 * EDAMAGED, EIO, EMEMORY. */
int store_read_image(const struct store *store, const struct release *release, uint8_t **bytes);

/* Reads the metadata file of an image into text[size], NUL-terminated; what is longer is damage.
 * ENONE, EDAMAGED, EIO. */
int store_read_metadata(const struct store *store, const char *sha256, char *text, size_t size);

/* Calls `each` for every release by the order of names, damaged ones with error != STORE_OK. */
typedef void store_visit(void *context, const char *product, const char *channel, int error,
                         const struct release *release);
int store_list(const struct store *store, store_visit *each, void *context);

/* Exclusive right to write: waits for other writers. *lock is for store_unlock(). */
int store_lock(const struct store *store, int *lock);
/* The same for those who have others waiting: STORE_EIO with EWOULDBLOCK after `patience_ms`. */
int store_lock_within(const struct store *store, unsigned patience_ms, int *lock);
void store_unlock(int lock);

/* The following need the lock. */

/* Adds an image under its hash (an identical one is replaced by itself). */
int store_put_image(const struct store *store, const struct release *release, const uint8_t *bytes);
/* Adds the metadata file (a string) of an image that has been put. */
int store_put_metadata(const struct store *store, const char *sha256, const char *text);
/* Points the channel at a release whose image has been put. This is the moment of publication. */
int store_point(const struct store *store, const char *product, const char *channel,
                const struct release *release);
/* Removes the pointer; the image stays. ENONE when there is none. */
int store_withdraw(const struct store *store, const char *product, const char *channel);
/* Removes images and metadata that no pointer names (with dry_run only says which), `each` for
 * every file. Downloads that have an image open end well. A pointer that cannot be read ends it
 * before anything is removed: who knows what it names. `kept`, when there is a fleet too: what its
 * store names stays, and so does what came in the last hour, which it may be about to name.
 * EDAMAGED, EIO, EMEMORY. */
struct store_kept {
    char (*sha256)[RELEASE_HASH_CHARS + 1];
    size_t count;
};
typedef void store_pruned(void *context, const char *file, uint64_t bytes);
int store_prune(const struct store *store, const struct store_kept *kept, bool dry_run,
                store_pruned *each, void *context);

#endif
