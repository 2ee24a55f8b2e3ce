/* The store read back, and read when somebody else wrote it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/server/store_fixture.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define HASH         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void in_folder(const struct fixture *fixture, char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", fixture->folder, name);
}

static void write_pointer(const struct fixture *fixture, const char *text, size_t length)
{
    char path[256];
    in_folder(fixture, path, "thermo");
    assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
    in_folder(fixture, path, "thermo/stable.json");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void round_trip(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[100];
    uint8_t back[101];
    struct release found;
    int fd;
    struct release release = fixture_release("1.2.3-rc1+b", 0x5A, bytes, sizeof bytes);
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &found), STORE_ENONE);
    assert_int_equal(store_put_image(&fixture->store, &release, bytes), STORE_OK);
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &found), STORE_ENONE);
    assert_int_equal(store_point(&fixture->store, "thermo", "stable", &release), STORE_OK);
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &found), STORE_OK);
    assert_memory_equal(&found, &release, sizeof found);
    assert_int_equal(store_open_image(&fixture->store, &found, &fd), STORE_OK);
    assert_int_equal(read(fd, back, sizeof back), sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    close(fd);
    assert_int_equal(store_withdraw(&fixture->store, "thermo", "stable"), STORE_OK);
    assert_int_equal(store_withdraw(&fixture->store, "thermo", "stable"), STORE_ENONE);
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &found), STORE_ENONE);
}

static void open_image_survives_replacement(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[100];
    uint8_t back[100];
    int fd;
    struct release release = fixture_release("1.0.0", 1, bytes, sizeof bytes);
    assert_int_equal(store_put_image(&fixture->store, &release, bytes), STORE_OK);
    assert_int_equal(store_open_image(&fixture->store, &release, &fd), STORE_OK);
    assert_int_equal(store_put_image(&fixture->store, &release, bytes), STORE_OK);
    assert_int_equal(read(fd, back, sizeof back), sizeof back);
    assert_memory_equal(back, bytes, sizeof bytes);
    close(fd);
}

#define GOOD                                                                                       \
    "\"project\": \"thermo\", \"version\": \"1.0.0\", \"secure_version\": 0, \"size\": 100, "      \
    "\"sha256\": \"" HASH "\", \"published\": \"2026-01-31T12:00:00Z\""

static void pointers(void **state)
{
    static const struct {
        const char *text;
        int error;
    } table[] = {
        {"{" GOOD "}", STORE_OK},
        {"{" GOOD ", \"later\": [1, {\"x\": null}]}", STORE_OK},
        {"{" GOOD ", \"size\": 100}", STORE_EDAMAGED}, /* twice */
        {"{" GOOD "} trailing", STORE_EDAMAGED},
        {"{" GOOD, STORE_EDAMAGED},
        {"[" GOOD "]", STORE_EDAMAGED},
        {"{}", STORE_EDAMAGED},
        {"[]", STORE_EDAMAGED},
        {"null", STORE_EDAMAGED},
        {"7", STORE_EDAMAGED},
        {"\xff\xfe\x00", STORE_EDAMAGED},
    };
    static const struct {
        const char *from, *to;
    } edits[] = {
        {"\"size\": 100", "\"size\": 0"},
        {"\"size\": 100", "\"size\": -1"},
        {"\"size\": 100", "\"size\": 16777217"},
        {"\"size\": 100", "\"size\": 99999999999999999999"},
        {"\"size\": 100", "\"size\": 1e2"},
        {"\"size\": 100", "\"size\": \"100\""},
        {"\"secure_version\": 0", "\"secure_version\": 4294967296"},
        {"\"secure_version\": 0", "\"secure_version\": -1"},
        {"\"secure_version\": 0", "\"secure_version\": true"},
        {"\"1.0.0\"", "\"\""},
        {"\"1.0.0\"", "\"123456789012345678901234567890123\""},
        {"\"1.0.0\"", "\"1\\u00000\""},
        {"\"1.0.0\"", "\"1\\n2\""},
        {"\"1.0.0\"", "\"1\\u00e4\""},
        {"\"1.0.0\"", "1"},
        {HASH, "0123"},
        {HASH, "../../../../../../../../../../../../../../../../../../etc/passwd0"},
        {"cdef\", \"pub", "cdeF\", \"pub"},
        {"cdef\", \"pub", "cdef0\", \"pub"},
        {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00ZZ"},
        {"\"project\": \"thermo\"", "\"projekt\": \"thermo\""},
    };
    struct fixture *fixture = *state;
    struct release release;
    for (size_t i = 0; i < COUNT(table); i++) {
        write_pointer(fixture, table[i].text, strlen(table[i].text));
        int error = store_get(&fixture->store, "thermo", "stable", &release);
        if (error != table[i].error) {
            fail_msg("%s: %d", table[i].text, error);
        }
    }
    for (size_t i = 0; i < COUNT(edits); i++) {
        static const char good[] = "{" GOOD "}";
        char text[1024];
        const char *at = strstr(good, edits[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, edits[i].to,
                 at + strlen(edits[i].from));
        write_pointer(fixture, text, strlen(text));
        int error = store_get(&fixture->store, "thermo", "stable", &release);
        if (error != STORE_EDAMAGED) {
            fail_msg("%s: %d", text, error);
        }
    }
}

static void every_prefix_of_a_pointer_is_damaged(void **state)
{
    static const char good[] = "{" GOOD "}";
    struct fixture *fixture = *state;
    struct release release;
    for (size_t length = 0; length < sizeof good - 1; length++) {
        write_pointer(fixture, good, length);
        assert_int_equal(store_get(&fixture->store, "thermo", "stable", &release), STORE_EDAMAGED);
    }
}

static void odd_files_are_damage(void **state)
{
    struct fixture *fixture = *state;
    struct release release;
    char path[256];
    static char large[5000];
    memset(large, ' ', sizeof large);
    write_pointer(fixture, large, sizeof large);
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &release), STORE_EDAMAGED);

    /* a link, even to a good pointer: nothing outside the store is ever read */
    char other[256];
    write_pointer(fixture, "{" GOOD "}", sizeof GOOD + 1);
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &release), STORE_OK);
    in_folder(fixture, path, "thermo/stable.json");
    in_folder(fixture, other, "other");
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &release), STORE_EDAMAGED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &release), STORE_EDAMAGED);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0); /* must not block either */
    assert_int_equal(store_get(&fixture->store, "thermo", "stable", &release), STORE_EDAMAGED);
}

