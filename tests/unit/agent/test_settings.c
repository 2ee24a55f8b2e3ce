/* tests/unit/agent/test_settings.c: what is taken from NVS and what is refused, value by value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain/error.h"
#include "chain/nvs.h"
#include "device/agent/settings.h"

#define NVS_BYTES (4 * NVS_PAGE_BYTES)

#define TEXT16  "0123456789abcdef"
#define TEXT63  TEXT16 TEXT16 TEXT16 "0123456789abcde"
#define HOST256 TEXT63 "." TEXT63 "." TEXT63 "." TEXT63 "." /* three too long */

/* What the firmware was built with. */
static const struct settings built_in = {
    .host = "built.in", .port = 8443, .channel = "stable", .poll_ms = 3600000, .tenant = "DEFAULT"};

/* The last thing told of a key. */
struct told {
    unsigned count;
    char key[16];
    const char *problem;
};

static void tell(void *context, const char *key, const char *problem)
{
    struct told *told = context;
    told->count++;
    strncpy(told->key, key, sizeof told->key - 1);
    told->problem = problem;
}

/* A partition in memory, of which reads may fail. */
struct partition_bytes {
    uint8_t *bytes;
    bool broken;
};

#define BROKEN (-77)

static int read_bytes(void *context, uint32_t offset, void *out, size_t length)
{
    const struct partition_bytes *partition = context;
    if (partition->broken)
        return BROKEN;
    memcpy(out, partition->bytes + offset, length);
    return CHAIN_OK;
}

/* Settings from these bytes, over what is built in; what was told. */
static struct told read_from(uint8_t *bytes, bool broken, struct settings *settings)
{
    struct partition_bytes partition = {bytes, broken};
    struct nvs_source source = {&partition, read_bytes, NVS_BYTES, NULL, NULL};
    struct told told = {0};
    struct settings_listener listener = {&told, tell};
    *settings = built_in;
    settings_read(settings, &source, &listener);
    return told;
}

static struct nvs_writer writer;

static uint8_t *begin(const char *space)
{
    uint8_t *bytes = malloc(NVS_BYTES);
    assert_non_null(bytes);
    assert_int_equal(nvs_writer_begin(&writer, bytes, NVS_BYTES), CHAIN_OK);
    assert_int_equal(nvs_write_namespace(&writer, space, strlen(space)), CHAIN_OK);
    return bytes;
}

static void put_text(const char *key, const char *text)
{
    struct nvs_key name = {key, strlen(key)};
    assert_int_equal(nvs_write_string(&writer, name, text, strlen(text)), CHAIN_OK);
}

static void put_number(const char *key, enum nvs_type type, uint64_t value)
{
    struct nvs_key name = {key, strlen(key)};
    assert_int_equal(nvs_write_integer(&writer, name, type, value), CHAIN_OK);
}

