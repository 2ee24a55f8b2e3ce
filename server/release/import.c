/* server/release/import.c: see server/release/import.h. */
#include "server/release/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/db/schema.h"
#include "server/digest.h"
#include "server/fleet/audit.h"
#include "server/fleet/catalog.h"
#include "server/release/ota_target.h"

#define TYPE "os" /* of the module and of the set, as hawkBit calls firmware */

struct import_seen {
    char product[NAME_BYTES_MAX + 1];
    char channel[NAME_BYTES_MAX + 1];
    char sha256[RELEASE_HASH_CHARS + 1];
};

/* The first release that the store may not have. */
struct search {
    const struct import *import;
    bool found;
    struct import_seen what;
    struct release release;
};

void import_free(struct import *import)
{
    free(import->seen);
    *import = (struct import){0};
}

static struct import_seen *seen_of(const struct import *import, const char *product,
                                   const char *channel)
{
    for (size_t i = 0; i < import->count; i++) {
        struct import_seen *seen = &import->seen[i];
        if (strcmp(seen->product, product) == 0 && strcmp(seen->channel, channel) == 0) {
            return seen;
        }
    }
    return NULL;
}

/* Without memory it is looked at again the next time. */
static void remember(struct import *import, const struct import_seen *what)
{
    struct import_seen *seen = seen_of(import, what->product, what->channel);
    if (seen == NULL) {
        struct import_seen *more = realloc(import->seen, (import->count + 1) * sizeof *more);
        if (more == NULL) {
            return;
        }
        import->seen = more;
        seen = &more[import->count++];
    }
    *seen = *what;
}

static void look(void *context, const char *product, const char *channel, int error,
                 const struct release *release)
{
    struct search *search = context;
    if (search->found || error != STORE_OK) {
        return;
    }
    const struct import_seen *seen = seen_of(search->import, product, channel);
    if (seen != NULL && strcmp(seen->sha256, release->sha256) == 0) {
        return;
    }
    search->found = true;
    search->release = *release;
    snprintf(search->what.product, sizeof search->what.product, "%s", product);
    snprintf(search->what.channel, sizeof search->what.channel, "%s", channel);
    snprintf(search->what.sha256, sizeof search->what.sha256, "%s", release->sha256);
}

/* The file as it is on disk; NULL, or what is wrong with it. */
static const char *describe(const struct store *releases, const struct search *search,
                            struct artifact *out)
{
    const struct release *release = &search->release;
    uint8_t *bytes;
    int error = store_read_image(releases, release, &bytes);
    if (error != STORE_OK) {
        return store_error_text(error);
    }
    bool hashed = digest_make("SHA256", bytes, release->size, out->sha256) &&
                  digest_make("SHA1", bytes, release->size, out->sha1) &&
                  digest_make("MD5", bytes, release->size, out->md5);
    free(bytes);
    if (!hashed) {
        return "cannot be hashed";
    }
    if (strcmp(out->sha256, release->sha256) != 0) {
        return "the image is not the one that was published";
    }
    out->size = release->size;
    out->secure_version = release->secure_version;
    snprintf(out->filename, sizeof out->filename, "%s.bin", search->what.product);
    snprintf(out->project, sizeof out->project, "%s", release->project);
    snprintf(out->version, sizeof out->version, "%s", release->version);
    return NULL;
}

/* Also when it was deleted since: then that was meant. */
static int is_there(struct fleet *fleet, const struct search *search)
{
    static const char sql[] =
        "SELECT m.id FROM artifact AS a JOIN module AS m ON m.id = a.module"
        " WHERE a.sha256 = $1 AND m.tenant = $2 AND m.name = $3 AND m.version = $4";
    int64_t id;
    return db_get_int(fleet->db, sql,
                      DB_ARGS(db_t(search->release.sha256), db_i(fleet->tenant),
                              db_t(search->what.product), db_t(search->release.version)),
                      &id);
}

static int add(struct fleet *fleet, const struct search *search, struct artifact *artifact)
{
    const char *product = search->what.product;
    const char *version = search->release.version;
    const struct module_new module = {.type = TYPE, .name = product, .version = version};
    struct set_new set = {.type = TYPE, .name = product, .version = version};
    char subject[CATALOG_NAME_MAX + CATALOG_VERSION_MAX + 16];
    int64_t id;
    int status = module_create(fleet, &module, &artifact->module);
    if (status == FLEET_OK) {
        status = artifact_add(fleet, artifact, &id);
    }
    set.modules = &artifact->module;
    set.module_count = 1;
    if (status == FLEET_OK) {
        status = set_create(fleet, &set, &id);
    }
    if (status != FLEET_OK) {
        return status;
    }
    snprintf(subject, sizeof subject, "set %s %s", product, version);
    return audit_note(fleet, "release.import", subject, search->what.channel);
}

/* In a mark: what is refused leaves nothing, and nothing of it disturbs the transaction. */
static int add_marked(struct fleet *fleet, const struct search *search, struct artifact *artifact)
{
    int status = db_mark(fleet->db);
    if (status != DB_OK) {
        return status;
    }
    status = add(fleet, search, artifact);
    if (status == FLEET_OK) {
        return db_release(fleet->db);
    }
    int undone = db_rollback_mark(fleet->db);
    return undone == DB_OK ? status : undone;
}

static int import_found(struct import *import, const struct store *releases, struct fleet *fleet,
                        const struct search *search, char *note, size_t size)
{
    struct artifact artifact = {0};
    const char *wrong = describe(releases, search, &artifact);
    int status = FLEET_OK;
    if (wrong == NULL) {
        status = add_marked(fleet, search, &artifact);
        wrong = status > FLEET_OK ? fleet->problem : NULL;
    }
    if (status < FLEET_OK && status != DB_EAGAIN) { /* undone; the next time it is tried again */
        snprintf(note, size, "%s %s cannot be added to the fleet's store: %s", search->what.product,
                 search->release.version, db_status_text(status));
        return DB_OK;
    }
    if (wrong != NULL) { /* until another release is published there */
        remember(import, &search->what);
        snprintf(note, size, "%s %s of channel %s is not for devices of the fleet: %s",
                 search->what.product, search->release.version, search->what.channel, wrong);
        return DB_OK;
    }
    return status;
}

int import_step(struct import *import, const struct store *releases, struct db *db, int64_t now,
                bool *worked, char *note, size_t size)
{
    struct search search = {.import = import};
    struct fleet fleet = {.db = db,
                          .tenant = SCHEMA_TENANT_ID,
                          .tenant_name = SCHEMA_TENANT,
                          .now = now,
                          .who = "release"};
    *worked = false;
    note[0] = '\0';
    (void)store_list(releases, look, &search);
    if (!search.found) {
        return DB_OK;
    }
    *worked = true;
    int status = is_there(&fleet, &search);
    if (status == DB_ROW) { /* remembered once it is committed: when it is found, not when added */
        remember(import, &search.what);
        return DB_OK;
    }
    if (status == DB_OK) {
        status = import_found(import, releases, &fleet, &search, note, size);
    }
    return status;
}
