/* trustchain restore: a backup becomes a store and a folder of releases, where there are none. */
#include "tool/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "host/signals.h"
#include "server/db/schema.h"
#include "tool/backup.h"
#include "tool/program.h"

static error_t parse_restore(int key, char *text, struct argp_state *state)
{
    struct backup *backup = state->input;
    if (key == ARGP_KEY_ARG)
        return cli_one_argument(key, text, &backup->file, "backup", state);
    if (key == ARGP_KEY_END && !backup->file)
        cli_usage(state, "which backup?");
    return backup_parse(key, text, backup, state);
}

/* Nothing is replaced: a store that is there may be the better one. */
static int check_place(const struct backup *backup)
{
    struct stat found;
    const char *file = fleet_store_file(&backup->store);
    if (strcmp(backup->file, "-") != 0 && stat(backup->file, &found) != 0)
        return host_fail(backup->file, "cannot be opened: %s", strerror(errno));
    if (file && access(file, F_OK) == 0)
        return host_fail(file, "is there already (move it away, with its -wal and -shm)");
    if (rmdir(backup->releases) != 0 && errno != ENOENT)
        return host_fail(backup->releases, "is there already: %s (move it away)", strerror(errno));
    return HOST_DONE;
}

static int unpack(struct backup *backup)
{
    const char *const tar[] = {"tar",         "--extract",   "--force-local",
                               "--file",      backup->file,  "--no-same-owner",
                               "--directory", backup->stage, NULL};
    struct stat found;
    char path[PATH_MAX];
    bool sqlite = fleet_store_file(&backup->store) != NULL;
    if (program_run(&(struct program){tar, "tar", 0}, file_input_name(backup->file)) != HOST_DONE ||
        file_path(backup->stage, sqlite ? BACKUP_SQLITE : BACKUP_POSTGRES, path) != HOST_DONE)
        return HOST_FAILED;
    if (lstat(path, &found) != 0 || !S_ISREG(found.st_mode))
        return host_fail(file_input_name(backup->file), "is no backup of %s",
                         sqlite ? "an SQLite store" : "a PostgreSQL store");
    return HOST_DONE;
}

/* The whole file is read once: damage shows now and not in a year. */
static int check_sqlite(struct fleet_store *store)
{
    char verdict[128] = "";
    struct db_rows *rows = db_query(store->db, "PRAGMA integrity_check", DB_NO_ARGS);
    int status = db_next(rows);
    if (status == DB_ROW) {
        snprintf(verdict, sizeof verdict, "%s", db_text(rows, 0));
        db_end(rows);
    }
    return strcmp(verdict, "ok") == 0 ? HOST_DONE
                                      : host_fail("the backup's store", "is damaged: %s", verdict);
}

/* From the unpacked file into its place, which may be on another file system. */
static int place_sqlite(struct backup *backup, const char *releases)
{
    char path[PATH_MAX];
    char url[PATH_MAX + 8];
    struct fleet_store copy = {.url = url};
    const char *file = fleet_store_file(&backup->store);
    if (file_path(backup->stage, BACKUP_SQLITE, path) != HOST_DONE)
        return HOST_FAILED;
    snprintf(url, sizeof url, "sqlite:%s", path);
    int status = fleet_store_open(&copy, FLEET_STORE_EXISTING);
    if (status != HOST_DONE)
        return status;
    status = check_sqlite(&copy);
    if (status == HOST_DONE)
        status = backup_check_images(&copy, releases);
    if (status == HOST_DONE && mknod(file, S_IFREG | 0600, 0) != 0)
        status = host_fail(file, "cannot be made: %s", strerror(errno));
    else if (status == HOST_DONE &&
             db_run_once(copy.db, "VACUUM INTO $1", DB_ARGS(db_t(file))) != DB_OK) {
        status = host_fail(file, "cannot be written: %s", db_error(copy.db));
        (void)unlink(file);
    }
    fleet_store_close(&copy);
    return status;
}

/* All of it or nothing; a database with a fleet in it is refused by PostgreSQL. */
static int place_postgres(struct backup *backup, const char *releases)
{
    char path[PATH_MAX];
    char url[BACKUP_URL_MAX];
    const char *const load[] = {"pg_restore",
                                "--no-owner",
                                "--no-privileges",
                                "--exit-on-error",
                                "--single-transaction",
                                "--dbname",
                                url,
                                path,
                                NULL};
    int status = file_path(backup->stage, BACKUP_POSTGRES, path);
    if (status == HOST_DONE)
        status = backup_postgres_url(backup->store.url, url);
    if (status == HOST_DONE)
        status = program_run(&(struct program){load, "postgresql-client", 0}, "the store");
    if (status == HOST_DONE)
        status = fleet_store_open(&backup->store, FLEET_STORE_EXISTING);
    if (status != HOST_DONE)
        return status;
    status = backup_check_images(&backup->store, releases);
    fleet_store_close(&backup->store);
    return status;
}

static int restore(struct backup *backup)
{
    char releases[PATH_MAX];
    sigset_t before;
    signals_hold(&before); /* nothing unpacked stays behind */
    int status = backup_stage(backup, backup->releases);
    if (status == HOST_DONE)
        status = unpack(backup);
    if (status == HOST_DONE)
        status = file_path(backup->stage, "releases", releases);
    if (status == HOST_DONE)
        status = fleet_store_file(&backup->store) ? place_sqlite(backup, releases)
                                                  : place_postgres(backup, releases);
    if (status == HOST_DONE &&
        (chmod(releases, 0755) != 0 || rename(releases, backup->releases) != 0))
        status = host_fail(backup->releases, "cannot be made: %s", strerror(errno));
    backup_unstage(backup);
    signals_let(&before);
    return status;
}

int cmd_restore(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        FLEET_STORE_OPTIONS,
        {"releases", BACKUP_RELEASES, "DIR", 0, "the folder of releases to make", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_restore,
        "FILE",
        "Restore a backup: the store and the releases, where there are none yet. Everything in it "
        "is checked first: the store, and the hash of each image it names. No server may run. "
        "PostgreSQL needs pg_restore and an empty database.",
        NULL,
        NULL,
        NULL};
    struct backup backup = {0};
    int status = cli_parse(&argp, argc, argv, &backup);
    if (status == HOST_DONE)
        status = backup_locate(&backup);
    if (status == HOST_DONE)
        status = check_place(&backup);
    return status == HOST_DONE ? restore(&backup) : status;
}
