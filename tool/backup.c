/* tool/backup.c: see tool/backup.h. */
#include "tool/backup.h"

#include <errno.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "server/release/store.h"

error_t backup_parse(int key, char *text, struct backup *backup, const struct argp_state *state)
{
    switch (key) {
    case BACKUP_RELEASES:
        backup->releases = text;
        return 0;
    case ARGP_KEY_END:
        if (!backup->releases && !backup->store.project_folder)
            cli_usage(state, "where are the releases? (--project DIR or --releases DIR)");
        return fleet_store_parse(key, text, &backup->store, state);
    default:
        return fleet_store_parse(key, text, &backup->store, state);
    }
}

int backup_locate(struct backup *backup)
{
    if (fleet_store_locate(&backup->store) != HOST_DONE)
        return HOST_FAILED;
    if (!backup->releases)
        backup->releases = backup->store.project.releases;
    return HOST_DONE;
}

int backup_stage(struct backup *backup, const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    int length = snprintf(backup->stage, PATH_MAX, "%.*s.XXXXXX", (int)end, path);
    if (length < PATH_MAX && mkdtemp(backup->stage))
        return HOST_DONE;
    backup->stage[0] = '\0';
    return host_fail(path, "no folder can be made beside it: %s", strerror(errno));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void backup_unstage(struct backup *backup)
{
    if (backup->stage[0] != '\0')
        (void)nftw(backup->stage, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    backup->stage[0] = '\0';
}

static int check_image(const char *releases, const char *sha256)
{
    char path[PATH_MAX];
    char hex[2 * 32 + 1];
    uint8_t digest[32];
    struct buffer image;
    if (snprintf(path, sizeof path, "%s/artifacts/%s.bin", releases, sha256) >= PATH_MAX)
        return host_fail(releases, "is too long a path");
    if (file_read(path, RELEASE_SIZE_MAX, &image) != HOST_DONE)
        return HOST_FAILED;
    bool hashed = EVP_Digest(image.bytes, image.length, digest, NULL, EVP_sha256(), NULL) == 1;
    buffer_free(&image);
    if (!hashed || strcmp(cli_hex(digest, sizeof digest, hex), sha256) != 0)
        return host_fail(path, "is damaged: it is not what its name says");
    return HOST_DONE;
}

int backup_check_images(struct fleet_store *store, const char *releases)
{
    struct db_rows *rows =
        db_query(store->db, "SELECT DISTINCT sha256 FROM artifact ORDER BY sha256", DB_NO_ARGS);
    int status;
    while ((status = db_next(rows)) == DB_ROW) {
        if (check_image(releases, db_text(rows, 0)) != HOST_DONE) {
            db_end(rows);
            return HOST_FAILED;
        }
    }
    if (status != DB_OK)
        return host_fail("the store", "cannot be read: %s", db_error(store->db));
    return HOST_DONE;
}
