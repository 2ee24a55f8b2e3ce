/* server/mgmt/types.c: the types of modules and sets: hawkBit's own, which do not change. Clients
 * ask for them before they make one. */
#include <string.h>

#include "server/mgmt/mgmt.h"
#include "server/mgmt/sets.h"

struct type {
    const char *key, *name, *description;
    const char *mandatory[3], *optional[3]; /* module types of a set's type; end with NULL */
    int most; /* modules of this type in one set; 0: as many as like */
};

static const struct type module_types[] = {
    {"os", "OS", "Core firmware or operating system", {NULL}, {NULL}, 1},
    {"application", "Application", "Application add-ons", {NULL}, {NULL}, 0},
    {"runtime", "Runtime", "Environments that applications run in", {NULL}, {NULL}, 1},
    {NULL, NULL, NULL, {NULL}, {NULL}, 0},
};

static const struct type set_types[] = {
    {"os", "OS only", "Core firmware", {"os"}, {NULL}, 0},
    {"app", "App(s) only", "Applications", {"application"}, {NULL}, 0},
    {"os_app",
     "OS with app(s)",
     "Firmware and what runs on it",
     {"os"},
     {"application", "runtime"},
     0},
    {NULL, NULL, NULL, {NULL}, {NULL}, 0},
};

static const struct type *find(const struct type *types, const char *key)
{
    for (; types->key != NULL; types++) {
        if (strcmp(types->key, key) == 0)
            return types;
    }
    return NULL;
}

const char *module_type_name(const char *key)
{
    const struct type *type = find(module_types, key);
    return type != NULL ? type->name : NULL;
}

const char *set_type_name(const char *key)
{
    const struct type *type = find(set_types, key);
    return type != NULL ? type->name : NULL;
}

static json_t *show(const struct api_call *call, const struct type *types, const char *path,
                    long long index)
{
    const struct type *type = &types[index];
    json_t *shown =
        json_pack("{s:I, s:s, s:s, s:s, s:b, s:{s:o}}", "id", (json_int_t)index + 1, "key",
                  type->key, "name", type->name, "description", type->description, "deleted", 0,
                  "_links", "self", mgmt_link(call, "/%s/%lld", path, index + 1));
    if (types == module_types)
        json_object_set_new(shown, "maxAssignments",
                            json_integer(type->most != 0 ? type->most : INT32_MAX));
    return shown;
}

static int answer_list(struct api_call *call, const struct type *types, const char *path)
{
    json_t *content = json_array();
    long long count = 0;
    for (; types[count].key != NULL; count++)
        json_array_append_new(content, show(call, types, path, count));
    return mgmt_json(call, 200,
                     json_pack("{s:o, s:I, s:I}", "content", content, "total", (json_int_t)count,
                               "size", (json_int_t)count));
}

/* The one that the path names by its number. */
static int path_type(struct api_call *call, const struct type *types, long long *index)
{
    int64_t id;
    int64_t count = 0;
    int status = api_segment_id(call, 0, &id);
    while (types[count].key != NULL)
        count++;
    if (status == FLEET_OK && id > count)
        return fleet_refuse(&call->fleet, FLEET_NONE, "there is no such type");
    *index = id - 1;
    return status;
}

static int answer_one(struct api_call *call, const struct type *types, const char *path)
{
    long long index = 0;
    int status = path_type(call, types, &index);
    return status == FLEET_OK ? mgmt_json(call, 200, show(call, types, path, index)) : status;
}

int mgmt_module_types(struct api_call *call)
{
    return answer_list(call, module_types, "softwaremoduletypes");
}

int mgmt_module_type(struct api_call *call)
{
    return answer_one(call, module_types, "softwaremoduletypes");
}

int mgmt_set_types(struct api_call *call)
{
    return answer_list(call, set_types, "distributionsettypes");
}

int mgmt_set_type(struct api_call *call)
{
    return answer_one(call, set_types, "distributionsettypes");
}

static int answer_parts(struct api_call *call, bool mandatory)
{
    long long index = 0;
    int status = path_type(call, set_types, &index);
    if (status != FLEET_OK)
        return status;
    const char *const *keys = mandatory ? set_types[index].mandatory : set_types[index].optional;
    json_t *answer = json_array();
    for (; *keys != NULL; keys++)
        json_array_append_new(answer, show(call, module_types, "softwaremoduletypes",
                                           find(module_types, *keys) - module_types));
    return mgmt_json(call, 200, answer);
}

int mgmt_set_type_mandatory(struct api_call *call)
{
    return answer_parts(call, true);
}

int mgmt_set_type_optional(struct api_call *call)
{
    return answer_parts(call, false);
}
