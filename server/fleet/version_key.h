/* server/fleet/version_key.h: versions as texts that a store can order. */
#ifndef SERVER_FLEET_VERSION_KEY_H
#define SERVER_FLEET_VERSION_KEY_H

#include <stddef.h>

#define VERSION_TEXT_MAX 64 /* bytes of a version */
#define VERSION_KEY_MAX  (3 * VERSION_TEXT_MAX + 4)

/* Two keys compare byte by byte as image_version_compare() orders their versions. Of a longer text
 * the first VERSION_TEXT_MAX bytes count. */
void version_key(const char *version, char out[VERSION_KEY_MAX]);

#endif
