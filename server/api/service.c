/* server/api/service.c: the routes about the server itself. */
#include "server/api/service.h"
#include "server/metrics.h"

const struct api_route service_routes[] = {
    {API_GET, "/healthz", API_PUBLIC, DB_READ, API_NO_BODY, api_healthz,
     "Do store and releases answer?"},
    {API_GET, "/metrics", API_READ, DB_READ, API_NO_BODY, api_metrics,
     "What the server counts, for Prometheus"},
    {API_GET, "/openapi.json", API_READ, DB_READ, API_NO_BODY, api_openapi, "This description"},
    {0},
};

/* A store that does not answer at all is told by whoever called: this is then never reached. */
int api_healthz(struct api_call *call)
{
    int64_t tenants;
    int status = db_get_int(call->fleet.db, "SELECT COUNT(*) FROM tenant", DB_NO_ARGS, &tenants);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    if (call->service->releases != NULL && store_check(call->service->releases) != STORE_OK)
        return api_text(call, 503, "text/plain", "the releases folder is gone\n");
    return api_text(call, 200, "text/plain", "ok\n");
}
