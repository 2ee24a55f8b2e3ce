/* server/fleet/filter_field.c: see server/fleet/filter_field.h. Names: hawkbit-ddi.md 10. */
#include "server/fleet/filter_field.h"

#include <string.h>
#include <strings.h>

#define SET(column, of) "(SELECT s." column " FROM dist_set AS s WHERE s.id = " of ")"
#define TARGET(column)  "(SELECT t." column " FROM target AS t WHERE t.id = a.target)"
#define POLL(column)    "(SELECT p." column " FROM target_poll AS p WHERE p.target = t.id)"
#define SET_FIELDS(kind, prefix, of)                                                               \
    {kind, prefix ".id", FILTER_NUMBER, of, NULL, NULL},                                           \
        {kind, prefix ".name", FILTER_TEXT, SET("name", of), NULL, NULL},                          \
    {                                                                                              \
        kind, prefix ".version", FILTER_VERSION, SET("version", of), SET("version_key", of), NULL  \
    }
/* Who made a row and changed it, when. */
#define ROW_FIELDS(kind, of)                                                                       \
    {kind, "createdat", FILTER_NUMBER, of ".created_at", NULL, NULL},                              \
        {kind, "createdby", FILTER_TEXT, of ".created_by", NULL, NULL},                            \
        {kind, "lastmodifiedat", FILTER_NUMBER, of ".changed_at", NULL, NULL},                     \
    {                                                                                              \
        kind, "lastmodifiedby", FILTER_TEXT, of ".changed_by", NULL, NULL                          \
    }
#define NAME_FIELDS(kind)                                                                          \
    {kind, "id", FILTER_NUMBER, "n.id", NULL, NULL},                                               \
    {                                                                                              \
        kind, "name", FILTER_TEXT, "n.name", NULL, NULL                                            \
    }
#define TYPE_FIELDS(kind, of)                                                                      \
    {kind, "type", FILTER_TEXT, of, NULL, NULL}, {kind, "type.key", FILTER_TEXT, of, NULL, NULL},  \
    {                                                                                              \
        kind, "type.name", FILTER_TEXT, of, NULL, NULL                                             \
    }

static const char in_tags[] = "EXISTS (SELECT 1 FROM target_tag AS x WHERE x.target = t.id AND ";
static const char in_attributes[] =
    "EXISTS (SELECT 1 FROM target_attribute AS x WHERE x.target = t.id AND ";

