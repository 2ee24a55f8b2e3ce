/* Uploads: what is taken, what is refused and leaves nothing behind, where the bytes are then. */
#include "tests/unit/fleet/mgmt.h"

#include <dirent.h>
#include <openssl/evp.h>

#include "tests/unit/chain/sample.h"
#include "tests/unit/server/store_fixture.h"

#define FILES "/rest/v1/softwaremodules/1/artifacts"
#define FORM  "multipart/form-data; boundary=limit"

struct shop {
    struct world *world;
    const char *who;
    struct fixture *fixture;
    struct sample_key key;
    uint8_t image[SAMPLE_SIGNED_BYTES];
    char body[2 * SAMPLE_SIGNED_BYTES];
    size_t length;
};

static void open_shop(void **state, struct shop *shop)
{
    shop->world = managed(state, &shop->who);
    shop->fixture = fixture_new();
    shop->world->service.releases = &shop->fixture->store;
    sample_key_make(&shop->key);
    sample_app(shop->image);
    memset(shop->image + SAMPLE_DESC + 48, 0, 32);
    strcpy((char *)shop->image + SAMPLE_DESC + 48, "thermo");
    sample_seal(shop->image);
    sample_block(&shop->key, shop->image, shop->image + SAMPLE_SIGNATURE);
    shop->world->service.policy = (struct publish_policy){
        .product = "thermo",
        .channel = "stable",
        .trust = sample_trust(&shop->key, 1),
        .slot_size = 1 << 20,
        .chip_rev = 99,
    };
    expect(shop->world, shop->who, API_POST, "/rest/v1/softwaremodules",
           "[{\"name\":\"fw\",\"version\":\"1\",\"type\":\"os\"}]", 201, NULL);
}

static void close_shop(struct shop *shop)
{
    sample_key_free(&shop->key);
    fixture_free(shop->fixture);
    world_free(shop->world);
}

/* A form with one file; `more` are parts before it. */
static void fill_form(struct shop *shop, const char *more, const char *name, const void *bytes,
                      size_t length)
{
    static const char end[] = "\r\n--limit--\r\n";
    int used = snprintf(shop->body, sizeof shop->body,
                        "%s--limit\r\nContent-Disposition: form-data; name=\"file\"; "
                        "filename=\"%s\"\r\nContent-Type: application/octet-stream\r\n\r\n",
                        more, name);
    memcpy(shop->body + used, bytes, length);
    memcpy(shop->body + used + length, end, sizeof end - 1);
    shop->length = (size_t)used + length + sizeof end - 1;
}

static int post(struct shop *shop, const char *path, const char *type)
{
    return call_typed(shop->world, API_POST, path, shop->who, type, shop->body, shop->length);
}

static int upload(struct shop *shop, const char *query, const char *name)
{
    char path[400];
    snprintf(path, sizeof path, FILES "%s", query);
    fill_form(shop, "", name, shop->image, sizeof shop->image);
    return post(shop, path, FORM);
}

