/* server/mgmt/sets.c: distribution sets (hawkbit-ddi.md 10). */
#include "server/mgmt/sets.h"

#include <ctype.h>
#include <string.h>

#include "server/fleet/catalog.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/targets.h"

static const struct mgmt_sort sorts[] = {
    {"id", "n.id"},
    {"name", "n.name"},
    {"version", "n.version_key"},
    {"type", "n.type"},
    {"createdat", "n.created_at"},
    {"lastmodifiedat", "n.changed_at"},
    {NULL, NULL},
};

/* How a set is shown */

static const char modules_of_set[] = "n.id IN (SELECT module FROM set_module WHERE dist_set = $1)";

static json_t *show_set(struct api_call *call, const struct db_rows *rows, void *context,
                        int *status)
{
    long long id = db_int(rows, 0);
    const char *type = set_type_name(db_text(rows, 1));
    json_t *modules = json_array();
    (void)context;
    *status = mgmt_all(call, &module_rows, modules_of_set, DB_ARGS(db_i(id)), NULL, modules);
    json_t *set = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s*, s:b, s:b, s:b, s:b, s:b, s:o}", "id", (json_int_t)id,
        "type", db_text(rows, 1), "typeName", type != NULL ? type : db_text(rows, 1), "name",
        db_text(rows, 2), "version", db_text(rows, 3), "description", mgmt_text(rows, 4),
        "requiredMigrationStep", db_int(rows, 5) != 0, "locked", db_int(rows, 6) != 0, "valid",
        db_int(rows, 7) != 0, "deleted", !db_is_null(rows, 8), "complete",
        json_array_size(modules) > 0, "modules", modules);
    if (set == NULL || *status != FLEET_OK) {
        json_decref(set);
        return NULL;
    }
    mgmt_stamp(set, rows, 9);
    json_object_set_new(set, "_links",
                        json_pack("{s:o, s:o}", "self",
                                  mgmt_link(call, "/distributionsets/%lld", id), "modules",
                                  mgmt_link(call, "/distributionsets/%lld/assignedSM", id)));
    return set;
}

const struct mgmt_rows set_rows = {
    .columns = "n.id, n.type, n.name, n.version, n.description, n.migration_step, n.locked,"
               " n.valid, n.deleted_at, n.created_at, n.created_by, n.changed_at, n.changed_by",
    .table = "dist_set AS n",
    .joins = "",
    .key = "n.id",
    .sorts = sorts,
    .filtered = true,
    .filter = FILTER_SETS,
    .show = show_set,
};

/* A set that has been deleted is still what some device runs. */
static int read_set(struct api_call *call, int64_t id, json_t **out)
{
    return mgmt_one(call, &set_rows, "n.tenant = $1 AND n.id = $2",
                    DB_ARGS(db_i(call->fleet.tenant), db_i(id)), NULL, out);
}

int answer_set(struct api_call *call, int status, int64_t id)
{
    json_t *shown;
    int result = read_set(call, id, &shown);
    return result == FLEET_OK ? mgmt_json(call, status, shown) : result;
}

int path_set(struct api_call *call, int64_t *id)
{
    int status = api_segment_id(call, 0, id);
    if (status == FLEET_OK)
        status = set_open(&call->fleet, *id);
    return status == FLEET_LOCKED ? FLEET_OK : status;
}

int mgmt_sets(struct api_call *call)
{
    return mgmt_list(call, &set_rows, "n.tenant = $1 AND n.deleted_at IS NULL",
                     DB_ARGS(db_i(call->fleet.tenant)), NULL);
}

int mgmt_set(struct api_call *call)
{
    int64_t id;
    int status = path_set(call, &id);
    return status == FLEET_OK ? answer_set(call, 200, id) : status;
}

/* Making and changing */

int member_id(struct api_call *call, json_t *object, int64_t *id)
{
    if (!json_is_object(object))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "a list of {\"id\": number}");
    return api_member_int(call, object, "id", true, 1, INT64_MAX, id);
}

