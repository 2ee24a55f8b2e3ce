/* trustchain release list: what is published. */
#include "tool/release_options.h"

#include <stdio.h>
#include <string.h>

#include "host/error.h"

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
        char name[RELEASE_NAME];
        listing->status = host_fail(release_name(product, channel, name), "%s (publish it again)",
                                    store_error_text(error));
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

static int list(struct release_options *options, const struct store *store)
{
    struct listing listing = {.json = options->json ? json_array() : NULL,
                              .product = options->policy.product,
                              .status = HOST_DONE};
    int error = store_list(store, list_one, &listing);
    if (error != STORE_OK)
        listing.status =
            host_fail(options->releases, "cannot be listed: %s", store_error_text(error));
    if (listing.json)
        cli_json_print(listing.json);
    return listing.status;
}

int release_list(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        RELEASE_PLACE_OPTIONS, {"json", RELEASE_JSON, NULL, 0, "print JSON", 0}, {0}};
    static const struct argp argp = {
        options_known, release_parse_place, NULL, "List what is published.", NULL, NULL, NULL};
    struct release_options options = {0};
    return release_verb(&argp, argc, argv, &options, list);
}