static const struct {
    const char *key, *text;
    const char *problem; /* NULL: taken */
    const char *host;    /* of a url that is taken */
    uint16_t port;
} texts[] = {
    {"url", "https://ota.example.com:8443", NULL, "ota.example.com", 8443},
    {"url", "https://ota.example.com", NULL, "ota.example.com", 443},
    {"url", "https://ota.example.com/", NULL, "ota.example.com", 443},
    {"url", "https://10.0.2.2:1/", NULL, "10.0.2.2", 1},
    {"url", "https://h:65535", NULL, "h", 65535},
    {"url", "http://ota.example.com", "not https://", NULL, 0},
    {"url", "HTTPS://ota.example.com", "not https://", NULL, 0},
    {"url", "ota.example.com", "not https://", NULL, 0},
    {"url", "", "not https://", NULL, 0},
    {"url", "https://", "no host name or IPv4 address in it", NULL, 0},
    {"url", "https://:443", "no host name or IPv4 address in it", NULL, 0},
    {"url", "https://-h", "no host name or IPv4 address in it", NULL, 0},
    {"url", "https://h.", "no host name or IPv4 address in it", NULL, 0},
    {"url", "https://[::1]", "no host name or IPv4 address in it", NULL, 0},
    {"url", "https://h\r\nX: y", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://u@h", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://h/path", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://h:", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://h:0", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://h:65536", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://h:004433", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://h:+1", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://h:443x", "not https://HOST[:PORT]", NULL, 0},
    {"url", "https://" HOST256, "no host name or IPv4 address in it", NULL, 0},
    {"url", "https://" HOST256 TEXT63, "too long", NULL, 0},
    {"channel", "beta", NULL, NULL, 0},
    {"channel", "0123456789012345678901234567_.-", NULL, NULL, 0},
    {"channel", "01234567890123456789012345678901", "not 1 to 31 letters, digits, '-', '_', '.'",
     NULL, 0},
    {"channel", "", "not 1 to 31 letters, digits, '-', '_', '.'", NULL, 0},
    {"channel", "..", "not 1 to 31 letters, digits, '-', '_', '.'", NULL, 0},
    {"channel", "-beta", "not 1 to 31 letters, digits, '-', '_', '.'", NULL, 0},
    {"channel", "a/b", "not 1 to 31 letters, digits, '-', '_', '.'", NULL, 0},
    {"device_id", "60:55:f9:c6:00:01", NULL, NULL, 0},
    {"device_id", TEXT16 TEXT16 TEXT16 TEXT16, NULL, NULL, 0},
    {"device_id", TEXT16 TEXT16 TEXT16 TEXT16 "x",
     "not 1 to 64 letters, digits, '-', '_', '.', ':'", NULL, 0},
    {"device_id", "", "not 1 to 64 letters, digits, '-', '_', '.', ':'", NULL, 0},
    {"device_id", "a b", "not 1 to 64 letters, digits, '-', '_', '.', ':'", NULL, 0},
    {"token", "!~", NULL, NULL, 0},
    {"token", TEXT63 "x" TEXT63 "x", NULL, NULL, 0},
    {"token", TEXT63 "x" TEXT63 "xy", "not 1 to 128 printable characters without blanks", NULL, 0},
    {"token", "", "not 1 to 128 printable characters without blanks", NULL, 0},
    {"token", "a b", "not 1 to 128 printable characters without blanks", NULL, 0},
    {"token", "a\r\nX: y", "not 1 to 128 printable characters without blanks", NULL, 0},
    {"token", "a\x7f", "not 1 to 128 printable characters without blanks", NULL, 0},
    {"token", "\xc3\xa9", "not 1 to 128 printable characters without blanks", NULL, 0},
    {"poll_s", "60", "not of type u32", NULL, 0},
    {"tenant", "acme", NULL, NULL, 0},
    {"tenant", TEXT16 TEXT16 "01234567", NULL, NULL, 0},
    {"tenant", TEXT16 TEXT16 "012345678", "not 1 to 40 letters, digits, '-', '_', '.'", NULL, 0},
    {"tenant", "..", "not 1 to 40 letters, digits, '-', '_', '.'", NULL, 0},
    {"tenant", "a/b", "not 1 to 40 letters, digits, '-', '_', '.'", NULL, 0},
    {"mode", "plain", NULL, NULL, 0},
    {"mode", "DDI", "neither plain nor ddi", NULL, 0},
    {"mode", "ddi", "ddi needs device_id and token", NULL, 0},
};

/* The settings that the value makes: the built-in ones with that one replaced. */
static struct settings expected_of(size_t i)
{
    struct settings expected = built_in;
    if (texts[i].problem != NULL)
        return expected;
    if (strcmp(texts[i].key, "url") == 0) {
        memset(expected.host, 0, sizeof expected.host);
        strcpy(expected.host, texts[i].host);
        expected.port = texts[i].port;
    } else if (strcmp(texts[i].key, "channel") == 0) {
        strcpy(expected.channel, texts[i].text);
    } else if (strcmp(texts[i].key, "device_id") == 0) {
        strcpy(expected.device_id, texts[i].text);
    } else if (strcmp(texts[i].key, "tenant") == 0) {
        strcpy(expected.tenant, texts[i].text);
    } else if (strcmp(texts[i].key, "token") == 0) {
        strcpy(expected.token, texts[i].text);
    }
    return expected;
}

static bool same(const struct settings *a, const struct settings *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port &&
           strcmp(a->channel, b->channel) == 0 && strcmp(a->device_id, b->device_id) == 0 &&
           strcmp(a->token, b->token) == 0 && a->poll_ms == b->poll_ms && a->ddi == b->ddi &&
           strcmp(a->tenant, b->tenant) == 0;
}

static void check_told(const struct told *told, const char *key, const char *problem,
                       const char *value)
{
    if (told->count != 1 || strcmp(told->key, key) != 0)
        fail_msg("%s \"%s\": told %u times, of \"%s\"", key, value, told->count, told->key);
    if ((problem == NULL) != (told->problem == NULL) ||
        (problem != NULL && strcmp(problem, told->problem) != 0))
        fail_msg("%s \"%s\": told \"%s\"", key, value, told->problem ? told->problem : "taken");
}

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t *bytes = begin(SETTINGS_NAMESPACE);
        struct settings settings, expected = expected_of(i);
        put_text(texts[i].key, texts[i].text);
        struct told told = read_from(bytes, false, &settings);
        free(bytes);
        check_told(&told, texts[i].key, texts[i].problem, texts[i].text);
        if (!same(&settings, &expected))
            fail_msg("%s \"%s\": wrong settings", texts[i].key, texts[i].text);
    }
}

/* DDI wants a name and a token, wherever in NVS they stand. */
static void test_ddi(void **state)
{
    (void)state;
    for (int without = 0; without < 3; without++) {
        uint8_t *bytes = begin(SETTINGS_NAMESPACE);
        struct settings settings;
        put_text("mode", "ddi");
        if (without != 1)
            put_text("token", "s3cret");
        if (without != 2)
            put_text("device_id", "lamp-1");
        struct told told = read_from(bytes, false, &settings);
        free(bytes);
        assert_int_equal(told.count, without == 0 ? 3 : 2);
        assert_string_equal(told.key, "mode");
        assert_int_equal(settings.ddi, without == 0);
        assert_int_equal(told.problem == NULL, without == 0);
        assert_string_equal(settings.tenant, "DEFAULT");
    }
}

