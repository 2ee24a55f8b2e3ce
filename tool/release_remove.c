/* trustchain release withdraw, prune: what is no longer offered, and no longer needed. */
#include "tool/release_options.h"

#include <stdio.h>

#include "host/error.h"

enum { OPTION_DRY_RUN = RELEASE_OWN };

static error_t parse_withdraw(int key, char *text, struct argp_state *state)
{
    if (key == ARGP_KEY_END)
        release_need_product(state);
    return release_parse_place(key, text, state);
}

static int withdraw(const struct store *store, const struct publish_policy *policy)
{
    int lock;
    int error = store_lock(store, &lock);
    if (error == STORE_OK) {
        error = store_withdraw(store, policy->product, policy->channel);
        store_unlock(lock);
    }
    char name[RELEASE_NAME];
    release_name(policy->product, policy->channel, name);
    if (error != STORE_OK)
        return host_fail(name, "not withdrawn: %s", store_error_text(error));
    printf("%s: withdrawn\n", name);
    return HOST_DONE;
}

int release_withdraw(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        RELEASE_PLACE_OPTIONS, RELEASE_CHANNEL_OPTION, {0}};
    static const struct argp argp = {
        options_known,
        parse_withdraw,
        NULL,
        "Stop offering a channel's release. Devices find nothing there until the next publish.",
        NULL,
        NULL,
        NULL};
    struct release_options options = {0};
    struct store store;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = release_open(&options, &store);
    if (status != HOST_DONE)
        return status;
    status = withdraw(&store, &options.policy);
    store_close(&store);
    return status;
}

/* prune */

struct prune_options {
    struct release_options release; /* first: release_parse_place() takes it for the whole */
    bool dry_run;
};

struct pruned {
    json_t *json; /* an array, or NULL for text */
    bool dry_run;
    unsigned files;
    uint64_t bytes;
};

static void on_pruned(void *context, const char *file, uint64_t bytes)
{
    struct pruned *pruned = context;
    pruned->files++;
    pruned->bytes += bytes;
    if (pruned->json)
        json_array_append_new(pruned->json, json_string(file));
    else if (pruned->dry_run)
        printf("%s\n", file);
}

static int prune(const struct prune_options *options, const struct store *store)
{
    const char *folder = options->release.releases;
    struct pruned pruned = {.dry_run = options->dry_run,
                            .json = options->release.json ? json_array() : NULL};
    int lock;
    int error = store_lock(store, &lock);
    if (error == STORE_OK) {
        error = store_prune(store, options->dry_run, on_pruned, &pruned);
        store_unlock(lock);
    }
    if (pruned.json)
        cli_json_print(json_pack("{s:b, s:I, s:o}", "dry_run", options->dry_run, "bytes",
                                 (json_int_t)pruned.bytes, "files", pruned.json));
    else if (error == STORE_OK)
        printf("%s: %u files, %llu bytes %s\n", folder, pruned.files,
               (unsigned long long)pruned.bytes, options->dry_run ? "would be removed" : "removed");
    if (error == STORE_EDAMAGED)
        return host_fail(folder, "not pruned: a channel's pointer file is damaged, and what it "
                                 "offers unknown (release list names it)");
    return error == STORE_OK ? HOST_DONE
                             : host_fail(folder, "not pruned: %s", store_error_text(error));
}

static error_t parse_prune(int key, char *text, struct argp_state *state)
{
    if (key == OPTION_DRY_RUN) {
        ((struct prune_options *)state->input)->dry_run = true;
        return 0;
    }
    return release_parse_place(key, text, state);
}

int release_prune(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"project", 'p', "DIR", 0, "the project whose releases to prune", 0},
        {"releases", RELEASE_FOLDER, "DIR", 0, "the folder of releases", 0},
        {"dry-run", OPTION_DRY_RUN, NULL, 0, "only say what would be removed", 0},
        {"json", RELEASE_JSON, NULL, 0, "print JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_prune,
        NULL,
        "Remove images and their metadata that no channel of any product offers any more. "
        "Downloads under way end well; nothing is removed while a channel cannot be read.",
        NULL,
        NULL,
        NULL};
    struct prune_options options = {0};
    struct store store;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = release_open(&options.release, &store);
    if (status != HOST_DONE)
        return status;
    status = prune(&options, &store);
    store_close(&store);
    return status;
}