static const char *hash_of(const char *type, const void *bytes, size_t length)
{
    static char text[2 * EVP_MAX_MD_SIZE + 1];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned count;
    EVP_Digest(bytes, length, digest, &count, EVP_get_digestbyname(type), NULL);
    for (unsigned i = 0; i < count; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

/* Files under releases/artifacts. */
static int files_kept(const struct shop *shop)
{
    char path[128];
    int count = 0;
    snprintf(path, sizeof path, "%s/artifacts", shop->fixture->folder);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    if (folder != NULL)
        closedir(folder);
    return count;
}

static void taken(void **state)
{
    struct shop shop;
    char query[300];
    open_shop(state, &shop);
    snprintf(query, sizeof query, "?filename=fw%%201.bin&sha1sum=%s",
             hash_of("SHA1", shop.image, sizeof shop.image));
    if (upload(&shop, query, "other.bin") != 201)
        fail_msg("%s", shop.world->answer.body);
    assert_string_equal(text_at(shop.world, "providedFilename"), "fw 1.bin");
    assert_int_equal(number_at(shop.world, "size"), SAMPLE_SIGNED_BYTES);
    assert_string_equal(text_at(shop.world, "version"), "1.2.0-rc1");
    assert_int_equal(number_at(shop.world, "secureVersion"), 3);
    assert_string_equal(text_at(shop.world, "hashes.md5"),
                        hash_of("MD5", shop.image, sizeof shop.image));
    assert_string_equal(text_at(shop.world, "hashes.sha256"),
                        hash_of("SHA256", shop.image, sizeof shop.image));
    assert_int_equal(files_kept(&shop), 2); /* the image and what it is */
    struct release release = {.size = SAMPLE_SIGNED_BYTES};
    uint8_t *bytes;
    snprintf(release.sha256, sizeof release.sha256, "%s", text_at(shop.world, "hashes.sha256"));
    assert_int_equal(store_read_image(&shop.fixture->store, &release, &bytes), STORE_OK);
    assert_memory_equal(bytes, shop.image, SAMPLE_SIGNED_BYTES);
    free(bytes);

    expect(shop.world, shop.who, API_GET, FILES, NULL, 200, NULL);
    assert_string_equal(text_at(shop.world, "0.providedFilename"), "fw 1.bin");
    expect(shop.world, shop.who, API_GET, FILES "/1", NULL, 200, NULL);
    expect(shop.world, shop.who, API_GET, FILES "/1/download", NULL, 200, NULL);
    assert_true(shop.world->answer.is_file);
    assert_string_equal(shop.world->answer.sha256, release.sha256);
    assert_string_equal(shop.world->answer.filename, "fw 1.bin");
    assert_int_equal(upload(&shop, "", "fw 1.bin"), 409);
    assert_int_equal(upload(&shop, "", "again.bin"), 201); /* the same bytes once more */
    assert_int_equal(files_kept(&shop), 2);
    expect(shop.world, shop.who, API_DELETE, FILES "/1", NULL, 204, NULL);
    expect(shop.world, shop.who, API_GET, FILES "/1", NULL, 404, NULL);
    expect(shop.world, shop.who, API_GET, "/rest/v1/softwaremodules/2/artifacts", NULL, 404, NULL);
    close_shop(&shop);
}

static void fields_of_the_form(void **state)
{
    struct shop shop;
    char more[400];
    open_shop(state, &shop);
    snprintf(more, sizeof more,
             "--limit\r\nContent-Disposition: form-data; name=\"filename\"\r\n\r\nnamed.bin\r\n"
             "--limit\r\nContent-Disposition: form-data; name=\"sha256sum\"\r\n\r\n%s\r\n",
             hash_of("SHA256", shop.image, sizeof shop.image));
    fill_form(&shop, more, "x", shop.image, sizeof shop.image);
    assert_int_equal(post(&shop, FILES, FORM), 201);
    assert_string_equal(text_at(shop.world, "providedFilename"), "named.bin");
    close_shop(&shop);
}

/* Quoted in an answer, which is JSON. */
static void a_sum_that_is_no_text(void **state)
{
    struct shop shop;
    open_shop(state, &shop);
    fill_form(&shop,
              "--limit\r\nContent-Disposition: form-data; name=\"md5sum\"\r\n\r\n\xFF\xFE\r\n", "x",
              shop.image, sizeof shop.image);
    assert_int_equal(post(&shop, FILES, FORM), 400);
    assert_string_equal(text_at(shop.world, "message"), "md5sum is hexadecimal digits");
    close_shop(&shop);
}

/* Each refusal leaves neither row nor file. */
static void refused(void **state)
{
    static const struct {
        const char *query, *name, *code;
        int status;
    } names[] = {
        {"?md5sum=00000000000000000000000000000000", "a", "checksum.md5.match", 400},
        {"?sha1sum=0", "a", "checksum.sha1.match", 400},
        {"?sha256sum=0", "a", "checksum.sha256.match", 400},
        {"?sha256sum=+0", "a", "constraintViolation", 400},
        {"?filename=%ff", "a", "constraintViolation", 400},
        {"", "\xFF.bin", "constraintViolation", 400},
        {"", "", "constraintViolation", 400},
        {"", "..", "constraintViolation", 400},
        {"", "a/b", "constraintViolation", 400},
        {"?filename=a%5cb", "a", "constraintViolation", 400},
        {"?filename=%22", "a", "constraintViolation", 400},
    };
    struct shop shop;
    open_shop(state, &shop);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int status = upload(&shop, names[i].query, names[i].name);
        const char *code = text_at(shop.world, "errorCode");
        if (status != names[i].status || strstr(code, names[i].code) == NULL)
            fail_msg("%s %s: %d %s", names[i].query, names[i].name, status, code);
    }
    for (int i = 0; i < 4; i++) {
        uint8_t bad[SAMPLE_SIGNED_BYTES + 1];
        size_t length = sizeof bad - 1;
        memcpy(bad, shop.image, length);
        bad[length] = 0;
        if (i == 0)
            bad[SAMPLE_SEGMENT1 + 20] ^= 1; /* not what was signed */
        if (i == 1)
            memset(bad + SAMPLE_SIGNATURE, 0xFF, SIGBLOCK_BYTES); /* not signed at all */
        if (i == 2)
            length++; /* more than is signed */
        if (i == 3)
            length = 0;
        fill_form(&shop, "", "fw.bin", bad, length);
        if (post(&shop, FILES, FORM) != 400)
            fail_msg("image %d: %d", i, shop.world->answer.status);
        assert_string_equal(text_at(shop.world, "errorCode"),
                            "hawkbit.server.error.artifact.uploadFailed");
    }
    shop.world->service.policy.product = "other";
    assert_int_equal(upload(&shop, "", "fw.bin"), 400);
    assert_non_null(strstr(text_at(shop.world, "message"), "refused-product"));
    shop.world->service.policy.product = NULL;
    assert_int_equal(upload(&shop, "", "fw.bin"), 400);
    fill_form(&shop, "", "fw.bin", shop.image, sizeof shop.image);
    assert_int_equal(post(&shop, "/rest/v1/softwaremodules/2/artifacts", FORM), 404);
    assert_int_equal(post(&shop, FILES, "application/octet-stream"), 415);
    assert_int_equal(post(&shop, FILES, "multipart/form-data"), 400);
    assert_int_equal(post(&shop, FILES, "multipart/form-data; boundary=other"), 400);
    shop.length -= 10;
    assert_int_equal(post(&shop, FILES, FORM), 400);
    expect(shop.world, shop.who, API_GET, FILES, NULL, 200, NULL);
    assert_int_equal(json_array_size(shop.world->json), 0);
    assert_int_equal(files_kept(&shop), 0);
    close_shop(&shop);
}

/* A server for other clients takes other files, unjudged. */
static void any_artifact(void **state)
{
    struct shop shop;
    open_shop(state, &shop);
    shop.world->service.any_artifact = true;
    fill_form(&shop, "", "bundle.raucb", "hsqs", 4);
    assert_int_equal(post(&shop, FILES, FORM), 201);
    assert_null(at(shop.world, "version"));
    assert_int_equal(upload(&shop, "", "fw.bin"), 201);
    assert_string_equal(text_at(shop.world, "version"), "1.2.0-rc1");
    fill_form(&shop, "", "nothing", "", 0);
    assert_int_equal(post(&shop, FILES, FORM), 400);
    close_shop(&shop);
}

/* The form as a request. */
static struct api_request request_of(const struct shop *shop)
{
    struct api_request request = {
        .method = API_POST,
        .path = world_copy(FILES),
        .authorization = world_copy(shop->who),
        .content_type = world_copy(FORM),
        .body = malloc(shop->length),
        .body_length = shop->length,
        .origin = world_copy("https://updates.example:8443"),
        .address = world_copy("127.0.0.1"),
    };
    memcpy(request.body, shop->body, shop->length);
    return request;
}

/* One run, and nothing of it kept in the store unless it says DB_OK. */
static int run_once(struct shop *shop, const struct api_request *request, enum db_access access)
{
    struct world *world = shop->world;
    assert_int_equal(db_begin(world->db, access), DB_OK);
    int status = api_run(world->db, &world->service, request, access, world->now, &world->answer);
    if (status == DB_OK)
        assert_int_equal(db_commit(world->db), DB_OK);
    else
        db_rollback(world->db);
    return status;
}

/* The thread that writes has devices waiting: it is given what was found out, and asks the bytes
 * nothing any more. */
static void judged_before_it_is_written(void **state)
{
    struct shop shop;
    open_shop(state, &shop);
    fill_form(&shop, "", "fw.bin", shop.image, sizeof shop.image);
    struct api_request request = request_of(&shop);
    assert_int_equal(api_way(&request), API_LONG_READ);
    assert_int_equal(run_once(&shop, &request, DB_READ), API_MUST_WRITE);
    memset(request.body, 0, request.body_length);
    assert_int_equal(run_once(&shop, &request, DB_WRITE), DB_OK);
    assert_int_equal(shop.world->answer.status, 201);
    assert_non_null(strstr(shop.world->answer.body, "\"version\":\"1.2.0-rc1\""));
    /* What is refused is refused before, and leaves no bytes. */
    memcpy(request.body, shop.body, shop.length);
    assert_int_equal(run_once(&shop, &request, DB_READ), JOB_REFUSED);
    assert_int_equal(shop.world->answer.status, 409);
    api_request_free(&request);
    close_shop(&shop);
}

/* The row waits for the bytes: where they cannot be kept, there is no row. */
static void no_row_without_bytes(void **state)
{
    struct shop shop;
    char path[128];
    open_shop(state, &shop);
    snprintf(path, sizeof path, "%s/artifacts", shop.fixture->folder);
    FILE *in_the_way = fopen(path, "w"); /* a file where the folder should be */
    assert_non_null(in_the_way);
    fclose(in_the_way);
    fill_form(&shop, "", "fw.bin", shop.image, sizeof shop.image);
    struct api_request request = request_of(&shop);
    assert_int_equal(run_once(&shop, &request, DB_READ), DB_EIO);
    api_request_free(&request);
    expect(shop.world, shop.who, API_GET, FILES, NULL, 200, NULL);
    assert_int_equal(json_array_size(shop.world->json), 0);
    close_shop(&shop);
}

/* A writer that was stopped must not stop the server. */
static void not_behind_another_writer(void **state)
{
    struct shop shop;
    int lock;
    struct timespec before;
    struct timespec after;
    open_shop(state, &shop);
    assert_int_equal(store_lock(&shop.fixture->store, &lock), STORE_OK);
    clock_gettime(CLOCK_MONOTONIC, &before);
    alarm(20);
    assert_int_equal(upload(&shop, "", "fw.bin"), 503);
    alarm(0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_in_range(after.tv_sec - before.tv_sec, 1, 10);
    assert_int_equal(shop.world->answer.retry_after, 5);
    store_unlock(lock);
    expect(shop.world, shop.who, API_GET, FILES, NULL, 200, NULL);
    assert_int_equal(json_array_size(shop.world->json), 0);
    assert_int_equal(upload(&shop, "", "fw.bin"), 201);
    close_shop(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(taken),
        STORE_TESTS(fields_of_the_form),
        STORE_TESTS(a_sum_that_is_no_text),
        STORE_TESTS(refused),
        STORE_TESTS(any_artifact),
        STORE_TESTS(no_row_without_bytes),
        STORE_TESTS(not_behind_another_writer),
        STORE_TESTS(judged_before_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
