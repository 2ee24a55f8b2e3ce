/* trustchain rollout: a distribution set for many devices, group after group. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"
#include "tool/remote.h"
#include "tool/tool.h"

#define ROLLOUTS    "/rest/v1/rollouts"
#define GROUPS_MAX  32
#define WATCH_S     2
#define PERCENT_MAX 100.0

/* "1,10,100": so many percent of the targets after each group, growing up to 100. What hawkBit
 * wants for each group is the share of those that are left. False: it is not that. */
static bool read_groups(const char *text, json_t *groups)
{
    double before = 0;
    const char *at = text;
    for (size_t count = 0; count < GROUPS_MAX; count++) {
        char *end;
        double upto = strtod(at, &end);
        if (end == at || !(upto > before && upto <= PERCENT_MAX) || (*end != ',' && *end != '\0'))
            return false;
        double share = (upto - before) / (PERCENT_MAX - before) * PERCENT_MAX;
        json_array_append_new(groups, json_pack("{s:f}", "targetPercentage", share));
        before = upto;
        if (*end == '\0')
            return upto == PERCENT_MAX;
        at = end + 1;
    }
    return false;
}

/* The same rules for each group. */
static void add_conditions(json_t *groups, const struct remote_options *options)
{
    size_t index;
    json_t *group;
    json_array_foreach(groups, index, group)
    {
        char name[32];
        snprintf(name, sizeof name, "group-%zu", index + 1);
        json_object_set_new(group, "name", json_string(name));
        json_object_set_new(group, "successCondition",
                            json_pack("{s:s, s:s}", "condition", "THRESHOLD", "expression",
                                      options->success != NULL ? options->success : "100"));
        json_object_set_new(group, "errorCondition",
                            json_pack("{s:s, s:s}", "condition", "THRESHOLD", "expression",
                                      options->error != NULL ? options->error : "5"));
        json_object_set_new(group, "errorAction", json_pack("{s:s}", "action", "PAUSE"));
    }
}

static int plan(struct api_client *client, const struct remote_options *options, json_t *groups)
{
    json_int_t set;
    json_t *answer;
    int status = remote_find_set(client, options->words[1], &set);
    if (status != HOST_DONE)
        return status;
    if (options->first != NULL)
        json_array_insert_new(groups, 0,
                              json_pack("{s:f, s:s}", "targetPercentage", PERCENT_MAX,
                                        "targetFilterQuery", options->first));
    add_conditions(groups, options);
    json_t *rollout = json_pack(
        "{s:s, s:s*, s:I, s:s, s:s, s:b, s:O}", "name", options->words[0], "description",
        options->description, "distributionSetId", set, "targetFilterQuery",
        options->filter != NULL ? options->filter : "controllerid==*", "type",
        options->soft ? "soft" : "forced", "downgrade", options->downgrade, "groups", groups);
    api_client_about(client, options->words[0]);
    status = api_client_call(client, "POST", ROLLOUTS, rollout, &answer);
    if (status == HOST_DONE && options->json)
        cli_json_print(json_incref(answer));
    json_decref(answer);
    return status;
}

static int create(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        API_CLIENT_OPTIONS,
        REMOTE_JSON_OPTION,
        {"filter", REMOTE_FILTER, "RSQL", 0, "which devices (default: all, 'controllerid==*')", 0},
        {"first", REMOTE_FIRST, "RSQL", 0, "which of them are a group before all others", 0},
        {"groups", REMOTE_GROUPS, "P,P,...", 0,
         "percent of (the rest of) them that have been told after each group (default 1,10,100)",
         0},
        {"success", REMOTE_SUCCESS, "PERCENT", 0,
         "of a group, finished, before the next begins (default 100)", 0},
        {"error", REMOTE_ERROR, "PERCENT", 0, "of a group, failed, that halts it all (default 5)",
         0},
        {"soft", REMOTE_SOFT, NULL, 0, "devices may choose when", 0},
        {"downgrade", REMOTE_DOWNGRADE, NULL, 0, "an older version is meant", 0},
        {"description", REMOTE_DESCRIPTION, "TEXT", 0, "for people", 0},
        {0}};
    static const struct argp argp = {options_known,
                                     remote_parse,
                                     "NAME SET:VERSION",
                                     "Plan a rollout. It waits for `rollout start`.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct remote_options options;
    struct api_client *client;
    int status = remote_begin(&argp, argc, argv, 2, 2, &options, &client);
    if (status != HOST_DONE)
        return status;
    json_t *groups = json_array();
    if (read_groups(options.groups != NULL ? options.groups : "1,10,100", groups))
        status = plan(client, &options, groups);
    else
        status = host_usage("rollout create",
                            "--groups are growing percentages that end with 100, not \"%s\"",
                            options.groups);
    json_decref(groups);
    api_client_close(client);
    return status;
}

static int get(struct api_client *client, const json_t *rollout, const char *below,
               const char *member, json_t **out)
{
    char path[128];
    snprintf(path, sizeof path, ROLLOUTS "/%lld%s",
             (long long)json_integer_value(json_object_get(rollout, "id")), below);
    return remote_get(client, path, member, out);
}

static long long count(const json_t *rollout, const char *name)
{
    return json_integer_value(
        json_object_get(json_object_get(rollout, "totalTargetsPerStatus"), name));
}

static void print_counts(const json_t *rollout)
{
    printf("%-28s %-10s %6lld of %lld done, %lld failed, %lld running",
           remote_text(rollout, "name"), remote_text(rollout, "status"), count(rollout, "finished"),
           (long long)json_integer_value(json_object_get(rollout, "totalTargets")),
           count(rollout, "error"), count(rollout, "running"));
    const json_t *halted = json_object_get(rollout, "haltReason");
    if (json_is_string(halted))
        printf(": ");
    remote_print_line(halted);
}