/* The longest host there is, with all that may follow it; and one character more. */
static void test_longest_url(void **state)
{
    (void)state;
    for (size_t host = 253; host <= 254; host++) {
        char url[] = "https://" HOST256 ":65535/";
        struct settings settings;
        strcpy(url + 8 + host, host == 253 ? ":65535/" : "");
        uint8_t *bytes = begin(SETTINGS_NAMESPACE);
        put_text("url", url);
        struct told told = read_from(bytes, false, &settings);
        free(bytes);
        check_told(&told, "url", host == 253 ? NULL : "no host name or IPv4 address in it", url);
        assert_int_equal(strlen(settings.host), host == 253 ? 253 : strlen(built_in.host));
        assert_int_equal(settings.port, host == 253 ? 65535 : built_in.port);
    }
}

static void test_numbers(void **state)
{
    static const struct {
        const char *key;
        enum nvs_type type;
        uint64_t value;
        const char *problem;
    } numbers[] = {
        {"poll_s", NVS_U32, 1, NULL},
        {"poll_s", NVS_U8, 200, NULL},
        {"poll_s", NVS_U64, SETTINGS_POLL_S_MAX, NULL},
        {"poll_s", NVS_U32, 0, "not 1 to 4000000 seconds"},
        {"poll_s", NVS_U32, SETTINGS_POLL_S_MAX + 1, "not 1 to 4000000 seconds"},
        {"poll_s", NVS_U64, UINT64_C(0x100000001), "not 1 to 4000000 seconds"},
        {"url", NVS_U32, 1, "not of type string"},
        {"token", NVS_U64, 1, "not of type string"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint8_t *bytes = begin(SETTINGS_NAMESPACE);
        struct settings settings, expected = built_in;
        put_number(numbers[i].key, numbers[i].type, numbers[i].value);
        struct told told = read_from(bytes, false, &settings);
        free(bytes);
        check_told(&told, numbers[i].key, numbers[i].problem, "number");
        if (numbers[i].problem == NULL)
            expected.poll_ms = (uint32_t)numbers[i].value * 1000;
        assert_true(same(&settings, &expected));
    }
}

static uint8_t *all_of_them(void)
{
    uint8_t *bytes = begin(SETTINGS_NAMESPACE);
    put_text("url", "https://ota.example.com");
    put_text("channel", "beta");
    put_text("device_id", "lamp-0001");
    put_text("token", "secret");
    put_number("poll_s", NVS_U32, 60);
    return bytes;
}

static void test_all_at_once(void **state)
{
    const struct settings expected = {"ota.example.com", 443,   "beta", "lamp-0001",
                                      "secret",          60000, false,  "DEFAULT"};
    struct settings settings;
    (void)state;
    uint8_t *bytes = all_of_them();
    struct told told = read_from(bytes, false, &settings);
    free(bytes);
    assert_int_equal(told.count, 5);
    assert_true(same(&settings, &expected));
}

/* Trust is no setting: keys of those names, or in another namespace, mean nothing. */
static void test_nothing_else(void **state)
{
    struct settings settings;
    (void)state;
    uint8_t *bytes = begin("other");
    put_text("url", "https://elsewhere");
    assert_int_equal(nvs_write_namespace(&writer, SETTINGS_NAMESPACE, 10), CHAIN_OK);
    put_text("product", "other");
    put_text("ca", "other");
    put_text("host", "elsewhere");
    struct told told = read_from(bytes, false, &settings);
    free(bytes);
    assert_int_equal(told.count, 0);
    assert_true(same(&settings, &built_in));
}

static void test_blank_and_damaged(void **state)
{
    struct settings settings;
    (void)state;
    uint8_t *bytes = malloc(NVS_BYTES);
    memset(bytes, 0xFF, NVS_BYTES);
    assert_int_equal(read_from(bytes, false, &settings).count, 0);
    assert_true(same(&settings, &built_in));
    for (size_t i = 0; i < NVS_BYTES; i++)
        bytes[i] = (uint8_t)(i * 251 + i / 256);
    assert_int_equal(read_from(bytes, false, &settings).count, 0);
    assert_true(same(&settings, &built_in));
    free(bytes);

    bytes = all_of_them();
    bytes[64 + 2 * 32] ^= 1; /* the first character of the url (nvs.md 3) */
    struct told told = read_from(bytes, false, &settings);
    assert_int_equal(told.count, 4);
    assert_string_equal(settings.host, built_in.host);
    assert_string_equal(settings.token, "secret");
    free(bytes);
}

static void test_flash_that_does_not_read(void **state)
{
    struct settings settings;
    (void)state;
    uint8_t *bytes = all_of_them();
    struct told told = read_from(bytes, true, &settings);
    free(bytes);
    assert_int_equal(told.count, 7);
    assert_string_equal(told.problem, "cannot be read");
    assert_true(same(&settings, &built_in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_ddi),
        cmocka_unit_test(test_longest_url),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_nothing_else),
        cmocka_unit_test(test_blank_and_damaged),
        cmocka_unit_test(test_flash_that_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
