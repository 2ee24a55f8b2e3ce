/* tool/remote.c: see tool/remote.h. */
#include "tool/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/error.h"
#include "host/escape.h"

#define PAGE           500u /* entries of one answer: the server's own limit */
#define PATH_MAX_BYTES 2000
#define FILTERED_MAX   200 /* bytes of a name that is looked for */

static const char *percent(const struct argp_state *state, const char *option, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= 100))
        cli_usage(state, "%s is a percentage, 0 to 100, not \"%s\"", option, text);
    return text;
}

static error_t parse_plain(int key, char *text, struct argp_state *state,
                           struct remote_options *options)
{
    switch (key) {
    case REMOTE_NAME:
        options->name = text;
        return 0;
    case REMOTE_FILTER:
        options->filter = text;
        return 0;
    case 'o':
        options->out = text;
        return 0;
    case REMOTE_URL:
        options->url = text;
        return 0;
    case REMOTE_DESCRIPTION:
        options->description = text;
        return 0;
    case REMOTE_FIRST:
        options->first = text;
        return 0;
    case REMOTE_GROUPS:
        options->groups = text;
        return 0;
    case REMOTE_SUCCESS:
        options->success = percent(state, "--success", text);
        return 0;
    case REMOTE_ERROR:
        options->error = percent(state, "--error", text);
        return 0;
    case REMOTE_LIMIT:
        options->limit = cli_option_number(state, "--limit", text);
        return 0;
    default:
        return cli_many_arguments(key, &options->words, &options->count, state);
    }
}

static void check_words(const struct argp_state *state, const struct remote_options *options)
{
    if (options->count > options->most && options->most == 0)
        cli_usage(state, "takes no argument, \"%s\" is too many", options->words[0]);
    if (options->count > options->most)
        cli_usage(state, "takes %s, \"%s\" is too many", options->wanted,
                  options->words[options->most]);
    if (options->count < options->least)
        cli_usage(state, "wants %s (see --help)", options->wanted);
}

error_t remote_parse(int key, char *text, struct argp_state *state)
{
    struct remote_options *options = state->input;
    if (api_client_option(key, text, &options->api))
        return 0;
    switch (key) {
    case REMOTE_JSON:
        options->json = true;
        return 0;
    case REMOTE_SOFT:
        options->soft = true;
        return 0;
    case REMOTE_DOWNGRADE:
        options->downgrade = true;
        return 0;
    case ARGP_KEY_END:
        check_words(state, options);
        return 0;
    default:
        return parse_plain(key, text, state, options);
    }
}

int remote_begin(const struct argp *argp, int argc, char **argv, size_t least, size_t most,
                 struct remote_options *options, struct api_client **client)
{
    *options = (struct remote_options){.least = least, .most = most, .wanted = argp->args_doc};
    int status = cli_parse(argp, argc, argv, options);
    if (status == HOST_DONE)
        status = api_client_open(&options->api, client);
    if (status == HOST_DONE && most == 1 && options->count == 1)
        api_client_about(*client, options->words[0]);
    return status;
}

int remote_target_path(const char *id, const char *below, char out[REMOTE_TARGET_PATH])
{
    char escaped[ESCAPED_URL(REMOTE_ID_MAX)];
    if (strlen(id) > REMOTE_ID_MAX)
        return host_usage(id, "longer than a controller id can be (%d characters)", REMOTE_ID_MAX);
    snprintf(out, REMOTE_TARGET_PATH, REMOTE_TARGETS "/%s%s",
             escape_url(id, escaped, sizeof escaped), below);
    return HOST_DONE;
}

static int refuse_answer(const char *path)
{
    return host_fail(path, "is not answered as by an update server (is it our server?)");
}

int remote_get(struct api_client *client, const char *path, const char *member, json_t **out)
{
    int status = api_client_call(client, "GET", path, NULL, out);
    if (status != HOST_DONE || json_object_get(*out, member) != NULL)
        return status;
    json_decref(*out);
    *out = NULL;
    return refuse_answer(path);
}

/* All that lists have is known by one or the other. */
static bool is_entry(const json_t *entry)
{
    return json_is_integer(json_object_get(entry, "id")) ||
           json_is_string(json_object_get(entry, "controllerId"));
}

/* One page; *got: how many entries it had. */
static int add_page(struct api_client *client, const char *path, json_t *all, size_t *got)
{
    json_t *page;
    size_t index;
    json_t *entry;
    int status = remote_get(client, path, "content", &page);
    if (status != HOST_DONE)
        return status;
    json_t *content = json_object_get(page, "content");
    if (!json_is_array(content))
        status = refuse_answer(path);
    *got = json_array_size(content);
    json_array_foreach(content, index, entry)
    {
        if (status == HOST_DONE && !is_entry(entry))
            status = refuse_answer(path);
        json_array_append(all, entry);
    }
    json_decref(page);
    return status;
}

