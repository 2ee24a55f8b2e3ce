/* trustchain set: distribution sets: what can be installed. */
#include <stdio.h>
#include <string.h>

#include "host/error.h"
#include "host/file.h"
#include "tool/remote.h"
#include "tool/tool.h"

#define SETS    "/rest/v1/distributionsets"
#define MODULES "/rest/v1/softwaremodules"

static void print_line(const json_t *set)
{
    printf("%s:%s  %s\n", remote_text(set, "name"), remote_text(set, "version"),
           remote_time(set, "createdAt"));
}

static int list(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        API_CLIENT_OPTIONS,
        REMOTE_JSON_OPTION,
        {"filter", REMOTE_FILTER, "RSQL", 0, "only those that match, such as 'name==thermo'", 0},
        {0}};
    static const struct argp argp = {
        options_known, remote_parse, NULL, "Distribution sets on the server.", NULL, NULL, NULL};
    return remote_print_all(&argp, argc, argv, SETS, print_line);
}

/* The number in [{"id": n}]. */
static int first_id(json_t *answer, json_int_t *id)
{
    *id = json_integer_value(json_object_get(json_array_get(answer, 0), "id"));
    json_decref(answer);
    return *id > 0 ? HOST_DONE : host_fail(NULL, "the server's answer names nothing new");
}

static int make_module(struct api_client *client, const char *name, const char *version,
                       json_int_t *id)
{
    json_t *answer;
    json_t *module =
        json_pack("[{s:s, s:s, s:s}]", "type", "application", "name", name, "version", version);
    int status = api_client_call(client, "POST", MODULES, module, &answer);
    return status == HOST_DONE ? first_id(answer, id) : status;
}

static int make_set(struct api_client *client, const char *name, const char *version,
                    json_int_t module)
{
    return api_client_call(client, "POST", SETS,
                           json_pack("[{s:s, s:s, s:s, s:[{s:I}]}]", "type", "app", "name", name,
                                     "version", version, "modules", "id", module),
                           NULL);
}

/* What the file is called on the server. */
static const char *file_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(path, "-") == 0 ? "image.bin" : slash != NULL ? slash + 1 : path;
}

/* Module, file, set: when a later step is refused, the module is taken back. */
static int upload(struct api_client *client, const char *name, const char *version,
                  const char *path, const struct buffer *image)
{
    char below[128];
    json_int_t module;
    int status = make_module(client, name, version, &module);
    if (status != HOST_DONE)
        return status;
    snprintf(below, sizeof below, MODULES "/%lld/artifacts", (long long)module);
    status = api_client_upload(client, below, file_part(path), image->bytes, image->length, NULL);
    if (status == HOST_DONE)
        status = make_set(client, name, version, module);
    if (status != HOST_DONE) {
        snprintf(below, sizeof below, MODULES "/%lld", (long long)module);
        api_client_take_back(client, below);
    }
    return status;
}

static int add(int argc, char **argv)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, {0}};
    static const struct argp argp = {
        options_known,
        remote_parse,
        "NAME:VERSION IMAGE",
        "Upload a signed image and make a distribution set of it. The server judges it as a device "
        "would.",
        NULL,
        NULL,
        NULL};
    struct remote_options options;
    struct api_client *client;
    struct buffer image;
    char name[256];
    int status = remote_begin(&argp, argc, argv, 2, 2, &options, &client);
    if (status != HOST_DONE)
        return status;
    const char *word = options.words[0];
    const char *colon = strrchr(word, ':');
    if (colon == NULL || colon == word || colon[1] == '\0' || strlen(word) >= sizeof name) {
        status = host_usage(word, "not a name for a distribution set (NAME:VERSION)");
    } else {
        snprintf(name, sizeof name, "%.*s", (int)(colon - word), word);
        status = file_read(options.words[1], FILE_MAX_DEFAULT, &image);
    }
    api_client_about(client, word);
    if (status == HOST_DONE) {
        status = upload(client, name, colon + 1, options.words[1], &image);
        buffer_free(&image);
    }
    api_client_close(client);
    return status;
}

int cmd_set(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"add", add, "upload an image as a distribution set"},
        {"list", list, "distribution sets on the server"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
