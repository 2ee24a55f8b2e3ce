/* server/mgmt/modules.c: software modules and their metadata (hawkbit-ddi.md 10). */
#include <string.h>

#include "server/fleet/catalog.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/sets.h"

static const struct mgmt_sort sorts[] = {
    {"id", "n.id"},
    {"name", "n.name"},
    {"version", "n.version"},
    {"type", "n.type"},
    {"createdat", "n.created_at"},
    {"lastmodifiedat", "n.changed_at"},
    {NULL, NULL},
};

static json_t *show_module(struct api_call *call, const struct db_rows *rows, void *context,
                           int *status)
{
    int64_t id = db_int(rows, 0);
    const char *type = module_type_name(db_text(rows, 1));
    (void)context;
    (void)status;
    json_t *module = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s*, s:s*, s:b, s:b, s:b, s:b}", "id", (json_int_t)id, "type",
        db_text(rows, 1), "typeName", type != NULL ? type : db_text(rows, 1), "name",
        db_text(rows, 2), "version", db_text(rows, 3), "vendor", mgmt_text(rows, 4), "description",
        mgmt_text(rows, 5), "encrypted", db_int(rows, 6) != 0, "locked", db_int(rows, 7) != 0,
        "deleted", !db_is_null(rows, 8), "complete", 1);
    if (module == NULL)
        return NULL;
    mgmt_stamp(module, rows, 9);
    json_object_set_new(
        module, "_links",
        json_pack("{s:o, s:o, s:o}", "self",
                  mgmt_link(call, "/softwaremodules/%lld", (long long)id), "artifacts",
                  mgmt_link(call, "/softwaremodules/%lld/artifacts", (long long)id), "metadata",
                  mgmt_link(call, "/softwaremodules/%lld/metadata", (long long)id)));
    return module;
}

const struct mgmt_rows module_rows = {
    .columns = "n.id, n.type, n.name, n.version, n.vendor, n.description, n.encrypted, n.locked,"
               " n.deleted_at, n.created_at, n.created_by, n.changed_at, n.changed_by",
    .table = "module AS n",
    .joins = "",
    .key = "n.id",
    .sorts = sorts,
    .filtered = true,
    .filter = FILTER_MODULES,
    .show = show_module,
};

static int read_module(struct api_call *call, int64_t id, json_t **out)
{
    return mgmt_one(call, &module_rows, "n.tenant = $1 AND n.id = $2 AND n.deleted_at IS NULL",
                    DB_ARGS(db_i(call->fleet.tenant), db_i(id)), NULL, out);
}

static int answer_module(struct api_call *call, int status, int64_t id)
{
    json_t *shown;
    int result = read_module(call, id, &shown);
    return result == FLEET_OK ? mgmt_json(call, status, shown) : result;
}

int path_module(struct api_call *call, int64_t *id)
{
    int status = api_segment_id(call, 0, id);
    if (status == FLEET_OK)
        status = module_open(&call->fleet, *id);
    return status == FLEET_LOCKED ? FLEET_OK : status;
}

int mgmt_modules(struct api_call *call)
{
    return mgmt_list(call, &module_rows, "n.tenant = $1 AND n.deleted_at IS NULL",
                     DB_ARGS(db_i(call->fleet.tenant)), NULL);
}

int mgmt_module(struct api_call *call)
{
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    return status == FLEET_OK ? answer_module(call, 200, id) : status;
}

static int create_one(struct api_call *call, json_t *object, json_t *answer)
{
    struct module_new new = {0};
    json_t *shown = NULL;
    int64_t id = 0;
    int status = api_member_text(call, object, "name", true, CATALOG_NAME_MAX, &new.name);
    if (status == FLEET_OK)
        status = api_member_text(call, object, "version", true, CATALOG_VERSION_MAX, &new.version);
    if (status == FLEET_OK)
        status = api_member_text(call, object, "type", true, CATALOG_TYPE_MAX, &new.type);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, object, "vendor", CATALOG_NAME_MAX, &new.vendor);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, object, "description", CATALOG_TEXT_MAX, &new.description);
    if (status == FLEET_OK)
        status = api_member_bool(call, object, "encrypted", &new.encrypted);
    if (status == FLEET_OK && module_type_name(new.type) == NULL)
        return fleet_refuse(&call->fleet, FLEET_NONE, "there is no module type %s", new.type);
    if (status == FLEET_OK)
        status = module_create(&call->fleet, &new, &id);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "module.create", new.version, "module %lld %s", (long long)id,
                            new.name);
    if (status == FLEET_OK)
        status = read_module(call, id, &shown);
    if (status == FLEET_OK && json_array_append_new(answer, shown) != 0)
        return DB_EIO;
    return status;
}

