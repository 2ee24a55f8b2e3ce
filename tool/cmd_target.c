/* trustchain target: the devices that the update server knows. */
#include <stdio.h>
#include <string.h>

#include "host/error.h"
#include "tool/remote.h"
#include "tool/tool.h"

static void print_line(const json_t *target)
{
    bool revoked = json_is_true(json_object_get(target, "revoked"));
    printf("%-24s %-10s %-20s %s%s\n", remote_text(target, "controllerId"),
           remote_text(target, "updateStatus"), remote_time(target, "lastControllerRequestAt"),
           remote_set(target, "installedDistributionSet"), revoked ? " (revoked)" : "");
}

static int add(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        API_CLIENT_OPTIONS,
        REMOTE_JSON_OPTION,
        {"name", REMOTE_NAME, "TEXT", 0, "what people call it (default: its id)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        remote_parse,
        "ID...",
        "Make devices known to the update server. (`trustchain device new` also makes what the "
        "device itself needs.)",
        NULL,
        NULL,
        NULL};
    struct remote_options options;
    struct api_client *client;
    json_t *answer;
    int status = remote_begin(&argp, argc, argv, 1, SIZE_MAX, &options, &client);
    if (status == HOST_DONE && options.name != NULL && options.count > 1) {
        api_client_close(client);
        status = host_usage("target add", "--name is for one device");
    }
    if (status != HOST_DONE)
        return status;
    json_t *list = json_array();
    for (size_t i = 0; i < options.count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "controllerId", options.words[i], "name",
                                        options.name != NULL ? options.name : options.words[i]));
    status = api_client_call(client, "POST", REMOTE_TARGETS, list, &answer);
    if (status == HOST_DONE && options.json)
        cli_json_print(json_incref(answer));
    json_decref(answer);
    api_client_close(client);
    return status;
}

static int list(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        API_CLIENT_OPTIONS,
        REMOTE_JSON_OPTION,
        {"filter", REMOTE_FILTER, "RSQL", 0,
         "only those that match, such as 'attribute.hw==rev3;updatestatus==error'", 0},
        {"limit", REMOTE_LIMIT, "N", 0, "at most so many (default: all)", 0},
        {0}};
    static const struct argp argp = {
        options_known, remote_parse, NULL, "Devices: id, status, last seen, what is installed.",
        NULL,          NULL,         NULL};
    return remote_print_all(&argp, argc, argv, REMOTE_TARGETS, print_line);
}

static void print_target(const json_t *target, const json_t *attributes)
{
    const char *key;
    json_t *value;
    printf("id          %s\n", remote_text(target, "controllerId"));
    printf("name        %s\n", remote_text(target, "name"));
    printf("status      %s\n", remote_text(target, "updateStatus"));
    printf("assigned    %s\n", remote_set(target, "assignedDistributionSet"));
    printf("installed   %s\n", remote_set(target, "installedDistributionSet"));
    printf("last seen   %s\n", remote_time(target, "lastControllerRequestAt"));
    printf("address     %s\n", remote_text(target, "ipAddress"));
    printf("registered  %s\n", remote_time(target, "createdAt"));
    if (json_is_true(json_object_get(target, "revoked")))
        printf("revoked     yes (`device allow' lets it in again)\n");
    json_object_foreach((json_t *)attributes, key, value)
    {
        char name[CLI_TEXT];
        printf("attribute   %s = ", cli_printable(key, name));
        remote_print_line(value);
    }
}

static int show(int argc, char **argv)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, REMOTE_JSON_OPTION, {0}};
    static const struct argp argp = {
        options_known, remote_parse, "ID", "One device, with its attributes.", NULL, NULL, NULL};
    struct remote_options options;
    struct api_client *client;
    char path[REMOTE_TARGET_PATH];
    json_t *target = NULL;
    json_t *attributes = NULL;
    int status = remote_begin(&argp, argc, argv, 1, 1, &options, &client);
    if (status != HOST_DONE)
        return status;
    status = remote_target_path(options.words[0], "", path);
    if (status == HOST_DONE)
        status = remote_get(client, path, "controllerId", &target);
    if (status == HOST_DONE)
        status = remote_target_path(options.words[0], "/attributes", path);
    if (status == HOST_DONE)
        status = api_client_call(client, "GET", path, NULL, &attributes);
    if (status == HOST_DONE && options.json) {
        json_object_set(target, "attributes", attributes != NULL ? attributes : json_null());
        status = cli_json_print(json_incref(target));
    } else if (status == HOST_DONE) {
        print_target(target, attributes);
    }
    json_decref(target);
    json_decref(attributes);
    api_client_close(client);
    return status;
}

static int remove_targets(int argc, char **argv)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, {0}};
    static const struct argp argp = {
        options_known,
        remote_parse,
        "ID...",
        "Forget devices and their history. (`device revoke` shuts one out and keeps it.)",
        NULL,
        NULL,
        NULL};
    return remote_each_target(&argp, argc, argv, "DELETE", "");
}

static int assign(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        API_CLIENT_OPTIONS,
        REMOTE_JSON_OPTION,
        {"soft", REMOTE_SOFT, NULL, 0, "the device may choose when", 0},
        {"downgrade", REMOTE_DOWNGRADE, NULL, 0, "an older version is meant", 0},
        {0}};
    static const struct argp argp = {options_known,
                                     remote_parse,
                                     "NAME:VERSION ID...",
                                     "Have devices install a distribution set.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct remote_options options;
    struct api_client *client;
    char path[128];
    json_int_t set;
    json_t *answer = NULL;
    int status = remote_begin(&argp, argc, argv, 2, SIZE_MAX, &options, &client);
    if (status != HOST_DONE)
        return status;
    status = remote_find_set(client, options.words[0], &set);
    if (status == HOST_DONE) {
        json_t *list = json_array();
        for (size_t i = 1; i < options.count; i++)
            json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "id", options.words[i], "type",
                                                  options.soft ? "soft" : "forced", "downgrade",
                                                  options.downgrade));
        snprintf(path, sizeof path, "/rest/v1/distributionsets/%lld/assignedTargets",
                 (long long)set);
        status = api_client_call(client, "POST", path, list, &answer);
    }
    if (status == HOST_DONE && options.json)
        cli_json_print(json_incref(answer));
    else if (status == HOST_DONE)
        printf("%lld assigned, %lld had it already\n",
               (long long)json_integer_value(json_object_get(answer, "assigned")),
               (long long)json_integer_value(json_object_get(answer, "alreadyAssigned")));
    json_decref(answer);
    api_client_close(client);
    return status;
}

int cmd_target(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"add", add, "make devices known"},
        {"list", list, "devices: status, last seen, what is installed"},
        {"show", show, "one device"},
        {"assign", assign, "have devices install a distribution set"},
        {"remove", remove_targets, "forget devices"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
