/* Whom a session that is kept is for, how long, and that nothing is left of one that is dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device/app/session.h"

#define HOST   "updates.example.org"
#define PORT   8443
#define PROVEN 5000000u
#define LENGTH 300u

static void fill(struct session *session)
{
    memset(session, 0, sizeof *session);
    memset(session->bytes, 0x5A, LENGTH);
}

static void assert_wiped(const struct session *session)
{
    static const struct session nothing;
    assert_memory_equal(session, &nothing, sizeof nothing);
}

static void whom_it_is_for(void **state)
{
    static const struct {
        const char *host;
        uint16_t port;
        uint64_t now;
        bool found;
    } table[] = {
        {HOST, PORT, PROVEN, true},
        {HOST, PORT, PROVEN + SESSION_AGE_MS - 1, true},
        {HOST, PORT, PROVEN + SESSION_AGE_MS, false},
        {HOST, PORT, PROVEN + SESSION_AGE_MS + (UINT64_C(1) << 32), false},
        {HOST, PORT, PROVEN - 1, false}, /* of a time that has not come */
        {HOST, PORT + 1, PROVEN, false},
        {HOST ".", PORT, PROVEN, false},
        {"updates.example.or", PORT, PROVEN, false},
        {"Updates.example.org", PORT, PROVEN, false},
        {"", PORT, PROVEN, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct session session;
        fill(&session);
        session_keep(&session, HOST, PORT, PROVEN, LENGTH);
        size_t length = session_find(&session, table[i].host, table[i].port, table[i].now);
        if (length != (table[i].found ? LENGTH : 0))
            fail_msg("row %zu: %zu", i, length);
        if (!table[i].found)
            assert_wiped(&session);
    }
}

static void nothing_is_kept_until_it_is(void **state)
{
    struct session session;
    (void)state;
    fill(&session); /* bytes alone are no session */
    assert_int_equal(session_find(&session, "", 0, 0), 0);
    assert_wiped(&session);
}

static void what_does_not_fit_is_not_kept(void **state)
{
    char host[SETTINGS_HOST_BYTES + 1];
    struct session session;
    (void)state;
    memset(host, 'a', sizeof host);
    host[SETTINGS_HOST_BYTES] = '\0';
    fill(&session);
    session_keep(&session, host, PORT, PROVEN, LENGTH);
    assert_wiped(&session);

    host[SETTINGS_HOST_BYTES - 1] = '\0';
    fill(&session);
    session_keep(&session, host, PORT, PROVEN, LENGTH);
    assert_int_equal(session_find(&session, host, PORT, PROVEN), LENGTH);

    fill(&session);
    session_keep(&session, HOST, PORT, PROVEN, SESSION_BYTES_MAX + 1);
    assert_wiped(&session);
    session_keep(&session, HOST, PORT, PROVEN, SESSION_BYTES_MAX);
    assert_int_equal(session_find(&session, HOST, PORT, PROVEN), SESSION_BYTES_MAX);
}

static void dropped_is_wiped(void **state)
{
    struct session session;
    (void)state;
    fill(&session);
    session_keep(&session, HOST, PORT, PROVEN, LENGTH);
    session_drop(&session);
    assert_wiped(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whom_it_is_for),
        cmocka_unit_test(nothing_is_kept_until_it_is),
        cmocka_unit_test(what_does_not_fit_is_not_kept),
        cmocka_unit_test(dropped_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