int mgmt_modules_create(struct api_call *call)
{
    json_t *answer;
    int status = mgmt_each(call, create_one, &answer);
    return status == FLEET_OK ? mgmt_json(call, 201, answer) : status;
}

int mgmt_module_update(struct api_call *call)
{
    const char *vendor = NULL;
    const char *description = NULL;
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, call->json, "vendor", CATALOG_NAME_MAX, &vendor);
    if (status == FLEET_OK)
        status = mgmt_member_note(call, call->json, "description", CATALOG_TEXT_MAX, &description);
    if (status == FLEET_OK)
        status = module_update(&call->fleet, id, vendor, description);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "module.update", "", "module %lld", (long long)id);
    return status == FLEET_OK ? answer_module(call, 200, id) : status;
}

int mgmt_module_delete(struct api_call *call)
{
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = module_delete(&call->fleet, id);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "module.delete", "", "module %lld", (long long)id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

/* Metadata */

static json_t *show_metadata(struct api_call *call, const struct db_rows *rows, void *context,
                             int *status)
{
    (void)call;
    (void)context;
    (void)status;
    return json_pack("{s:s, s:s, s:b}", "key", db_text(rows, 0), "value", db_text(rows, 1),
                     "targetVisible", db_int(rows, 2) != 0);
}

static const struct mgmt_sort metadata_sorts[] = {
    {"key", "d.key"}, {"value", "d.value"}, {NULL, NULL}};
static const struct mgmt_rows metadata_rows = {
    .columns = "d.key, d.value, d.visible",
    .table = "module_metadata AS d",
    .joins = "",
    .key = "d.key",
    .sorts = metadata_sorts,
    .show = show_metadata,
};

int mgmt_metadata(struct api_call *call)
{
    int64_t module;
    int status = path_module(call, &module);
    return status == FLEET_OK
               ? mgmt_list(call, &metadata_rows, "d.module = $1", DB_ARGS(db_i(module)), NULL)
               : status;
}

int mgmt_metadata_one(struct api_call *call)
{
    json_t *shown;
    int64_t module;
    int status = path_module(call, &module);
    if (status == FLEET_OK)
        status = mgmt_one(call, &metadata_rows, "d.module = $1 AND d.key = $2",
                          DB_ARGS(db_i(module), db_t(call->segment[1])), NULL, &shown);
    return status == FLEET_OK ? mgmt_json(call, 200, shown) : status;
}

/* `key` NULL: it is in the object. */
static int put_metadata(struct api_call *call, json_t *object, int64_t module, const char *key)
{
    const char *value = NULL;
    bool visible = false;
    int status = FLEET_OK;
    if (key == NULL)
        status = api_member_text(call, object, "key", true, METADATA_KEY_MAX, &key);
    if (status == FLEET_OK)
        status = api_member_text(call, object, "value", true, METADATA_VALUE_MAX, &value);
    if (status == FLEET_OK)
        status = api_member_bool(call, object, "targetVisible", &visible);
    if (status == FLEET_OK)
        status = module_metadata_put(&call->fleet, module, key, value, visible);
    return status == FLEET_OK
               ? mgmt_audit(call, "module.metadata", key, "module %lld", (long long)module)
               : status;
}

static int create_metadata(struct api_call *call, json_t *object, json_t *answer)
{
    int64_t module;
    int status = api_segment_id(call, 0, &module);
    if (status == FLEET_OK)
        status = put_metadata(call, object, module, NULL);
    return status == FLEET_OK && json_array_append(answer, object) != 0 ? DB_EIO : status;
}

int mgmt_metadata_create(struct api_call *call)
{
    json_t *answer;
    int status = mgmt_each(call, create_metadata, &answer);
    return status == FLEET_OK ? mgmt_json(call, 201, answer) : status;
}

int mgmt_metadata_update(struct api_call *call)
{
    int64_t module;
    int status = api_segment_id(call, 0, &module);
    if (status == FLEET_OK)
        status = put_metadata(call, call->json, module, call->segment[1]);
    return status == FLEET_OK ? mgmt_metadata_one(call) : status;
}

int mgmt_metadata_delete(struct api_call *call)
{
    int64_t module;
    int status = api_segment_id(call, 0, &module);
    if (status == FLEET_OK)
        status = module_metadata_delete(&call->fleet, module, call->segment[1]);
    if (status == FLEET_OK)
        status =
            mgmt_audit(call, "module.metadata", call->segment[1], "module %lld", (long long)module);
    return status == FLEET_OK ? api_status(call, 204) : status;
}
