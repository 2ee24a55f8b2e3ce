/* tests/unit/agent/test_orders.c: updates that a DDI server orders, and how it hears of their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain/otadata.h"
#include "tests/unit/agent/ordered.h"

/* All over one connection until the reboot. */
static void test_whole_order(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.wants_attributes = true;
    go(device);
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device->ddi.ends, 1);
    assert_int_equal(device->ddi.late, 0);
    assert_int_equal(device->ddi.files, 1);
    assert_int_equal(device->ddi.notices, 2); /* begins, switches */
    check_told(device, "\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}");
    check_told(device, "[\"update 1.2.0 confirmed\"]");
    assert_string_equal(device->ddi.attributes,
                        "{\"mode\":\"merge\",\"data\":{\"product\":\"lamp\",\"version\":\"1.1.0\","
                        "\"secure_version\":\"2\",\"chip\":\"ESP32-C6\",\"chip_revision\":\"0.2\","
                        "\"channel\":\"stable\"}}");
    assert_int_equal(device_told(device, AGENT_EVENT_REPORTED, 0), 1);
    /* To ask and download; after the verdict; the end and the poll behind it; two more polls. */
    assert_in_range(device->ddi.connections, 4, 5);
    assert_int_equal(device->agent.record.action, 0);
    free(device);
}

static void test_closing_server(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.closes = true;
    device->ddi.wants_attributes = true;
    go(device);
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    free(device);
}

/* Refusals are told at once, in the words of the log, and whether they are for good: a file stays
 * what it is, a link does not. */
static void test_refused(void **state)
{
    static const struct {
        struct test_image image;
        uint32_t flip_at;
        const char *link_origin, *text;
    } rows[] = {
        {{"1.2.0", "lamp", 2, BODY, 5, false}, 0, NULL, "refused 1.2.0: made for another chip"},
        {{"1.2.0", "lock", 2, BODY, 0, false}, 0, NULL, "refused 1.2.0: made for another product"},
        {{"1.0.0", "lamp", 2, BODY, 0, false}, 0, NULL, "refused 1.0.0: too old"},
        {{"1.2.0", "lamp", 1, BODY, 0, false}, 0, NULL, "refused 1.2.0: secure version below"},
        {{"1.2.0", "lamp", 2, BODY, 0, true}, 0, NULL, "refused 1.2.0: not verified"},
        {{"1.2.0", "lamp", 2, BODY, 0, false}, 90000, NULL, "refused 1.2.0: not verified"},
        {{"1.2.0", "lamp", 2, BODY, 0, false},
         0,
         "https://cdn.test",
         "does not lead to the server"},
        {{"1.2.0", "lamp", 2, BODY, 0, false}, 0, "http://update.test:443", "does not lead"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct device *device = new_device();
        uint32_t length = test_image_make(&rows[i].image, file);
        file[rows[i].flip_at] ^= rows[i].flip_at != 0;
        ddi_server_order(&device->ddi, 11111, file, length);
        device->ddi.link_origin = rows[i].link_origin;
        go(device);
        assert_string_equal(device->version, "1.1.0");
        assert_int_equal(device->ddi.outcome, DDI_ERROR);
        assert_int_equal(device->ddi.ends, 1);
        assert_int_equal(device_told(device, AGENT_EVENT_SWITCHING, 0), 0);
        check_told(device, rows[i].link_origin == NULL
                               ? "\"closed\",\"code\":4006,\"result\":{\"finished\":\"failure\"}"
                               : "\"closed\",\"result\":{\"finished\":\"failure\"}");
        check_told(device, rows[i].text);
        free(device);
    }
}

/* What the server says of a file is not what it sends. */
static void test_other_bytes(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.digest[0] ^= 1;
    go(device);
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device->ddi.outcome, DDI_ERROR);
    check_told(device, "its bytes are not those the server named");
    free(device);
}

static void check_rolled_back(enum trial trial, const char *text)
{
    struct device *device = ordered(&newer);
    device->trial = trial;
    go(device);
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device->ddi.outcome, DDI_ERROR);
    assert_int_equal(device->ddi.ends, 1);
    check_told(device, text);
    check_told(device, "\"closed\",\"result\":{\"finished\":\"failure\"}");
    check_told(device, "; orders that may still try it: 2\"]");
    free(device);
}

