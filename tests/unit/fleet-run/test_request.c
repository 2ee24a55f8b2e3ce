/* What a device asks, told from the bytes it sends; ids and tokens from a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fleet/identities.h"
#include "fleet/request.h"
#include "host/error.h"

#define BASE "/DEFAULT/controller/v1/dev-1"

static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        enum request_kind kind;
        int64_t action;
    } cases[] = {
        {"GET /ota/lamp/stable.bin HTTP/1.1\r\n\r\n", REQUEST_POLL, 0},
        {"GET /ota/lamp/stable.bin HTTP/1.1\r\nRange: bytes=5-\r\n\r\n", REQUEST_DOWNLOAD, 0},
        {"GET " BASE " HTTP/1.1\r\n\r\n", REQUEST_POLL, 0},
        {"GET " BASE "?x=1 HTTP/1.1\r\n\r\n", REQUEST_POLL, 0},
        {"GET " BASE "/deploymentBase/11111?c=-5 HTTP/1.1\r\n", REQUEST_DEPLOYMENT, 11111},
        {"POST " BASE "/deploymentBase/11112/feedback HTTP/1.1\r\n", REQUEST_FEEDBACK, 11112},
        {"GET " BASE "/cancelAction/7 HTTP/1.1\r\n", REQUEST_CANCEL, 7},
        {"POST " BASE "/cancelAction/7/feedback HTTP/1.1\r\n", REQUEST_FEEDBACK, 7},
        {"PUT " BASE "/configData HTTP/1.1\r\n", REQUEST_CONFIG, 0},
        {"GET " BASE "/confirmationBase/9 HTTP/1.1\r\n", REQUEST_CONFIRM, 9},
        {"GET " BASE "/installedBase/9 HTTP/1.1\r\n", REQUEST_OTHER, 9},
        {"GET " BASE "/softwaremodules/3/artifacts/a.bin HTTP/1.1\r\n", REQUEST_DOWNLOAD, 0},
        {"GET /healthz HTTP/1.1\r\n", REQUEST_OTHER, 0},
        {"GET", REQUEST_OTHER, 0},
        {"GET /ota/cut", REQUEST_OTHER, 0},
        {"", REQUEST_OTHER, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request request;
        size_t length = strlen(cases[i].text);
        char *bytes = malloc(length + 1); /* its own, so that ASan sees a byte too far */
        assert_non_null(bytes);
        memcpy(bytes, cases[i].text, length);
        request_read(bytes, length, &request);
        free(bytes);
        if (request.kind != cases[i].kind || request.action != cases[i].action)
            fail_msg("%s: %s %ld", cases[i].text, request_word(request.kind), (long)request.action);
    }
}

static void test_feedback_body(void **state)
{
    static const char text[] =
        "POST " BASE "/deploymentBase/5/feedback HTTP/1.1\r\nContent-Length: 80\r\n\r\n"
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\" : \"failure\"}}}";
    struct request request;
    (void)state;
    request_read(text, sizeof text - 1, &request);
    assert_string_equal(request.execution, "closed");
    assert_string_equal(request.finished, "failure");
    request_read(text, sizeof text - 1 - 8, &request); /* the body is cut */
    assert_string_equal(request.execution, "closed");
    assert_string_equal(request.finished, "fai");
    request_read(text, 70, &request);
    assert_string_equal(request.finished, "");
}

static void test_status(void **state)
{
    (void)state;
    assert_int_equal(request_status("HTTP/1.1 304 Not Modified", 25), 304);
    assert_int_equal(request_status("HTTP/1.1 200", 12), 200);
    assert_int_equal(request_status("HTTP/1.1 20", 11), 0);
    assert_int_equal(request_status("HTTP/1.0 200 OK", 15), 0);
    assert_int_equal(request_status("", 0), 0);
}

static int read_text(const char *text, mode_t mode, struct identities *tokens)
{
    char path[] = "/tmp/fleet-tokens-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    chmod(path, mode);
    int status = identities_of_tokens(path, tokens);
    unlink(path);
    return status;
}

static void test_tokens(void **state)
{
    static const char *const bad[] = {"a\n",     "a,\n",    ",t\n",   "# nothing\n",
                                      "a,t t\n", "a/b,t\n", "a b,t\n"};
    struct identities tokens;
    (void)state;
    assert_int_equal(read_text("# who\nlamp-1,secret\r\n\nlamp:2,s=,x", 0600, &tokens), HOST_DONE);
    assert_int_equal(tokens.count, 2);
    assert_string_equal(tokens.list[0].id, "lamp-1");
    assert_string_equal(tokens.list[0].token, "secret");
    assert_string_equal(tokens.list[1].token, "s=,x");
    identities_free(&tokens);
    assert_int_equal(read_text("a,t\n", 0644, &tokens), HOST_FAILED); /* others may read it */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(read_text(bad[i], 0600, &tokens), HOST_FAILED);
    assert_int_equal(tokens.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_feedback_body),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests_name("fleet-run request", tests, NULL, NULL);
}
