/* tool/release_options.c: see tool/release_options.h. */
#include "tool/release_options.h"

#include <stdio.h>

#include "host/error.h"

error_t release_parse_place(int key, char *text, struct argp_state *state)
{
    struct release_options *options = state->input;
    switch (key) {
    case 'p':
        options->project_folder = text;
        return 0;
    case RELEASE_FOLDER:
        options->releases = text;
        return 0;
    case RELEASE_PRODUCT:
        options->policy.product = text;
        return 0;
    case RELEASE_CHANNEL:
        options->policy.channel = text;
        return 0;
    case RELEASE_JSON:
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

static void add_key(struct argp_state *state, const char **list, size_t *count, char *text)
{
    const struct trust_source *trust = &((struct release_options *)state->input)->trust;
    if (trust->key_count + trust->digest_count == SIGBLOCK_MAX)
        cli_usage(state, "a device trusts at most three keys");
    list[(*count)++] = text;
}

error_t release_parse_policy(int key, char *text, struct argp_state *state)
{
    struct release_options *options = state->input;
    struct publish_policy *policy = &options->policy;
    uint32_t number;
    switch (key) {
    case 'k':
        add_key(state, options->trust.keys, &options->trust.key_count, text);
        return 0;
    case 'd':
        add_key(state, options->trust.digests, &options->trust.digest_count, text);
        return 0;
    case RELEASE_SLOT_SIZE:
        policy->slot_size = cli_option_number(state, "--slot-size", text);
        return 0;
    case RELEASE_MAX_SIZE:
        policy->max_size = cli_option_number(state, "--max-size", text);
        return 0;
    case RELEASE_MIN_SECURE_VERSION:
        policy->min_secure_version = cli_option_number(state, "--min-secure-version", text);
        return 0;
    case RELEASE_CHIP_REV:
        number = cli_option_number(state, "--chip-rev", text);
        if (number > UINT16_MAX)
            cli_usage(state, "--chip-rev is major * 100 + minor");
        policy->chip_rev = (uint16_t)number;
        return 0;
    case RELEASE_FORCE:
        policy->force = true;
        return 0;
    case RELEASE_LOWER_SECURE_VERSION:
        policy->lower_secure_version = true;
        return 0;
    default:
        return release_parse_place(key, text, state);
    }
}

void release_need_product(const struct argp_state *state)
{
    const struct release_options *options = state->input;
    if (!options->policy.product && !options->project_folder)
        cli_usage(state, "of which product? (--project DIR or --product NAME)");
}

void release_need_keys(const struct argp_state *state)
{
    const struct release_options *options = state->input;
    if (options->trust.key_count + options->trust.digest_count == 0 && !options->project_folder)
        cli_usage(state, "signed by whom? (--project DIR, --key FILE or --digest HEX)");
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

int release_fill_in_policy(struct release_options *options)
{
    struct publish_policy *policy = &options->policy;
    struct trust_source *trust = &options->trust;
    const struct release_project *project = &options->project;
    if (options->project_folder) {
        trust_use_project(trust, project);
        if (policy->min_secure_version == 0)
            policy->min_secure_version = project->min_secure_version;
        if (policy->max_size == 0)
            policy->max_size = project->max_size;
        if (policy->slot_size == 0 &&
            release_project_slot_size(options->project_folder, &policy->slot_size) != HOST_DONE)
            return HOST_FAILED;
    }
    return trust_read(trust, &policy->trust);
}

int release_verb(const struct argp *argp, int argc, char **argv, struct release_options *options,
                 release_work *work)
{
    struct store store;
    int status = cli_parse(argp, argc, argv, options);
    if (status == HOST_DONE)
        status = fill_in(options);
    if (status != HOST_DONE)
        return status;
    int error = store_open(&store, options->releases);
    if (error != STORE_OK)
        return host_fail(options->releases, "cannot open the releases: %s",
                         store_error_text(error));
    status = work(options, &store);
    store_close(&store);
    return status;
}

char *release_name(const char *product, const char *channel, char out[RELEASE_NAME])
{
    snprintf(out, RELEASE_NAME, "%.*s/%.*s", NAME_BYTES_MAX, product, NAME_BYTES_MAX, channel);
    return out;
}

json_t *release_json(const struct release *release)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:s, s:s}", "project", release->project, "version",
                     release->version, "secure_version", (json_int_t)release->secure_version,
                     "size", (json_int_t)release->size, "sha256", release->sha256, "published",
                     release->published);
}
