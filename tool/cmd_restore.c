/* trustchain restore: a backup becomes a store and a folder of releases, where there are none. */
#include "tool/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "host/signals.h"
#include "server/db/schema.h"
#include "tool/backup.h"
#include "tool/dump.h"
#include "tool/program.h"
#include "tool/stage.h"

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

/* What came out of the archive. */
struct unpacked {
    char store[PATH_MAX]; /* a file of SQLite, or a dump of PostgreSQL */
    char releases[PATH_MAX];
};

static int unpack(const struct backup *backup, struct unpacked *out)
{
    const char *const tar[] = {"tar",         "--extract",   "--force-local",
                               "--file",      backup->file,  "--no-same-owner",
                               "--directory", backup->stage, NULL};
    const char *name = file_input_name(backup->file);
    struct stat found;
    bool sqlite = fleet_store_file(&backup->store) != NULL;
    if (program_run(&(struct program){tar, "tar", 0}, name) != HOST_DONE ||
        file_path(backup->stage, sqlite ? BACKUP_SQLITE : BACKUP_POSTGRES, out->store) !=
            HOST_DONE ||
        file_path(backup->stage, "releases", out->releases) != HOST_DONE)
        return HOST_FAILED;
    if (lstat(out->store, &found) != 0 || !S_ISREG(found.st_mode))
        return host_fail(name, "is no backup of %s",
                         sqlite ? "an SQLite store" : "a PostgreSQL store");
    if (lstat(out->releases, &found) != 0 || !S_ISDIR(found.st_mode))
        return host_fail(name, "is no backup: it has no releases");
    return HOST_DONE;
}

/* The whole file is read once: damage shows now and not in a year. */
static int check_pages(struct fleet_store *store)
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

static int check_sqlite(const struct unpacked *unpacked)
{
    char url[PATH_MAX + 8];
    struct fleet_store copy = {.url = url};
    snprintf(url, sizeof url, "sqlite:%s", unpacked->store);
    int status = fleet_store_open(&copy, FLEET_STORE_EXISTING);
    if (status != HOST_DONE)
        return status;
    status = check_pages(&copy);
    if (status == HOST_DONE)
        status = backup_check_images(&copy, unpacked->releases);
    fleet_store_close(&copy);
    return status;
}

/* Made beside its place, which may be on another file system than what was unpacked. */
static int copy_sqlite(const struct unpacked *unpacked, const char *made, const char *file)
{
    char url[PATH_MAX + 8];
    struct fleet_store copy = {.url = url};
    snprintf(url, sizeof url, "sqlite:%s", unpacked->store);
    if (fleet_store_open(&copy, FLEET_STORE_EXISTING) != HOST_DONE)
        return HOST_FAILED;
    int status = HOST_DONE;
    if (mknod(made, S_IFREG | 0600, 0) != 0) /* it holds tokens */
        status = host_fail(file, "cannot be made: %s", strerror(errno));
    else if (db_run_once(copy.db, "VACUUM INTO $1", DB_ARGS(db_t(made))) != DB_OK)
        status = host_fail(file, "cannot be written: %s", db_error(copy.db));
    fleet_store_close(&copy);
    return status;
}

static int place_sqlite(const struct backup *backup, const struct unpacked *unpacked)
{
    char stage[PATH_MAX];
    char made[PATH_MAX];
    const char *file = fleet_store_file(&backup->store);
    int status = stage_make(file, stage);
    if (status == HOST_DONE)
        status = file_path(stage, "made", made);
    if (status == HOST_DONE)
        status = copy_sqlite(unpacked, made, file);
    if (status == HOST_DONE)
        status = file_place_new(made, file);
    stage_remove(stage);
    return status;
}

static int check_dumped_image(void *context, const char *sha256)
{
    return backup_check_image(context, sha256);
}

static int check_dumped_schema(void *context, const char *number)
{
    int64_t newest = schema_newest();
    (void)context;
    if (strtoll(number, NULL, 10) > newest)
        return host_fail("the backup's store",
                         "is of a newer trustchain (its schema is %s, ours %lld)", number,
                         (long long)newest);
    return HOST_DONE;
}

static int check_postgres(const struct backup *backup, struct unpacked *unpacked)
{
    char rows[PATH_MAX];
    int status = file_path(backup->stage, "rows", rows);
    if (status == HOST_DONE)
        status =
            dump_each(unpacked->store, "schema_version", "number", rows, check_dumped_schema, NULL);
    if (status == HOST_DONE)
        status = dump_each(unpacked->store, "artifact", "sha256", rows, check_dumped_image,
                           unpacked->releases);
    return status;
}

/* All of it or nothing; a database with a fleet in it is refused by PostgreSQL. */
static int place_postgres(const struct backup *backup, const struct unpacked *unpacked)
{
    char url[BACKUP_URL_MAX];
    const char *const load[] = {"pg_restore",
                                "--no-owner",
                                "--no-privileges",
                                "--exit-on-error",
                                "--single-transaction",
                                "--dbname",
                                url,
                                unpacked->store,
                                NULL};
    int status = backup_postgres_url(backup->store.url, url);
    return status == HOST_DONE
               ? program_run(&(struct program){load, "postgresql-client", 0}, "the store")
               : status;
}

/* The store comes last: until it is there, the releases can go back to where they are removed. */
static int place(const struct backup *backup, const struct unpacked *unpacked)
{
    if (chmod(unpacked->releases, 0755) != 0)
        return host_fail(backup->releases, "cannot be made: %s", strerror(errno));
    int status = file_place_new(unpacked->releases, backup->releases);
    if (status != HOST_DONE)
        return status;
    status = fleet_store_file(&backup->store) ? place_sqlite(backup, unpacked)
                                              : place_postgres(backup, unpacked);
    if (status != HOST_DONE && rename(backup->releases, unpacked->releases) != 0)
        return host_fail(backup->releases, "cannot be removed: %s", strerror(errno));
    return status;
}

static int restore(struct backup *backup)
{
    struct unpacked unpacked;
    sigset_t before;
    signals_hold(&before); /* nothing unpacked stays behind */
    int status = stage_make(backup->releases, backup->stage);
    if (status == HOST_DONE)
        status = unpack(backup, &unpacked);
    if (status == HOST_DONE)
        status = fleet_store_file(&backup->store) ? check_sqlite(&unpacked)
                                                  : check_postgres(backup, &unpacked);
    if (status == HOST_DONE)
        status = place(backup, &unpacked);
    stage_remove(backup->stage);
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
        "is checked first: the store, and the hash of each image it names. What fails leaves "
        "nothing. No server may run. PostgreSQL needs pg_restore and an empty database.",
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
