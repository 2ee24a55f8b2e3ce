/* trustchain release list, withdraw: what is published, and taking it back. */
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

int release_list(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        RELEASE_PLACE_OPTIONS, {"json", RELEASE_JSON, NULL, 0, "print JSON", 0}, {0}};
    static const struct argp argp = {
        options_known, release_parse_place, NULL, "List what is published.", NULL, NULL, NULL};
    struct release_options options = {0};
    struct store store;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = release_open(&options, &store);
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
    static const struct argp_option options_known[] = {RELEASE_PLACE_OPTIONS, {0}};
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
