/* trustchain backup: the fleet's store and its releases in one file, while servers run. */
#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "host/signals.h"
#include "tool/backup.h"
#include "tool/program.h"
#include "tool/stage.h"

static error_t parse_backup(int key, char *text, struct argp_state *state)
{
    struct backup *backup = state->input;
    if (key == BACKUP_OUTPUT) {
        backup->file = text;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        cli_usage(state, "too many arguments: %s", text);
    if (key == ARGP_KEY_END && !backup->file)
        cli_usage(state, "into which file? (--output FILE)");
    return backup_parse(key, text, backup, state);
}

/* One state of the store, in a file of its own. */
static int copy_store(struct backup *backup)
{
    char path[PATH_MAX];
    char url[BACKUP_URL_MAX];
    bool sqlite = fleet_store_file(&backup->store) != NULL;
    if (file_path(backup->stage, "store", path) != HOST_DONE ||
        folder_make(path, 0700) != HOST_DONE ||
        file_path(backup->stage, sqlite ? BACKUP_SQLITE : BACKUP_POSTGRES, path) != HOST_DONE)
        return HOST_FAILED;
    if (sqlite) {
        if (db_run_once(backup->store.db, "VACUUM INTO $1", DB_ARGS(db_t(path))) != DB_OK)
            return host_fail(backup->file, "cannot be written: %s", db_error(backup->store.db));
        return HOST_DONE;
    }
    if (backup_postgres_url(backup->store.url, url) != HOST_DONE)
        return HOST_FAILED;
    const char *const dump[] = {"pg_dump",    "--format=custom",
                                "--no-owner", "--no-privileges",
                                "--file",     path,
                                "--dbname",   url,
                                NULL};
    return program_run(&(struct program){dump, "postgresql-client", 0}, "the store");
}

static int pack(const struct backup *backup, const char *archive)
{
    char releases[PATH_MAX];
    if (!realpath(backup->releases, releases))
        return host_fail(backup->releases, "cannot be read: %s", strerror(errno));
    const char *const tar[] = {"tar",
                               "--create",
                               "--force-local",
                               "--file",
                               archive,
                               "--directory",
                               backup->stage,
                               "store",
                               "--directory",
                               releases,
                               "--exclude=.[a-zA-Z]*", /* the lock, and what is being written */
                               "--transform=s,^\\.,releases,",
                               ".",
                               NULL};
    /* 1: a folder has changed meanwhile, as it does while releases are published. */
    return program_run(&(struct program){tar, "tar", 1}, backup->file);
}

/* To a device, a pipe or stdout, once it is whole. */
static int pour(const char *archive, const char *file)
{
    struct stat found;
    int fd = open(archive, O_RDONLY | O_CLOEXEC);
    void *bytes = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &found) == 0)
        bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (bytes == MAP_FAILED)
        return host_fail(archive, "cannot be read: %s", strerror(error));
    int status = file_write(file, bytes, (size_t)found.st_size, 0600);
    munmap(bytes, (size_t)found.st_size);
    return status;
}

/* Beside what the archive is made: the file it is to replace, which is the one that a link names.
 * *pours: it cannot be replaced. */
static int find_place(const char *file, char place[PATH_MAX], bool *pours)
{
    const char *temporary = getenv("TMPDIR");
    struct stat found;
    bool is_there = stat(file, &found) == 0;
    bool is_folder = is_there && S_ISDIR(found.st_mode);
    *pours = strcmp(file, "-") == 0 || (is_there && !S_ISREG(found.st_mode) && !is_folder);
    if (*pours)
        return file_path(temporary ? temporary : "/tmp", "trustchain-backup", place);
    if (is_folder)
        return host_fail(file, "is a folder, not a file");
    if (is_there && !realpath(file, place))
        return host_fail(file, "cannot be written: %s", strerror(errno));
    if (!is_there && snprintf(place, PATH_MAX, "%s", file) >= PATH_MAX)
        return host_fail(file, "is too long a path");
    return HOST_DONE;
}

static int make_backup(struct backup *backup)
{
    char place[PATH_MAX];
    char archive[PATH_MAX];
    bool pours;
    sigset_t before;
    if (find_place(backup->file, place, &pours) != HOST_DONE)
        return HOST_FAILED;
    signals_hold(&before); /* no copy of the store stays behind */
    int status = stage_make(place, backup->stage);
    if (status == HOST_DONE)
        status = copy_store(backup);
    if (status == HOST_DONE)
        status = file_path(backup->stage, "backup.tar", archive);
    if (status == HOST_DONE)
        status = pack(backup, archive);
    if (status == HOST_DONE) /* what is there now was there when tar came by */
        status = backup_check_images(&backup->store, backup->releases);
    if (status == HOST_DONE)
        status = pours ? pour(archive, backup->file) : file_place(archive, place);
    stage_remove(backup->stage);
    signals_let(&before);
    return status;
}

int cmd_backup(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        FLEET_STORE_OPTIONS,
        {"releases", BACKUP_RELEASES, "DIR", 0, "the folder of releases", 0},
        {"output", BACKUP_OUTPUT, "FILE", 0,
         "the backup; an older one is replaced when done; - is stdout", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_backup,
        NULL,
        "Back up the fleet's store and the releases into one tar file, which holds secrets (device "
        "tokens) and is its owner's alone. Servers may run meanwhile: it is one state of the store "
        "with every image that this names, each hashed once more. Signing keys and certificates "
        "are not in it. PostgreSQL needs pg_dump.",
        NULL,
        NULL,
        NULL};
    struct backup backup = {0};
    int status = cli_parse(&argp, argc, argv, &backup);
    if (status == HOST_DONE)
        status = backup_locate(&backup);
    if (status == HOST_DONE)
        status = fleet_store_open(&backup.store, FLEET_STORE_EXISTING);
    if (status != HOST_DONE)
        return status;
    umask(077);
    status = make_backup(&backup);
    fleet_store_close(&backup.store);
    return status;
}
