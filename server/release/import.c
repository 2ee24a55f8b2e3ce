/* server/release/import.c: see server/release/import.h. */
#include "server/release/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/db/schema.h"
#include "server/digest.h"
#include "server/fleet/audit.h"

#define TYPE "os" /* of the module and of the set, as hawkBit calls firmware */

/* One look at all pointers. */
struct search {
    struct import *import;
    const struct store *releases;
    struct db *db;
    int status;
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

/* The file as it is on disk; NULL, or what is wrong with it. */
static const char *describe(const struct store *releases, const struct release *release,
                            struct artifact *out)
{
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
    snprintf(out->project, sizeof out->project, "%s", release->project);
    return NULL;
}

/* Not before another release is published there. */
static void leave_out(struct import *import, const char *why)
{
    remember(import, &import->what);
    snprintf(import->note, sizeof import->note,
             "%s %s of channel %s is not for devices of the fleet: %s", import->what.product,
             import->artifact.version, import->what.channel, why);
}

/* Also when it was deleted since: then that was meant. */
static int is_there(struct db *db, const struct import *import)
{
    static const char sql[] =
        "SELECT m.id FROM artifact AS a JOIN module AS m ON m.id = a.module"
        " WHERE a.sha256 = $1 AND m.tenant = $2 AND m.name = $3 AND m.version = $4";
    int64_t id;
    return db_get_int(db, sql,
                      DB_ARGS(db_t(import->what.sha256), db_i(SCHEMA_TENANT_ID),
                              db_t(import->what.product), db_t(import->artifact.version)),
                      &id);
}

/* Remembered once it is committed: when it is found in the store, not when it is added. */
static void look(void *context, const char *product, const char *channel, int error,
                 const struct release *release)
{
    struct search *search = context;
    struct import *import = search->import;
    if (import->found || import->note[0] != '\0' || search->status != DB_OK || error != STORE_OK) {
        return;
    }
    const struct import_seen *seen = seen_of(import, product, channel);
    if (seen != NULL && strcmp(seen->sha256, release->sha256) == 0) {
        return;
    }
    snprintf(import->what.product, sizeof import->what.product, "%s", product);
    snprintf(import->what.channel, sizeof import->what.channel, "%s", channel);
    snprintf(import->what.sha256, sizeof import->what.sha256, "%s", release->sha256);
    import->artifact = (struct artifact){0};
    snprintf(import->artifact.filename, sizeof import->artifact.filename, "%s.bin", product);
    snprintf(import->artifact.version, sizeof import->artifact.version, "%s", release->version);
    int status = is_there(search->db, import);
    if (status == DB_ROW) {
        remember(import, &import->what);
    } else if (status != DB_OK) {
        search->status = status;
    } else {
        const char *wrong = describe(search->releases, release, &import->artifact);
        import->found = wrong == NULL;
        if (wrong != NULL) {
            leave_out(import, wrong);
        }
    }
}

int import_find(struct import *import, const struct store *releases, struct db *db)
{
    struct search search = {.import = import, .releases = releases, .db = db};
    import->found = false;
    import->note[0] = '\0';
    (void)store_list(releases, look, &search);
    return search.status;
}

static int add(struct fleet *fleet, const struct import *import)
{
    const char *product = import->what.product;
    const char *version = import->artifact.version;
    const struct module_new module = {.type = TYPE, .name = product, .version = version};
    struct set_new set = {.type = TYPE, .name = product, .version = version};
    struct artifact artifact = import->artifact;
    char subject[CATALOG_NAME_MAX + CATALOG_VERSION_MAX + 16];
    int64_t id;
    int status = module_create(fleet, &module, &artifact.module);
    if (status == FLEET_OK) {
        status = artifact_add(fleet, &artifact, &id);
    }
    set.modules = &artifact.module;
    set.module_count = 1;
    if (status == FLEET_OK) {
        status = set_create(fleet, &set, &id);
    }
    if (status != FLEET_OK) {
        return status;
    }
    snprintf(subject, sizeof subject, "set %s %s", product, version);
    return audit_note(fleet, "release.import", subject, import->what.channel);
}

/* In a mark: what is refused leaves nothing, and nothing of it disturbs the transaction. */
static int add_marked(struct fleet *fleet, const struct import *import)
{
    int status = db_mark(fleet->db);
    if (status != DB_OK) {
        return status;
    }
    status = add(fleet, import);
    if (status == FLEET_OK) {
        return db_release(fleet->db);
    }
    int undone = db_rollback_mark(fleet->db);
    return undone == DB_OK ? status : undone;
}

int import_add(struct import *import, struct db *db, int64_t now)
{
    struct fleet fleet = {.db = db,
                          .tenant = SCHEMA_TENANT_ID,
                          .tenant_name = SCHEMA_TENANT,
                          .now = now,
                          .who = "release"};
    import->note[0] = '\0';
    int status = is_there(db, import);
    if (status != DB_OK) { /* another server was quicker */
        return status == DB_ROW ? DB_OK : status;
    }
    status = add_marked(&fleet, import);
    if (status > FLEET_OK) {
        leave_out(import, fleet.problem);
        return DB_OK;
    }
    if (status < FLEET_OK && status != DB_EAGAIN) { /* undone; the next time it is tried again */
        snprintf(import->note, sizeof import->note,
                 "%s %s cannot be added to the fleet's store: %s", import->what.product,
                 import->artifact.version, db_status_text(status));
        return DB_OK;
    }
    return status;
}
