/* trustchain release: publish, list and withdraw what devices are offered. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

#include "host/error.h"
#include "host/file.h"
#include "server/project.h"
#include "server/publish.h"
#include "server/store.h"
#include "tool/cli.h"
#include "tool/inputs.h"

enum {
    OPTION_RELEASES = CLI_LONG,
    OPTION_PRODUCT,
    OPTION_CHANNEL,
    OPTION_SLOT_SIZE,
    OPTION_MIN_SECURE_VERSION,
    OPTION_CHIP_REV,
    OPTION_FORCE,
    OPTION_LOWER_SECURE_VERSION,
    OPTION_UNCHECKED,
    OPTION_AS,
    OPTION_JSON,
};

struct release_options {
    const char *input;
    const char *project_folder; /* NULL: everything is on the command line */
    struct release_project project;
    const char *releases;
    struct trust_source trust;
    struct publish_policy policy;
    bool json;
};

/* Options that say which release of which store. */
/* clang-format off */
#define PLACE_OPTIONS                                                                             \
    {"project", 'p', "DIR", 0, "the project; it answers what other options leave open", 0},       \
        {"releases", OPTION_RELEASES, "DIR", 0, "the folder of releases", 0},                     \
        {"product", OPTION_PRODUCT, "NAME", 0, "product, as the application's project name", 0},  \
        {"channel", OPTION_CHANNEL, "NAME", 0, "channel (default stable)", 0}
/* clang-format on */

static error_t parse_place(int key, char *text, struct argp_state *state)
{
    struct release_options *options = state->input;
    switch (key) {
    case 'p':
        options->project_folder = text;
        return 0;
    case OPTION_RELEASES:
        options->releases = text;
        return 0;
    case OPTION_PRODUCT:
        options->policy.product = text;
        return 0;
    case OPTION_CHANNEL:
        options->policy.channel = text;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_END:
        if (!options->releases && !options->project_folder)
            cli_usage(state, "where are the releases? (--project DIR or --releases DIR)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void need_product(const struct argp_state *state)
{
    const struct release_options *options = state->input;
    if (!options->policy.product && !options->project_folder)
        cli_usage(state, "of which product? (--project DIR or --product NAME)");
}

/* What the command line left open, from the project or the defaults. */
static int fill_in(struct release_options *options)
{
    struct release_project *project = &options->project;
    if (options->project_folder) {
        if (release_project_read(options->project_folder, project) != HOST_DONE)
            return HOST_FAILED;
        if (!options->policy.product)
            options->policy.product = project->product;
        if (!options->releases)
            options->releases = project->releases;
        if (!options->policy.channel)
            options->policy.channel = project->channel;
    }
    if (!options->policy.channel)
        options->policy.channel = "stable";
    return HOST_DONE;
}

static int open_store(const char *path, struct store *store)
{
    int error = store_open(store, path);
    return error == STORE_OK
               ? HOST_DONE
               : host_fail(path, "cannot open the releases: %s", store_error_text(error));
}

static json_t *release_json(const struct release *release)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:s, s:s}", "project", release->project, "version",
                     release->version, "secure_version", (json_int_t)release->secure_version,
                     "size", (json_int_t)release->size, "sha256", release->sha256, "published",
                     release->published);
}

/* publish */

static void add_trust(struct argp_state *state, const char **list, size_t *count, char *text)
{
    const struct trust_source *trust = &((struct release_options *)state->input)->trust;
    if (trust->key_count + trust->digest_count == SIGBLOCK_MAX)
        cli_usage(state, "a device trusts at most three keys");
    list[(*count)++] = text;
}

static void check_publish(const struct argp_state *state)
{
    const struct release_options *options = state->input;
    need_product(state);
    if (options->policy.version && !options->policy.unchecked)
        cli_usage(state, "--as goes with --unchecked: a checked release has its own version");
    if (options->trust.key_count + options->trust.digest_count == 0 && !options->policy.unchecked &&
        !options->project_folder)
        cli_usage(state, "signed by whom? (--project DIR, --key FILE or --digest HEX)");
}

