/* server/release/store_artifact.c: reading images and what is known of them
 * (server/release/store.h). */
#include "server/release/store.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/release/store_paths.h"

/* length bytes, all of them: a file that ends before is damage. */
static int read_all(int fd, uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t got = read(fd, bytes, length);
        if (got < 0 && errno != EINTR) {
            return STORE_EIO;
        }
        if (got == 0) {
            return STORE_EDAMAGED;
        }
        if (got > 0) {
            bytes += got;
            length -= (size_t)got;
        }
    }
    return STORE_OK;
}

int store_read_image(const struct store *store, const struct release *release, uint8_t **bytes)
{
    int fd;
    *bytes = NULL;
    int error = store_open_image(store, release, &fd);
    if (error != STORE_OK) {
        return error;
    }
    *bytes = malloc(release->size);
    error = *bytes != NULL ? read_all(fd, *bytes, release->size) : STORE_EMEMORY;
    int saved = errno;
    close(fd);
    if (error != STORE_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    errno = saved;
    return error;
}

int store_read_metadata(const struct store *store, const char *sha256, char *text, size_t size)
{
    char path[STORE_PATH_MAX];
    size_t length;
    store_metadata_path(path, sha256);
    int error = store_read_file(store, path, text, size - 1, &length);
    text[error == STORE_OK ? length : 0] = '\0';
    return error;
}
