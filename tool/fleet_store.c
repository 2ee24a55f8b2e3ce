/* tool/fleet_store.c: see tool/fleet_store.h. */
#include "tool/fleet_store.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "host/signals.h"
#include "server/db/pool.h"
#include "server/db/schema.h"
#include "tool/stage.h"

#define TRIES_MAX 50
#define PAUSE_US  20000

error_t fleet_store_parse(int key, char *text, struct fleet_store *store,
                          const struct argp_state *state)
{
    switch (key) {
    case 'p':
        store->project_folder = text;
        return 0;
    case FLEET_STORE_URL:
        store->url = text;
        return 0;
    case ARGP_KEY_END:
        if (!store->url)
            store->url = getenv("TRUSTCHAIN_STORE");
        if (!store->url && !store->project_folder)
            cli_usage(state, "which store? (--project DIR, --store URL or TRUSTCHAIN_STORE)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int fleet_store_locate(struct fleet_store *store)
{
    if (store->project_folder &&
        release_project_read(store->project_folder, &store->project) != HOST_DONE)
        return HOST_FAILED;
    if (!store->url)
        store->url = store->project.server.store;
    if (strcmp(store->url, "none") == 0)
        return host_fail(store->project_folder, "this project has no store (trustchain.ini)");
    return HOST_DONE;
}

const char *fleet_store_file(const struct fleet_store *store)
{
    static const char sqlite[] = "sqlite:";
    return strncmp(store->url, sqlite, strlen(sqlite)) == 0 ? store->url + strlen(sqlite) : NULL;
}

static int make_at(const char *path)
{
    char url[PATH_MAX + 8];
    struct db *db;
    snprintf(url, sizeof url, "sqlite:%s", path);
    if (db_open(url, &db) != HOST_DONE)
        return HOST_FAILED;
    int status = schema_migrate(db);
    db_close(db);
    return status;
}

/* Beside its place: what fails on the way, as on a full disk, leaves nothing. Another one that was
 * quicker is as good. */
static int make_file(const char *file)
{
    char stage[PATH_MAX];
    char made[PATH_MAX];
    sigset_t before;
    signals_hold(&before);
    int status = stage_make(file, stage);
    if (status == HOST_DONE)
        status = file_path(stage, "made", made);
    if (status == HOST_DONE)
        status = make_at(made);
    if (status == HOST_DONE && link(made, file) != 0 && errno != EEXIST)
        status = host_fail(file, "cannot be made: %s", strerror(errno));
    stage_remove(stage);
    signals_let(&before);
    return status;
}

/* An SQLite store's file is there. */
static int find_file(const char *file, enum fleet_store_use use)
{
    if (access(file, F_OK) == 0)
        return HOST_DONE;
    if (errno != ENOENT)
        return host_fail(file, "cannot be opened: %s", strerror(errno));
    if (use == FLEET_STORE_EXISTING)
        return host_fail(file, "there is no store yet (trustchain token create makes one)");
    return make_file(file);
}

int fleet_store_open(struct fleet_store *store, enum fleet_store_use use)
{
    const char *file;
    if (fleet_store_locate(store) != HOST_DONE)
        return HOST_FAILED;
    file = fleet_store_file(store);
    if (file && find_file(file, use) != HOST_DONE)
        return HOST_FAILED;
    if (db_open(store->url, &store->db) != HOST_DONE)
        return HOST_FAILED;
    if (schema_migrate(store->db) == HOST_DONE)
        return HOST_DONE;
    fleet_store_close(store);
    return HOST_FAILED;
}

void fleet_store_close(struct fleet_store *store)
{
    db_close(store->db);
    store->db = NULL;
}

/* Who it was, for created_by and the audit: the account, since there is no token here. */
static void begin_fleet(struct fleet_store *store)
{
    struct timespec now;
    const struct passwd *account = getpwuid(getuid());
    if (account)
        snprintf(store->who, sizeof store->who, "account %.50s", account->pw_name);
    else
        snprintf(store->who, sizeof store->who, "account %u", (unsigned)getuid());
    clock_gettime(CLOCK_REALTIME, &now);
    store->fleet = (struct fleet){.db = store->db,
                                  .tenant = SCHEMA_TENANT_ID,
                                  .tenant_name = SCHEMA_TENANT,
                                  .now = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                                  .who = store->who};
}

static int run_once(struct fleet_store *store, fleet_work *work, void *context)
{
    begin_fleet(store);
    int status = db_begin(store->db, DB_WRITE);
    if (status == DB_OK)
        status = work(&store->fleet, context);
    if (status == DB_OK)
        status = db_commit(store->db);
    if (status != DB_OK)
        db_rollback(store->db);
    return status;
}

static int run(struct fleet_store *store, const char *subject, fleet_work *work, void *context)
{
    int status = run_once(store, work, context);
    for (int tries = 1; status == DB_EAGAIN && tries < TRIES_MAX; tries++) {
        usleep(PAUSE_US);
        (void)db_mend(store->db);
        status = run_once(store, work, context);
    }
    if (status == JOB_REFUSED)
        return HOST_FAILED;
    if (status > FLEET_OK)
        return host_fail(subject, "%s", store->fleet.problem);
    if (status < FLEET_OK)
        return host_fail(subject, "%s: %s", db_status_text(status), db_error(store->db));
    return HOST_DONE;
}

int fleet_store_run(struct fleet_store *store, enum fleet_store_use use, const char *subject,
                    fleet_work *work, void *context)
{
    if (fleet_store_open(store, use) != HOST_DONE)
        return HOST_FAILED;
    int status = run(store, subject, work, context);
    fleet_store_close(store);
    return status;
}
