/* trustchain release verify: check again what is published. */
#include "tool/release_options.h"

#include <stdio.h>

#include "host/error.h"
#include "server/release/audit.h"

struct audit_report {
    json_t *json; /* an array, or NULL for text */
    unsigned channels;
    int status;
};

static void on_channel(void *context, const char *name, const struct release *release,
                       const char *reason)
{
    struct audit_report *report = context;
    bool good = reason[0] == '\0';
    report->channels++;
    if (report->json)
        json_array_append_new(report->json,
                              json_pack("{s:s, s:b, s:s, s:o}", "name", name, "good", good,
                                        "reason", reason, "release",
                                        release ? release_json(release) : json_null()));
    if (!good)
        report->status = host_fail(name, "%s", reason);
    else if (!report->json)
        printf("%s %s: good, sha256 %s\n", name, release->version, release->sha256);
}

struct verify_options {
    struct release_options release; /* first: release_parse_policy() takes it for the whole */
    const char *channel;            /* NULL: all of them */
};

static int verify(struct release_options *options, const struct store *store)
{
    struct publish_policy *policy = &options->policy;
    if (release_fill_in_policy(options) != HOST_DONE)
        return HOST_FAILED;
    struct audit_report report = {.json = options->json ? json_array() : NULL, .status = HOST_DONE};
    policy->channel = ((const struct verify_options *)options)->channel;
    int error = release_audit(store, policy, on_channel, &report);
    if (report.json)
        cli_json_print(report.json);
    if (error != STORE_OK)
        return host_fail(options->releases, "cannot be listed: %s", store_error_text(error));
    if (report.channels == 0)
        return host_fail(policy->product, "%s", store_error_text(STORE_ENONE));
    return report.status;
}

static error_t parse_verify(int key, char *text, struct argp_state *state)
{
    struct verify_options *options = state->input;
    if (key == ARGP_KEY_END) {
        options->channel = options->release.policy.channel; /* before the project's is filled in */
        release_need_product(state);
        release_need_keys(state);
    }
    return release_parse_policy(key, text, state);
}

int release_verify(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        RELEASE_PLACE_OPTIONS,
        {"channel", RELEASE_CHANNEL, "NAME", 0, "only this channel (default all)", 0},
        RELEASE_POLICY_OPTIONS,
        {"json", RELEASE_JSON, NULL, 0, "print JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_verify,
        NULL,
        "Check what a product's channels offer, all of them or one: the image's bytes, signatures "
        "and policy as at publication, pointer and metadata against the image. Nothing is changed.",
        NULL,
        NULL,
        NULL};
    struct verify_options options = {0};
    return release_verb(&argp, argc, argv, &options.release, verify);
}
