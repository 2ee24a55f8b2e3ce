/* tool/backup.c: see tool/backup.h. */
#include "tool/backup.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "host/escape.h"
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

/* Takes the `length` bytes at `at` out of a text. */
static void cut(char *at, size_t length)
{
    memmove(at, at + length, strlen(at + length) + 1);
}

/* postgres://USER:PASSWORD@... */
static void take_from_authority(char *url, char *password)
{
    char *authority = strstr(url, "://");
    authority = authority ? authority + 3 : url;
    size_t length = strcspn(authority, "/?");
    char *at = memchr(authority, '@', length);
    char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    if (colon) {
        snprintf(password, BACKUP_URL_MAX, "%.*s", (int)(at - colon - 1), colon + 1);
        cut(colon, (size_t)(at - colon));
    }
}

/* ...?password=PASSWORD&... */
static void take_from_query(char *url, char *password)
{
    static const char name[] = "password=";
    size_t skip = strlen(name);
    for (char *word = strchr(url, '?'); word; word = strchr(word + 1, '&')) {
        size_t length = strcspn(word + 1, "&");
        if (strncmp(word + 1, name, skip) != 0)
            continue;
        snprintf(password, BACKUP_URL_MAX, "%.*s", (int)(length - skip), word + 1 + skip);
        cut(word + 1, length + (word[1 + length] == '&'));
        return;
    }
}

int backup_postgres_url(const char *url, char out[BACKUP_URL_MAX])
{
    char written[BACKUP_URL_MAX] = "";
    char password[BACKUP_URL_MAX];
    int status = HOST_DONE;
    if (strlen(url) >= BACKUP_URL_MAX)
        return host_fail("the store's URL", "is too long");
    memcpy(out, url, strlen(url) + 1);
    take_from_authority(out, written);
    take_from_query(out, written);
    if (unescape_url(written, strlen(written), false, password, sizeof password) < 0)
        status = host_fail("the store's URL", "has a password that is no text");
    else if (password[0] != '\0' && setenv("PGPASSWORD", password, 1) != 0)
        status = host_fail(NULL, "out of memory");
    OPENSSL_cleanse(written, sizeof written);
    OPENSSL_cleanse(password, sizeof password);
    return status;
}

int backup_check_image(const char *releases, const char *sha256)
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
        if (backup_check_image(releases, db_text(rows, 0)) != HOST_DONE) {
            db_end(rows);
            return HOST_FAILED;
        }
    }
    if (status != DB_OK)
        return host_fail("the store", "cannot be read: %s", db_error(store->db));
    return HOST_DONE;
}
