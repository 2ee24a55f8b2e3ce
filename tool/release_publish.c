/* trustchain release publish: check a signed image and offer it to devices. */
#include "tool/release_options.h"

#include <stdio.h>

#include "host/error.h"
#include "host/file.h"

enum {
    OPTION_UNCHECKED = RELEASE_OWN,
    OPTION_AS,
    OPTION_METADATA,
};

struct publish_options {
    struct release_options release; /* first: release_parse_policy() takes it for the whole */
    const char *metadata;
};

static void check_line(const struct argp_state *state)
{
    const struct release_options *options = state->input;
    release_need_product(state);
    if (options->policy.version && !options->policy.unchecked)
        cli_usage(state, "--as goes with --unchecked: a checked release has its own version");
    if (!options->policy.unchecked)
        release_need_keys(state);
}

static error_t parse_publish(int key, char *text, struct argp_state *state)
{
    struct release_options *options = state->input;
    struct publish_policy *policy = &options->policy;
    switch (key) {
    case OPTION_UNCHECKED:
        policy->unchecked = true;
        return 0;
    case OPTION_AS:
        policy->version = text;
        return 0;
    case OPTION_METADATA:
        ((struct publish_options *)state->input)->metadata = text;
        return 0;
    case ARGP_KEY_END:
        check_line(state);
        break;
    default:
        break;
    }
    error_t taken = release_parse_policy(key, text, state);
    if (taken != ARGP_ERR_UNKNOWN && key != ARGP_KEY_END)
        return taken;
    return cli_one_argument(key, text, &options->input, "image", state);
}

int release_report(const struct release_options *options, const char *subject,
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
        return host_fail(subject, "not published: %s", result->reason);
    if (!options->json) {
        printf("%s/%s: published %s, %u bytes, sha256 %s", policy->product, policy->channel,
               result->release.version, (unsigned)result->release.size, result->release.sha256);
        if (result->replaced)
            printf(" (was %s)", result->before.version);
        printf("\n");
    }
    return HOST_DONE;
}

static int publish_bytes(const struct release_options *options, const struct store *store,
                         const struct buffer *image)
{
    const char *name = file_input_name(options->input);
    const char *metadata = ((const struct publish_options *)options)->metadata;
    struct publish_result result;
    if (options->policy.unchecked)
        fprintf(stderr,
                "trustchain: %s: WARNING: publishing UNCHECKED bytes; devices must "
                "refuse them (only for rehearsing attacks)\n",
                name);
    publish_image(store, &options->policy, image->bytes, image->length, &result);
    int status = release_report(options, name, &result);
    if (status == HOST_DONE && metadata)
        status = release_write_metadata(store, &result.release, metadata);
    return status;
}

static int publish(struct release_options *options, const struct store *store)
{
    struct buffer image;
    if (!options->policy.unchecked && release_fill_in_policy(options) != HOST_DONE)
        return HOST_FAILED;
    if (file_read(options->input, RELEASE_SIZE_MAX, &image) != HOST_DONE)
        return HOST_FAILED;
    int status = publish_bytes(options, store, &image);
    buffer_free(&image);
    return status;
}

int release_publish(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        RELEASE_PLACE_OPTIONS,
        RELEASE_CHANNEL_OPTION,
        RELEASE_POLICY_OPTIONS,
        {"force", RELEASE_FORCE, NULL, 0, "publish a version that is not newer", 0},
        {"lower-secure-version", RELEASE_LOWER_SECURE_VERSION, NULL, 0,
         "publish a secure version lower than the published one", 0},
        {"unchecked", OPTION_UNCHECKED, NULL, 0,
         "publish any bytes, to rehearse attacks: devices must refuse them", 0},
        {"as", OPTION_AS, "VERSION", 0, "the version to claim, with --unchecked", 0},
        {"metadata", OPTION_METADATA, "FILE", 0, "write the metadata file here as well", 0},
        {"json", RELEASE_JSON, NULL, 0, "print the result as JSON", 0},
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
    struct publish_options options = {0};
    return release_verb(&argp, argc, argv, &options.release, publish);
}
