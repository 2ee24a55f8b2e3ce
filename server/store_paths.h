/* server/store_paths.h: file names inside the store, for store.c and store_write.c only. */
#ifndef SERVER_STORE_PATHS_H
#define SERVER_STORE_PATHS_H

#include <stdbool.h>

#include "server/target.h"

#define STORE_IMAGES         "artifacts"
#define STORE_IMAGE_SUFFIX   ".bin"
#define STORE_POINTER_SUFFIX ".json"
#define STORE_LOCK           ".lock"
#define STORE_PATH_MAX       (2 * NAME_BYTES_MAX + 16)

/* "<product>/<channel>.json"; false when a name is not valid. */
bool store_pointer_path(char path[STORE_PATH_MAX], const char *product, const char *channel);

/* "artifacts/<sha256>.bin" */
void store_image_path(char path[STORE_PATH_MAX], const char *sha256);

#endif