static error_t parse_publish(int key, char *text, struct argp_state *state)
{
    struct release_options *options = state->input;
    struct publish_policy *policy = &options->policy;
    uint32_t number;
    switch (key) {
    case 'k':
        add_trust(state, options->trust.keys, &options->trust.key_count, text);
        return 0;
    case 'd':
        add_trust(state, options->trust.digests, &options->trust.digest_count, text);
        return 0;
    case OPTION_SLOT_SIZE:
        policy->slot_size = cli_option_number(state, "--slot-size", text);
        return 0;
    case OPTION_MIN_SECURE_VERSION:
        policy->min_secure_version = cli_option_number(state, "--min-secure-version", text);
        return 0;
    case OPTION_CHIP_REV:
        number = cli_option_number(state, "--chip-rev", text);
        if (number > UINT16_MAX)
            cli_usage(state, "--chip-rev is major * 100 + minor");
        policy->chip_rev = (uint16_t)number;
        return 0;
    case OPTION_FORCE:
        policy->force = true;
        return 0;
    case OPTION_LOWER_SECURE_VERSION:
        policy->lower_secure_version = true;
        return 0;
    case OPTION_UNCHECKED:
        policy->unchecked = true;
        return 0;
    case OPTION_AS:
        policy->version = text;
        return 0;
    case ARGP_KEY_END:
        check_publish(state);
        break;
    default:
        break;
    }
    error_t taken = parse_place(key, text, state);
    if (taken != ARGP_ERR_UNKNOWN && key != ARGP_KEY_END)
        return taken;
    return cli_one_argument(key, text, &options->input, "image", state);
}

static int report_published(const struct release_options *options,
                            const struct publish_result *result)
{
    const struct publish_policy *policy = &options->policy;
    bool done = result->verdict == PUBLISH_DONE;
    if (options->json) {
        json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "verdict",
                                 publish_verdict_word(result->verdict), "reason", result->reason,
                                 "product", policy->product, "channel", policy->channel, "checked",
                                 !policy->unchecked, "release", release_json(&result->release));
        if (result->replaced)
            json_object_set_new(root, "replaced", release_json(&result->before));
        cli_json_print(root);
    }
    if (!done)
        return host_fail(file_input_name(options->input), "not published: %s", result->reason);
    if (!options->json) {
        printf("%s/%s: published %s, %u bytes, sha256 %s", policy->product, policy->channel,
               result->release.version, (unsigned)result->release.size, result->release.sha256);
        if (result->replaced)
            printf(" (was %s)", result->before.version);
        printf("\n");
    }
    return HOST_DONE;
}

/* Whose signature, which slot, which floor: from the project where options left it open. */
static int fill_in_policy(struct release_options *options)
{
    struct publish_policy *policy = &options->policy;
    struct trust_source *trust = &options->trust;
    if (policy->unchecked)
        return HOST_DONE;
    if (options->project_folder) {
        if (trust->key_count + trust->digest_count == 0)
            trust->keys[trust->key_count++] = options->project.signing_key;
        if (policy->min_secure_version == 0)
            policy->min_secure_version = options->project.min_secure_version;
        if (policy->slot_size == 0 &&
            release_project_slot_size(options->project_folder, &policy->slot_size) != HOST_DONE)
            return HOST_FAILED;
    }
    return trust_read(trust, &policy->trust);
}

static int publish(struct release_options *options)
{
    struct publish_policy *policy = &options->policy;
    struct publish_result result;
    struct store store;
    struct buffer image;
    if (fill_in(options) != HOST_DONE || fill_in_policy(options) != HOST_DONE)
        return HOST_FAILED;
    if (file_read(options->input, RELEASE_SIZE_MAX, &image) != HOST_DONE)
        return HOST_FAILED;
    int status = open_store(options->releases, &store);
    if (status == HOST_DONE) {
        if (policy->unchecked)
            fprintf(stderr,
                    "trustchain: %s: WARNING: publishing UNCHECKED bytes; devices must "
                    "refuse them (only for rehearsing attacks)\n",
                    file_input_name(options->input));
        publish_image(&store, policy, image.bytes, image.length, &result);
        status = report_published(options, &result);
        store_close(&store);
    }
    buffer_free(&image);
    return status;
}

