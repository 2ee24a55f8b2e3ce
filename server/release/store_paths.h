/* server/release/store_paths.h: file names inside the store, for store.c and store_write.c only. */
#ifndef SERVER_RELEASE_STORE_PATHS_H
#define SERVER_RELEASE_STORE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/release/store.h"
#include "server/release/ota_target.h"

#define STORE_IMAGES         "artifacts"
#define STORE_IMAGE_SUFFIX   ".bin"
#define STORE_META_SUFFIX    ".json"
#define STORE_POINTER_SUFFIX ".json"
#define STORE_LOCK           ".lock"
#define STORE_PATH_MAX       (2 * NAME_BYTES_MAX + 16)

/* "<product>/<channel>.json"; false when a name is not valid. */
bool store_pointer_path(char path[STORE_PATH_MAX], const char *product, const char *channel);

/* "artifacts/<sha256>.bin" */
void store_image_path(char path[STORE_PATH_MAX], const char *sha256);

/* "artifacts/<sha256>.json" */
void store_metadata_path(char path[STORE_PATH_MAX], const char *sha256);

/* 64 lower-case hexadecimal digits. */
bool store_hash_valid(const char *hash);

/* Reads a regular file of at most `size` bytes; more than that, or none, is damage. ENONE,
 * EDAMAGED, EIO. */
int store_read_file(const struct store *store, const char *path, char *out, size_t size,
                    size_t *length);

#endif
