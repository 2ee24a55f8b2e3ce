/* tests/unit/agent/test_update.c: updates and refusals, each a row; then stories of several acts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain/otadata.h"
#include "tests/unit/agent/device.h"

#define BODY 150000u /* more than two steps of saved progress */

static const struct test_image running = {
    .version = "1.1.0", .project = "lamp", .body = BODY, .secure_version = 2};
static const struct test_image newer = {
    .version = "1.2.0", .project = "lamp", .body = BODY, .secure_version = 2};
static uint8_t file[TEST_FILE_MAX], other_file[TEST_FILE_MAX];

#define ETAG "ETag: \"1111111111111111111111111111111111111111111111111111111111111111\"\r\n"

struct story {
    const char *name;
    struct test_image image;
    /* Damage, after signing. */
    uint32_t flip_at;       /* this byte of the file, 0 = none */
    uint32_t flip_from_end; /* or this one, counted back */
    uint32_t keep;          /* only so many bytes are published, 0 = all */
    struct server server;   /* misbehaviour */
    bool any_version;
    /* Expected. */
    bool updated;
    enum agent_reason reason; /* of the first refusal; NONE: none was told */
};

static const struct story stories[] = {
    {.name = "newer", .image = {"1.2.0", "lamp", 2, BODY, 0, false}, .updated = true},
    {.name = "higher secure version",
     .image = {"1.2.0", "lamp", 3, BODY, 0, false},
     .updated = true},
    {.name = "smallest image", .image = {"1.2.0", "lamp", 2, 0, 0, false}, .updated = true},
    {.name = "equal version",
     .image = {"1.1.0", "lamp", 2, BODY + 64, 0, false},
     .reason = AGENT_REASON_NOT_NEWER},
    {.name = "older",
     .image = {"1.0.0", "lamp", 2, BODY, 0, false},
     .reason = AGENT_REASON_NOT_NEWER},
    {.name = "release candidate of the running version",
     .image = {"1.1.0-rc.2", "lamp", 2, BODY, 0, false},
     .reason = AGENT_REASON_NOT_NEWER},
    {.name = "older, but any is wanted",
     .image = {"1.0.0", "lamp", 2, BODY, 0, false},
     .any_version = true,
     .updated = true},
    {.name = "lower secure version",
     .image = {"1.2.0", "lamp", 1, BODY, 0, false},
     .reason = AGENT_REASON_SECURE_VERSION},
    {.name = "lower secure version, any version wanted",
     .image = {"1.2.0", "lamp", 1, BODY, 0, false},
     .any_version = true,
     .reason = AGENT_REASON_SECURE_VERSION},
    {.name = "other product",
     .image = {"1.2.0", "lock", 2, BODY, 0, false},
     .reason = AGENT_REASON_PRODUCT},
    {.name = "other chip",
     .image = {"1.2.0", "lamp", 2, BODY, 5, false},
     .reason = AGENT_REASON_CHIP},
    {.name = "other key",
     .image = {"1.2.0", "lamp", 2, BODY, 0, true},
     .reason = AGENT_REASON_IMAGE},
    {.name = "bit in the code",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .flip_at = 100000,
     .reason = AGENT_REASON_IMAGE},
    {.name = "bit in the ELF digest",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .flip_at = 0xB0,
     .reason = AGENT_REASON_IMAGE},
    {.name = "bit in the signature",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .flip_from_end = 4096 - 900,
     .reason = AGENT_REASON_IMAGE},
    {.name = "bit in the key",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .flip_from_end = 4096 - 100,
     .reason = AGENT_REASON_IMAGE},
    {.name = "truncated by a byte",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .keep = 100001,
     .reason = AGENT_REASON_LENGTH},
    {.name = "truncated by sectors",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .keep = 25 * 4096,
     .reason = AGENT_REASON_IMAGE},
    {.name = "one sector",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .keep = 4096,
     .reason = AGENT_REASON_LENGTH},
    {.name = "larger than the slot",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .server = {.claimed_length = DEVICE_SLOT_BYTES + 4096},
     .reason = AGENT_REASON_TOO_LARGE},
    {.name = "almost 4 GB",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .server = {.claimed_length = 0xFFFFF000u},
     .reason = AGENT_REASON_TOO_LARGE},
    {.name = "connection lost once",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .server = {.cut_after = 100000},
     .updated = true},
    {.name = "server without conditions",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .server = {.ignores_conditions = true, .cut_after = 100000},
     .updated = true},
    {.name = "redirect",
     .server = {.raw = "HTTP/1.1 302 Found\r\nLocation: https://x/\r\n\r\n"},
     .reason = AGENT_REASON_REDIRECT},
    {.name = "permanent redirect",
     .server = {.raw = "HTTP/1.1 308 P\r\nLocation: /x\r\n\r\n"},
     .reason = AGENT_REASON_REDIRECT},
    {.name = "no ETag",
     .server = {.raw = "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n"},
     .reason = AGENT_REASON_ETAG},
    {.name = "no length",
     .server = {.raw = "HTTP/1.1 200 OK\r\n" ETAG "\r\n"},
     .reason = AGENT_REASON_LENGTH},
    {.name = "two lengths",
     .server = {.raw = "HTTP/1.1 200 OK\r\n" ETAG
                       "Content-Length: 8192\r\nContent-Length: 8192\r\n\r\n"},
     .reason = AGENT_REASON_HEADER},
    {.name = "partial answer nobody asked for",
     .server = {.raw = "HTTP/1.1 206 P\r\n" ETAG
                       "Content-Length: 8192\r\nContent-Range: bytes 0-8191/8192\r\n\r\n"},
     .reason = AGENT_REASON_LENGTH},
    {.name = "more than promised",
     .server = {.raw = "HTTP/1.1 200 OK\r\n" ETAG "Content-Length: 0\r\n\r\n0123456789"},
     .reason = AGENT_REASON_LENGTH},
    {.name = "not an image",
     .server = {.raw = "HTTP/1.1 200 OK\r\n" ETAG "Content-Length: 8192\r\n\r\n<html></html>"}},
    {.name = "wrong certificate",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .server = {.connect_result = AGENT_EIDENTITY},
     .reason = AGENT_REASON_IDENTITY},
    {.name = "no server",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .server = {.connect_result = AGENT_ENETWORK}},
    {.name = "silent server",
     .image = {"1.2.0", "lamp", 2, BODY, 0, false},
     .server = {.silent = true}},
    {.name = "server error", .server = {.raw = "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n\r\n"}},
};

