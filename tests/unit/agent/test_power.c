/* tests/unit/agent/test_power.c: every flash operation of an update can be the last.
 *
 * Method. A whole update is run once to count its erases and programs, the bootloader's included:
 * N. Then it is run 3 N times: power is lost before, in the middle of, and after operation n, for
 * n = 1..N, and the device boots again. Each time it must find a slot that verifies at every boot,
 * end on the new version, confirmed, and stay there.
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

#define BODY 80000u

static const struct test_image factory = {.version = "1.0.0", .project = "lamp", .body = BODY};
static const struct test_image newer = {.version = "1.1.0", .project = "lamp", .body = BODY};
static uint8_t file[TEST_FILE_MAX];

static void prepare(struct device *device, const struct device *start, uint32_t length)
{
    memcpy(device, start, sizeof *device);
    device->operations = 0;
    device->events = 0;
    device->boots = 0;
    server_serve(&device->server, file, length);
}

static void check_confirmed(struct device *device, const char *version, uint32_t at, enum cut cut)
{
    int state;
    if (device->unbootable != 0 || strcmp(device->version, version) != 0)
        fail_msg("operation %u, cut %d: %s runs", at, cut, device->version);
    assert_int_equal(slots_state(&device->slots, device->running, &state), AGENT_OK);
    if (state != OTADATA_VALID)
        fail_msg("operation %u, cut %d: state %d", at, cut, state);
}

static void cut_everywhere(const struct device *start, const char *version)
{
    struct device *device = malloc(sizeof *device);
    uint32_t length = test_image_make(&newer, file);
    prepare(device, start, length);
    assert_true(device_run(device, 2, 10));
    check_confirmed(device, version, 0, CUT_BEFORE);
    uint32_t operations = device->operations;
    for (uint32_t at = 1; at <= operations; at++) {
        for (enum cut cut = CUT_BEFORE; cut <= CUT_AFTER; cut++) {
            prepare(device, start, length);
            device->cut_at = at;
            device->cut = cut;
            if (!device_run(device, 2, 10))
                fail_msg("operation %u, cut %d: not quiet", at, cut);
            assert_int_equal(device->cuts, start->cuts + 1);
            check_confirmed(device, version, at, cut);
        }
    }
    print_message("  %u operations, %u cuts\n", operations, 3 * operations);
    free(device);
}

/* From the factory: otadata and journal are blank. */
static void test_from_factory(void **state)
{
    struct device *start = malloc(sizeof *start);
    (void)state;
    device_init(start, &factory);
    cut_everywhere(start, "1.1.0");
    free(start);
}

/* After a rollback: otadata and journal hold the story of a version that failed. */
static void test_after_rollback(void **state)
{
    struct test_image bad = {.version = "1.0.5", .project = "lamp", .body = BODY};
    struct device *start = malloc(sizeof *start);
    (void)state;
    device_init(start, &factory);
    start->trial = TRIAL_HANG;
    start->trial_version = "1.0.5";
    server_serve(&start->server, file, test_image_make(&bad, file));
    assert_true(device_run(start, 2, 10));
    assert_string_equal(start->version, "1.0.0");
    cut_everywhere(start, "1.1.0");
    free(start);
}

/* After an update: the running image is in slot 1. */
static void test_after_update(void **state)
{
    struct test_image between = {.version = "1.0.5", .project = "lamp", .body = BODY};
    struct device *start = malloc(sizeof *start);
    (void)state;
    device_init(start, &factory);
    server_serve(&start->server, file, test_image_make(&between, file));
    assert_true(device_run(start, 2, 10));
    assert_string_equal(start->version, "1.0.5");
    assert_int_equal(start->running, 1);
    cut_everywhere(start, "1.1.0");
    free(start);
}

/* A version that hangs, with a cut anywhere: the old one runs in the end, and the bad one is
 * started at most once more than without the cut. */
static void test_bad_version(void **state)
{
    struct device *start = malloc(sizeof *start), *device = malloc(sizeof *device);
    (void)state;
    device_init(start, &factory);
    start->trial = TRIAL_HANG;
    start->trial_version = "1.1.0";
    uint32_t length = test_image_make(&newer, file);
    prepare(device, start, length);
    assert_true(device_run(device, 2, 10));
    check_confirmed(device, "1.0.0", 0, CUT_BEFORE);
    uint32_t operations = device->operations;
    for (uint32_t at = 1; at <= operations; at++) {
        for (enum cut cut = CUT_BEFORE; cut <= CUT_AFTER; cut++) {
            prepare(device, start, length);
            device->cut_at = at;
            device->cut = cut;
            if (!device_run(device, 2, 10))
                fail_msg("operation %u, cut %d: not quiet", at, cut);
            check_confirmed(device, "1.0.0", at, cut);
            assert_in_range(device_told(device, AGENT_EVENT_TRIAL, 0), 1, 2);
        }
    }
    free(device);
    free(start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_factory),
        cmocka_unit_test(test_after_rollback),
        cmocka_unit_test(test_after_update),
        cmocka_unit_test(test_bad_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
