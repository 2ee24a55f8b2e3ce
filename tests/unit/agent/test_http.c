/* tests/unit/agent/test_http.c: the bounded response reader and the request writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/agent/http.h"

#define HEX64 "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

/* Not a string: the answer with that many header bytes. */
#define WHOLE 1

static const struct {
    const char *name;
    const char *text;
    int expected; /* WHOLE: all of it is header; 0: more is needed; else the error */
} responses[] = {
    {"plain", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", WHOLE},
    {"no phrase", "HTTP/1.1 304\r\n\r\n", WHOLE},
    {"empty phrase", "HTTP/1.1 304 \r\n\r\n", WHOLE},
    {"any case, any blank", "http/1.1 200 OK\r\ncOnTENT-lENGTH:\t 10 \t\r\n\r\n", WHOLE},
    {"unknown fields", "HTTP/1.1 200 OK\r\nA:\r\nB: c: d\r\n\r\n", WHOLE},
    {"range", "HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\n\r\n", WHOLE},
    {"largest numbers", "HTTP/1.1 200 OK\r\nContent-Length: 4294967295\r\n\r\n", WHOLE},
    {"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", WHOLE},
    {"two interim ones, with fields of their own",
     "HTTP/1.1 103 Hints\r\nContent-Length: 7\r\nETag: \"a\"\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"b\"\r\n\r\n",
     WHOLE},
    {"switching protocols is final", "HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n", WHOLE},
    {"identity coding", "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n\r\n", WHOLE},
    {"nothing", "", 0},
    {"half a line", "HTTP/1.1 200 OK\r", 0},
    {"interim only", "HTTP/1.1 100 Continue\r\n\r\n", 0},
    {"interim, then none", "HTTP/1.1 100 Continue\r\n\r\nHTTP", 0},
    {"interim, then no HTTP", "HTTP/1.1 100 Continue\r\n\r\nX: y\r\n", HTTP_ESYNTAX},
    {"no empty line", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", 0},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", HTTP_ESYNTAX},
    {"HTTP/2", "HTTP/2 200\r\n\r\n", HTTP_ESYNTAX},
    {"not HTTP", "SSH-2.0-x\r\n\r\n", HTTP_ESYNTAX},
    {"status too long", "HTTP/1.1 2000 OK\r\n\r\n", HTTP_ESYNTAX},
    {"status with sign", "HTTP/1.1 -20 OK\r\n\r\n", HTTP_ESYNTAX},
    {"status 099", "HTTP/1.1 099 OK\r\n\r\n", HTTP_ESYNTAX},
    {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 1\n\n", HTTP_ESYNTAX},
    {"bare CR", "HTTP/1.1 200 OK\rX", HTTP_ESYNTAX},
    {"control character", "HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n", HTTP_ESYNTAX},
    {"folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", HTTP_ESYNTAX},
    {"blank before colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", HTTP_ESYNTAX},
    {"no colon", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", HTTP_ESYNTAX},
    {"no name", "HTTP/1.1 200 OK\r\n: 1\r\n\r\n", HTTP_ESYNTAX},
    {"length empty", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", HTTP_ENUMBER},
    {"length negative", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", HTTP_ENUMBER},
    {"length with plus", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", HTTP_ENUMBER},
    {"length hex", "HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n", HTTP_ENUMBER},
    {"length 2^32", "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n", HTTP_ENUMBER},
    {"length list", "HTTP/1.1 200 OK\r\nContent-Length: 10, 10\r\n\r\n", HTTP_ENUMBER},
    {"length of 30 digits",
     "HTTP/1.1 200 OK\r\nContent-Length: 100000000000000000000000000000\r\n\r\n", HTTP_ENUMBER},
    {"length twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
     HTTP_EDUPLICATE},
    {"range twice",
     "HTTP/1.1 206 P\r\nContent-Range: bytes 0-1/2\r\nContent-Range: bytes 0-1/2\r\n\r\n",
     HTTP_EDUPLICATE},
    {"ETag twice", "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nETag: \"a\"\r\n\r\n", HTTP_EDUPLICATE},
    {"range backwards", "HTTP/1.1 206 P\r\nContent-Range: bytes 9-5/10\r\n\r\n", HTTP_ENUMBER},
    {"range past the end", "HTTP/1.1 206 P\r\nContent-Range: bytes 5-10/10\r\n\r\n", HTTP_ENUMBER},
    {"range negative", "HTTP/1.1 206 P\r\nContent-Range: bytes -5-9/10\r\n\r\n", HTTP_ENUMBER},
    {"range without total", "HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/*\r\n\r\n", HTTP_ENUMBER},
    {"range in lines", "HTTP/1.1 206 P\r\nContent-Range: lines 0-9/10\r\n\r\n", HTTP_ENUMBER},
    {"range cut", "HTTP/1.1 206 P\r\nContent-Range: byt\r\n\r\n", HTTP_ENUMBER},
    {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_ECODING},
    {"gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", HTTP_ECODING},
};

static int parse(const char *text, struct http_response *response)
{
    /* A copy of exactly that size, so that the sanitizer sees one byte too far. */
    size_t length = strlen(text);
    uint8_t *bytes = malloc(length + 1);
    memcpy(bytes, text, length);
    bytes = realloc(bytes, length > 0 ? length : 1);
    int result = http_response_parse(bytes, length, response);
    free(bytes);
    return result;
}

static void test_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
        struct http_response response;
        int expected = responses[i].expected;
        if (expected == WHOLE)
            expected = (int)strlen(responses[i].text);
        int result = parse(responses[i].text, &response);
        if (result != expected)
            fail_msg("%s: %d instead of %d", responses[i].name, result, expected);
        if (expected > 0) { /* every beginning of it asks for more */
            for (size_t cut = 0; cut < strlen(responses[i].text); cut++)
                assert_int_equal(
                    http_response_parse((const uint8_t *)responses[i].text, cut, &response), 0);
        }
    }
}

static void test_values(void **state)
{
    struct http_response response;
    (void)state;
    assert_true(parse("HTTP/1.1 206 Partial Content\r\nETag: \"" HEX64 "\"\r\n"
                      "Content-Length: 5\r\nContent-Range: bytes 5-9/10\r\n\r\nbody!",
                      &response) > 0);
    assert_int_equal(response.status, 206);
    assert_true(response.has_length && response.has_range && response.has_etag);
    assert_int_equal(response.length, 5);
    assert_int_equal(response.first, 5);
    assert_int_equal(response.last, 9);
    assert_int_equal(response.total, 10);
    for (unsigned i = 0; i < HTTP_ETAG_BYTES; i++)
        assert_int_equal(response.etag[i], i);
}

/* Of an interim answer nothing is left. */
static void test_interim_values(void **state)
{
    struct http_response response;
    (void)state;
    assert_true(parse("HTTP/1.1 103 Early Hints\r\nConnection: close\r\nRetry-After: 5\r\n"
                      "Content-Length: 7\r\nAccept-Ranges: bytes\r\n\r\nHTTP/1.1 404 No\r\n\r\n",
                      &response) > 0);
    assert_int_equal(response.status, 404);
    assert_false(response.has_length || response.closes || response.ranges);
    assert_int_equal(response.retry_after, 0);
}

static void test_ranges(void **state)
{
    static const struct {
        const char *field;
        bool ranges;
    } rows[] = {{"Accept-Ranges: bytes", true},
                {"accept-ranges:BYTES ", true},
                {"Accept-Ranges: none", false},
                {"Accept: bytes", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_response response;
        char text[256];
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", rows[i].field);
        assert_true(parse(text, &response) > 0);
        assert_int_equal(response.ranges, rows[i].ranges);
    }
}

static void test_etags_that_do_not_count(void **state)
{
    static const char *const etags[] = {
        "", "\"\"", "W/\"" HEX64 "\"", HEX64, "\"" HEX64 "00\"", "\"g" HEX64 "\"", "'" HEX64 "'"};
    (void)state;
    for (size_t i = 0; i < sizeof etags / sizeof etags[0]; i++) {
        struct http_response response;
        char text[256];
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nETag: %s\r\n\r\n", etags[i]);
        assert_true(parse(text, &response) > 0);
        assert_false(response.has_etag);
    }
}

static void test_header_bound(void **state)
{
    static const char start[] = "HTTP/1.1 200 OK\r\nX: ";
    uint8_t bytes[HTTP_HEADER_MAX + 16];
    struct http_response response;
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, start, sizeof start - 1);
    memcpy(bytes + HTTP_HEADER_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(http_response_parse(bytes, sizeof bytes, &response), HTTP_HEADER_MAX);
    assert_int_equal(http_response_parse(bytes, HTTP_HEADER_MAX - 1, &response), 0);
    memcpy(bytes + HTTP_HEADER_MAX - 4, "xx\r\n\r\n", 6); /* two bytes more */
    assert_int_equal(http_response_parse(bytes, HTTP_HEADER_MAX - 1, &response), 0);
    assert_int_equal(http_response_parse(bytes, HTTP_HEADER_MAX, &response), HTTP_ELENGTH);
    assert_int_equal(http_response_parse(bytes, sizeof bytes, &response), HTTP_ELENGTH);
    /* Interim answers count: a server that sends nothing else comes to an end. */
    for (size_t at = 0; at < sizeof bytes; at++)
        bytes[at] = (uint8_t) "HTTP/1.1 100 C\r\n\r\n"[at % 18];
    assert_int_equal(http_response_parse(bytes, HTTP_HEADER_MAX - 1, &response), 0);
    assert_int_equal(http_response_parse(bytes, sizeof bytes, &response), HTTP_ELENGTH);
}

static void test_request(void **state)
{
    uint8_t not_wanted[2][HTTP_ETAG_BYTES], resume[HTTP_ETAG_BYTES];
    char out[1024], etag[3][67];
    char expected[1024];
    (void)state;
    memset(not_wanted[0], 0xAB, HTTP_ETAG_BYTES);
    memset(not_wanted[1], 0x01, HTTP_ETAG_BYTES);
    memset(resume, 0xFF, sizeof resume);
    for (unsigned i = 0; i < 32; i++) {
        memcpy(etag[0] + 2 * i, "ab", 3);
        memcpy(etag[1] + 2 * i, "01", 3);
        memcpy(etag[2] + 2 * i, "ff", 3);
    }
    struct http_request request = {
        .host = "h.test",
        .port = 8443,
        .method = "GET",
        .path = "/ota/lamp/stable.bin",
        .version = "1.0.0",
        .not_wanted = (const uint8_t(*)[HTTP_ETAG_BYTES])not_wanted,
        .not_wanted_count = 2,
        .resume_etag = resume,
        .resume_offset = 65536,
    };
    snprintf(expected, sizeof expected,
             "GET /ota/lamp/stable.bin HTTP/1.1\r\nHost: h.test:8443\r\n"
             "User-Agent: trustchain-agent/1.0.0\r\nConnection: close\r\n"
             "If-None-Match: \"%s\", \"%s\"\r\nIf-Range: \"%s\"\r\nRange: bytes=65536-\r\n\r\n",
             etag[0], etag[1], etag[2]);
    size_t length = http_request_write(&request, out, sizeof out);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, length);
    assert_int_equal(http_request_write(&request, out, length), 0); /* one byte short of room */
    assert_int_equal(http_request_write(&request, out, length + 1), length);
}

static void test_request_with_token(void **state)
{
    char out[1024];
    static const char expected[] = "GET /ota/lamp/stable.bin HTTP/1.1\r\nHost: h.test:8443\r\n"
                                   "User-Agent: trustchain-agent/1.0.0\r\nConnection: close\r\n"
                                   "Authorization: TargetToken s3cret\r\n\r\n";
    struct http_request request = {.host = "h.test",
                                   .port = 8443,
                                   .method = "GET",
                                   .path = "/ota/lamp/stable.bin",
                                   .version = "1.0.0",
                                   .token = "s3cret"};
    (void)state;
    size_t length = http_request_write(&request, out, sizeof out);
    assert_int_equal(length, sizeof expected - 1);
    assert_memory_equal(out, expected, length);
    request.gateway = true;
    length = http_request_write(&request, out, sizeof out - 1);
    assert_int_equal(length, sizeof expected - 1 + strlen("Gateway") - strlen("Target"));
    out[length] = '\0';
    assert_non_null(strstr(out, "\r\nAuthorization: GatewayToken s3cret\r\n\r\n"));
}

/* A vendor's version may say anything: it must not end the line, nor make servers refuse it. */
static void test_request_with_odd_version(void **state)
{
    char out[1024];
    struct http_request request = {.host = "h.test",
                                   .port = 443,
                                   .method = "GET",
                                   .path = "/x",
                                   .version = "1 \r\nX: \xC3\xA9\x7F~",
                                   .stay = true};
    static const char expected[] = "GET /x HTTP/1.1\r\nHost: h.test:443\r\n"
                                   "User-Agent: trustchain-agent/1???X:????~\r\n\r\n";
    (void)state;
    assert_int_equal(http_request_write(&request, out, sizeof out), sizeof expected - 1);
    assert_memory_equal(out, expected, sizeof expected - 1);
}

/* A part of whatever the file is; a body with its type and length, over a connection that stays. */
static void test_request_forms(void **state)
{
    char out[1024];
    static const char part[] = "GET /x HTTP/1.1\r\nHost: h.test:443\r\n"
                               "User-Agent: trustchain-agent/1.0.0\r\n"
                               "Range: bytes=4294967295-\r\n\r\n";
    static const char body[] = "POST /x HTTP/1.1\r\nHost: h.test:443\r\n"
                               "User-Agent: trustchain-agent/1.0.0\r\n"
                               "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n"
                               "{\"a\":1}";
    struct http_request request = {.host = "h.test",
                                   .port = 443,
                                   .method = "GET",
                                   .path = "/x",
                                   .version = "1.0.0",
                                   .stay = true,
                                   .resume_offset = UINT32_MAX};
    (void)state;
    assert_int_equal(http_request_write(&request, out, sizeof out), sizeof part - 1);
    assert_memory_equal(out, part, sizeof part - 1);
    request.method = "POST";
    request.resume_offset = 0;
    request.body = "{\"a\":1}";
    assert_int_equal(http_request_write(&request, out, sizeof out), sizeof body - 1);
    assert_memory_equal(out, body, sizeof body - 1);
    assert_int_equal(http_request_write(&request, out, sizeof body - 1), 0);
}

static void test_connection_and_pause(void **state)
{
    static const struct {
        const char *fields;
        bool closes, date;
        uint32_t seconds;
    } rows[] = {
        {"", false, false, 0},
        {"Connection: keep-alive\r\n", false, false, 0},
        {"Connection: Close\r\n", true, false, 0},
        {"Retry-After: 120\r\n", false, false, 120},
        {"Retry-After: 4294967295\r\n", false, false, UINT32_MAX},
        {"Retry-After: 4294967296\r\n", false, false, UINT32_MAX},
        {"Retry-After: 99999999999999999999\r\n", false, false, UINT32_MAX},
        {"Retry-After: 12 s\r\n", false, true, 0},
        {"Retry-After: -1\r\n", false, true, 0},
        {"Retry-After:\r\n", false, true, 0},
        {"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", false, true, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_response response;
        char text[256];
        snprintf(text, sizeof text, "HTTP/1.1 503 Busy\r\n%s\r\n", rows[i].fields);
        assert_true(parse(text, &response) > 0);
        assert_int_equal(response.closes, rows[i].closes);
        assert_int_equal(response.retry_at_date, rows[i].date);
        assert_int_equal(response.retry_after, rows[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_interim_values),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_etags_that_do_not_count),
        cmocka_unit_test(test_header_bound),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_request_with_token),
        cmocka_unit_test(test_request_with_odd_version),
        cmocka_unit_test(test_request_forms),
        cmocka_unit_test(test_connection_and_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