static void publish(struct device *device, const struct story *story)
{
    device->server = story->server;
    device->any_version = story->any_version;
    if (story->image.version == NULL)
        return;
    uint32_t length = test_image_make(&story->image, file);
    if (story->flip_at != 0)
        file[story->flip_at] ^= 0x04;
    if (story->flip_from_end != 0)
        file[length - story->flip_from_end] ^= 0x04;
    server_serve(&device->server, file, story->keep != 0 ? story->keep : length);
}

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        const struct story *story = &stories[i];
        struct device *device = malloc(sizeof *device);
        device_init(device, &running);
        publish(device, story);
        print_message("  %s\n", story->name);
        device_run(device, 2, 3);
        const struct agent_event *refusal = device_refusal(device, 0);
        assert_int_equal(refusal != NULL ? refusal->reason : AGENT_REASON_NONE, story->reason);
        assert_string_equal(device->version, story->updated ? story->image.version : "1.1.0");
        assert_int_equal(device_told(device, AGENT_EVENT_SWITCHING, 0), story->updated);
        assert_int_equal(device_told(device, AGENT_EVENT_CONFIRMED, 0), story->updated);
        assert_int_equal(device->unbootable, 0);
        free(device);
    }
}

static struct device *updated_to(const struct test_image *image, enum trial trial)
{
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    device->trial = trial;
    device->trial_version = "1.2.0";
    server_serve(&device->server, file, test_image_make(image, file));
    assert_true(device_run(device, 3, 10));
    return device;
}

