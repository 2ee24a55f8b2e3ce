/* trustchain device: one device's identity, and what it has reported. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "host/error.h"
#include "host/file.h"
#include "tool/project.h"
#include "tool/remote.h"
#include "tool/tool.h"

/* The settings that the agent reads out of NVS (device/agent/settings.h), as CSV. */
static int write_settings(const char *path, const char *url, const char *id, const char *token)
{
    char text[2048];
    int length = snprintf(text, sizeof text,
                          "key,type,encoding,value\n"
                          "trustchain,namespace,,\n"
                          "url,data,string,%s\n"
                          "device_id,data,string,%s\n"
                          "token,data,string,%s\n"
                          "mode,data,string,ddi\n",
                          url, id, token);
    int status = length > 0 && (size_t)length < sizeof text
                     ? file_create(path, text, (size_t)length, 0600)
                     : host_fail(path, "the settings are too long");
    OPENSSL_cleanse(text, sizeof text);
    return status;
}

/* What would make the device known to the server and to nobody else. */
static int check_new(const struct remote_options *options)
{
    static const char no_setting[] = ",\"\r\n";
    if (options->url == NULL || options->out == NULL)
        return host_usage("device new", "--url and --output are needed");
    if (!project_url_valid(options->url) || strpbrk(options->url, no_setting) != NULL)
        return host_usage("device new", "--url is https://HOST:PORT, not \"%s\"", options->url);
    if (strpbrk(options->words[0], no_setting) != NULL)
        return host_fail(options->words[0], "an id with a comma or quotes cannot be a setting");
    if (strcmp(options->out, "-") != 0 && access(options->out, F_OK) == 0)
        return host_fail(options->out, "exists already and is not replaced (remove it first)");
    return HOST_DONE;
}

/* The device at the server, then its settings here: when these cannot be written, it is taken back,
 * for nobody has its token. */
static int make_device(struct api_client *client, const struct remote_options *options)
{
    const char *id = options->words[0];
    char path[REMOTE_TARGET_PATH];
    json_t *answer;
    int status = remote_target_path(id, "", path);
    if (status == HOST_DONE)
        status = api_client_call(client, "POST", REMOTE_TARGETS,
                                 json_pack("[{s:s, s:s}]", "controllerId", id, "name",
                                           options->name != NULL ? options->name : id),
                                 &answer);
    if (status != HOST_DONE)
        return status;
    const char *token =
        json_string_value(json_object_get(json_array_get(answer, 0), "securityToken"));
    if (token == NULL)
        status = host_fail(id, "the server gave no token (the role of yours is too low)");
    else
        status = write_settings(options->out, options->url, id, token);
    if (status != HOST_DONE)
        api_client_take_back(client, path);
    json_decref(answer);
    return status;
}

static int new_device(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        API_CLIENT_OPTIONS,
        {"url", REMOTE_URL, "URL", 0, "where the device finds the server: https://HOST:PORT", 0},
        {"output", 'o', "FILE", 0, "the device's settings, a CSV for `trustchain nvs build`", 0},
        {"name", REMOTE_NAME, "TEXT", 0, "what people call it (default: its id)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        remote_parse,
        "ID",
        "Make a device known to the update server and write its settings (server, id, token) as a "
        "CSV for its NVS partition. The file is secret: it holds the device's token.",
        NULL,
        NULL,
        NULL};
    struct remote_options options;
    struct api_client *client;
    int status = remote_begin(&argp, argc, argv, 1, 1, &options, &client);
    if (status != HOST_DONE)
        return status;
    status = check_new(&options);
    if (status == HOST_DONE)
        status = make_device(client, &options);
    api_client_close(client);
    return status;
}

static void print_entry(const json_t *entry)
{
    const json_t *messages = json_object_get(entry, "messages");
    size_t index;
    json_t *message;
    printf("%s  %s\n", remote_time(entry, "reportedAt"), remote_text(entry, "type"));
    json_array_foreach((json_t *)messages, index, message)
    {
        printf("    ");
        remote_print_line(message);
    }
}

static int print_action(struct api_client *client, const char *id, const json_t *action)
{
    char below[64];
    char path[REMOTE_TARGET_PATH];
    json_t *entries;
    size_t index;
    json_t *entry;
    long long number = json_integer_value(json_object_get(action, "id"));
    printf("action %lld: %s\n", number, remote_text(action, "status"));
    snprintf(below, sizeof below, "/actions/%lld/status", number);
    int status = remote_target_path(id, below, path);
    if (status == HOST_DONE)
        status = remote_list(client, path, NULL, 0, &entries);
    if (status != HOST_DONE)
        return status;
    json_array_foreach(entries, index, entry) print_entry(entry);
    json_decref(entries);
    return HOST_DONE;
}

static int log_of(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        API_CLIENT_OPTIONS,
        REMOTE_JSON_OPTION,
        {"limit", REMOTE_LIMIT, "N", 0, "the last N actions (default 5)", 0},
        {0}};
    static const struct argp argp = {
        options_known, remote_parse,
        "ID",          "What a device was told to install and what it reported.",
        NULL,          NULL,
        NULL};
    struct remote_options options;
    struct api_client *client;
    char path[REMOTE_TARGET_PATH];
    json_t *actions = NULL;
    size_t index;
    json_t *action;
    int status = remote_begin(&argp, argc, argv, 1, 1, &options, &client);
    if (status != HOST_DONE)
        return status;
    status = remote_target_path(options.words[0], "/actions", path);
    if (status == HOST_DONE)
        status = remote_list(client, path, NULL, options.limit != 0 ? options.limit : 5, &actions);
    if (status == HOST_DONE && options.json)
        cli_json_print(json_incref(actions));
    json_array_foreach(actions, index, action)
    {
        if (status == HOST_DONE && !options.json)
            status = print_action(client, options.words[0], action);
    }
    json_decref(actions);
    api_client_close(client);
    return status;
}

static int revoke_devices(int argc, char **argv)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, {0}};
    static const struct argp argp = {
        options_known,
        remote_parse,
        "ID...",
        "Refuse devices from now on, whatever they show: token, gateway token or certificate.",
        NULL,
        NULL,
        NULL};
    return remote_each_target(&argp, argc, argv, "POST", "/revoke");
}

static int allow_devices(int argc, char **argv)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, {0}};
    static const struct argp argp = {
        options_known, remote_parse, "ID...", "Let revoked devices in again.", NULL, NULL, NULL};
    return remote_each_target(&argp, argc, argv, "POST", "/unrevoke");
}

int cmd_device(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"new", new_device, "make a device known and write its settings"},
        {"log", log_of, "what a device installed and reported"},
        {"revoke", revoke_devices, "refuse devices from now on"},
        {"allow", allow_devices, "let revoked devices in again"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
