/* server/mgmt/targetfilters.c: filters under a name, and what they assign (hawkbit-ddi.md 10). */
#include "server/fleet/target_filter.h"
#include "server/fleet/catalog.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/sets.h"
#include "server/mgmt/terms.h"

static json_t *show_filter(struct api_call *call, const struct db_rows *rows, void *context,
                           int *status)
{
    long long id = db_int(rows, 0);
    (void)context;
    (void)status;
    json_t *filter = json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "name", db_text(rows, 1),
                               "query", db_text(rows, 2));
    if (filter == NULL)
        return NULL;
    if (!db_is_null(rows, 3)) {
        json_object_set_new(filter, "autoAssignDistributionSet", json_integer(db_int(rows, 3)));
        json_object_set_new(filter, "autoAssignActionType", json_string(db_text(rows, 4)));
        json_object_set_new(filter, "confirmationRequired", json_boolean(db_int(rows, 6) != 0));
        if (!db_is_null(rows, 5))
            json_object_set_new(filter, "autoAssignWeight", json_integer(db_int(rows, 5)));
    }
    mgmt_stamp(filter, rows, 7);
    json_object_set_new(filter, "_links",
                        json_pack("{s:o, s:o}", "self", mgmt_link(call, "/targetfilters/%lld", id),
                                  "autoAssignDS",
                                  mgmt_link(call, "/targetfilters/%lld/autoAssignDS", id)));
    return filter;
}

static const struct mgmt_sort sorts[] = {
    {"id", "n.id"},
    {"name", "n.name"},
    {"createdat", "n.created_at"},
    {"lastmodifiedat", "n.changed_at"},
    {NULL, NULL},
};

static const struct mgmt_rows filter_rows = {
    .columns = "n.id, n.name, n.query, n.auto_set, n.auto_kind, n.auto_weight, n.auto_confirm,"
               " n.created_at, n.created_by, n.changed_at, n.changed_by",
    .table = "target_filter AS n",
    .joins = "",
    .key = "n.id",
    .sorts = sorts,
    .filtered = true,
    .filter = FILTER_QUERIES,
    .show = show_filter,
};

static int answer_filter(struct api_call *call, int status, int64_t id)
{
    json_t *shown;
    int result = mgmt_one(call, &filter_rows, "n.tenant = $1 AND n.id = $2",
                          DB_ARGS(db_i(call->fleet.tenant), db_i(id)), NULL, &shown);
    return result == FLEET_OK ? mgmt_json(call, status, shown) : result;
}

int mgmt_filters(struct api_call *call)
{
    return mgmt_list(call, &filter_rows, "n.tenant = $1", DB_ARGS(db_i(call->fleet.tenant)), NULL);
}

int mgmt_filter(struct api_call *call)
{
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    return status == FLEET_OK ? answer_filter(call, 200, id) : status;
}

static int read_filter(struct api_call *call, bool needed, const char **name, const char **query)
{
    if (!json_is_object(call->json))
        return fleet_refuse(&call->fleet, FLEET_INVALID, "the body is an object");
    int status = api_member_text(call, call->json, "name", needed, CATALOG_NAME_MAX, name);
    return status == FLEET_OK
               ? api_member_text(call, call->json, "query", needed, FILTER_TEXT_MAX, query)
               : status;
}

int mgmt_filter_create(struct api_call *call)
{
    const char *name = NULL;
    const char *query = NULL;
    int64_t id;
    int status = read_filter(call, true, &name, &query);
    if (status == FLEET_OK)
        status = target_filter_create(&call->fleet, name, query, &id);
    return status == FLEET_OK ? answer_filter(call, 201, id) : status;
}

int mgmt_filter_update(struct api_call *call)
{
    const char *name = NULL;
    const char *query = NULL;
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = read_filter(call, false, &name, &query);
    if (status == FLEET_OK)
        status = target_filter_update(&call->fleet, id, name, query);
    return status == FLEET_OK ? answer_filter(call, 200, id) : status;
}

int mgmt_filter_delete(struct api_call *call)
{
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = target_filter_delete(&call->fleet, id);
    return status == FLEET_OK ? api_status(call, 204) : status;
}

/* The set that it assigns */

int mgmt_filter_set(struct api_call *call)
{
    static const char sql[] =
        "SELECT COALESCE(auto_set, 0) FROM target_filter WHERE tenant = $1 AND id = $2";
    int64_t id;
    int64_t set = 0;
    int status = api_segment_id(call, 0, &id);
    if (status != FLEET_OK)
        return status;
    status = db_get_int(call->fleet.db, sql, DB_ARGS(db_i(call->fleet.tenant), db_i(id)), &set);
    if (status == DB_OK)
        return fleet_refuse(&call->fleet, FLEET_NONE, "there is no such target filter");
    if (status != DB_ROW)
        return status;
    return set != 0 ? answer_set(call, 200, set) : api_status(call, 204);
}

int mgmt_filter_assign(struct api_call *call)
{
    struct action_terms terms;
    int64_t id;
    int64_t set;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = member_id(call, call->json, &set);
    if (status == FLEET_OK)
        status = read_terms(call, call->json, &terms);
    if (status == FLEET_OK && terms.kind == ACTION_TIMEFORCED)
        return fleet_refuse(&call->fleet, FLEET_INVALID,
                            "type is forced, soft or downloadonly here");
    if (status == FLEET_OK)
        status = target_filter_auto(&call->fleet, id, set, &terms);
    return status == FLEET_OK ? answer_filter(call, 200, id) : status;
}

int mgmt_filter_unassign(struct api_call *call)
{
    int64_t id;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = target_filter_auto(&call->fleet, id, 0, NULL);
    return status == FLEET_OK ? api_status(call, 204) : status;
}
