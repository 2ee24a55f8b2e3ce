/* trustchain release withdraw, prune: what is no longer offered, and no longer needed. */
#include "tool/release_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"
#include "tool/fleet_store.h"

enum { OPTION_DRY_RUN = RELEASE_OWN, OPTION_STORE };

static error_t parse_withdraw(int key, char *text, struct argp_state *state)
{
    if (key == ARGP_KEY_END)
        release_need_product(state);
    return release_parse_place(key, text, state);
}

static int withdraw(struct release_options *options, const struct store *store)
{
    const struct publish_policy *policy = &options->policy;
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
    return release_verb(&argp, argc, argv, &options, withdraw);
}

/* prune */

struct prune_options {
    struct release_options release; /* first: release_parse_place() takes it for the whole */
    bool dry_run;
    struct fleet_store fleet;
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

static int prune(const struct prune_options *options, const struct store *store,
                 const struct store_kept *kept)
{
    const char *folder = options->release.releases;
    struct pruned pruned = {.dry_run = options->dry_run,
                            .json = options->release.json ? json_array() : NULL};
    int lock;
    int error = store_lock(store, &lock);
    if (error == STORE_OK) {
        error = store_prune(store, kept, options->dry_run, on_pruned, &pruned);
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

static int keep_image(struct store_kept *kept, const char *sha256)
{
    void *grown = realloc(kept->sha256, (kept->count + 1) * sizeof *kept->sha256);
    if (!grown)
        return host_fail(NULL, "out of memory");
    kept->sha256 = grown;
    snprintf(kept->sha256[kept->count++], sizeof *kept->sha256, "%s", sha256);
    return HOST_DONE;
}

/* The images that the fleet's store names. */
static int read_kept(struct fleet_store *fleet, struct store_kept *kept)
{
    int result = HOST_DONE;
    int status;
    struct db_rows *rows = db_query(fleet->db, "SELECT DISTINCT sha256 FROM artifact", DB_NO_ARGS);
    while ((status = db_next(rows)) == DB_ROW && result == HOST_DONE)
        result = keep_image(kept, db_text(rows, 0));
    if (status == DB_ROW)
        db_end(rows);
    else if (status != DB_OK)
        result = host_fail("the fleet's store", "cannot be read: %s", db_error(fleet->db));
    return result;
}

/* Which store it is, as for `serve`; *fleet->url is NULL where there is none (yet). */
static void find_fleet(struct prune_options *options)
{
    struct fleet_store *fleet = &options->fleet;
    bool said = fleet->url || getenv("TRUSTCHAIN_STORE");
    if (!fleet->url)
        fleet->url = getenv("TRUSTCHAIN_STORE");
    if (!fleet->url && options->release.project_folder)
        fleet->url = options->release.project.server.store;
    if (!fleet->url || fleet->url[0] == '\0' || strcmp(fleet->url, "none") == 0) {
        fleet->url = NULL;
        return;
    }
    const char *file = fleet_store_file(fleet);
    if (!said && file && access(file, F_OK) != 0)
        fleet->url = NULL; /* the project has not been served yet */
}

static int prune_beside_fleet(struct release_options *release, const struct store *store)
{
    struct prune_options *options = (struct prune_options *)release;
    struct store_kept kept = {0};
    find_fleet(options);
    if (!options->fleet.url)
        return prune(options, store, NULL);
    int status = fleet_store_open(&options->fleet, FLEET_STORE_EXISTING);
    if (status != HOST_DONE)
        return status;
    status = read_kept(&options->fleet, &kept);
    fleet_store_close(&options->fleet);
    if (status == HOST_DONE)
        status = prune(options, store, &kept);
    free(kept.sha256);
    return status;
}

static error_t parse_prune(int key, char *text, struct argp_state *state)
{
    struct prune_options *options = state->input;
    switch (key) {
    case OPTION_DRY_RUN:
        options->dry_run = true;
        return 0;
    case OPTION_STORE:
        options->fleet.url = text;
        return 0;
    default:
        return release_parse_place(key, text, state);
    }
}

int release_prune(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"project", 'p', "DIR", 0, "the project whose releases to prune", 0},
        {"releases", RELEASE_FOLDER, "DIR", 0, "the folder of releases", 0},
        {"store", OPTION_STORE, "URL", 0,
         "the fleet's store, whose images stay (default: TRUSTCHAIN_STORE, the project's)", 0},
        {"dry-run", OPTION_DRY_RUN, NULL, 0, "only say what would be removed", 0},
        {"json", RELEASE_JSON, NULL, 0, "print JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_prune,
        NULL,
        "Remove images and their metadata that no channel of any product offers any more, and that "
        "the fleet's store does not name. Downloads under way end well; nothing is removed while a "
        "channel or the store cannot be read.",
        NULL,
        NULL,
        NULL};
    struct prune_options options = {0};
    return release_verb(&argp, argc, argv, &options.release, prune_beside_fleet);
}
