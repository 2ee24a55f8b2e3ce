/* What a request may ask for and how often: Accept, quotas, framing. Tables of input and verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/api/accept.h"
#include "server/api/quota.h"
#include "server/framing.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void accepted(void **state)
{
    static const char *const types[] = {"application/hal+json", "application/json"};
    static const struct {
        const char *field;
        int chosen; /* of types[]; -1: none */
    } table[] = {
        {NULL, 0},
        {"", 0},
        {"*/*", 0},
        {"application/*", 0},
        {"application/json", 1},
        {"APPLICATION/JSON", 1},
        {"application/hal+json", 0},
        {"application/json, application/hal+json", 0},
        {"application/json, application/hal+json;q=0.9", 1},
        {"application/json;charset=utf-8", 1},
        {"text/html, application/xhtml+xml, */*;q=0.8", 0},
        {"text/html,application/json ; q=0.1", 1},
        {"application/hal+json;q=0, */*", 1},
        {"application/hal+json;q=0.000, application/json;q=0.001", 1},
        {"application/*;q=0.5, application/hal+json;q=0.4", 1},
        {"application/atom+xml", -1},
        {"application/jsonx", -1},
        {"application/jso", -1},
        {"text/*", -1},
        {"*", -1},
        {"application/json;q=0", -1},
        {"application/json;q=2", -1},
        {"application/json;q=x", -1},
        {"application/json;q=0.0000001", -1},
        {",,,", -1},
        {";q=1", -1},
        {"*/*;q=", 0}, /* no weight is said */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *got = accept_choose(table[i].field, types, COUNT(types));
        const char *want = table[i].chosen >= 0 ? types[table[i].chosen] : NULL;
        if (got != want)
            fail_msg("%s: %s", table[i].field, got != NULL ? got : "none");
    }
}

static unsigned takes(struct quota *quota, const char *who, unsigned tries, int64_t now)
{
    unsigned count = 0;
    for (unsigned i = 0; i < tries; i++)
        count += quota_take(quota, 1, who, now);
    return count;
}

static void a_quota_refills(void **state)
{
    struct quota *quota = quota_new(5);
    int64_t now = 1790000000000;
    (void)state;
    assert_int_equal(takes(quota, "dev1", 60, now), 5 * QUOTA_BURST);
    assert_int_equal(takes(quota, "dev2", 60, now), 5 * QUOTA_BURST); /* its own */
    assert_true(quota_take(quota, 2, "dev1", now));                   /* of another tenant */
    assert_int_equal(takes(quota, "dev1", 5, now + 199), 0);
    assert_int_equal(takes(quota, "dev1", 5, now + 200), 1);
    assert_int_equal(takes(quota, "dev1", 60, now + 1200), 5);
    assert_int_equal(takes(quota, "dev1", 60, now - 100000), 0); /* a clock that was set back */
    assert_int_equal(takes(quota, "dev1", 60, now - 100000 + 200), 1);
    assert_int_equal(takes(quota, "dev1", 60, INT64_MAX), 5 * QUOTA_BURST);
    quota_free(quota);
}

/* More names than there is room for: the busy one is remembered all the while. */
static void a_quota_is_bounded(void **state)
{
    struct quota *quota = quota_new(1);
    char who[32];
    (void)state;
    assert_int_equal(takes(quota, "busy", 100, 1000), QUOTA_BURST);
    for (unsigned i = 0; i < 3 * QUOTA_IDENTITIES; i++) {
        snprintf(who, sizeof who, "device %u", i);
        assert_true(quota_take(quota, 1, who, 1001));
        if (i % 100 == 0)
            quota_take(quota, 1, "busy", 1001 + i / 1000000);
    }
    quota_free(quota);
}

static void framings(void **state)
{
    static const struct {
        const char *head;
        enum framing framing;
    } table[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", FRAMING_CLEAR},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhost:", FRAMING_CLEAR},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nContent-Length: 6\r\n",
         FRAMING_CLEAR},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n \n\r", FRAMING_CLEAR},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", FRAMING_CHUNKED},
        {"POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n", FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\nHost: x\r\nContent-Length: 5\r\n\r\n", FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\r\nHost: x\nContent-Length: 5\r\n\r\n", FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\n", FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\r\nHost: x\r\nX: y\rContent-Length: 5\r\n\r\n", FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n folded\r\n\r\n", FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\r\nHost: x\r\nX:\r\n\tContent-Length: 5\r\n\r\n", FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\r\nHost: x\r\nX-Content-Length: 1\r\nContent-Length: 5\r\n\r\n",
         FRAMING_CLEAR},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
         FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\r\nHost: x\r\ncontent-length: 5\r\nCONTENT-LENGTH: 6\r\n\r\n",
         FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         FRAMING_DOUBTFUL},
        {"POST / HTTP/1.1\nTransfer-Encoding: a\nHost: x\nTransfer-Encoding: b\n\n",
         FRAMING_DOUBTFUL},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", FRAMING_DOUBTFUL},
        {"GET / HTTP/1.1\r\n\r\n", FRAMING_DOUBTFUL},
        {"GET / HTTP/1.1\r\n\r\nHost: x\r\n", FRAMING_DOUBTFUL},
        {"GET / HTTP/1.1", FRAMING_DOUBTFUL},
        {"", FRAMING_DOUBTFUL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        size_t length = strlen(table[i].head);
        char *exact = malloc(length + 1); /* a read behind it is caught */
        memcpy(exact + 1, table[i].head, length);
        enum framing got = framing_judge(exact + 1, length, true);
        free(exact);
        if (got != table[i].framing)
            fail_msg("%s: %d", table[i].head, got);
    }
    assert_int_equal(framing_judge("GET / HTTP/1.0\r\n\r\n", 18, false), FRAMING_CLEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),
        cmocka_unit_test(a_quota_refills),
        cmocka_unit_test(a_quota_is_bounded),
        cmocka_unit_test(framings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
