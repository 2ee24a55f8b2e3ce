/* server/fleet/catalog.h: what can be installed: modules with their artifacts, in distribution
 * sets. A set, once assigned to a target, and its modules are locked: what runs out there can still
 * be looked up later. That holds after a delete as well: what history needs only leaves the lists,
 * and its name is free again. */
#ifndef SERVER_FLEET_CATALOG_H
#define SERVER_FLEET_CATALOG_H

#include "server/fleet/fleet.h"

#define CATALOG_NAME_MAX      128
#define CATALOG_VERSION_MAX   64
#define CATALOG_TYPE_MAX      64
#define CATALOG_TEXT_MAX      512
#define ARTIFACT_FILENAME_MAX 255
#define ARTIFACTS_MAX         50 /* of one module */
#define METADATA_KEY_MAX      128
#define METADATA_VALUE_MAX    4000
#define METADATA_MAX          100 /* of one module */
#define SET_MODULES_MAX       100 /* of one set */

struct module_new {
    const char *type, *name, *version, *vendor, *description;
    bool encrypted;
};
int module_create(struct fleet *fleet, const struct module_new *new, int64_t *id); /* EXISTS */
/* Out of the lists, if no set has it (LOCKED); a second time changes nothing. */
int module_delete(struct fleet *fleet, int64_t id);
/* NULL: as it is. */
int module_update(struct fleet *fleet, int64_t id, const char *vendor, const char *description);
/* FLEET_OK: it is there and may still change. LOCKED, NONE. */
int module_open(struct fleet *fleet, int64_t id);

/* LOCKED, NONE, QUOTA. */
int module_metadata_put(struct fleet *fleet, int64_t id, const char *key, const char *value,
                        bool visible);
int module_metadata_delete(struct fleet *fleet, int64_t id, const char *key);

struct artifact {
    int64_t id;
    int64_t module;
    char filename[ARTIFACT_FILENAME_MAX + 1];
    int64_t size;
    char sha256[65], sha1[41], md5[33];
    char project[33], version[33]; /* empty when it is no image of ours */
    uint32_t secure_version;
    int64_t created_at;
};
/* Would artifact_add() take it? EXISTS, LOCKED, QUOTA, NONE, INVALID. */
int artifact_check(struct fleet *fleet, const struct artifact *artifact);
/* The bytes are in the releases folder already, under their SHA-256. The same. */
int artifact_add(struct fleet *fleet, const struct artifact *artifact, int64_t *id);
int artifact_delete(struct fleet *fleet, int64_t module, int64_t id); /* LOCKED, NONE */
int artifact_find(struct fleet *fleet, int64_t module, const char *filename, struct artifact *out);
int artifact_get(struct fleet *fleet, int64_t module, int64_t id, struct artifact *out);

struct set_new {
    const char *type, *name, *version, *description;
    const int64_t *modules;
    size_t module_count;
    bool migration_step;
};
int set_create(struct fleet *fleet, const struct set_new *new, int64_t *id); /* EXISTS, NONE */
int set_add_modules(struct fleet *fleet, int64_t id, const int64_t *modules, size_t count);
int set_remove_module(struct fleet *fleet, int64_t id, int64_t module); /* LOCKED, NONE */
int set_open(struct fleet *fleet, int64_t id);                          /* as module_open() */
/* Out of the lists; LOCKED while an action or a rollout needs it; a second time changes nothing. */
int set_delete(struct fleet *fleet, int64_t id);
int set_lock(struct fleet *fleet, int64_t id); /* with its modules */

struct set_change {
    const char *name, *version, *description; /* NULL: as it is */
    const bool *migration_step;
};
/* Only the description of a set in use changes. LOCKED, EXISTS, NONE. */
int set_update(struct fleet *fleet, int64_t id, const struct set_change *change);

/* What becomes of the set's actions: they run on; devices are asked; they end now. */
enum set_cancel { SET_CANCEL_NONE, SET_CANCEL_SOFT, SET_CANCEL_FORCE };
/* It can never be assigned again; unless SET_CANCEL_NONE, its rollouts stop as well. Of many
 * actions the first are cancelled at once, the others by the rollout engine, with
 * set_cancel_step(). */
int set_invalidate(struct fleet *fleet, int64_t id, enum set_cancel cancel);
int set_cancel_step(struct fleet *fleet, bool *worked);
int set_find(struct fleet *fleet, const char *name, const char *version, int64_t *id);

/* The image that a set brings to one device, for rules about versions; NONE when it has none. */
int set_image(struct fleet *fleet, int64_t id, struct artifact *out);

#endif
