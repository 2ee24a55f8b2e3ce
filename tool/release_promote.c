/* trustchain release promote: the release of one channel offered on another, checked again. */
#include "tool/release_options.h"

#include <stdlib.h>

#include "host/error.h"

struct promote_options {
    struct release_options release; /* first: release_parse_policy() takes it for the whole */
    const char *from;
    const char *to;
};

static error_t parse_promote(int key, char *text, struct argp_state *state)
{
    struct promote_options *options = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (options->to)
            cli_usage(state, "which channels? (FROM and TO)");
        *(options->from ? &options->to : &options->from) = text;
        return 0;
    case ARGP_KEY_END:
        if (!options->to)
            cli_usage(state, "which channels? (FROM and TO)");
        release_need_product(state);
        release_need_keys(state);
        options->release.policy.channel = options->to;
        break;
    default:
        break;
    }
    return release_parse_policy(key, text, state);
}

/* The image is read whole and judged as a new one, so what FROM offers by now does not matter. */
static int promote(struct release_options *release, const struct store *store)
{
    const struct promote_options *options = (const struct promote_options *)release;
    const struct publish_policy *policy = &release->policy;
    struct release offered;
    struct publish_result result;
    uint8_t *bytes;
    char name[RELEASE_NAME];
    release_name(policy->product, options->from, name);
    if (release_fill_in_policy(release) != HOST_DONE)
        return HOST_FAILED;
    int error = store_get(store, policy->product, options->from, &offered);
    if (error == STORE_OK)
        error = store_read_image(store, &offered, &bytes);
    if (error != STORE_OK)
        return host_fail(name, "%s", store_error_text(error));
    publish_image(store, policy, bytes, offered.size, &result);
    free(bytes);
    return release_report(release, name, &result);
}

int release_promote(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        RELEASE_PLACE_OPTIONS,
        RELEASE_POLICY_OPTIONS,
        {"force", RELEASE_FORCE, NULL, 0, "promote to a version that is not newer", 0},
        {"lower-secure-version", RELEASE_LOWER_SECURE_VERSION, NULL, 0,
         "replace a release of a higher secure version", 0},
        {"json", RELEASE_JSON, NULL, 0, "print the result as JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_promote,
        "FROM TO",
        "Offer on channel TO what channel FROM offers, the same bytes, after the checks of a "
        "publication. FROM goes on offering it.",
        NULL,
        NULL,
        NULL};
    struct promote_options options = {0};
    return release_verb(&argp, argc, argv, &options.release, promote);
}
