/* tests/unit/agent/test_servers.c: DDI servers that are out of order: what a device makes of it,
 * and how often it asks them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/agent/ordered.h"

/* The end is all that has to arrive; and a server that forgot the order, or cannot take the report,
 * does not hold the agent. Only who may hear it later is told again. */
static void test_unheard(void **state)
{
    static const struct {
        int status;
        bool again;
    } rows[] = {
        {201, false}, {204, false}, {400, false}, {404, false}, {405, false}, {406, false},
        {410, false}, {413, false}, {415, false}, {422, false}, {401, true},  {403, true},
        {407, true},  {408, true},  {409, true},  {423, true},  {425, true},  {429, true},
        {500, true},  {503, true},  {599, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct device *device = ordered(&newer);
        device->ddi.notice_status = 429;
        device->ddi.end_status = rows[i].status;
        assert_false(device_run(device, 1, 2)); /* the order stands */
        assert_string_equal(device->version, "1.2.0");
        if ((device->agent.record.report != AGENT_REPORT_NONE) != rows[i].again)
            fail_msg("status %d", rows[i].status);
        free(device);
    }
}

/* Of the answer to a report the status counts, whatever else is in it. */
static void test_odd_answers_to_reports(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nthank you",
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"thank\":",
        "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        for (int canceling = 0; canceling <= 1; canceling++) {
            struct device *device = ordered(&newer);
            device->ddi.raw_heard = heads[i];
            device->ddi.canceling = canceling;
            go(device);
            assert_int_equal(device->ddi.outcome, canceling ? DDI_CANCELED : DDI_FINISHED);
            assert_int_equal(device->ddi.ends, 1);
            assert_int_equal(device->ddi.late, 0);
            assert_int_equal(device_told(device, AGENT_EVENT_CANCELED, 0), canceling);
            assert_int_equal(device_told(device, AGENT_EVENT_RETRY, 0), 0);
            assert_int_equal(device_told(device, AGENT_EVENT_REFUSED, 0), 0);
            free(device);
        }
    }
}

/* All that is asked is answered alike, from the start or from the middle of a download: the agent
 * asks as seldom as at its polls, loses nothing, and goes on when the server is well. */
static void test_every_status(void **state)
{
    static const int statuses[] = {401, 403, 404, 410, 429, 500};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        for (int midway = 0; midway <= 1; midway++) {
            struct device *device = ordered(&newer);
            device->poll_ms = 600000;
            device->ddi.sleep = "00:10:00";
            device->ddi.cut_after = midway ? 100000 : 0;
            device->ddi.status_at_cut = statuses[i];
            device->ddi.every_status = midway ? 0 : statuses[i];
            assert_false(device_run(device, 1, 120));
            assert_in_range(device->ddi.requests, 11, midway ? 34 : 30);
            assert_string_equal(device->version, "1.1.0");
            device->ddi.every_status = device->ddi.status_at_cut = 0;
            assert_true(device_run(device, 2, 60));
            assert_int_equal(device->ddi.outcome, DDI_FINISHED);
            assert_int_equal(device->ddi.files, 1);
            assert_int_equal(device->ddi.parts, midway);
            free(device);
        }
    }
}

/* A file that is not there may come; one that is gone will not, and that ends the order. */
static void test_file_missing(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->poll_ms = 600000;
    device->ddi.sleep = "00:10:00";
    device->ddi.file_status = 404;
    assert_false(device_run(device, 1, 120));
    assert_in_range(device->ddi.deployments, 11, 14);
    assert_int_equal(device->ddi.outcome, DDI_OPEN);
    assert_int_equal(device->ddi.notices, 1);
    device->ddi.file_status = 0;
    assert_true(device_run(device, 2, 60));
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    free(device);

    device = ordered(&newer);
    device->ddi.file_status = 410;
    go(device);
    assert_int_equal(device->ddi.outcome, DDI_ERROR);
    assert_int_equal(device->ddi.ends, 1);
    assert_int_equal(device->operations, 2); /* otadata's first record */
    check_told(device, "\"closed\",\"result\":{\"finished\":\"failure\"}"); /* not for good */
    check_told(device, "refused update: the server answered with status 410");
    device->ddi.file_status = 0;
    order_again(device);
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    free(device);
}

/* A server that is never content with the attributes is told them once a conversation. */
static void test_insatiable(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.wants_attributes = device->ddi.insatiable = true;
    go(device);
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_in_range(device->ddi.polls, 6, 12);
    free(device);
}