static void test_rolled_back(void **state)
{
    (void)state;
    check_rolled_back(TRIAL_FAIL, "1.2.0 was rolled back: its self-test failed");
    check_rolled_back(TRIAL_HANG, "1.2.0 was rolled back: reset before it confirmed itself");
}

/* A file that failed is tried again by a new order, not by the old one; three times in all. */
static void test_ordered_again(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->trial = TRIAL_HANG;
    go(device);
    device->ddi.never_ends = true; /* heard the failure, and offers the same action again */
    assert_false(device_run(device, 1, 5));
    assert_in_range(device->ddi.late, 2, 80);
    check_told(device, "refused 1.2.0: refused before");
    assert_int_equal(device->trials, 1);
    assert_false(device_run(device, 1, 5)); /* also after the power was off */
    assert_int_equal(device->trials, 1);
    assert_int_equal(device->ddi.files, 1);
    device->ddi.never_ends = false;
    order_again(device);
    check_told(device, "; orders that may still try it: 1\"]");
    order_again(device);
    check_told(device, "; not to be installed again\"]");
    assert_int_equal(device->trials, 3);
    assert_int_equal(device->ddi.files, 3);
    order_again(device);
    assert_int_equal(device->ddi.outcome, DDI_ERROR);
    check_told(device, "refused 1.2.0: its trial failed 3 times, it is not tried again");
    check_told(device, "\"closed\",\"code\":4006,");
    assert_int_equal(device->trials, 3);
    assert_int_equal(device->ddi.files, 3);
    assert_string_equal(device->version, "1.1.0");
    free(device);
}

/* It may have been the surroundings: the second order succeeds. */
static void test_good_at_last(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->trial = TRIAL_FAIL;
    device->trials_good_after = 1;
    go(device);
    assert_int_equal(device->ddi.outcome, DDI_ERROR);
    order_again(device);
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_string_equal(device->version, "1.2.0");
    free(device);
}

/* What did not verify does so under no order; it is refused in the conversation that orders it. */
static void test_refused_again(void **state)
{
    (void)state;
    struct test_image foreign = newer;
    foreign.other_key = true;
    struct device *device = ordered(&foreign);
    go(device);
    assert_int_equal(device->ddi.files, 1);
    unsigned connections = device->ddi.connections;
    order_again(device);
    assert_int_equal(device->ddi.outcome, DDI_ERROR);
    check_told(device, "refused 1.2.0: refused before");
    assert_int_equal(device->ddi.files, 1);
    assert_int_equal(device->ddi.connections, connections + 2); /* the second: quiet */
    free(device);
}

/* Taken back when it is too late: the end is told first, and the server takes it. */
static void test_canceled_too_late(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.cancel_at_switch = true;
    go(device);
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device_told(device, AGENT_EVENT_CANCELED, 0), 0);
    free(device);
}

/* Another order while the first one's file is half here: that half is of no use. */
static void test_replaced(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    assert_int_equal(test_image_make(&newer, other_file), device->ddi.length);
    device->ddi.cut_after = 100000;
    device->ddi.replaced_at_cut_by = other_file;
    go(device);
    assert_string_equal(device->version, "1.2.0");
    assert_memory_equal(device->slot[1], other_file, device->ddi.length);
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device->ddi.action, 11112);
    assert_int_equal(device->ddi.files, 2);
    assert_int_equal(device->ddi.parts, 0);
    free(device);
}

/* An operator ends the order while the device reads it: nothing is downloaded. */
static void test_quit(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.quits = true;
    go(device);
    assert_int_equal(device->ddi.files, 0);
    assert_int_equal(device->ddi.ends + device->ddi.late, 0);
    free(device);
}