/* Nothing published, then the running version itself, then a newer one. */
static void test_quiet_until_newer(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    assert_true(device_run(device, 3, 1));
    uint32_t length = test_image_make(&newer, file);
    memcpy(other_file, device->slot[0], sizeof other_file);
    server_serve(&device->server, other_file, length); /* equal bodies: equal lengths */
    uint32_t before = device->operations;
    assert_true(device_run(device, 3, 1));
    assert_int_equal(device->server.not_modified, 3);
    assert_int_equal(device->operations, before);
    assert_int_equal(device->server.body_bytes, 0);
    server_serve(&device->server, file, length);
    assert_true(device_run(device, 3, 1));
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->server.whole, 1);
    free(device);
}

/* The token of this device goes with every question, and only when there is one. */
static void test_token(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    assert_true(device_run(device, 1, 1));
    assert_null(strstr(device->server.request, "Authorization"));
    device->token = "s3cret";
    assert_true(device_run(device, 2, 1));
    assert_non_null(strstr(device->server.request, "\r\nAuthorization: TargetToken s3cret\r\n"));
    free(device);
}

/* A lost connection costs at most what was not yet saved. */
static void test_resume(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    uint32_t length = test_image_make(&newer, file);
    server_serve(&device->server, file, length);
    device->server.cut_after = 100000;
    assert_true(device_run(device, 1, 5));
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->server.whole, 1);
    assert_int_equal(device->server.partial, 1);
    assert_int_equal(device->server.last_first, 0x10000);
    assert_int_equal(device->server.body_bytes, 100000 + length - 0x10000);
    free(device);
}

/* A partial answer that is not the part that was asked for is not glued on. */
static void test_wrong_part(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&newer, file));
    device->server.cut_after = 100000;
    device->server.range_shift = 4096;
    assert_true(device_run(device, 1, 5));
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device_told(device, AGENT_EVENT_REFUSED, AGENT_REASON_LENGTH), 1);
    assert_int_equal(device->server.whole, 2); /* from the start */
    free(device);
}

/* Power fails during trials: that is not the image's fault, up to a point. */
static void check_cuts_in_trial(uint32_t cuts, const char *version)
{
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&newer, file));
    device->cuts_in_trial = cuts;
    assert_true(device_run(device, 2, 10));
    assert_string_equal(device->version, version);
    assert_int_equal(device->unbootable, 0);
    assert_int_equal(device->server.whole, 1);
    bool given_up = strcmp(version, "1.1.0") == 0;
    assert_int_equal(device_told(device, AGENT_EVENT_ROLLED_BACK, AGENT_REASON_TOO_MANY_TRIES),
                     given_up);
    free(device);
}

static void test_power_lost_in_trial(void **state)
{
    (void)state;
    check_cuts_in_trial(1, "1.2.0");
    check_cuts_in_trial(2, "1.2.0");
    check_cuts_in_trial(3, "1.1.0");
}

/* A byte now and then keeps nobody busy for ever, neither in the header nor in the body; what was
 * saved before is not lost. */
static void test_dripping_server(void **state)
{
    (void)state;
    static const struct {
        uint32_t after;
        enum agent_reason reason;
        unsigned minutes;
    } drips[] = {{20, AGENT_REASON_NETWORK, 1}, {70000, AGENT_REASON_SLOW, 6}};
    struct device *device = malloc(sizeof *device);
    for (size_t i = 0; i < sizeof drips / sizeof drips[0]; i++) {
        device_init(device, &running);
        server_serve(&device->server, file, test_image_make(&newer, file));
        device->server.drip = 500; /* a byte in ten seconds */
        device->server.drip_after = drips[i].after;
        assert_false(device_run(device, 1, drips[i].minutes));
        assert_true(device_told(device, AGENT_EVENT_RETRY, drips[i].reason) >= 1);
        assert_string_equal(device->version, "1.1.0");
        device->server.drip = 0;
        assert_true(device_run(device, 1, 3));
        assert_string_equal(device->version, "1.2.0");
        assert_int_equal(device->server.partial > 0, drips[i].reason == AGENT_REASON_SLOW);
    }
    free(device);
}

