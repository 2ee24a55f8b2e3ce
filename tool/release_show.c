/* trustchain release show: what a channel offers, with what the image says about itself. */
#include "tool/release_options.h"

#include <stdio.h>
#include <string.h>

#include "host/error.h"
#include "host/file.h"
#include "server/release/metadata.h"

enum { OPTION_METADATA = RELEASE_OWN };

struct show_options {
    struct release_options release; /* first: release_parse_place() takes it for the whole */
    const char *metadata;
};

static int read_metadata(const struct store *store, const struct release *release,
                         char text[METADATA_BYTES_MAX])
{
    int error = store_read_metadata(store, release->sha256, text, METADATA_BYTES_MAX);
    if (error == STORE_OK)
        return HOST_DONE;
    return host_fail(release->sha256, "its metadata file: %s (publish it again with --force)",
                     error == STORE_ENONE ? "missing" : store_error_text(error));
}

int release_write_metadata(const struct store *store, const struct release *release,
                           const char *path)
{
    char text[METADATA_BYTES_MAX];
    if (read_metadata(store, release, text) != HOST_DONE)
        return HOST_FAILED;
    return file_write(path, text, strlen(text), 0644);
}

static void print_application(const json_t *application)
{
    const char *project, *version, *idf, *date, *time, *elf;
    json_int_t secure_version;
    if (json_unpack((json_t *)application, "{s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "project",
                    &project, "version", &version, "secure_version", &secure_version, "idf_version",
                    &idf, "compile_date", &date, "compile_time", &time, "elf_sha256", &elf) != 0)
        return;
    printf("  application  %s %s, secure version %lld\n", project, version,
           (long long)secure_version);
    printf("  built        %s %s with %s\n", date, time, idf);
    printf("  ELF SHA-256  %s\n", elf);
}

static void print_image(const json_t *image)
{
    int chip, min, max;
    const char *digest;
    if (json_unpack((json_t *)image, "{s:i, s:i, s:i, s:s}", "chip_id", &chip, "min_revision", &min,
                    "max_revision", &max, "signed_digest", &digest) != 0)
        return;
    printf("  chip         id %d, revisions %d..%d\n", chip, min, max);
    printf("  signed       %s\n", digest);
}

static void print_signatures(const json_t *signatures)
{
    size_t i;
    json_t *signature;
    json_array_foreach(signatures, i, signature)
    {
        const char *digest, *scheme;
        if (json_unpack(signature, "{s:s, s:s}", "key_digest", &digest, "scheme", &scheme) == 0)
            printf("  signature    %s by key %s\n", scheme, digest);
    }
}

static void print_release(const char *name, const struct release *release, const json_t *metadata)
{
    printf("%s %s, published %s\n", name, release->version, release->published);
    printf("  image        %u bytes, sha256 %s\n", (unsigned)release->size, release->sha256);
    print_application(json_object_get(metadata, "application"));
    print_image(json_object_get(metadata, "image"));
    print_signatures(json_object_get(metadata, "signatures"));
}

static int show(struct release_options *options, const struct store *store)
{
    const struct publish_policy *policy = &options->policy;
    const char *metadata_file = ((const struct show_options *)options)->metadata;
    char name[RELEASE_NAME];
    char text[METADATA_BYTES_MAX];
    struct release release;
    release_name(policy->product, policy->channel, name);
    int error = store_get(store, policy->product, policy->channel, &release);
    if (error != STORE_OK)
        return host_fail(name, "%s", store_error_text(error));
    if (metadata_file)
        return release_write_metadata(store, &release, metadata_file);
    if (read_metadata(store, &release, text) != HOST_DONE)
        return HOST_FAILED;
    json_t *metadata = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!metadata)
        return host_fail(release.sha256, "its metadata file: damaged (release verify says more)");
    if (options->json)
        return cli_json_print(json_pack("{s:s, s:s, s:o, s:o}", "product", policy->product,
                                        "channel", policy->channel, "release",
                                        release_json(&release), "metadata", metadata));
    print_release(name, &release, metadata);
    json_decref(metadata);
    return HOST_DONE;
}

static error_t parse_show(int key, char *text, struct argp_state *state)
{
    if (key == ARGP_KEY_END)
        release_need_product(state);
    if (key == OPTION_METADATA) {
        ((struct show_options *)state->input)->metadata = text;
        return 0;
    }
    return release_parse_place(key, text, state);
}

int release_show(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        RELEASE_PLACE_OPTIONS,
        RELEASE_CHANNEL_OPTION,
        {"metadata", OPTION_METADATA, "FILE", 0, "write the metadata file to FILE instead", 0},
        {"json", RELEASE_JSON, NULL, 0, "print JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known, parse_show,
        NULL,          "Show what a channel offers: version, digests, signing keys, build.",
        NULL,          NULL,
        NULL};
    struct show_options options = {0};
    return release_verb(&argp, argc, argv, &options.release, show);
}