/* Answers that make no sense: nothing happens, and the agent goes on asking. */
static void test_nonsense(void **state)
{
    static const struct {
        const char *poll, *deployment, *head;
        enum agent_reason reason;
    } rows[] = {
        {"{\"_links\":", NULL, NULL, AGENT_REASON_ANSWER},
        {"{\"_links\":{\"deploymentBase\":{\"href\":\"https://evil.test/x\"}}}", NULL, NULL,
         AGENT_REASON_ORIGIN},
        {NULL, "{\"id\":\"11111\"}", NULL, AGENT_REASON_ANSWER},
        {NULL, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n", AGENT_REASON_ANSWER},
        {NULL, NULL, "HTTP/1.1 200 OK\r\n\r\n{}", AGENT_REASON_ANSWER},
        {NULL, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", AGENT_REASON_ANSWER},
        {NULL, NULL, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", AGENT_REASON_HEADER},
        {NULL, NULL, "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", AGENT_REASON_REDIRECT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct device *device = ordered(&newer);
        device->ddi.raw_poll = rows[i].poll;
        device->ddi.raw_deployment = rows[i].deployment;
        device->ddi.raw_head = rows[i].head;
        assert_false(device_run(device, 1, 2));
        assert_true(device_told(device, AGENT_EVENT_REFUSED, rows[i].reason) > 2);
        assert_int_equal(device->ddi.files, 0);
        assert_int_equal(device->ddi.ends, 0);
        device->ddi.raw_poll = device->ddi.raw_deployment = device->ddi.raw_head = NULL;
        go(device);
        assert_int_equal(device->ddi.outcome, DDI_FINISHED);
        free(device);
    }
}

/* Retry-After is honoured: a date, which a device without a calendar cannot read, as the poll
 * interval, and never more than a day. Without it a device that is not let in comes at its polls,
 * and where the server answers nothing of use it comes ever less often, down to that. */
static void test_pauses(void **state)
{
    static const struct {
        const char *head;
        unsigned least, most; /* polls within an hour */
    } rows[] = {
        {"HTTP/1.1 503 Busy\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n", 6, 7},
        {"HTTP/1.1 429 Slow\r\nRetry-After: 1200\r\nContent-Length: 0\r\n\r\n", 3, 4},
        {"HTTP/1.1 429 Slow\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n", 1, 1},
        {"HTTP/1.1 503 Busy\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"
         "Content-Length: 0\r\n\r\n",
         6, 7},
        {"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", 12, 22},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 12, 22},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", 12, 22},
        {"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", 12, 22},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 12, 22},
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", 6, 7},
        {"HTTP/1.1 404 Unknown\r\nContent-Length: 0\r\n\r\n", 6, 7},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct device *device = new_device();
        device->poll_ms = 600000;
        device->ddi.raw_head = rows[i].head;
        assert_false(device_run(device, 1, 60));
        if (device->ddi.polls < rows[i].least || device->ddi.polls > rows[i].most)
            fail_msg("%s%u polls", rows[i].head, device->ddi.polls);
        free(device);
    }
}

/* A day is over: the server is heard again, and its interval is not forgotten. */
static void test_longest_pause(void **state)
{
    (void)state;
    struct device *device = new_device();
    device->poll_ms = 600000;
    device->ddi.raw_head =
        "HTTP/1.1 503 Busy\r\nRetry-After: 4294967295\r\nContent-Length: 0\r\n\r\n";
    assert_false(device_run(device, 1, 23 * 60));
    assert_int_equal(device->ddi.polls, 1);
    assert_in_range(device->agent.wait_ms, 86400000, 86400000 / 8 * 9);
    free(device);
}

/* The server's interval holds, within an eighth. */
static void test_interval(void **state)
{
    (void)state;
    struct device *device = new_device();
    device->ddi.sleep = "00:10:00";
    assert_true(device_run(device, 7, 120));
    assert_in_range(device->now_ms, 6 * 525000, 6 * 675000 + 4000);
    free(device);
}

/* Servers that never come to an end: neither the network nor the flash is worn out. */
static void test_restless_servers(void **state)
{
    const unsigned hours = 6;
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct device *device = ordered(&newer);
        device->poll_ms = 3600000;
        device->ddi.restless = kind == 0; /* always another file, broken off at 30,000 bytes */
        device->ddi.cut_after = kind == 0 ? 30000 : 0;
        device->ddi.never_ends = kind == 1; /* hears of the refusal and orders it again */
        device->ddi.sleep = "00:00:01";
        if (kind == 1)
            device->ddi.link_origin = "https://cdn.test";
        if (kind == 2) { /* one download-only order after the other, each complete */
            memcpy(other_file, file, sizeof file);
            device->ddi.other_file = other_file;
            device->ddi.update = "skip";
            assert_int_equal(test_image_make(&newer, other_file), device->ddi.length);
        }
        uint32_t before = device->operations;
        assert_false(device_run(device, 1, hours * (kind == 1 ? 1 : 60)));
        assert_in_range(device->ddi.files, 0, (hours + 1) * 8);
        if (kind == 1)
            assert_int_equal(device->operations, before + 2); /* otadata's first record */
        assert_string_equal(device->version, "1.1.0");
        free(device);
    }
}

/* A lost answer: said again, and 410 is an answer. The same for a server that does not know. */
static void test_lost_end(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.lost_ends = 1;
    go(device);
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device->ddi.ends, 1);
    assert_int_equal(device->ddi.late, 1);
    assert_int_equal(device->agent.record.report, AGENT_REPORT_NONE);
    free(device);
}

/* A server out of order hears the end once it is well, also after the power was off. */
static void test_end_repeated(void **state)
{
    (void)state;
    struct device *device = ordered(&newer);
    device->ddi.end_status = 503;
    assert_false(device_run(device, 1, 10));
    assert_string_equal(device->version, "1.2.0");
    assert_true(device_told(device, AGENT_EVENT_RETRY, AGENT_REASON_STATUS) > 5);
    assert_int_equal(device->ddi.outcome, DDI_OPEN);
    device->ddi.end_status = 0;
    go(device);
    assert_int_equal(device->ddi.outcome, DDI_FINISHED);
    assert_int_equal(device_told(device, AGENT_EVENT_CONFIRMED, 0), 1);
    free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unheard),      cmocka_unit_test(test_odd_answers_to_reports),
        cmocka_unit_test(test_every_status), cmocka_unit_test(test_file_missing),
        cmocka_unit_test(test_insatiable),   cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_pauses),       cmocka_unit_test(test_longest_pause),
        cmocka_unit_test(test_interval),     cmocka_unit_test(test_restless_servers),
        cmocka_unit_test(test_lost_end),     cmocka_unit_test(test_end_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