static int list(int argc, char **argv)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, REMOTE_JSON_OPTION, {0}};
    static const struct argp argp = {
        options_known, remote_parse, NULL, "Rollouts and how far they are.", NULL, NULL, NULL};
    return remote_print_all(&argp, argc, argv, ROLLOUTS "?representation=full", print_counts);
}

/* One look at the rollout called `name`, with its "groups" in it; the caller's. */
static int look(struct api_client *client, const char *name, json_t **out)
{
    json_t *rollout;
    json_t *groups = NULL;
    *out = NULL;
    int status = remote_find(client, ROLLOUTS, name, "rollout", &rollout);
    if (status == HOST_DONE)
        status = get(client, rollout, "?representation=full", "status", out);
    if (status == HOST_DONE)
        status = get(client, rollout, "/deploygroups?limit=500", "content", &groups);
    if (status == HOST_DONE)
        json_object_set(*out, "groups", json_object_get(groups, "content"));
    json_decref(rollout);
    json_decref(groups);
    return status;
}

static void print_look(const json_t *rollout)
{
    size_t index;
    json_t *group;
    print_counts(rollout);
    json_array_foreach(json_object_get(rollout, "groups"), index, group)
    {
        printf("  ");
        print_counts(group);
    }
}

static int show(int argc, char **argv)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, REMOTE_JSON_OPTION, {0}};
    static const struct argp argp = {
        options_known, remote_parse, "NAME", "A rollout and its groups.", NULL, NULL, NULL};
    struct remote_options options;
    struct api_client *client;
    json_t *rollout;
    int status = remote_begin(&argp, argc, argv, 1, 1, &options, &client);
    if (status != HOST_DONE)
        return status;
    status = look(client, options.words[0], &rollout);
    if (status == HOST_DONE && options.json)
        status = cli_json_print(json_incref(rollout));
    else if (status == HOST_DONE)
        print_look(rollout);
    json_decref(rollout);
    api_client_close(client);
    return status;
}

/* Ready, running and on the way to it; anything else will not move by itself. */
static bool moves(const char *word)
{
    static const char *const words[] = {"creating", "starting", "running", "stopping", "deleting"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

static int watch(int argc, char **argv)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, {0}};
    static const struct argp argp = {
        options_known,
        remote_parse,
        "NAME",
        "Print a rollout whenever it has moved, until it rests. Exit status 1 when it did not "
        "finish.",
        NULL,
        NULL,
        NULL};
    struct remote_options options;
    struct api_client *client;
    json_t *seen = NULL;
    int status = remote_begin(&argp, argc, argv, 1, 1, &options, &client);
    if (status != HOST_DONE)
        return status;
    for (bool moving = true; moving && status == HOST_DONE && !ferror(stdout);) {
        json_t *now;
        status = look(client, options.words[0], &now);
        if (status == HOST_DONE && !json_equal(now, seen))
            print_look(now);
        fflush(stdout);
        moving = moves(remote_text(now, "status"));
        json_decref(seen);
        seen = now;
        if (moving && status == HOST_DONE)
            sleep(WATCH_S);
    }
    const char *rests = remote_text(seen, "status");
    if (status == HOST_DONE && strcmp(rests, "finished") != 0)
        status = host_fail(options.words[0], "has not finished, it is %s", rests);
    json_decref(seen);
    api_client_close(client);
    return status;
}

static int order(int argc, char **argv, const char *help, const char *method, const char *below)
{
    static const struct argp_option options_known[] = {API_CLIENT_OPTIONS, {0}};
    const struct argp argp = {options_known, remote_parse, "NAME", help, NULL, NULL, NULL};
    struct remote_options options;
    struct api_client *client;
    char path[128];
    json_t *rollout = NULL;
    int status = remote_begin(&argp, argc, argv, 1, 1, &options, &client);
    if (status != HOST_DONE)
        return status;
    status = remote_find(client, ROLLOUTS, options.words[0], "rollout", &rollout);
    if (status == HOST_DONE) {
        snprintf(path, sizeof path, ROLLOUTS "/%lld%s",
                 (long long)json_integer_value(json_object_get(rollout, "id")), below);
        status = api_client_call(client, method, path, NULL, NULL);
    }
    json_decref(rollout);
    api_client_close(client);
    return status;
}

static int start(int argc, char **argv)
{
    return order(argc, argv, "Start a rollout that is ready.", "POST", "/start");
}

static int pause_rollout(int argc, char **argv)
{
    return order(argc, argv, "Tell no further devices; those told go on.", "POST", "/pause");
}

static int resume(int argc, char **argv)
{
    return order(argc, argv, "Go on with a rollout that was paused or has halted.", "POST",
                 "/resume");
}

static int stop(int argc, char **argv)
{
    return order(argc, argv, "End a rollout; what is under way is cancelled.", "POST", "/stop");
}

static int retry(int argc, char **argv)
{
    return order(argc, argv, "A new rollout for the devices where this one failed.", "POST",
                 "/retry");
}

static int remove_rollout(int argc, char **argv)
{
    return order(argc, argv, "Forget a rollout.", "DELETE", "");
}

int cmd_rollout(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"create", create, "plan a rollout"},
        {"list", list, "rollouts and how far they are"},
        {"show", show, "a rollout and its groups"},
        {"start", start, "start a rollout"},
        {"watch", watch, "follow a rollout until it rests"},
        {"pause", pause_rollout, "tell no further devices"},
        {"resume", resume, "go on"},
        {"stop", stop, "end a rollout"},
        {"retry", retry, "again for those that failed"},
        {"remove", remove_rollout, "forget a rollout"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
