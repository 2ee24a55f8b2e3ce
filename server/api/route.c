/* server/api/route.c: which row of the tables a request means. */
#include <stdio.h>
#include <string.h>

#include "host/escape.h"
#include "server/api/api.h"

const struct api_route *const api_tables[] = {ddi_routes, mgmt_routes, console_routes,
                                              service_routes, NULL};

/* Is `path` of the form of `pattern`? Counts the variables and says where they are. */
static bool matches(const char *pattern, const char *path, const char **at, size_t *length)
{
    unsigned variables = 0;
    while (*pattern != '\0') {
        if (*pattern == '{') {
            at[variables] = path;
            length[variables] = strcspn(path, "/");
            if (length[variables] == 0)
                return false;
            path += length[variables++];
            pattern += strcspn(pattern, "}") + 1;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    at[variables] = NULL;
    return *path == '\0';
}

static const char *method_word(enum api_method method)
{
    static const char *const words[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "?"};
    return words[method];
}

/* Every method that this path has, for Allow. */
static void add_allowed(struct api_answer *answer, enum api_method method)
{
    size_t used = strlen(answer->allow);
    snprintf(answer->allow + used, sizeof answer->allow - used, "%s%s%s", used > 0 ? ", " : "",
             method_word(method), method == API_GET ? ", HEAD" : "");
}

/* Devices have no use for the console, however public its pages are. */
static bool served_here(const struct api_route *const *table, const struct api_route *route,
                        const struct api_request *request)
{
    return !request->device_port || (*table != console_routes && route->role <= API_DEVICE);
}

static int decode_segments(struct api_call *call, const char *const *at, const size_t *length)
{
    size_t used = 0;
    for (unsigned i = 0; at[i] != NULL; i++) {
        int count = unescape_url(at[i], length[i], false, call->decoded + used,
                                 sizeof call->decoded - used);
        if (count <= 0)
            return 400;
        call->segment[i] = call->decoded + used;
        used += (size_t)count + 1;
    }
    return 0;
}

int api_route_find(struct api_call *call)
{
    const struct api_request *request = call->request;
    enum api_method method = request->method == API_HEAD ? API_GET : request->method;
    const char *at[API_SEGMENTS_MAX + 1];
    size_t length[API_SEGMENTS_MAX + 1];
    if (strlen(request->path) >= API_PATH_MAX - API_SEGMENTS_MAX)
        return 400;
    for (const struct api_route *const *table = api_tables; *table != NULL; table++) {
        for (const struct api_route *route = *table; route->path != NULL; route++) {
            if (!served_here(table, route, request) ||
                !matches(route->path, request->path, at, length))
                continue;
            if (route->method == method) {
                call->route = route;
                call->answer->allow[0] = '\0';
                return decode_segments(call, at, length);
            }
            add_allowed(call->answer, route->method);
        }
    }
    return call->answer->allow[0] != '\0' ? 405 : 404;
}

enum api_way api_way(const struct api_request *request)
{
    struct api_answer answer = {0};
    struct api_call call = {.request = request, .answer = &answer};
    if (api_route_find(&call) != 0)
        return API_QUICK_READ; /* to be refused */
    if (call.route->access == DB_WRITE)
        return API_WRITE;
    return call.route->role <= API_DEVICE ? API_QUICK_READ : API_LONG_READ;
}
