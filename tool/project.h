/* tool/project.h: a project folder as `trustchain init` makes it.
 *
 *     trustchain.ini      product, update server, flash, release rules
 *     partitions.csv      two equal slots
 *     .gitignore          keeps secrets out of the repository
 *     secure_keys/        signing key and flash encryption key, 0700
 *     pki/                certificate authority and server certificate
 *     releases/           what has been published
 */
#ifndef TOOL_PROJECT_H
#define TOOL_PROJECT_H

#include <stdbool.h>
#include <stdint.h>

#define PROJECT_NAME_MAX  31 /* bytes of project_name in the application descriptor */
#define PROJECT_FLASH_MIN (2u << 20)

struct project {
    const char *folder;
    const char *name;
    const char *url;
    uint32_t flash_size; /* bytes, a power of two from PROJECT_FLASH_MIN */
    bool no_keys;
    bool no_pki;
};

/* Letters, digits, '-', '_' and '.': the name becomes part of URLs and file names. */
bool project_name_valid(const char *name);
/* https://HOST[:PORT][/...] */
bool project_url_valid(const char *url);

/* All of it, or, with one line on stderr, nothing: what was made until a failure is removed. The
 * folder must be new or empty. */
int project_make(const struct project *project);

#endif