/* A server that offers something else at each question and never finishes it: each begin costs
 * erased sectors, so they come at the pace of the poll interval. */
static void test_restless_server(void **state)
{
    (void)state;
    const unsigned hours = 24;
    struct device *device = malloc(sizeof *device);
    for (uint32_t cut = 30000; cut <= 100000; cut += 70000) {
        device_init(device, &running);
        server_serve(&device->server, file, test_image_make(&newer, file));
        device->poll_ms = 3600000;
        device->server.restless = true;
        device->server.cut_after = cut;
        assert_false(device_run(device, 1, hours * 60));
        assert_in_range(device->server.whole, hours - 1, hours + 2 * 8);
        assert_string_equal(device->version, "1.1.0");
    }
    free(device);
}

/* From its first byte on, a download makes otadata silent about the slot it goes into. */
static void test_passive_forgotten(void **state)
{
    (void)state;
    struct test_image newest = {
        .version = "1.3.0", .project = "lamp", .body = BODY, .secure_version = 2};
    struct device *device = malloc(sizeof *device);
    int recorded;
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&newer, file));
    assert_true(device_run(device, 1, 5));
    assert_int_equal(slots_state(&device->slots, 0, &recorded), AGENT_OK);
    assert_int_equal(recorded, OTADATA_VALID); /* 1.1.0: what a rollback would go to */

    server_serve(&device->server, other_file, test_image_make(&newest, other_file));
    device->server.cut_after = 5000;
    device->server.connect_limit = device->server.connections + 1;
    assert_false(device_run(device, 1, 1));
    assert_int_equal(device->running, 1);
    assert_int_equal(slots_state(&device->slots, 0, &recorded), AGENT_OK);
    assert_int_equal(recorded, OTADATA_UNDEFINED);
    free(device);
}

/* The slot rots between the verdict and the reboot: the bootloader goes on with the old one, and
 * the agent does not blame the self-test. */
static void test_not_loaded(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&newer, file));
    device->spoil_at_reboot = true;
    assert_true(device_run(device, 2, 5));
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device_told(device, AGENT_EVENT_ROLLED_BACK, AGENT_REASON_NOT_LOADED), 1);
    free(device);
}

/* A server and flash that show another version when they are asked for it than when the file is
 * hashed: an older release, which is signed as well, stays out. */
static void test_forged_version(void **state)
{
    (void)state;
    struct test_image older = {
        .version = "1.0.2", .project = "lamp", .body = BODY, .secure_version = 2};
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&older, file));
    strcpy((char *)file + 0x30, "1.2.0"); /* the same checksum */
    device->version_when_hashed = "1.0.2";
    device_run(device, 2, 3);
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device->server.whole, 1);
    assert_int_equal(device_told(device, AGENT_EVENT_SWITCHING, 0), 0);
    free(device);
}

/* A version comes from bytes that nobody signed: it must not write lines into logs, nor move the
 * cursor of who reads them. */
static void test_version_is_told_printable(void **state)
{
    (void)state;
    struct test_image foreign = {.version = "1.2.0\n\x1b[2JI (9) \xff",
                                 .project = "lamp",
                                 .body = BODY,
                                 .secure_version = 2,
                                 .other_key = true};
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&foreign, file));
    device_run(device, 2, 3);
    const struct agent_event *refusal = device_refusal(device, 0);
    assert_non_null(refusal);
    assert_string_equal(refusal->version, "1.2.0??[2JI (9) ?");
    assert_true(device_told(device, AGENT_EVENT_OFFERED, 0) > 0);
    for (unsigned i = 0; i < device->events; i++)
        assert_true(device->event[i].version == NULL ||
                    strchr(device->event[i].version, '\n') == NULL);
    free(device);
}

/* An accelerator that does not finish is no verdict on the file: it is looked at again. */
static void test_crypto_fails_once(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&newer, file));
    device->rsa_fails = 1;
    assert_true(device_run(device, 3, 5));
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device->server.whole, 1);
    assert_false(device_run(device, 10000, 70));
    assert_string_equal(device->version, "1.2.0");
    free(device);
}