/* [{"id": 1}, ...]; NULL is none. */
static int read_ids(struct api_call *call, json_t *list, int64_t *ids, size_t *count)
{
    size_t index;
    json_t *item;
    *count = 0;
    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "modules is a list of {\"id\": number}");
    if (json_array_size(list) > SET_MODULES_MAX)
        return fleet_refuse(&call->fleet, FLEET_QUOTA, "a distribution set has at most %d modules",
                            SET_MODULES_MAX);
    json_array_foreach(list, index, item)
    {
        int status = member_id(call, item, &ids[(*count)++]);
        if (status != FLEET_OK)
            return status;
    }
    return FLEET_OK;
}

static int read_new(struct api_call *call, json_t *object, struct set_new *new)
{
    new->type = "os_app";
    int status = api_member_text(call, object, "name", true, CATALOG_NAME_MAX, &new->name);
    if (status == FLEET_OK)
        status = api_member_text(call, object, "version", true, CATALOG_VERSION_MAX, &new->version);
    if (status == FLEET_OK)
        status = api_member_text(call, object, "type", false, CATALOG_TYPE_MAX, &new->type);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, object, "description", CATALOG_TEXT_MAX, &new->description);
    if (status == FLEET_OK)
        status = api_member_bool(call, object, "requiredMigrationStep", &new->migration_step);
    if (status == FLEET_OK && set_type_name(new->type) == NULL)
        return fleet_refuse(&call->fleet, FLEET_NONE, "there is no set type %s", new->type);
    return status;
}

static int create_one(struct api_call *call, json_t *object, json_t *answer)
{
    int64_t modules[SET_MODULES_MAX];
    struct set_new new = {.modules = modules};
    json_t *shown = NULL;
    int64_t id = 0;
    int status = read_new(call, object, &new);
    if (status == FLEET_OK)
        status = read_ids(call, json_object_get(object, "modules"), modules, &new.module_count);
    if (status == FLEET_OK)
        status = set_create(&call->fleet, &new, &id);
    if (status == FLEET_OK)
        status =
            mgmt_audit(call, "set.create", new.version, "set %lld %s", (long long)id, new.name);
    if (status == FLEET_OK)
        status = read_set(call, id, &shown);
    if (status == FLEET_OK && json_array_append_new(answer, shown) != 0)
        return DB_EIO;
    return status;
}

int mgmt_sets_create(struct api_call *call)
{
    json_t *answer;
    int status = mgmt_each(call, create_one, &answer);
    return status == FLEET_OK ? mgmt_json(call, 201, answer) : status;
}

int mgmt_set_update(struct api_call *call)
{
    struct set_change change = {0};
    bool step = false;
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "name", false, CATALOG_NAME_MAX, &change.name);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "version", false, CATALOG_VERSION_MAX,
                                 &change.version);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, call->json, "description", CATALOG_TEXT_MAX,
                                  &change.description);
    if (status == FLEET_OK)
        status = api_member_bool(call, call->json, "requiredMigrationStep", &step);
    if (json_object_get(call->json, "requiredMigrationStep") != NULL)
        change.migration_step = &step;
    if (status == FLEET_OK)
        status = set_update(&call->fleet, id, &change);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "set.update", "", "set %lld", (long long)id);
    return status == FLEET_OK ? answer_set(call, 200, id) : status;
}

