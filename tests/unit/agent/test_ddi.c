/* tests/unit/agent/test_ddi.c: what DDI's JSON says to an agent, and what the agent says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/agent/ddi.h"

#define H                "https://up.test:8443"
#define LINK(name, href) "{\"_links\":{\"" name "\":{\"href\":\"" href "\"}}}"

static const struct ddi_origin origin = {"up.test", 8443};

static const struct {
    const char *text;
    enum agent_reason reason;
    enum ddi_link link;
    const char *path;
    uint32_t poll_ms; /* 0: not said */
} polls[] = {
    {"{}", AGENT_REASON_NONE, DDI_NOTHING, "", 0},
    {"[]", AGENT_REASON_ANSWER, DDI_NOTHING, "", 0},
    {"<html>", AGENT_REASON_ANSWER, DDI_NOTHING, "", 0},
    {"{\"config\":{\"polling\":{\"sleep\":\"00:05:00\"}}}", 0, DDI_NOTHING, "", 300000},
    {"{\"config\":{\"polling\":{\"sleep\":\"23:59:59\"}}}", 0, DDI_NOTHING, "", 86399000},
    {"{\"config\":{\"polling\":{\"sleep\":\"24:00:00\"}}}", 0, DDI_NOTHING, "", 0},
    {"{\"config\":{\"polling\":{\"sleep\":\"00:60:00\"}}}", 0, DDI_NOTHING, "", 0},
    {"{\"config\":{\"polling\":{\"sleep\":\"00:00:00\"}}}", 0, DDI_NOTHING, "", 0},
    {"{\"config\":{\"polling\":{\"sleep\":\"0:05:00\"}}}", 0, DDI_NOTHING, "", 0},
    {"{\"config\":{\"polling\":{\"sleep\":\"00:05:00 \"}}}", 0, DDI_NOTHING, "", 0},
    {"{\"config\":{\"polling\":{\"sleep\":\"PT5M0000\"}}}", 0, DDI_NOTHING, "", 0},
    {"{\"config\":{\"polling\":{\"sleep\":300}}}", 0, DDI_NOTHING, "", 0},
    {LINK("deploymentBase", H "/T/controller/v1/c/deploymentBase/8?c=-1"), 0, DDI_DEPLOYMENT,
     "/T/controller/v1/c/deploymentBase/8?c=-1", 0},
    {LINK("deploymentBase", "HTTPS://UP.TEST:8443/x"), 0, DDI_DEPLOYMENT, "/x", 0},
    {LINK("cancelAction", H "/x"), 0, DDI_CANCEL, "/x", 0},
    {LINK("configData", H "/x"), 0, DDI_ATTRIBUTES, "/x", 0},
    {LINK("confirmationBase", H "/x"), 0, DDI_NOTHING, "", 0},
    {LINK("installedBase", "http://elsewhere/"), 0, DDI_NOTHING, "", 0},
    {"{\"_links\":{\"deploymentBase\":{\"href\":\"" H "/d\"},\"cancelAction\":{\"href\":\"" H
     "/c\"},\"configData\":{\"href\":\"" H "/a\"}}}",
     0, DDI_ATTRIBUTES, "/a", 0},
    {LINK("deploymentBase", "http://up.test:8443/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "https://up.test/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "https://up.test:844/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "https://up.test:84430/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "https://up.test:4294975739/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "https://up.test.evil:8443/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "https://up.test@evil:8443/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "https://u@up.test:8443/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "https://up.test:8443@evil/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", H), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", "/x"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", ""), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", H "/a b"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", H "/a\\r\\nX: y"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", H "/a#b"), AGENT_REASON_ORIGIN, 0, "", 0},
    {LINK("deploymentBase", H "/\\u00e9"), AGENT_REASON_ORIGIN, 0, "", 0},
    {"{\"_links\":{\"deploymentBase\":\"" H "/x\"}}", AGENT_REASON_ORIGIN, 0, "", 0},
};

static void test_polls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof polls / sizeof polls[0]; i++) {
        char path[AGENT_PATH_BYTES] = "";
        uint32_t poll_ms = 0;
        enum ddi_link link;
        enum agent_reason reason =
            ddi_read_poll((const uint8_t *)polls[i].text, strlen(polls[i].text), origin, true,
                          &link, path, &poll_ms);
        if (reason != polls[i].reason || link != polls[i].link || poll_ms != polls[i].poll_ms ||
            strcmp(path, polls[i].path) != 0)
            fail_msg("%s: reason %d, link %d, %u ms, %s", polls[i].text, reason, link, poll_ms,
                     path);
    }
}

