/* The cache of offers never answers with what was published before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/release/offer.h"
#include "tests/unit/server/store_fixture.h"

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void point(const struct fixture *fixture, const char *channel, const char *version,
                  uint8_t byte)
{
    uint8_t bytes[64];
    struct release release = fixture_release(version, byte, bytes, sizeof bytes);
    assert_int_equal(store_put_image(&fixture->store, &release, bytes), STORE_OK);
    assert_int_equal(store_point(&fixture->store, "thermo", channel, &release), STORE_OK);
}

static void expect(const struct fixture *fixture, struct offer_cache *cache, const char *channel,
                   const char *version)
{
    const struct offer *offer;
    char member[64];
    assert_int_equal(offer_get(cache, &fixture->store, "thermo", channel, &offer), STORE_OK);
    assert_string_equal(offer->release.version, version);
    snprintf(member, sizeof member, "\"version\":\"%s\"", version);
    assert_non_null(memmem(offer->info, offer->info_length, member, strlen(member)));
    assert_int_equal(offer->image_etag[0], '"');
    assert_memory_equal(offer->image_etag + 1, offer->release.sha256, RELEASE_HASH_CHARS);
    assert_int_equal(strlen(offer->info_etag), RELEASE_HASH_CHARS + 2);
}

/* Replaced as fast as the machine can: same size, same clock tick, perhaps the same inode. */
static void quick_replacements(void **state)
{
    struct offer_cache *cache = calloc(1, sizeof *cache);
    for (unsigned i = 0; i < 500; i++) {
        char version[16];
        snprintf(version, sizeof version, "1.0.%03u", i);
        point(*state, "stable", version, (uint8_t)i);
        expect(*state, cache, "stable", version);
        expect(*state, cache, "stable", version);
    }
    assert_int_equal(cache->hits, 0);
    free(cache);
}

static void kept_when_settled(void **state)
{
    struct fixture *fixture = *state;
    struct offer_cache *cache = calloc(1, sizeof *cache);
    const struct offer *offer;
    char tag[OFFER_ETAG_MAX];
    point(fixture, "stable", "1.0.0", 1);
    point(fixture, "beta", "1.1.0", 2);
    sleep(3);
    expect(fixture, cache, "stable", "1.0.0");
    expect(fixture, cache, "beta", "1.1.0");
    assert_int_equal(cache->hits, 0);
    expect(fixture, cache, "stable", "1.0.0");
    expect(fixture, cache, "beta", "1.1.0");
    assert_int_equal(cache->hits, 2);

    assert_int_equal(offer_get(cache, &fixture->store, "thermo", "stable", &offer), STORE_OK);
    strcpy(tag, offer->info_etag);
    point(fixture, "stable", "2.0.0", 1);
    expect(fixture, cache, "stable", "2.0.0");
    assert_string_not_equal(offer->info_etag, tag);
    assert_int_equal(store_withdraw(&fixture->store, "thermo", "stable"), STORE_OK);
    assert_int_equal(offer_get(cache, &fixture->store, "thermo", "stable", &offer), STORE_ENONE);
    assert_int_equal(offer_get(cache, &fixture->store, "..", "stable", &offer), STORE_ENAME);
    free(cache);
}

/* Several channels in one slot push each other out and are never mistaken for each other. */
static void more_channels_than_slots(void **state)
{
    struct offer_cache *cache = calloc(1, sizeof *cache);
    char channel[8];
    char version[8];
    for (unsigned i = 0; i < 2 * OFFER_SLOTS; i++) {
        snprintf(channel, sizeof channel, "c%u", i);
        snprintf(version, sizeof version, "1.%u", i);
        point(*state, channel, version, (uint8_t)i);
    }
    sleep(3);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 2 * OFFER_SLOTS; i++) {
            snprintf(channel, sizeof channel, "c%u", i);
            snprintf(version, sizeof version, "1.%u", i);
            expect(*state, cache, channel, version);
        }
    }
    free(cache);
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(quick_replacements),
        STORE_TEST(kept_when_settled),
        STORE_TEST(more_channels_than_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
