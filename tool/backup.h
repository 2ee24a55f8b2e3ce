/* tool/backup.h: a backup is a tar file: store/fleet.db (SQLite) or store/fleet.dump (pg_dump), and
 * releases/ with every image that the store or a channel names.
 *
 * The store comes first and is one state of it, whoever writes meanwhile; images are never changed,
 * so that those it names are there when their turn comes.
 */
#ifndef TOOL_BACKUP_H
#define TOOL_BACKUP_H

#include <limits.h>

#include "tool/fleet_store.h"

#define BACKUP_SQLITE   "store/fleet.db"
#define BACKUP_POSTGRES "store/fleet.dump"

struct backup {
    struct fleet_store store;
    const char *releases;
    const char *file;
    char stage[PATH_MAX]; /* a folder of our own while it lasts; "" */
};

/* Options and argument of both verbs; what the command line left open, from the project. */
#define BACKUP_RELEASES FLEET_STORE_OWN
#define BACKUP_OUTPUT   'o'
error_t backup_parse(int key, char *text, struct backup *backup, const struct argp_state *state);
int backup_locate(struct backup *backup);

/* The store's URL as pg_dump and pg_restore get it: a command line can be read by others, so that a
 * password goes into their environment. HOST_FAILED after a line. */
#define BACKUP_URL_MAX 2048
int backup_postgres_url(const char *url, char out[BACKUP_URL_MAX]);

/* An image is in the folder, and is what its name says; every image that the store names. */
int backup_check_image(const char *releases, const char *sha256);
int backup_check_images(struct fleet_store *store, const char *releases);

#endif
