/* server/release/ota_target.h: what a request path names, and which names a release may have.
 *
 *     /healthz                        the server is up
 *     /ota/<product>/<channel>.bin    the published image
 *     /ota/<product>/<channel>.json   what it is
 *
 * The grammar is closed: one spelling per resource. Percent-encoding, empty or dot segments, query
 * strings and anything longer name nothing, so no path from outside ever reaches the file system
 * in a form that the store did not write itself.
 */
#ifndef SERVER_RELEASE_OTA_TARGET_H
#define SERVER_RELEASE_OTA_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_BYTES_MAX 64 /* of a product or channel name */

enum target_kind { TARGET_NONE, TARGET_HEALTH, TARGET_IMAGE, TARGET_INFO };

struct ota_target {
    enum target_kind kind;
    char product[NAME_BYTES_MAX + 1]; /* NUL-terminated; empty unless IMAGE or INFO */
    char channel[NAME_BYTES_MAX + 1];
};

/* Letters, digits, '.', '_', '-'; 1..NAME_BYTES_MAX of them, the first one not a '.'. */
bool name_valid(const char *name, size_t length);

/* A valid name that is none of the store's own folders. */
bool name_valid_product(const char *name, size_t length);

/* Never fails: what is not in the grammar is TARGET_NONE. */
struct ota_target ota_target_parse(const char *path, size_t length);

#endif