static int cmd_publish(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        PLACE_OPTIONS,
        {"key", 'k', "FILE", 0, "the product's signing key (PEM public key or certificate)", 0},
        {"digest", 'd', "HEX", 0, "its digest instead (trustchain key digest)", 0},
        {"slot-size", OPTION_SLOT_SIZE, "BYTES", 0, "size of the devices' update slots", 0},
        {"min-secure-version", OPTION_MIN_SECURE_VERSION, "N", 0, "refuse older secure versions",
         0},
        {"chip-rev", OPTION_CHIP_REV, "N", 0,
         "oldest chip in the field, major * 100 + minor (default 0)", 0},
        {"force", OPTION_FORCE, NULL, 0, "publish a version that is not newer", 0},
        {"lower-secure-version", OPTION_LOWER_SECURE_VERSION, NULL, 0,
         "publish a secure version lower than the published one", 0},
        {"unchecked", OPTION_UNCHECKED, NULL, 0,
         "publish any bytes, to rehearse attacks: devices must refuse them", 0},
        {"as", OPTION_AS, "VERSION", 0, "the version to claim, with --unchecked", 0},
        {"json", OPTION_JSON, NULL, 0, "print the result as JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_publish,
        "IMAGE",
        "Check a signed image as a device would and offer it to devices, at once and "
        "atomically. A refusal changes nothing.",
        NULL,
        NULL,
        NULL};
    struct release_options options = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    return status == HOST_DONE ? publish(&options) : status;
}

/* list */

struct listing {
    json_t *json; /* an array, or NULL for text */
    const char *product;
    int status;
};

static void list_one(void *context, const char *product, const char *channel, int error,
                     const struct release *release)
{
    struct listing *listing = context;
    if (listing->product && strcmp(listing->product, product) != 0)
        return;
    if (error != STORE_OK) {
        char name[160];
        snprintf(name, sizeof name, "%s/%s", product, channel);
        listing->status = host_fail(name, "%s (publish it again)", store_error_text(error));
        return;
    }
    if (listing->json) {
        json_t *item = release_json(release);
        json_object_set_new(item, "product", json_string(product));
        json_object_set_new(item, "channel", json_string(channel));
        json_array_append_new(listing->json, item);
        return;
    }
    printf("%s/%s %s, %u bytes, secure version %u, published %s, sha256 %s\n", product, channel,
           release->version, (unsigned)release->size, (unsigned)release->secure_version,
           release->published, release->sha256);
}

static int cmd_list(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        PLACE_OPTIONS, {"json", OPTION_JSON, NULL, 0, "print JSON", 0}, {0}};
    static const struct argp argp = {options_known, parse_place, NULL, "List what is published.",
                                     NULL,          NULL,        NULL};
    struct release_options options = {0};
    struct store store;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = fill_in(&options);
    if (status == HOST_DONE)
        status = open_store(options.releases, &store);
    if (status != HOST_DONE)
        return status;
    struct listing listing = {.json = options.json ? json_array() : NULL,
                              .product = options.policy.product,
                              .status = HOST_DONE};
    int error = store_list(&store, list_one, &listing);
    if (error != STORE_OK)
        listing.status =
            host_fail(options.releases, "cannot be listed: %s", store_error_text(error));
    if (listing.json)
        cli_json_print(listing.json);
    store_close(&store);
    return listing.status;
}

/* withdraw */

static error_t parse_withdraw(int key, char *text, struct argp_state *state)
{
    if (key == ARGP_KEY_END)
        need_product(state);
    return parse_place(key, text, state);
}

static int withdraw(const struct store *store, const struct publish_policy *policy)
{
    int lock;
    int error = store_lock(store, &lock);
    if (error == STORE_OK) {
        error = store_withdraw(store, policy->product, policy->channel);
        store_unlock(lock);
    }
    char name[160];
    snprintf(name, sizeof name, "%.64s/%.64s", policy->product, policy->channel);
    if (error != STORE_OK)
        return host_fail(name, "not withdrawn: %s", store_error_text(error));
    printf("%s: withdrawn\n", name);
    return HOST_DONE;
}

static int cmd_withdraw(int argc, char **argv)
{
    static const struct argp_option options_known[] = {PLACE_OPTIONS, {0}};
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
        status = fill_in(&options);
    if (status == HOST_DONE)
        status = open_store(options.releases, &store);
    if (status != HOST_DONE)
        return status;
    status = withdraw(&store, &options.policy);
    store_close(&store);
    return status;
}

int cmd_release(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"publish", cmd_publish, "check a signed image and offer it to devices"},
        {"list", cmd_list, "what is published"},
        {"withdraw", cmd_withdraw, "stop offering a release"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