/* Another release is published while half of one is here: it is taken from its start. */
static void test_replaced_midway(void **state)
{
    (void)state;
    struct test_image newest = {
        .version = "1.3.0", .project = "lamp", .body = BODY - 8192, .secure_version = 2};
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&newer, file));
    device->server.cut_after = 100000;
    device->server.connect_limit = 1;
    assert_false(device_run(device, 1, 1));
    assert_int_equal(device->agent.record.offset, 0x10000);
    device->server.connect_limit = 0;
    server_serve(&device->server, other_file, test_image_make(&newest, other_file));
    assert_true(device_run(device, 1, 5));
    assert_string_equal(device->version, "1.3.0");
    assert_int_equal(device->server.whole, 2);
    assert_int_equal(device->server.partial, 0);
    free(device);
}

/* Two ways a trial can end badly; afterwards the file is known and never asked for again. */
static void check_rolled_back(enum trial trial, enum agent_reason reason)
{
    struct device *device = updated_to(&newer, trial);
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device_told(device, AGENT_EVENT_ROLLED_BACK, reason), 1);
    assert_int_equal(device_told(device, AGENT_EVENT_SWITCHING, 0), 1);
    assert_int_equal(device->server.whole, 1);
    assert_true(device_run(device, 3, 10)); /* also after a loss of power */
    assert_int_equal(device->server.whole, 1);
    device->server.ignores_conditions = true; /* even when the server insists */
    device_run(device, 3, 2);
    assert_int_equal(device_told(device, AGENT_EVENT_SWITCHING, 0), 1);
    assert_int_equal(device_told(device, AGENT_EVENT_OFFERED, 0), 1);

    struct test_image fixed = {
        .version = "1.2.1", .project = "lamp", .body = BODY, .secure_version = 2};
    device->server.ignores_conditions = false;
    server_serve(&device->server, file, test_image_make(&fixed, file));
    assert_true(device_run(device, 2, 5));
    assert_string_equal(device->version, "1.2.1");
    free(device);
}

static void test_trial_hangs(void **state)
{
    (void)state;
    check_rolled_back(TRIAL_HANG, AGENT_REASON_TRIAL_RESET);
}

static void test_trial_fails(void **state)
{
    (void)state;
    check_rolled_back(TRIAL_FAIL, AGENT_REASON_SELF_TEST);
}

/* A self-test that finds no verdict in time (the network is down): rolled back, but tried again
 * when the server can be reached, three times at most. */
static void test_trial_without_verdict(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    for (unsigned bad = 1; bad <= 3; bad++) {
        device_init(device, &running);
        server_serve(&device->server, file, test_image_make(&newer, file));
        device->trial = TRIAL_NEVER_ENDS;
        device->trial_version = "1.2.0";
        device->trials_good_after = bad;
        assert_true(device_run(device, 3, 10));
        bool given_up = bad == 3;
        assert_string_equal(device->version, given_up ? "1.1.0" : "1.2.0");
        assert_int_equal(device->server.whole, given_up ? 3 : bad + 1);
        assert_int_equal(device_told(device, AGENT_EVENT_REFUSED, AGENT_REASON_NO_VERDICT), bad);
        assert_int_equal(device_told(device, AGENT_EVENT_ROLLED_BACK, AGENT_REASON_TOO_MANY_TRIES),
                         given_up);
    }
    free(device);
}

/* Flash that takes no confirmation is not asked for ever: each try erases a sector. */
static void test_confirm_fails(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&newer, file));
    device->confirm_fails = true;
    assert_true(device_run(device, 1, 10));
    assert_string_equal(device->version, "1.1.0");
    assert_in_range(device->confirms, 3, 30); /* three trials */
    free(device);
}

/* A file that does not verify is remembered across resets, and not downloaded again. */
static void test_bad_file_remembered(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    uint32_t length = test_image_make(&newer, file);
    file[70000] ^= 1;
    server_serve(&device->server, file, length);
    assert_true(device_run(device, 3, 5));
    assert_true(device_run(device, 3, 5));
    assert_int_equal(device->server.whole, 1);
    assert_int_equal(device_told(device, AGENT_EVENT_REFUSED, AGENT_REASON_IMAGE), 1);
    file[70000] ^= 1; /* repaired: another file, another ETag */
    server_serve(&device->server, file, length);
    assert_true(device_run(device, 3, 5));
    assert_string_equal(device->version, "1.2.0");
    free(device);
}