/* Attributes once; the default port; a path of the greatest length and one more. */
static void test_links(void **state)
{
    static const char both[] = "{\"_links\":{\"cancelAction\":{\"href\":\"https://up.test/c\"},"
                               "\"configData\":{\"href\":\"https://up.test/a\"}}}";
    const struct ddi_origin standard = {"up.test", 443};
    char path[AGENT_PATH_BYTES], text[600];
    uint32_t poll_ms;
    enum ddi_link link;
    (void)state;
    assert_int_equal(
        ddi_read_poll((const uint8_t *)both, strlen(both), standard, false, &link, path, &poll_ms),
        AGENT_REASON_NONE);
    assert_int_equal(link, DDI_CANCEL);
    assert_string_equal(path, "/c");
    for (int extra = 0; extra <= 1; extra++) {
        int length = snprintf(text, sizeof text,
                              "{\"_links\":{\"deploymentBase\":{\"href\":\"" H "/%0*d\"}}}",
                              (int)AGENT_PATH_BYTES - 2 + extra, 0);
        assert_int_equal(ddi_read_poll((const uint8_t *)text, (size_t)length, origin, true, &link,
                                       path, &poll_ms),
                         extra == 0 ? AGENT_REASON_NONE : AGENT_REASON_ORIGIN);
    }
}

#define SHA          "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F"
#define FILES        "{\"size\":8192,\"hashes\":{\"sha256\":\"" SHA "\"},\"_links\":{" DOWN "}}"
#define DOWN         "\"download\":{\"href\":\"" H "/f\"}"
#define SAYS(m, c)   "{\"id\":\"8\",\"deployment\":{" m ",\"chunks\":[" c "]}}"
#define MODES        "\"download\":\"forced\",\"update\":\"forced\""
#define CHUNK(files) "{\"part\":\"os\",\"artifacts\":[" files "]}"

static const struct {
    const char *text;
    enum agent_reason reason, problem;
    bool download, update;
} deployments[] = {
    {SAYS(MODES, CHUNK(FILES)), 0, 0, true, true},
    {SAYS("\"download\":\"attempt\",\"update\":\"attempt\"", CHUNK(FILES)), 0, 0, true, true},
    {SAYS("\"download\":\"forced\",\"update\":\"skip\"", CHUNK(FILES)), 0, 0, true, false},
    {SAYS("\"download\":\"skip\",\"update\":\"skip\"", CHUNK(FILES)), 0, 0, false, false},
    {SAYS(MODES ",\"maintenanceWindow\":\"available\"", CHUNK(FILES)), 0, 0, true, true},
    {SAYS(MODES ",\"maintenanceWindow\":\"unavailable\"", CHUNK(FILES)), 0, 0, true, false},
    {SAYS(MODES ",\"maintenanceWindow\":\"maybe\"", CHUNK(FILES)), AGENT_REASON_ANSWER, 0, 0, 0},
    {SAYS("\"download\":\"now\",\"update\":\"forced\"", ""), AGENT_REASON_ANSWER, 0, 0, 0},
    {SAYS("\"download\":\"forced\"", CHUNK(FILES)), AGENT_REASON_ANSWER, 0, 0, 0},
    {"{\"id\":8,\"deployment\":{" MODES "}}", AGENT_REASON_ANSWER, 0, 0, 0},
    {"{\"id\":\"0\",\"deployment\":{" MODES "}}", AGENT_REASON_ANSWER, 0, 0, 0},
    {"{\"id\":\"\",\"deployment\":{" MODES "}}", AGENT_REASON_ANSWER, 0, 0, 0},
    {"{\"id\":\"8/x\",\"deployment\":{" MODES "}}", AGENT_REASON_ANSWER, 0, 0, 0},
    {"{\"id\":\"4294967296\",\"deployment\":{" MODES "}}", AGENT_REASON_ANSWER, 0, 0, 0},
    {"{\"deployment\":{" MODES "}}", AGENT_REASON_ANSWER, 0, 0, 0},
    {"{\"id\":\"8\"}", AGENT_REASON_ANSWER, 0, 0, 0},
    {SAYS(MODES, ""), 0, AGENT_REASON_ARTIFACTS, true, true},
    {SAYS(MODES, CHUNK("")), 0, AGENT_REASON_ARTIFACTS, true, true},
    {SAYS(MODES, CHUNK(FILES "," FILES)), 0, AGENT_REASON_ARTIFACTS, true, true},
    {SAYS(MODES, CHUNK(FILES) "," CHUNK(FILES)), 0, AGENT_REASON_ARTIFACTS, true, true},
    {SAYS(MODES,
          CHUNK("{\"size\":\"8192\",\"hashes\":{\"sha256\":\"" SHA "\"},\"_links\":{" DOWN "}}")),
     0, AGENT_REASON_ARTIFACTS, true, true},
    {SAYS(MODES, CHUNK("{\"size\":8192,\"hashes\":{\"sha1\":\"00\"},\"_links\":{" DOWN "}}")), 0,
     AGENT_REASON_ARTIFACTS, true, true},
    {SAYS(MODES,
          CHUNK("{\"size\":8192,\"hashes\":{\"sha256\":\"" SHA "0\"},\"_links\":{" DOWN "}}")),
     0, AGENT_REASON_ARTIFACTS, true, true},
    {SAYS(MODES, CHUNK("{\"size\":8192,\"hashes\":{\"sha256\":\"" SHA "\"},\"_links\":{}}")), 0,
     AGENT_REASON_ORIGIN, true, true},
    {SAYS(MODES, CHUNK("{\"size\":8192,\"hashes\":{\"sha256\":\"" SHA
                       "\"},\"_links\":{\"download\":{\"href\":\"https://cdn/f\"}}}")),
     0, AGENT_REASON_ORIGIN, true, true},
    {SAYS(MODES, CHUNK("{\"size\":8192,\"hashes\":{\"sha256\":\"" SHA
                       "\"},\"_links\":{\"download-http\":{\"href\":\"" H "/f\"}}}")),
     0, 0, true, true},
};

