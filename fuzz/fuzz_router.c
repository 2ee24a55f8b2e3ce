/* What comes behind the host in a URL: a request finds at most one route, the same whatever the
 * query; on the device port only what devices may ask; each variable of the path is a text that
 * holds nothing a path could climb with unless it was written in percent code; and a query gives
 * the same value however often it is asked.
 *
 * The first byte is method and port, the rest path and query. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "server/api/api.h"

#define INPUT_MAX 4096

static int find(struct api_request *request, struct api_call *call, struct api_answer *answer)
{
    *answer = (struct api_answer){0};
    *call = (struct api_call){.request = request, .answer = answer};
    return api_route_find(call);
}

static void check_segments(const struct api_call *call)
{
    const char *from = call->decoded;
    unsigned count = 0;
    for (const char *at = call->route->path; *at != '\0'; at++)
        count += *at == '{';
    require(count <= API_SEGMENTS_MAX);
    for (unsigned i = 0; i < count; i++) {
        require(call->segment[i] == from && from[0] != '\0');
        from += strlen(from) + 1;
        require(from <= call->decoded + sizeof call->decoded);
    }
    if (strchr(call->request->path, '%') != NULL)
        return;
    for (unsigned i = 0; i < count; i++)
        require(strchr(call->segment[i], '/') == NULL);
}

static void check_device_port(struct api_request *request, const struct api_call *everywhere,
                              int status)
{
    struct api_answer answer;
    struct api_call call;
    request->device_port = true;
    int here = find(request, &call, &answer);
    request->device_port = false;
    require(here != 0 || call.route->role <= API_DEVICE);
    if (status == 0 && everywhere->route->role == API_DEVICE)
        require(here == 0 && call.route == everywhere->route);
}

static void check_query(struct api_call *call)
{
    static const char *const names[] = {"q", "offset", "limit", "sort", "c", "actionHistory", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char first[64];
        char second[64];
        const char *one = NULL;
        const char *two = NULL;
        int status = api_query(call, names[i], first, sizeof first, &one);
        require(status == FLEET_OK || status == FLEET_INVALID);
        require(api_query(call, names[i], second, sizeof second, &two) == status);
        if (status != FLEET_OK)
            continue;
        require((one == NULL) == (two == NULL));
        require(one == NULL || (strlen(one) < sizeof first && strcmp(one, two) == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[INPUT_MAX];
    struct api_answer answer;
    struct api_call call;
    if (size < 1 || size >= sizeof text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    struct api_request request = {.method = data[0] % (API_OTHER + 1), .path = text};
    char *mark = strchr(text, '?');
    if (mark != NULL) {
        *mark = '\0';
        request.query = mark + 1;
    }
    int status = find(&request, &call, &answer);
    require(status == 0 || status == 400 || status == 404 || status == 405);
    require((status == 405) == (answer.allow[0] != '\0') || status == 0 || status == 400);
    if (status == 0) {
        require(call.route->method == (request.method == API_HEAD ? API_GET : request.method));
        check_segments(&call);
    }
    check_query(&call);
    check_device_port(&request, &call, status);
    enum api_way way = api_way(&request);
    require((way == API_WRITE) == (status == 0 && call.route->access == DB_WRITE));
    require(way != API_LONG_READ || call.route->role > API_DEVICE);
    return 0;
}