static void images_of_another_size_are_damage(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[100];
    int fd;
    struct release release = fixture_release("1.0.0", 1, bytes, sizeof bytes);
    assert_int_equal(store_open_image(&fixture->store, &release, &fd), STORE_EDAMAGED);
    assert_int_equal(store_put_image(&fixture->store, &release, bytes), STORE_OK);
    release.size--;
    assert_int_equal(store_open_image(&fixture->store, &release, &fd), STORE_EDAMAGED);
    release.size += 2;
    assert_int_equal(store_open_image(&fixture->store, &release, &fd), STORE_EDAMAGED);
}

static void metadata_and_whole_images(void **state)
{
    struct fixture *fixture = *state;
    const struct store *store = &fixture->store;
    uint8_t bytes[100];
    uint8_t *back;
    char text[8];
    struct release release = fixture_release("1.0.0", 1, bytes, sizeof bytes);
    assert_int_equal(store_read_metadata(store, release.sha256, text, sizeof text), STORE_ENONE);
    assert_int_equal(store_read_image(store, &release, &back), STORE_EDAMAGED);
    assert_null(back);
    assert_int_equal(store_put_image(store, &release, bytes), STORE_OK);
    assert_int_equal(store_put_metadata(store, release.sha256, "1234567"), STORE_OK);
    assert_int_equal(store_read_metadata(store, release.sha256, text, sizeof text), STORE_OK);
    assert_string_equal(text, "1234567");
    assert_int_equal(store_put_metadata(store, release.sha256, "12345678"), STORE_OK);
    assert_int_equal(store_read_metadata(store, release.sha256, text, sizeof text), STORE_EDAMAGED);
    assert_string_equal(text, "");
    assert_int_equal(store_read_image(store, &release, &back), STORE_OK);
    assert_memory_equal(back, bytes, sizeof bytes);
    free(back);
    release.size++;
    assert_int_equal(store_read_image(store, &release, &back), STORE_EDAMAGED);
    assert_null(back);
}

struct pruned {
    char name[8][80];
    unsigned count;
    uint64_t bytes;
};

static void note_pruned(void *context, const char *file, uint64_t bytes)
{
    struct pruned *pruned = context;
    snprintf(pruned->name[pruned->count++], sizeof pruned->name[0], "%s", file);
    pruned->bytes += bytes;
}

static struct release put(const struct store *store, const char *version, uint8_t byte)
{
    uint8_t bytes[100];
    struct release release = fixture_release(version, byte, bytes, sizeof bytes);
    assert_int_equal(store_put_image(store, &release, bytes), STORE_OK);
    assert_int_equal(store_put_metadata(store, release.sha256, "{}"), STORE_OK);
    return release;
}

