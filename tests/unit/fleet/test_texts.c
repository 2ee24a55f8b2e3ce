/* Texts from outside: what is no text is refused where it comes in, so that it is in no list, no
 * log and no message later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fleet/mgmt.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void what_a_text_may_be(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"a", true},
        {"Ger\xC3\xA4t 7", true},
        {"\xF0\x9F\x94\x91", true},
        {"", false},
        {"a\nb", false},
        {"a\x1B[2J", false},
        {"\x7F", false},
        {"\xC2\x9B"
         "2J",
         false}, /* CSI in one character */
        {"\xC2\x80", false},
        {"\xC2\xA0", true},
        {"\xFF", false},
        {"\xC0\xAF", false},
        {"\xED\xA0\x80", false},
        {"cut \xC3", false},
        {"123456789", true},
        {"1234567890", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (fleet_text_valid(cases[i].text, 9) != cases[i].valid)
            fail_msg("\"%s\"", cases[i].text);
    }
}

static void addresses_are_utf8(void **state)
{
    static const char *const paths[] = {
        "/rest/v1/targets/%ff",
        "/rest/v1/targets/%C0%AF",
        "/rest/v1/targettags/%ED%A0%80/assigned",
        "/rest/v1/targets/x/tags/%80",
        "/rest/v1/targets/a%00b",
        "/rest/v1/targets/a%0Ab",
    };
    const char *who;
    struct world *world = managed(state, &who);
    for (size_t i = 0; i < COUNT(paths); i++) {
        expect(world, who, API_GET, paths[i], NULL, strstr(paths[i], "/tags/") ? 405 : 400, NULL);
        expect(world, who, API_DELETE, paths[i], NULL, strstr(paths[i], "/assigned") ? 405 : 400,
               NULL);
    }
    expect(world, NULL, API_GET, "/%ff/controller/v1/dev1", NULL, 400, NULL);
    expect(world, NULL, API_GET, "/DEFAULT/controller/v1/%ff", NULL, 400, NULL);
    world_free(world);
}

/* The longest id there is, of characters that must not be cut: whatever tells of this device has to
 * be text still. */
static void a_long_name_is_not_cut(void **state)
{
    char id[TARGET_ID_MAX + 1] = "x";
    char encoded[3 * TARGET_ID_MAX + 1] = "x";
    char path[API_PATH_MAX];
    struct world *world = world_new(state);
    const char *admin = manager(world, "admin");
    for (size_t i = 1; i + 1 < TARGET_ID_MAX; i += 2) {
        strcat(id, "\xC3\xA4");
        strcat(encoded, "%C3%A4");
    }
    struct fleet fleet = world_begin(world);
    assert_int_equal(setting_set(&fleet, "authentication.gatewaytoken.enabled", "true"), FLEET_OK);
    assert_int_equal(setting_set(&fleet, "authentication.gatewaytoken.key", "0123456789abcdef"),
                     FLEET_OK);
    assert_int_equal(setting_set(&fleet, "enrolment", "token"), FLEET_OK);
    world_commit(world);
    snprintf(path, sizeof path, "/DEFAULT/controller/v1/%s", encoded);
    expect(world, "GatewayToken 0123456789abcdef", API_GET, path, NULL, 200, NULL);
    expect(world, admin, API_GET, "/rest/v1/audit?limit=1", NULL, 200, NULL);
    char by[TARGET_ID_MAX + 16];
    snprintf(by, sizeof by, "device %s", id);
    assert_string_equal(text_at(world, "content.0.who"), by);
    snprintf(path, sizeof path, "/rest/v1/targets/%s", encoded);
    expect(world, admin, API_GET, path, NULL, 200, NULL);
    assert_string_equal(text_at(world, "createdBy"), by);
    world_free(world);
}

/* Messages have an end, and what they quote may be longer. */
static void a_message_is_cut_between_characters(void **state)
{
    const char *who;
    struct world *world = managed(state, &who);
    char body[600] = "[{\"controllerId\":\"";
    for (size_t i = 0; i < 100; i++)
        strcat(body, "\xC3\xA4");
    strcat(body, "\"}]");
    expect(world, who, API_POST, "/rest/v1/targets", body, 201, NULL);
    for (char *pad = strstr(body, "Id\":\""); strlen(body) < 250; pad = strstr(body, "Id\":\"")) {
        memmove(pad + 6, pad + 5, strlen(pad + 5) + 1);
        pad[5] = 'x';
        expect(world, who, API_POST, "/rest/v1/targets", body, 201, NULL);
        expect(world, who, API_POST, "/rest/v1/targets", body, 409, "entityAlreadyExists");
    }
    expect(world, who, API_GET,
           "/rest/v1/targets?sort=0123456789012345678901234567890123456789012345678901234567890123"
           "%C3%A4",
           NULL, 400, "rest.param.invalidField");
    expect(world, who, API_GET,
           "/rest/v1/targets?sort=012345678901234567890123456789012345678901234567890123456789012"
           "%C3%A4",
           NULL, 400, "rest.param.invalidField");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_text_may_be),
        STORE_TESTS(addresses_are_utf8),
        STORE_TESTS(a_long_name_is_not_cut),
        STORE_TESTS(a_message_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