static const struct filter_field fields[] = {
    {FILTER_TARGETS, "controllerid", FILTER_TEXT, "t.controller_id", NULL, NULL},
    {FILTER_TARGETS, "id", FILTER_TEXT, "t.controller_id", NULL, NULL},
    {FILTER_TARGETS, "name", FILTER_TEXT, "t.name", NULL, NULL},
    {FILTER_TARGETS, "description", FILTER_TEXT, "t.description", NULL, NULL},
    {FILTER_TARGETS, "updatestatus", FILTER_TEXT, "t.update_status", NULL, NULL},
    {FILTER_TARGETS, "ipaddress", FILTER_TEXT, POLL("address"), NULL, NULL},
    {FILTER_TARGETS, "address", FILTER_TEXT, "t.address", NULL, NULL},
    {FILTER_TARGETS, "group", FILTER_TEXT, "t.group_name", NULL, NULL},
    {FILTER_TARGETS, "tag", FILTER_TEXT, "x.tag", NULL, in_tags},
    {FILTER_TARGETS, "tag.name", FILTER_TEXT, "x.tag", NULL, in_tags},
    {FILTER_TARGETS, "attribute.", FILTER_TEXT, "x.value", NULL, in_attributes},
    {FILTER_TARGETS, "lastcontrollerrequestat", FILTER_NUMBER, POLL("polled_at"), NULL, NULL},
    {FILTER_TARGETS, "installedat", FILTER_NUMBER, "t.installed_at", NULL, NULL},
    {FILTER_TARGETS, "autoconfirm", FILTER_TRUTH, "t.auto_confirm_at IS NOT NULL", NULL, NULL},
    {FILTER_TARGETS, "revoked", FILTER_TRUTH, "t.revoked_at IS NOT NULL", NULL, NULL},
    {FILTER_TARGETS, "targettype", FILTER_TEXT, "t.type", NULL, NULL},
    {FILTER_TARGETS, "targettype.key", FILTER_TEXT, "t.type", NULL, NULL},
    {FILTER_TARGETS, "targettype.name", FILTER_TEXT, "t.type", NULL, NULL},
    TYPE_FIELDS(FILTER_TARGETS, "t.type"),
    SET_FIELDS(FILTER_TARGETS, "assignedds", "t.assigned_set"),
    SET_FIELDS(FILTER_TARGETS, "installedds", "t.installed_set"),
    ROW_FIELDS(FILTER_TARGETS, "t"),

    {FILTER_ACTIONS, "id", FILTER_NUMBER, "a.id", NULL, NULL},
    {FILTER_ACTIONS, "active", FILTER_TRUTH, "a.active = 1", NULL, NULL},
    {FILTER_ACTIONS, "status", FILTER_TEXT, "a.state", NULL, NULL},
    {FILTER_ACTIONS, "detailstatus", FILTER_TEXT, "a.state", NULL, NULL},
    {FILTER_ACTIONS, "forcetype", FILTER_TEXT, "a.kind", NULL, NULL},
    {FILTER_ACTIONS, "weight", FILTER_NUMBER, "COALESCE(a.weight, 1000)", NULL, NULL},
    {FILTER_ACTIONS, "laststatuscode", FILTER_NUMBER, "a.last_code", NULL, NULL},
    {FILTER_ACTIONS, "lastactionstatuscode", FILTER_NUMBER, "a.last_code", NULL, NULL},
    {FILTER_ACTIONS, "externalref", FILTER_TEXT, "a.external_ref", NULL, NULL},
    {FILTER_ACTIONS, "target.controllerid", FILTER_TEXT, TARGET("controller_id"), NULL, NULL},
    {FILTER_ACTIONS, "target.name", FILTER_TEXT, TARGET("name"), NULL, NULL},
    {FILTER_ACTIONS, "target.updatestatus", FILTER_TEXT, TARGET("update_status"), NULL, NULL},
    {FILTER_ACTIONS, "rollout.id", FILTER_NUMBER, "a.rollout", NULL, NULL},
    {FILTER_ACTIONS, "rollout.name", FILTER_TEXT,
     "(SELECT r.name FROM rollout AS r WHERE r.id = a.rollout)", NULL, NULL},
    {FILTER_ACTIONS, "rolloutgroup.id", FILTER_NUMBER, "a.rollout_group", NULL, NULL},
    {FILTER_ACTIONS, "rolloutgroup.name", FILTER_TEXT,
     "(SELECT g.name FROM rollout_group AS g WHERE g.id = a.rollout_group)", NULL, NULL},
    SET_FIELDS(FILTER_ACTIONS, "distributionset", "a.dist_set"),
    ROW_FIELDS(FILTER_ACTIONS, "a"),

    NAME_FIELDS(FILTER_MODULES),
    {FILTER_MODULES, "version", FILTER_TEXT, "n.version", NULL, NULL},
    {FILTER_MODULES, "vendor", FILTER_TEXT, "n.vendor", NULL, NULL},
    {FILTER_MODULES, "description", FILTER_TEXT, "n.description", NULL, NULL},
    {FILTER_MODULES, "locked", FILTER_TRUTH, "n.locked = 1", NULL, NULL},
    TYPE_FIELDS(FILTER_MODULES, "n.type"),
    ROW_FIELDS(FILTER_MODULES, "n"),

    NAME_FIELDS(FILTER_SETS),
    {FILTER_SETS, "version", FILTER_VERSION, "n.version", "n.version_key", NULL},
    {FILTER_SETS, "description", FILTER_TEXT, "n.description", NULL, NULL},
    {FILTER_SETS, "locked", FILTER_TRUTH, "n.locked = 1", NULL, NULL},
    {FILTER_SETS, "valid", FILTER_TRUTH, "n.valid = 1", NULL, NULL},
    TYPE_FIELDS(FILTER_SETS, "n.type"),
    ROW_FIELDS(FILTER_SETS, "n"),

    NAME_FIELDS(FILTER_ROLLOUTS),
    {FILTER_ROLLOUTS, "description", FILTER_TEXT, "n.description", NULL, NULL},
    {FILTER_ROLLOUTS, "status", FILTER_TEXT, "n.status", NULL, NULL},
    SET_FIELDS(FILTER_ROLLOUTS, "distributionset", "n.dist_set"),
    ROW_FIELDS(FILTER_ROLLOUTS, "n"),

    NAME_FIELDS(FILTER_GROUPS),
    {FILTER_GROUPS, "description", FILTER_TEXT, "n.description", NULL, NULL},
    {FILTER_GROUPS, "status", FILTER_TEXT, "n.status", NULL, NULL},

    NAME_FIELDS(FILTER_QUERIES),
    SET_FIELDS(FILTER_QUERIES, "autoassigndistributionset", "n.auto_set"),
    ROW_FIELDS(FILTER_QUERIES, "n"),

    {FILTER_AUDIT, "id", FILTER_NUMBER, "u.id", NULL, NULL},
    {FILTER_AUDIT, "at", FILTER_NUMBER, "u.at", NULL, NULL},
    {FILTER_AUDIT, "who", FILTER_TEXT, "u.who", NULL, NULL},
    {FILTER_AUDIT, "verb", FILTER_TEXT, "u.verb", NULL, NULL},
    {FILTER_AUDIT, "subject", FILTER_TEXT, "u.subject", NULL, NULL},
    {FILTER_AUDIT, "detail", FILTER_TEXT, "u.detail", NULL, NULL},
};

const struct filter_field *filter_field_find(enum filter_kind kind, const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        size_t known = strlen(fields[i].name);
        bool keyed = fields[i].name[known - 1] == '.';
        if (fields[i].kind == kind && (keyed ? length > known : length == known) &&
            strncasecmp(fields[i].name, name, known) == 0)
            return &fields[i];
    }
    return NULL;
}
