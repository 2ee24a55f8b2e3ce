/* server/project.h: what publishing and serving take from a project folder (`trustchain init`).
 *
 *     trustchain.ini   [product] name, channel; [release] folder, signing_key, min_secure_version
 *     partitions.csv   the smallest update slot
 *     pki/             server_cert.pem, server_key.pem
 *
 * Relative paths in trustchain.ini start at the project folder. Sections and keys not named here
 * belong to others and are passed over.
 */
#ifndef SERVER_PROJECT_H
#define SERVER_PROJECT_H

#include <limits.h>
#include <stdint.h>

#include "server/target.h"

struct release_project {
    char product[NAME_BYTES_MAX + 1];
    char channel[NAME_BYTES_MAX + 1]; /* "stable" when the file names none */
    char releases[PATH_MAX];
    char signing_key[PATH_MAX]; /* PEM, of which only the public part is used */
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    uint32_t min_secure_version;
};

/* HOST_DONE, or HOST_FAILED after one line on stderr. */
int release_project_read(const char *folder, struct release_project *project);

/* Bytes of the smallest OTA slot in the project's partitions.csv. */
int release_project_slot_size(const char *folder, uint32_t *bytes);

#endif