static void test_resume(void **state)
{
    (void)state;
    for (int ranges = 1; ranges >= 0; ranges--) {
        struct device *device = ordered(&newer);
        device->ddi.cut_after = 100000;
        device->ddi.no_ranges = ranges == 0;
        go(device);
        assert_string_equal(device->version, "1.2.0");
        assert_int_equal(device->ddi.outcome, DDI_FINISHED);
        assert_int_equal(device->ddi.files, ranges == 0 ? 2 : 1);
        assert_int_equal(device->ddi.parts, ranges);
        assert_int_equal(device->ddi.last_first, ranges == 0 ? 0 : 0x10000);
        assert_int_equal(device->ddi.quarters, 1); /* when it goes on */
        assert_int_equal(device->ddi.notices, 3);
        free(device);
    }
}

/* More than two minutes for the whole file. */
static struct device *slow(const char *sleep)
{
    struct test_image large = newer;
    large.body = 240000;
    struct device *device = ordered(&large);
    device->ddi.slow = 40;
    device->ddi.sleep = sleep;
    return device;
}

/* A download that takes longer than the poll interval is broken off to ask whether it is still
 * wanted, and to tell how far it is; it goes on where it was. */
static void test_long_download(void **state)
{
    char text[128];
    (void)state;
    struct device *device = slow("00:00:10");
    go(device);
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device->ddi.files, 1);
    assert_int_equal(device->ddi.parts, 2); /* the last 64 KB and less come at once */
    assert_int_equal(device->ddi.last_first, 0x20000);
    assert_int_equal(device->ddi.quarters, 2);
    assert_int_equal(device->ddi.notices, 4); /* begins, twice on the way, switches */
    assert_int_equal(device_told(device, AGENT_EVENT_RESUMED, 0), 2);
    assert_int_equal(device_told(device, AGENT_EVENT_RETRY, 0), 0);
    snprintf(
        text, sizeof text,
        "\"proceeding\",\"result\":{\"finished\":\"none\",\"progress\":{\"cnt\":131072,\"of\":%u}}",
        device->ddi.length);
    assert_non_null(strstr(device->ddi.progress, text));
    snprintf(text, sizeof text, "[\"downloaded 131072 of %u bytes\"]", device->ddi.length);
    assert_non_null(strstr(device->ddi.progress, text));
    free(device);

    device = slow("00:10:00"); /* it takes less than the interval */
    go(device);
    assert_int_equal(device->ddi.parts, 0);
    assert_int_equal(device->ddi.notices, 2);
    free(device);
}

/* Taken back meanwhile: the rest does not come. */
static void test_long_download_canceled(void **state)
{
    (void)state;
    struct device *device = slow("00:00:10");
    device->ddi.cancel_at = 70000;
    go(device);
    assert_int_equal(device->ddi.outcome, DDI_CANCELED);
    assert_int_equal(device_told(device, AGENT_EVENT_CANCELED, 0), 1);
    assert_int_equal(device_told(device, AGENT_EVENT_VERIFIED, 0), 0);
    assert_int_equal(device->ddi.files, 1);
    assert_int_equal(device->ddi.parts, 1);
    free(device);
}

/* Where parts are not to be had it is not broken off; or once, when the server promised them. */
static void test_long_download_in_one(void **state)
{
    (void)state;
    for (int claims = 0; claims <= 1; claims++) {
        struct device *device = slow("00:00:10");
        device->ddi.no_ranges = true;
        device->ddi.claims_ranges = claims;
        go(device);
        assert_string_equal(device->version, "1.2.0");
        assert_int_equal(device->ddi.outcome, DDI_FINISHED);
        assert_int_equal(device->ddi.files, 1 + claims);
        assert_int_equal(device->ddi.quarters, claims);
        free(device);
    }
}

/* However often a download is begun again, each quarter of it is told once. */
static void test_quarters_told_once(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.cut_after = 70000;
    device->ddi.cuts_again = 3;
    device->ddi.cut_again_after = 30000;
    go(device);
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device->ddi.parts, 4);
    assert_int_equal(device->ddi.quarters, 1);
    assert_int_equal(device->ddi.notices, 3);
    free(device);
}

