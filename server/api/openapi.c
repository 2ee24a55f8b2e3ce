/* server/api/openapi.c: the tables of routes as an OpenAPI 3 description. */
#include <stdio.h>
#include <string.h>

#include "server/api/service.h"

static const char *const role_words[] = {
    [API_PUBLIC] = "anyone",        [API_DEVICE] = "a device",  [API_READ] = "role read",
    [API_OPERATE] = "role operate", [API_ADMIN] = "role admin",
};

static const char *const method_words[] = {
    [API_GET] = "get", [API_POST] = "post", [API_PUT] = "put", [API_DELETE] = "delete"};

/* Each {variable} of the path. */
static json_t *parameters(const char *path)
{
    json_t *list = json_array();
    while ((path = strchr(path, '{')) != NULL) {
        size_t length = strcspn(++path, "}");
        json_t *name = json_stringn(path, length);
        json_array_append_new(list, json_pack("{s:o, s:s, s:b, s:{s:s}}", "name", name, "in",
                                              "path", "required", 1, "schema", "type", "string"));
    }
    return list;
}

static json_t *body(enum api_body kind)
{
    const char *type = kind == API_MULTIPART ? "multipart/form-data" : "application/json";
    return json_pack("{s:b, s:{s:{}}}", "required", kind != API_JSON_OPTIONAL, "content", type);
}

static json_t *security(enum api_role role)
{
    if (role == API_PUBLIC)
        return json_array();
    if (role == API_DEVICE)
        return json_pack("[{s:[]},{s:[]}]", "deviceToken", "deviceCertificate");
    return json_pack("[{s:[]},{s:[]}]", "bearer", "basic");
}

static json_t *operation(const struct api_route *route)
{
    char description[64];
    snprintf(description, sizeof description, "For %s.", role_words[route->role]);
    json_t *out = json_pack("{s:s, s:s, s:o, s:o, s:{s:{s:s}}}", "summary", route->summary,
                            "description", description, "parameters", parameters(route->path),
                            "security", security(route->role), "responses", "default",
                            "description", "The answer, or {errorCode, message}");
    if (route->body != API_NO_BODY)
        json_object_set_new(out, "requestBody", body(route->body));
    return out;
}

static json_t *paths(void)
{
    json_t *out = json_object();
    for (const struct api_route *const *table = api_tables; *table != NULL; table++) {
        for (const struct api_route *route = *table; route->path != NULL; route++) {
            json_t *path = json_object_get(out, route->path);
            if (path == NULL) {
                path = json_object();
                json_object_set_new(out, route->path, path);
            }
            json_object_set_new(path, method_words[route->method], operation(route));
        }
    }
    return out;
}

int api_openapi(struct api_call *call)
{
    json_t *out = json_pack(
        "{s:s, s:{s:s, s:s}, s:o, s:{s:{s:{s:s, s:s, s:s}, s:{s:s}, s:{s:s, s:s}, s:{s:s, s:s}}}}",
        "openapi", "3.1.0", "info", "title", "Trustchain update server", "version", "1", "paths",
        paths(), "components", "securitySchemes", "deviceToken", "type", "apiKey", "in", "header",
        "name", "Authorization", "deviceCertificate", "type", "mutualTLS", "bearer", "type", "http",
        "scheme", "bearer", "basic", "type", "http", "scheme", "basic");
    return api_json(call, 200, out);
}