static void test_deployments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof deployments / sizeof deployments[0]; i++) {
        const char *text = deployments[i].text;
        struct ddi_deployment found;
        enum agent_reason reason =
            ddi_read_deployment((const uint8_t *)text, strlen(text), origin, &found);
        if (reason != deployments[i].reason)
            fail_msg("%s: reason %d", text, reason);
        if (reason != AGENT_REASON_NONE)
            continue;
        if (found.problem != deployments[i].problem || found.action != 8 ||
            found.download != deployments[i].download || found.update != deployments[i].update)
            fail_msg("%s: problem %d, %d %d", text, found.problem, found.download, found.update);
        if (found.problem == AGENT_REASON_NONE) {
            assert_int_equal(found.length, 8192);
            assert_string_equal(found.path, "/f");
            for (unsigned b = 0; b < sizeof found.digest; b++)
                assert_int_equal(found.digest[b], b);
        }
    }
}

static void test_cancels(void **state)
{
    static const char good[] = "{\"id\":\"9\",\"cancelAction\":{\"stopId\":\"8\"}}";
    static const char *const bad[] = {"{\"id\":\"8\"}", "{\"cancelAction\":{\"stopId\":8}}",
                                      "{\"cancelAction\":{\"stopId\":\"x\"}}", "8"};
    uint32_t action = 0;
    (void)state;
    assert_int_equal(ddi_read_cancel((const uint8_t *)good, strlen(good), &action), 0);
    assert_int_equal(action, 8);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ddi_read_cancel((const uint8_t *)bad[i], strlen(bad[i]), &action),
                         AGENT_REASON_ANSWER);
}

static void test_written(void **state)
{
    static const char progress[] =
        "{\"status\":{\"execution\":\"proceeding\",\"result\":{\"finished\":\"none\",\"progress\":{"
        "\"cnt\":5,\"of\":9}},\"details\":[\"a \\\"b\\\" \\\\ ???\"]}}";
    static const char merged[] = "{\"mode\":\"merge\",\"data\":{\"a\":\"1\",\"b\":\"\"}}";
    const struct ddi_attribute attributes[] = {{"a", "1"}, {"b", ""}};
    struct ddi_feedback feedback = {"proceeding", "none", "a \"b\" \\ \n\xC3\xA9", 0, 5, 9};
    char out[256];
    (void)state;
    assert_int_equal(ddi_write_feedback(&feedback, out, sizeof out), sizeof progress - 1);
    assert_string_equal(out, progress);
    assert_int_equal(ddi_write_feedback(&feedback, out, sizeof progress - 1), 0);
    assert_string_equal(out, "");
    assert_int_equal(ddi_write_attributes(attributes, 2, out, sizeof out), sizeof merged - 1);
    assert_string_equal(out, merged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_polls),       cmocka_unit_test(test_links),
        cmocka_unit_test(test_deployments), cmocka_unit_test(test_cancels),
        cmocka_unit_test(test_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