int remote_list(struct api_client *client, const char *path, const char *filter, uint32_t limit,
                json_t **out)
{
    char escaped[ESCAPED_URL(512)] = "";
    const char *before = strchr(path, '?') != NULL ? "&" : "?";
    char full[PATH_MAX_BYTES];
    size_t got = PAGE;
    int status = HOST_DONE;
    if (filter != NULL && strlen(filter) > 512)
        return host_usage(filter, "the filter is longer than 512 characters");
    if (filter != NULL)
        escape_url(filter, escaped, sizeof escaped);
    *out = json_array();
    while (status == HOST_DONE && got == PAGE && (limit == 0 || json_array_size(*out) < limit)) {
        size_t left = limit != 0 ? limit - json_array_size(*out) : PAGE;
        snprintf(full, sizeof full, "%s%soffset=%zu&limit=%zu%s%s", path, before,
                 json_array_size(*out), left < PAGE ? left : (size_t)PAGE,
                 filter != NULL ? "&q=" : "", escaped);
        status = add_page(client, full, *out, &got);
    }
    if (status != HOST_DONE) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

int remote_each_target(const struct argp *argp, int argc, char **argv, const char *method,
                       const char *below)
{
    struct remote_options options;
    struct api_client *client;
    char path[REMOTE_TARGET_PATH];
    int status = remote_begin(argp, argc, argv, 1, SIZE_MAX, &options, &client);
    if (status != HOST_DONE)
        return status;
    for (size_t i = 0; i < options.count; i++) {
        api_client_about(client, options.words[i]);
        if (remote_target_path(options.words[i], below, path) != HOST_DONE ||
            api_client_call(client, method, path, NULL, NULL) != HOST_DONE)
            status = HOST_FAILED;
    }
    api_client_close(client);
    return status;
}

int remote_print_all(const struct argp *argp, int argc, char **argv, const char *path,
                     void (*print)(const json_t *entry))
{
    struct remote_options options;
    struct api_client *client;
    json_t *all;
    size_t index;
    json_t *entry;
    int status = remote_begin(argp, argc, argv, 0, 0, &options, &client);
    if (status != HOST_DONE)
        return status;
    api_client_about(client, options.filter != NULL ? "--filter" : NULL);
    status = remote_list(client, path, options.filter, options.limit, &all);
    if (status == HOST_DONE && options.json) {
        status = cli_json_print(all);
    } else if (status == HOST_DONE) {
        json_array_foreach(all, index, entry) print(entry);
        json_decref(all);
    }
    api_client_close(client);
    return status;
}

/* FIELD=="TEXT" with nothing in it that a filter takes for more than itself. */
static const char *filter_of(const char *field, const char *text, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%s==\"", field);
    for (; *text != '\0' && used + 4 < size; text++) {
        if (strchr("\"\\*", *text) != NULL)
            out[used++] = '\\';
        out[used++] = *text;
    }
    snprintf(out + used, size - used, "\"");
    return out;
}

static bool is(const json_t *entry, const char *member, const char *text)
{
    const char *value = json_string_value(json_object_get(entry, member));
    return value != NULL && strcmp(value, text) == 0;
}

/* A filter takes capital letters for small ones: what it finds is looked at once more. */
static int find_exact(struct api_client *client, const char *path, const char *name,
                      const char *version, json_t **out)
{
    char filter[512];
    json_t *found;
    size_t index;
    json_t *entry;
    *out = NULL;
    int status =
        strlen(name) > FILTERED_MAX
            ? host_usage(name, "is longer than a name can be (%d bytes)", FILTERED_MAX)
            : remote_list(client, path, filter_of("name", name, filter, sizeof filter), 0, &found);
    if (status != HOST_DONE)
        return status;
    json_array_foreach(found, index, entry)
    {
        if (is(entry, "name", name) && (version == NULL || is(entry, "version", version)))
            *out = json_incref(entry);
        if (*out != NULL)
            break;
    }
    json_decref(found);
    return HOST_DONE;
}

int remote_find(struct api_client *client, const char *path, const char *name, const char *what,
                json_t **out)
{
    int status = find_exact(client, path, name, NULL, out);
    if (status == HOST_DONE && *out == NULL)
        status = host_fail(name, "the server has no such %s", what);
    return status;
}

int remote_find_set(struct api_client *client, const char *word, json_int_t *id)
{
    char name[FILTERED_MAX + 2];
    json_t *set;
    const char *colon = strrchr(word, ':');
    if (colon == NULL || colon == word || colon[1] == '\0')
        return host_usage(word, "not a distribution set (NAME:VERSION)");
    snprintf(name, sizeof name, "%.*s", (int)(colon - word), word);
    int status = find_exact(client, "/rest/v1/distributionsets", name, colon + 1, &set);
    if (status == HOST_DONE && set == NULL)
        status = host_fail(word, "the server has no such distribution set");
    *id = json_integer_value(json_object_get(set, "id"));
    json_decref(set);
    return status;
}

static char *next_text(void)
{
    static char text[8][CLI_TEXT];
    static unsigned at;
    return text[at++ % 8];
}

const char *remote_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && text[0] != '\0' ? cli_printable(text, next_text()) : "-";
}

const char *remote_time(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    time_t seconds = (time_t)(json_integer_value(value) / 1000);
    struct tm broken;
    char *text = next_text();
    if (!json_is_integer(value) || gmtime_r(&seconds, &broken) == NULL)
        return "-";
    strftime(text, CLI_TEXT, "%Y-%m-%dT%H:%M:%SZ", &broken);
    return text;
}

const char *remote_set(const json_t *object, const char *name)
{
    const json_t *set = json_object_get(object, name);
    char *text = next_text();
    if (set == NULL)
        return "-";
    snprintf(text, CLI_TEXT, "%s:%s", remote_text(set, "name"), remote_text(set, "version"));
    return text;
}

void remote_print_line(const json_t *text)
{
    const char *at = json_string_value(text);
    for (; at != NULL && *at != '\0'; at++)
        putchar(*at >= 0x20 && *at < 0x7F ? *at : '?');
    putchar('\n');
}