/* The window is closed: downloaded and told so once; then it opens. */
static void test_window(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.window = "unavailable";
    device->ddi.update = "skip";
    assert_false(device_run(device, 1, 5));
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device_told(device, AGENT_EVENT_VERIFIED, 0), 1);
    assert_int_equal(device_told(device, AGENT_EVENT_WAITING, 0), 1);
    assert_int_equal(device_told(device, AGENT_EVENT_SWITCHING, 0), 0);
    check_told(device, "\"execution\":\"downloaded\"");
    assert_int_equal(device->ddi.notices, 2);
    assert_true(device->ddi.deployments > 20); /* it goes on asking */
    assert_false(device_run(device, 1, 1));    /* the power was off: what is there is kept */
    assert_int_equal(device_told(device, AGENT_EVENT_SWITCHING, 0), 0);
    device->ddi.window = "available";
    device->ddi.update = "forced";
    go(device);
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device->ddi.files, 1);
    free(device);
}

/* Download only: the server's order ends with it. A later one installs what is there. */
static void test_download_only(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.update = "skip";
    go(device);
    assert_string_equal(device->version, "1.1.0");
    assert_int_equal(device->ddi.outcome, DDI_DOWNLOADED);
    device->ddi.update = NULL;
    ddi_server_order(&device->ddi, 11112, file, device->ddi.length);
    go(device);
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device->ddi.files, 1);
    free(device);
}

static void test_download_skip(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.download = device->ddi.update = "skip";
    assert_false(device_run(device, 1, 2));
    assert_int_equal(device->ddi.files, 0);
    assert_int_equal(device->ddi.ends, 0);
    assert_true(device->ddi.deployments > 10);
    free(device);
}

/* Taken back while the file comes, and when it is complete but waits. */
static void test_canceled(void **state)
{
    (void)state;
    for (int complete = 0; complete <= 1; complete++) {
        struct device *device = ordered(&newer);
        device->ddi.window = "unavailable";
        device->ddi.update = "skip";
        device->ddi.cut_after = complete ? 0 : 100000;
        device->ddi.cancel_at_cut = !complete;
        if (complete)
            assert_false(device_run(device, 1, 1));
        device->ddi.canceling = complete;
        go(device);
        assert_int_equal(device->ddi.outcome, DDI_CANCELED);
        assert_int_equal(device->agent.record.phase, AGENT_RECORD_NONE);
        assert_int_equal(device_told(device, AGENT_EVENT_CANCELED, 0), 1);
        assert_int_equal(device_told(device, AGENT_EVENT_WAITING, 0), complete);
        check_told(device, "\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}");
        assert_string_equal(device->version, "1.1.0");
        free(device);
    }
}

/* What is to be installed runs already: nothing is downloaded. */
static void test_runs_already(void **state)
{
    (void)state;
    struct device *device = ordered(&running); /* for the length: signatures are random */
    memcpy(file, device->slot[0], device->ddi.length);
    ddi_server_order(&device->ddi, 11111, file, device->ddi.length);
    uint32_t operations = device->operations;
    go(device);
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device->ddi.files, 0);
    assert_int_equal(device->operations - operations, 2); /* otadata's first record */
    free(device);
}

/* --- power ------------------------------------------------------------------------------------ */

static void check_end(struct device *device, enum trial trial, uint32_t at, enum cut cut)
{
    int state;
    bool good = trial == TRIAL_PASS;
    if (device->unbootable != 0 || strcmp(device->version, good ? "1.2.0" : "1.1.0") != 0)
        fail_msg("operation %u, cut %d: %s runs", at, cut, device->version);
    assert_int_equal(slots_state(&device->slots, device->running, &state), AGENT_OK);
    if (state != OTADATA_VALID)
        fail_msg("operation %u, cut %d: state %d", at, cut, state);
    if (device->ddi.outcome != (good ? DDI_FINISHED : DDI_ERROR) || device->ddi.ends != 1)
        fail_msg("operation %u, cut %d: the server heard %d, %u times", at, cut,
                 device->ddi.outcome, device->ddi.ends);
    assert_int_equal(device->ddi.unknown, 0);
}

/* As in test_power.c: every flash operation of an order can be the last before power is lost; the
 * server hears of the right end, once while it waits for it. */