int mgmt_set_delete(struct api_call *call)
{
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = set_delete(&call->fleet, id);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "set.delete", "", "set %lld", (long long)id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

/* Its modules */

int mgmt_set_modules(struct api_call *call)
{
    int64_t id;
    int status = path_set(call, &id);
    return status == FLEET_OK
               ? mgmt_list(call, &module_rows, modules_of_set, DB_ARGS(db_i(id)), NULL)
               : status;
}

int mgmt_set_add_modules(struct api_call *call)
{
    int64_t modules[SET_MODULES_MAX];
    size_t count;
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK && !json_is_array(call->json))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the body is a list of {\"id\": number}");
    if (status == FLEET_OK)
        status = read_ids(call, call->json, modules, &count);
    if (status == FLEET_OK)
        status = set_add_modules(&call->fleet, id, modules, count);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "set.modules", "", "set %lld", (long long)id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

int mgmt_set_remove_module(struct api_call *call)
{
    int64_t id;
    int64_t module;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = api_segment_id(call, 1, &module);
    if (status == FLEET_OK)
        status = set_remove_module(&call->fleet, id, module);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "set.modules", "", "set %lld", (long long)id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

/* Its targets */

static int answer_targets(struct api_call *call, const char *where)
{
    struct poll_rules rules;
    int64_t id;
    int status = path_set(call, &id);
    if (status == FLEET_OK)
        status = poll_rules_read(call, &rules);
    return status == FLEET_OK ? mgmt_list(call, &target_rows, where,
                                          DB_ARGS(db_i(call->fleet.tenant), db_i(id)), &rules)
                              : status;
}

int mgmt_set_assigned(struct api_call *call)
{
    return answer_targets(call, "t.tenant = $1 AND t.assigned_set = $2");
}

int mgmt_set_installed(struct api_call *call)
{
    return answer_targets(call, "t.tenant = $1 AND t.installed_set = $2");
}

/* {"RUNNING": n, ..., "total": n} out of rows of a word and a number. */
static int count_words(struct api_call *call, const char *sql, int64_t id, json_t **out)
{
    char word[32];
    int64_t total = 0;
    int status;
    *out = json_object();
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(id)));
    while ((status = db_next(rows)) == DB_ROW) {
        const char *text = db_text(rows, 0);
        size_t length = 0;
        for (; text[length] != '\0' && length + 1 < sizeof word; length++)
            word[length] = (char)toupper((unsigned char)text[length]);
        word[length] = '\0';
        json_object_set_new(*out, word, json_integer(db_int(rows, 1)));
        total += db_int(rows, 1);
    }
    json_object_set_new(*out, "total", json_integer(total));
    return status;
}

int mgmt_set_statistics(struct api_call *call)
{
    static const char actions_sql[] =
        "SELECT state, COUNT(*) FROM action WHERE dist_set = $1 GROUP BY state ORDER BY state";
    static const char rollouts_sql[] =
        "SELECT status, COUNT(*) FROM rollout WHERE dist_set = $1 GROUP BY status ORDER BY status";
    static const char filters_sql[] = "SELECT COUNT(*) FROM target_filter WHERE auto_set = $1";
    json_t *actions = NULL;
    json_t *rollouts = NULL;
    int64_t filters = 0;
    int64_t id;
    int status = path_set(call, &id);
    if (status == FLEET_OK)
        status = count_words(call, actions_sql, id, &actions);
    if (status == FLEET_OK)
        status = count_words(call, rollouts_sql, id, &rollouts);
    if (status == FLEET_OK)
        status = db_get_int(call->fleet.db, filters_sql, DB_ARGS(db_i(id)), &filters);
    if (status == DB_ROW)
        return mgmt_json(call, 200,
                         json_pack("{s:o, s:o, s:I}", "actions", actions, "rollouts", rollouts,
                                   "totalAutoAssignments", (json_int_t)filters));
    json_decref(actions);
    json_decref(rollouts);
    return status;
}

int mgmt_set_invalidate(struct api_call *call)
{
    static const char *const words[] = {
        [SET_CANCEL_NONE] = "none", [SET_CANCEL_SOFT] = "soft", [SET_CANCEL_FORCE] = "force"};
    const char *word = NULL;
    int64_t id;
    unsigned cancel = 0;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = api_member_text(call, call->json, "actionCancelationType", true, 16, &word);
    while (status == FLEET_OK && cancel < 3 && strcmp(words[cancel], word) != 0)
        cancel++;
    if (status == FLEET_OK && cancel == 3)
        return fleet_refuse(&call->fleet, FLEET_INVALID,
                            "actionCancelationType is soft, force or none");
    if (status == FLEET_OK)
        status = set_invalidate(&call->fleet, id, (enum set_cancel)cancel);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "set.invalidate", word, "set %lld", (long long)id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}
