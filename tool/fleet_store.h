/* tool/fleet_store.h: the fleet's store, for verbs that work on it directly, beside the server or
 * before there is one: `token`, `audit`, `backup`, `restore`.
 */
#ifndef TOOL_FLEET_STORE_H
#define TOOL_FLEET_STORE_H

#include <argp.h>

#include "server/fleet/fleet.h"
#include "server/project.h"
#include "tool/cli.h"

enum {
    FLEET_STORE_URL = CLI_LONG,
    FLEET_STORE_OWN, /* first key of a verb's own long options */
};

struct fleet_store {
    const char *project_folder; /* NULL: everything is on the command line */
    const char *url;
    struct release_project project;
    struct db *db;
    struct fleet fleet; /* within fleet_store_run() */
    char who[64];
};

/* clang-format off */
#define FLEET_STORE_OPTIONS                                                                       \
    {"project", 'p', "DIR", 0, "the project whose store it is", 0},                               \
        {"store", FLEET_STORE_URL, "URL", 0,                                                      \
         "the store: sqlite:PATH or postgres://... (or set TRUSTCHAIN_STORE: a command line can be"\
         " read by others)", 0}
/* clang-format on */

/* The parser's part of these options. */
error_t fleet_store_parse(int key, char *text, struct fleet_store *store,
                          const struct argp_state *state);

/* Finds out which store it is: --store, TRUSTCHAIN_STORE, the project's. HOST_DONE, HOST_FAILED. */
int fleet_store_locate(struct fleet_store *store);

/* Opens it, up to date. CREATE: also when there is none yet; an SQLite store is whole or not there.
 */
enum fleet_store_use { FLEET_STORE_EXISTING, FLEET_STORE_CREATE };
int fleet_store_open(struct fleet_store *store, enum fleet_store_use use);
void fleet_store_close(struct fleet_store *store);

/* The file of an SQLite store; NULL for PostgreSQL. */
const char *fleet_store_file(const struct fleet_store *store);

/* Opens the store, does `work` as one transaction, again when another one was in the way, and
 * closes the store. HOST_DONE, or HOST_FAILED after one line about `subject`; JOB_REFUSED of `work`
 * undoes it too, and then the line is its own. */
typedef int fleet_work(struct fleet *fleet, void *context);
int fleet_store_run(struct fleet_store *store, enum fleet_store_use use, const char *subject,
                    fleet_work *work, void *context);

#endif
