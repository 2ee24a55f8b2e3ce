/* Whole files in and out, and what is left behind when that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/error.h"
#include "host/file.h"
#include "tests/unit/host/scratch.h"

static void reads_what_was_written(void **state)
{
    (void)state;
    struct buffer got;
    uint8_t bytes[70000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    assert_int_equal(file_write(scratch_path("a"), bytes, sizeof bytes, 0644), HOST_DONE);
    assert_int_equal(file_read(scratch_path("a"), sizeof bytes, &got), HOST_DONE);
    assert_int_equal(got.length, sizeof bytes);
    assert_memory_equal(got.bytes, bytes, sizeof bytes);
    buffer_free(&got);
    assert_null(got.bytes);
    assert_int_equal(file_write(scratch_path("a"), "b", 1, 0644), HOST_DONE);
    assert_int_equal(file_read(scratch_path("a"), 10, &got), HOST_DONE);
    assert_int_equal(got.length, 1);
    buffer_free(&got);
    assert_int_equal(scratch_count(), 1);
    unlink(scratch_path("a"));
}

static void reads_a_pipe_up_to_its_limit(void **state)
{
    (void)state;
    struct buffer got;
    char path[32];
    for (int extra = 0; extra <= 1; extra++) {
        int ends[2];
        uint8_t bytes[1001] = {1, 2, 3};
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], bytes, 1000 + (size_t)extra), 1000 + extra);
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        if (extra)
            scratch_catch_stderr();
        assert_int_equal(file_read(path, 1000, &got), extra ? HOST_FAILED : HOST_DONE);
        if (extra)
            assert_non_null(strstr(scratch_stderr(), "larger than the 1000 bytes"));
        assert_int_equal(got.length, extra ? 0 : 1000);
        buffer_free(&got);
        close(ends[0]);
    }
}

/* What file_read() must refuse, and the words it must use. */
static void refuses(const char *path, size_t max, const char *words)
{
    struct buffer got;
    scratch_catch_stderr();
    int status = file_read(path, max, &got);
    const char *line = scratch_stderr();
    assert_int_equal(status, HOST_FAILED);
    assert_null(got.bytes);
    assert_non_null(strstr(line, words));
    assert_int_equal(strncmp(line, "trustchain: ", 12), 0);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void refuses_what_is_no_input(void **state)
{
    (void)state;
    scratch_put("empty", "", 0, 0644);
    scratch_put("five", "12345", 5, 0644);
    refuses(scratch_path("none"), 10, "No such file");
    refuses(scratch_path("empty"), 10, "is empty");
    refuses(scratch_path("five"), 4, "is 5 bytes, more than the 4");
    refuses(scratch_path(""), 10, "is a folder");
    refuses("/dev/zero", 10, "neither a file nor a pipe");
    refuses(scratch_path("a\nb\x1b[2J"), 10, "a?b?[2J");
    unlink(scratch_path("empty"));
    unlink(scratch_path("five"));
}

static void secrets_must_be_their_owners(void **state)
{
    (void)state;
    static const struct {
        unsigned mode;
        int expected;
    } cases[] = {{0600, HOST_DONE},   {0400, HOST_DONE},   {0644, HOST_FAILED},
                 {0640, HOST_FAILED}, {0604, HOST_FAILED}, {0620, HOST_FAILED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer got;
        scratch_put("secret", "key", 3, cases[i].mode);
        scratch_catch_stderr();
        int status = file_read_private(scratch_path("secret"), 10, &got);
        const char *line = scratch_stderr();
        assert_int_equal(status, cases[i].expected);
        assert_true(status == HOST_DONE || strstr(line, "chmod 600"));
        buffer_free_secret(&got);
        unlink(scratch_path("secret"));
    }
}

static void create_never_replaces(void **state)
{
    (void)state;
    struct buffer got;
    struct stat status;
    assert_int_equal(file_create(scratch_path("k"), "first", 5, 0600), HOST_DONE);
    assert_int_equal(stat(scratch_path("k"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    scratch_catch_stderr();
    int again = file_create(scratch_path("k"), "second", 6, 0600);
    assert_non_null(strstr(scratch_stderr(), "exists already"));
    assert_int_equal(again, HOST_FAILED);
    assert_int_equal(file_read(scratch_path("k"), 10, &got), HOST_DONE);
    assert_memory_equal(got.bytes, "first", 5);
    buffer_free(&got);
    assert_int_equal(symlink("k", scratch_path("link")), 0);
    scratch_catch_stderr();
    assert_int_equal(file_create(scratch_path("link"), "third", 5, 0600), HOST_FAILED);
    (void)scratch_stderr();
    assert_int_equal(scratch_count(), 2);
    unlink(scratch_path("k"));
    unlink(scratch_path("link"));
}

static void writes_through_links_and_into_devices(void **state)
{
    (void)state;
    struct buffer got;
    struct stat status;
    scratch_put("target", "old", 3, 0644);
    assert_int_equal(symlink("target", scratch_path("link")), 0);
    assert_int_equal(file_write(scratch_path("link"), "new", 3, 0644), HOST_DONE);
    assert_int_equal(lstat(scratch_path("link"), &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(file_read(scratch_path("target"), 10, &got), HOST_DONE);
    assert_memory_equal(got.bytes, "new", 3);
    buffer_free(&got);
    assert_int_equal(file_write("/dev/null", "new", 3, 0644), HOST_DONE);
    scratch_catch_stderr();
    int full = file_write("/dev/full", "new", 3, 0644);
    assert_non_null(strstr(scratch_stderr(), "No space left"));
    assert_int_equal(full, HOST_FAILED);
    unlink(scratch_path("link"));
    unlink(scratch_path("target"));
}

static void a_failed_write_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(folder_make(scratch_path("d"), 0755), HOST_DONE);
    assert_int_equal(folder_make(scratch_path("d"), 0755), HOST_DONE);
    scratch_put("f", "x", 1, 0644);
    scratch_catch_stderr();
    assert_int_equal(file_write(scratch_path("d"), "x", 1, 0644), HOST_FAILED);
    assert_int_equal(file_create(scratch_path("d"), "x", 1, 0644), HOST_FAILED);
    assert_int_equal(file_write(scratch_path("none/x"), "x", 1, 0644), HOST_FAILED);
    assert_int_equal(folder_make(scratch_path("f"), 0755), HOST_FAILED);
    assert_int_equal(folder_make(scratch_path("none/x"), 0755), HOST_FAILED);
    (void)scratch_stderr();
    assert_int_equal(scratch_count(), 2);
    unlink(scratch_path("f"));
    rmdir(scratch_path("d"));
}

static void a_link_is_followed_and_called_by_its_name(void **state)
{
    (void)state;
    assert_int_equal(symlink("/proc/version", scratch_path("link")), 0);
    scratch_catch_stderr();
    assert_int_equal(file_write(scratch_path("link"), "x", 1, 0644), HOST_FAILED);
    assert_non_null(strstr(scratch_stderr(), "/link: cannot be written: "));
    unlink(scratch_path("link"));
}

/* What `status` and the line must be; nothing is left but the `count` entries. */
static void placed(int status, int expected, const char *words, size_t count)
{
    const char *line = scratch_stderr();
    assert_int_equal(status, expected);
    assert_non_null(strstr(line, words));
    assert_int_equal(scratch_count(), count);
}

static void what_was_made_gets_its_name(void **state)
{
    (void)state;
    struct buffer got;
    scratch_put("made", "new", 3, 0600);
    scratch_put("old", "old", 3, 0600);
    scratch_catch_stderr();
    placed(file_place_new(scratch_path("made"), scratch_path("old")), HOST_FAILED,
           "/old: exists already", 1);
    scratch_put("made", "new", 3, 0600);
    scratch_catch_stderr();
    placed(file_place(scratch_path("made"), scratch_path("old")), HOST_DONE, "", 1);
    assert_int_equal(file_read(scratch_path("old"), 10, &got), HOST_DONE);
    assert_memory_equal(got.bytes, "new", 3);
    buffer_free(&got);
    scratch_catch_stderr();
    placed(file_place(scratch_path("none"), scratch_path("old")), HOST_FAILED, "/old: cannot be",
           1);
    assert_int_equal(folder_make(scratch_path("d"), 0755), HOST_DONE);
    scratch_put("d/in", "x", 1, 0600);
    scratch_catch_stderr();
    placed(file_place_new(scratch_path("d"), scratch_path("e/")), HOST_DONE, "", 2);
    assert_int_equal(folder_make(scratch_path("d"), 0755), HOST_DONE);
    scratch_catch_stderr();
    placed(file_place_new(scratch_path("d"), scratch_path("e")), HOST_FAILED, "not empty", 3);
    unlink(scratch_path("e/in"));
    unlink(scratch_path("old"));
    rmdir(scratch_path("d"));
    rmdir(scratch_path("e"));
}

static void a_path_fits_or_is_refused(void **state)
{
    char path[PATH_MAX];
    char longest[PATH_MAX];
    (void)state;
    assert_int_equal(file_path("a/b", "c.pem", path), HOST_DONE);
    assert_string_equal(path, "a/b/c.pem");
    memset(longest, 'x', sizeof longest);
    longest[PATH_MAX - 3] = '\0'; /* with "/c" it is one byte less than the room */
    assert_int_equal(file_path(longest, "c", path), HOST_DONE);
    assert_int_equal(strlen(path), PATH_MAX - 1);
    scratch_catch_stderr();
    assert_int_equal(file_path(longest, "cc", path), HOST_FAILED);
    assert_non_null(strstr(scratch_stderr(), ": is too long a path\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(reads_a_pipe_up_to_its_limit),
        cmocka_unit_test(refuses_what_is_no_input),
        cmocka_unit_test(secrets_must_be_their_owners),
        cmocka_unit_test(create_never_replaces),
        cmocka_unit_test(writes_through_links_and_into_devices),
        cmocka_unit_test(a_failed_write_leaves_nothing),
        cmocka_unit_test(a_link_is_followed_and_called_by_its_name),
        cmocka_unit_test(what_was_made_gets_its_name),
        cmocka_unit_test(a_path_fits_or_is_refused),
    };
    return cmocka_run_group_tests_name("host/file", tests, scratch_make, scratch_remove);
}