/* The server's disk rots under a right ETag: refused, but not for ever. */
static void test_rotten_file_heals(void **state)
{
    (void)state;
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    server_serve(&device->server, file, test_image_make(&newer, file));
    file[70000] ^= 1;
    assert_true(device_run(device, 3, 5));
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device->server.whole, 1);
    file[70000] ^= 1;
    assert_false(device_run(device, 10000, 70)); /* within the hour and a little */
    assert_string_equal(device->version, "1.2.0");
    free(device);
}

/* Any single flash operation may answer an error: the update comes through, or comes later. */
static void test_flash_errors(void **state)
{
    (void)state;
    struct device *device = updated_to(&newer, TRIAL_PASS);
    uint32_t operations = device->operations;
    unsigned without_new_download = 0;
    for (uint32_t at = 1; at <= operations; at++) {
        device_init(device, &running);
        server_serve(&device->server, file, test_image_make(&newer, file));
        device->fail_at = at;
        device_run(device, 2, 20);
        assert_int_equal(device->unbootable, 0);
        assert_string_equal(device->version, "1.2.0");
        without_new_download += device_told(device, AGENT_EVENT_RETRY, AGENT_REASON_FLASH) == 1 &&
                                device->server.whole == 1;
    }
    assert_int_equal(without_new_download, 3); /* the journal's "attempt", otadata's two */
    free(device);
}

static void test_words(void **state)
{
    (void)state;
    char line[160];
    struct agent_event event = {
        .kind = AGENT_EVENT_REFUSED, .reason = AGENT_REASON_CHIP, .version = "1.2.0"};
    assert_string_equal(agent_event_print(&event, line, sizeof line),
                        "refused 1.2.0: made for another chip");
    event.version = NULL;
    event.reason = AGENT_REASON_REDIRECT;
    event.detail = 302;
    assert_string_equal(agent_event_print(&event, line, sizeof line),
                        "refused update: the server redirects elsewhere, status 302");
    for (int kind = AGENT_EVENT_UP_TO_DATE; kind <= AGENT_EVENT_REPORTED; kind++) {
        for (int reason = 0; reason <= AGENT_REASON_LAST; reason++) {
            event.kind = (enum agent_event_kind)kind;
            event.reason = (enum agent_reason)reason;
            assert_true(strlen(agent_event_print(&event, line, sizeof line)) > 5);
        }
    }
}

/* The longest interval that the settings allow, whatever chance adds to it. */
static void test_longest_interval(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 64; seed++) {
        struct device *device = malloc(sizeof *device);
        device_init(device, &running);
        device->poll_ms = 4000000000u;
        device->random = seed * 0x9E3779B9u;
        assert_true(device_run(device, 1, 2));
        assert_in_range(device->agent.wait_ms, 3500000000u, 4000000000u);
        free(device);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_quiet_until_newer),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_wrong_part),
        cmocka_unit_test(test_power_lost_in_trial),
        cmocka_unit_test(test_replaced_midway),
        cmocka_unit_test(test_dripping_server),
        cmocka_unit_test(test_restless_server),
        cmocka_unit_test(test_passive_forgotten),
        cmocka_unit_test(test_not_loaded),
        cmocka_unit_test(test_forged_version),
        cmocka_unit_test(test_version_is_told_printable),
        cmocka_unit_test(test_crypto_fails_once),
        cmocka_unit_test(test_trial_hangs),
        cmocka_unit_test(test_trial_fails),
        cmocka_unit_test(test_trial_without_verdict),
        cmocka_unit_test(test_confirm_fails),
        cmocka_unit_test(test_bad_file_remembered),
        cmocka_unit_test(test_rotten_file_heals),
        cmocka_unit_test(test_flash_errors),
        cmocka_unit_test(test_longest_interval),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
