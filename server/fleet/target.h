/* server/fleet/target.h: targets: the devices, as the fleet knows them. */
#ifndef SERVER_FLEET_TARGET_H
#define SERVER_FLEET_TARGET_H

#include "server/fleet/fleet.h"

#define TARGET_ID_MAX         256 /* bytes of a controller id (hawkbit-ddi.md 1) */
#define TARGET_TOKEN_CHARS    32  /* of a token we make; 128 at most when given */
#define TARGET_TOKEN_MAX      128
#define TARGET_ATTRIBUTES_MAX 100
#define TARGET_ATTRIBUTE_MAX  128 /* characters of a key and of a value */

/* "unknown", "registered", "pending", "in_sync", "error" as in hawkBit (6b). */
struct target {
    int64_t id;
    char controller_id[TARGET_ID_MAX + 1];
    char security_token[TARGET_TOKEN_MAX + 1];
    char update_status[16];
    bool request_attributes;
    bool revoked;
    int64_t assigned_set; /* 0: none */
    int64_t installed_set;
    int64_t installed_at;
    bool auto_confirm;
};

/* FLEET_OK or FLEET_NONE. */
int target_find(struct fleet *fleet, const char *controller_id, struct target *out);
int target_get(struct fleet *fleet, int64_t id, struct target *out);

struct target_new {
    const char *controller_id;
    const char *name; /* NULL: the controller id */
    const char *description, *address, *type, *group;
    const char *security_token; /* NULL: made */
    const char *update_status;  /* "unknown" from an operator, "registered" from plug and play */
};
/* FLEET_EXISTS, FLEET_INVALID. */
int target_create(struct fleet *fleet, const struct target_new *new, struct target *out);

struct target_change {
    const char *name, *description, *address, *type, *group, *security_token; /* NULL: as it is */
    const bool *request_attributes;
};
/* INVALID. */
int target_update(struct fleet *fleet, int64_t id, const struct target_change *change);
int target_delete(struct fleet *fleet, int64_t id);
int target_revoke(struct fleet *fleet, int64_t id, bool revoked);
int target_new_token(struct fleet *fleet, int64_t id, char out[TARGET_TOKEN_MAX + 1]);

int target_set_status(struct fleet *fleet, int64_t id, const char *update_status);
int target_assigned(struct fleet *fleet, int64_t id, int64_t dist_set); /* 0: none */
int target_installed(struct fleet *fleet, int64_t id, int64_t dist_set);
int target_request_attributes(struct fleet *fleet, int64_t id, bool wanted);

enum attribute_mode { ATTRIBUTES_MERGE, ATTRIBUTES_REPLACE, ATTRIBUTES_REMOVE };
struct attribute {
    const char *key;
    const char *value; /* NULL: removes the key */
};
/* FLEET_INVALID, FLEET_QUOTA. */
int target_attributes(struct fleet *fleet, int64_t id, enum attribute_mode mode,
                      const struct attribute *list, size_t count);

#define TARGET_TAG_MAX  64 /* bytes */
#define TARGET_TAGS_MAX 100
/* INVALID, QUOTA. */
int target_tag(struct fleet *fleet, int64_t id, const char *tag, bool present);

#endif
