/* server/project.h: what a project folder (`trustchain init`) says about its flash and releases.
 *
 *     trustchain.ini   [product] name, channel
 *                      [update] url, poll_seconds: for firmware-of-project, checked here
 *                      [flash] size, encryption
 *                      [release] folder, signing_key, next_signing_key, min_secure_version,
 *                                max_size
 *                      [server] store, listen, manage, client_ca, artifacts, trusted_proxy,
 *                               log_format, access_log, quota, action_days: what `serve` is not
 *                               told otherwise
 *                      [efuse]: for `efuse plan`, passed over here
 *     partitions.csv   the table; the smallest update slot
 *     pki/             server_cert.pem, server_key.pem
 *     secure_keys/     flash_encryption_key.bin
 *
 * Relative paths in trustchain.ini start at the project folder. A section or setting that is not
 * named here is refused, and so is one given twice: a misspelt rule would be a rule nobody keeps.
 */
#ifndef SERVER_PROJECT_H
#define SERVER_PROJECT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/ini.h"
#include "server/release/ota_target.h"

#define PROJECT_INI_MAX            65536 /* bytes of trustchain.ini */
#define PROJECT_SECURE_VERSION_MAX 16    /* the eFuse field counts its 16 bits (efuse.md 1) */

#define PROJECT_QUOTA_DEFAULT       50
#define PROJECT_QUOTA_MAX           100000
#define PROJECT_ACTION_DAYS_DEFAULT 400 /* last year's audit finds its whole year */
#define PROJECT_ACTION_DAYS_MAX     36500
#define PROJECT_TEXT_MAX            1024 /* of a [server] setting, with its NUL */

/* Texts are empty where the file says nothing and there is no default. */
struct project_server {
    char store[PATH_MAX + 8]; /* URL (server/db/db.h): "sqlite:FOLDER/fleet.db"; or "none" */
    char listen[PROJECT_TEXT_MAX];
    char manage[PROJECT_TEXT_MAX];
    char client_ca[PATH_MAX]; /* who signs device certificates: pki/ca_cert.pem */
    char trusted_proxy[PROJECT_TEXT_MAX];
    bool any_artifact; /* artifacts = any: uploads are not judged */
    bool log_json;
    bool access_log;
    uint32_t quota;       /* requests a second of one device */
    uint32_t action_days; /* for which actions that have ended are kept; 0: for ever */
};

struct release_project {
    char product[NAME_BYTES_MAX + 1];
    char channel[NAME_BYTES_MAX + 1]; /* "stable" when the file names none */
    char releases[PATH_MAX];
    char signing_key[PATH_MAX];      /* PEM, of which only the public part is used */
    char next_signing_key[PATH_MAX]; /* while keys rotate, the one to come; else empty */
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    char partitions[PATH_MAX];
    char flash_key[PATH_MAX];
    bool encryption;             /* of the factory flash; on when the file does not say */
    uint32_t flash_size;         /* bytes; 4 MB when the file does not say */
    uint32_t min_secure_version; /* 0..PROJECT_SECURE_VERSION_MAX */
    uint32_t max_size;           /* bytes of a release; 0 = only what the slot takes */
    struct project_server server;
};

/* text[length] of a trustchain.ini, in memory only; `folder` is what relative paths start at. False
 * with *problem filled in; *project is then unspecified. Touches no file: paths are not looked at.
 */
bool release_project_parse(const char *text, size_t length, const char *folder,
                           struct release_project *project, struct ini_problem *problem);

/* The same from folder/trustchain.ini. HOST_DONE, or HOST_FAILED after one line on stderr. */
int release_project_read(const char *folder, struct release_project *project);

/* Bytes of the smallest OTA slot in the project's partitions.csv. */
int release_project_slot_size(const char *folder, uint32_t *bytes);

#endif