static void cut_everywhere(enum trial trial)
{
    struct device *device = NULL;
    uint32_t operations = 1;
    for (uint32_t at = 0; at <= operations; at++) {
        for (enum cut cut = CUT_BEFORE; cut <= CUT_AFTER; cut++) {
            device = ordered(&newer);
            device->trial = trial;
            device->cut_at = at;
            device->cut = cut;
            if (!device_run(device, 2, 10))
                fail_msg("operation %u, cut %d: not quiet", at, cut);
            check_end(device, trial, at, cut);
            if (at == 0)
                operations = device->operations;
            free(device);
        }
    }
    print_message("  %u operations, %u cuts\n", operations, 3 * operations);
}

/* One order after the other, the trials all fail, any one flash operation is the last before power
 * is lost: no order more than three tries the file. */
static void test_power_again(void **state)
{
    (void)state;
    uint32_t operations = 1;
    for (uint32_t at = 0; at <= operations; at++) {
        for (enum cut cut = CUT_BEFORE; cut <= CUT_AFTER; cut++) {
            struct device *device = ordered(&newer);
            device->trial = TRIAL_FAIL;
            device->cut_at = at;
            device->cut = cut;
            go(device);
            for (unsigned order = 2; order <= 4; order++) {
                order_again(device);
                assert_int_equal(device->ddi.outcome, DDI_ERROR);
                assert_int_equal(device->ddi.ends, order);
            }
            if (device->trials < 3 || device->trials > 4) /* a trial that was cut is repeated */
                fail_msg("operation %u, cut %d: %u trials", at, cut, device->trials);
            check_told(device, "its trial failed 3 times");
            assert_string_equal(device->version, "1.1.0");
            if (at == 0)
                operations = device->operations;
            free(device);
        }
    }
}

static void test_power_success(void **state)
{
    (void)state;
    cut_everywhere(TRIAL_PASS);
}

static void test_power_failure(void **state)
{
    (void)state;
    cut_everywhere(TRIAL_FAIL);
}

/* Any single flash operation may answer an error: the order ends well all the same, or later. */
static void test_flash_errors(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    go(device);
    uint32_t operations = device->operations;
    free(device);
    for (uint32_t at = 1; at <= operations; at++) {
        device = ordered(&newer);
        device->fail_at = at;
        if (!device_run(device, 2, 20))
            fail_msg("operation %u", at);
        check_end(device, TRIAL_PASS, at, CUT_BEFORE);
        free(device);
    }
}

/* From DDI to the plain channel: the order is forgotten, what was begun for it as well. */
static void test_back_to_plain(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.window = "unavailable";
    device->ddi.update = "skip";
    assert_false(device_run(device, 1, 1));
    assert_int_equal(device->agent.record.offset, device->ddi.length);
    device->speaks_ddi = false;
    assert_true(device_run(device, 2, 5));
    assert_string_equal(device->version, "1.1.0");
    server_serve(&device->server, other_file, test_image_make(&newer, other_file));
    assert_true(device_run(device, 2, 5));
    assert_string_equal(device->version, "1.2.0");
    assert_int_equal(device->ddi.ends, 0);
    free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_order),
        cmocka_unit_test(test_closing_server),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_other_bytes),
        cmocka_unit_test(test_rolled_back),
        cmocka_unit_test(test_ordered_again),
        cmocka_unit_test(test_good_at_last),
        cmocka_unit_test(test_refused_again),
        cmocka_unit_test(test_power_again),
        cmocka_unit_test(test_canceled_too_late),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_quit),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_long_download),
        cmocka_unit_test(test_long_download_canceled),
        cmocka_unit_test(test_long_download_in_one),
        cmocka_unit_test(test_quarters_told_once),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_download_only),
        cmocka_unit_test(test_download_skip),
        cmocka_unit_test(test_canceled),
        cmocka_unit_test(test_runs_already),
        cmocka_unit_test(test_power_success),
        cmocka_unit_test(test_power_failure),
        cmocka_unit_test(test_flash_errors),
        cmocka_unit_test(test_back_to_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