static void pruning_keeps_what_is_offered(void **state)
{
    struct fixture *fixture = *state;
    const struct store *store = &fixture->store;
    struct pruned pruned = {0};
    char path[256];
    char target[256];
    int fd;
    uint8_t *back;
    assert_int_equal(store_prune(store, NULL, false, note_pruned, &pruned),
                     STORE_OK); /* no folder yet */
    struct release old = put(store, "1.0.0", 1);
    struct release stable = put(store, "2.0.0", 2);
    struct release linked = put(store, "3.0.0", 3);
    assert_int_equal(store_point(store, "thermo", "stable", &stable), STORE_OK);
    assert_int_equal(store_point(store, "lamp", "stable", &linked), STORE_OK);
    in_folder(fixture, path, "lamp");
    in_folder(fixture, target, ".elsewhere");
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0); /* served through the link, so kept */
    in_folder(fixture, path, "artifacts/notes.json");
    fd = open(path, O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    close(fd);

    assert_int_equal(store_prune(store, NULL, true, note_pruned, &pruned), STORE_OK);
    assert_int_equal(pruned.count, 2);
    assert_int_equal(pruned.bytes, 102);
    assert_int_equal(store_read_image(store, &old, &back), STORE_OK); /* dry */
    free(back);
    assert_int_equal(store_open_image(store, &old, &fd), STORE_OK);
    pruned.count = 0;
    assert_int_equal(store_prune(store, NULL, false, note_pruned, &pruned), STORE_OK);
    assert_int_equal(pruned.count, 2);
    assert_memory_equal(pruned.name[0], old.sha256, RELEASE_HASH_CHARS);
    assert_memory_equal(pruned.name[1], old.sha256, RELEASE_HASH_CHARS);
    uint8_t still[101];
    assert_int_equal(read(fd, still, sizeof still), 100); /* a download under way */
    close(fd);
    assert_int_equal(store_read_image(store, &old, &back), STORE_EDAMAGED);
    assert_int_equal(store_read_metadata(store, old.sha256, (char *)still, sizeof still),
                     STORE_ENONE);
    assert_int_equal(store_read_image(store, &stable, &back), STORE_OK);
    free(back);
    assert_int_equal(store_read_image(store, &linked, &back), STORE_OK);
    free(back);
    assert_int_equal(access(path, F_OK), 0); /* not the store's own */
    pruned.count = 0;
    assert_int_equal(store_prune(store, NULL, false, note_pruned, &pruned), STORE_OK);
    assert_int_equal(pruned.count, 0);
}

static void a_damaged_pointer_stops_pruning(void **state)
{
    struct fixture *fixture = *state;
    struct pruned pruned = {0};
    uint8_t *back;
    struct release release = put(&fixture->store, "1.0.0", 1);
    write_pointer(fixture, "garbage", 7);
    assert_int_equal(store_prune(&fixture->store, NULL, false, note_pruned, &pruned),
                     STORE_EDAMAGED);
    assert_int_equal(pruned.count, 0);
    assert_int_equal(store_read_image(&fixture->store, &release, &back), STORE_OK);
    free(back);
}

static void names(void **state)
{
    static const char *const bad[] = {"", ".", "..", "../x", "a/b", ".hidden", "a b", "\xc3\xa4"};
    struct fixture *fixture = *state;
    struct release release = {.size = 1};
    for (size_t i = 0; i < COUNT(bad); i++) {
        const struct store *store = &fixture->store;
        assert_int_equal(store_get(store, bad[i], "stable", &release), STORE_ENAME);
        assert_int_equal(store_get(store, "thermo", bad[i], &release), STORE_ENAME);
        assert_int_equal(store_point(store, bad[i], "stable", &release), STORE_ENAME);
        assert_int_equal(store_withdraw(store, "thermo", bad[i]), STORE_ENAME);
    }
    assert_int_equal(store_get(&fixture->store, "artifacts", "stable", &release), STORE_ENAME);
}

struct seen {
    unsigned good;
    unsigned damaged;
};

static void count(void *context, const char *product, const char *channel, int error,
                  const struct release *release)
{
    struct seen *seen = context;
    assert_string_equal(product, "thermo");
    if (error == STORE_OK) {
        assert_string_equal(channel, "beta");
        assert_string_equal(release->version, "1.0.0");
        seen->good++;
    } else {
        assert_string_equal(channel, "stable");
        seen->damaged++;
    }
}

static void listing(void **state)
{
    struct fixture *fixture = *state;
    struct seen seen = {0};
    uint8_t bytes[10];
    char path[256];
    struct release release = fixture_release("1.0.0", 1, bytes, sizeof bytes);
    assert_int_equal(store_list(&fixture->store, count, &seen), STORE_OK);
    assert_int_equal(store_put_image(&fixture->store, &release, bytes), STORE_OK);
    assert_int_equal(store_point(&fixture->store, "thermo", "beta", &release), STORE_OK);
    write_pointer(fixture, "garbage", 7);
    in_folder(fixture, path, "thermo/notes.txt");
    assert_int_equal(mkdir(path, 0755), 0);
    in_folder(fixture, path, "thermo/.incoming");
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(store_list(&fixture->store, count, &seen), STORE_OK);
    assert_int_equal(seen.good, 1);
    assert_int_equal(seen.damaged, 1);
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(round_trip),
        STORE_TEST(open_image_survives_replacement),
        STORE_TEST(pointers),
        STORE_TEST(every_prefix_of_a_pointer_is_damaged),
        STORE_TEST(odd_files_are_damage),
        STORE_TEST(images_of_another_size_are_damage),
        STORE_TEST(metadata_and_whole_images),
        STORE_TEST(pruning_keeps_what_is_offered),
        STORE_TEST(a_damaged_pointer_stops_pruning),
        STORE_TEST(names),
        STORE_TEST(listing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
