/* tests/unit/boot/test_pieces.c: the digest of an image whose parts lie elsewhere than in the file
 * (device/boot/pieces.h): equal to the file's, and about the copies, not about the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "device/boot/pieces.h"
#include "host/crypto.h"

#define SEGMENTS    3
#define SEGMENT     300u /* bytes of each */
#define FILE_BYTES  4096u
#define TAIL        (IMAGE_HEADER_BYTES + SEGMENTS * (IMAGE_SEGMENT_BYTES + SEGMENT))
#define CHECKSUM_AT (TAIL | 15u)

struct fixture {
    uint8_t file[FILE_BYTES];
    struct image image;
    struct pieces pieces;
    uint32_t copy[SEGMENTS][SEGMENT / 4]; /* where the segments were loaded */
};

static void fill(uint8_t *file)
{
    static const uint32_t address[SEGMENTS] = {0x42000020, 0x40800000, 0};
    uint8_t checksum = IMAGE_CHECKSUM_SEED;
    memset(file, 0xFF, FILE_BYTES);
    memset(file, 0, CHECKSUM_AT);
    file[0] = IMAGE_MAGIC;
    file[1] = SEGMENTS;
    le16_store(file + 12, IMAGE_CHIP_ESP32C6);
    file[23] = 1;
    uint8_t *p = file + IMAGE_HEADER_BYTES;
    for (uint32_t i = 0; i < SEGMENTS; i++, p += IMAGE_SEGMENT_BYTES + SEGMENT) {
        le32_store(p, address[i]);
        le32_store(p + 4, SEGMENT);
        for (uint32_t n = 0; n < SEGMENT; n++) {
            p[IMAGE_SEGMENT_BYTES + n] = (uint8_t)(i * 31 + n * 7);
            checksum ^= p[IMAGE_SEGMENT_BYTES + n];
        }
    }
    file[CHECKSUM_AT] = checksum;
    const struct chain_span span = {file, CHECKSUM_AT + 1};
    host_crypto.sha256(&host_crypto, &span, 1, file + CHECKSUM_AT + 1);
}

static void load(struct fixture *f)
{
    assert_int_equal(image_parse(f->file, FILE_BYTES, &f->image), CHAIN_OK);
    assert_int_equal(f->image.checksum_offset, CHECKSUM_AT);
    pieces_init(&f->pieces, &f->image);
    for (size_t i = 0; i < SEGMENTS; i++) {
        memcpy(f->copy[i], f->file + f->image.segment[i].offset, SEGMENT);
        f->pieces.data[i] = f->copy[i];
    }
    assert_int_equal(pieces_tail_offset(&f->image), TAIL);
    f->pieces.tail = f->file + TAIL;
}

static void digest_of_file(const struct fixture *f, uint32_t end, uint8_t digest[SHA256_BYTES])
{
    const struct chain_span span = {f->file, end};
    host_crypto.sha256(&host_crypto, &span, 1, digest);
}

static void test_digest_is_the_files(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t expected[SHA256_BYTES], digest[SHA256_BYTES];
    fill(f.file);
    load(&f);
    const uint32_t ends[] = {f.image.hashed_length, f.image.signed_length};
    for (size_t i = 0; i < 2; i++) {
        digest_of_file(&f, ends[i], expected);
        assert_int_equal(pieces_digest(&f.pieces, ends[i], &host_crypto, digest), CHAIN_OK);
        assert_memory_equal(digest, expected, SHA256_BYTES);
    }
    assert_int_equal(pieces_check_integrity(&f.pieces, &host_crypto), CHAIN_OK);
}

/* External flash may answer differently later: only what was loaded counts. */
static void test_copies_decide(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t before[SHA256_BYTES], digest[SHA256_BYTES];
    fill(f.file);
    load(&f);
    pieces_digest(&f.pieces, f.image.signed_length, &host_crypto, before);

    f.file[f.image.segment[1].offset] ^= 1; /* the file changes after it was read */
    f.file[4] ^= 1;
    f.file[IMAGE_HEADER_BYTES] ^= 1;
    pieces_digest(&f.pieces, f.image.signed_length, &host_crypto, digest);
    assert_memory_equal(digest, before, SHA256_BYTES);

    for (size_t i = 0; i < SEGMENTS; i++) {
        f.copy[i][SEGMENT / 4 - 1] ^= 0x80000000u;
        pieces_digest(&f.pieces, f.image.signed_length, &host_crypto, digest);
        assert_memory_not_equal(digest, before, SHA256_BYTES);
        f.copy[i][SEGMENT / 4 - 1] ^= 0x80000000u;
    }
}

/* The descriptor that is decided on is the one that is hashed, whatever the mapping shows. */
static void test_descriptor_decides(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t before[SHA256_BYTES], digest[SHA256_BYTES], descriptor[IMAGE_APP_DESC_BYTES];
    fill(f.file);
    load(&f);
    pieces_digest(&f.pieces, f.image.signed_length, &host_crypto, before);
    memcpy(descriptor, f.copy[0], sizeof descriptor);
    f.pieces.descriptor = descriptor;

    f.copy[0][sizeof descriptor / 4 - 1] ^= 1; /* what flash says later */
    pieces_digest(&f.pieces, f.image.signed_length, &host_crypto, digest);
    assert_memory_equal(digest, before, SHA256_BYTES);
    f.copy[0][sizeof descriptor / 4] ^= 1; /* the first word after it */
    pieces_digest(&f.pieces, f.image.signed_length, &host_crypto, digest);
    assert_memory_not_equal(digest, before, SHA256_BYTES);
    f.copy[0][sizeof descriptor / 4] ^= 1;
    descriptor[4] ^= 1; /* the secure version */
    pieces_digest(&f.pieces, f.image.signed_length, &host_crypto, digest);
    assert_memory_not_equal(digest, before, SHA256_BYTES);
}

static const struct damage {
    const char *name;
    uint32_t offset;
    int expected;
} damages[] = {
    {"header", 4, CHAIN_EDIGEST},
    {"segment header", IMAGE_HEADER_BYTES, CHAIN_EDIGEST},
    {"segment data", IMAGE_HEADER_BYTES + IMAGE_SEGMENT_BYTES, CHAIN_ECHECKSUM},
    {"last byte of data", TAIL - 1, CHAIN_ECHECKSUM},
    {"zero fill", TAIL, CHAIN_EDIGEST},
    {"checksum", CHECKSUM_AT, CHAIN_ECHECKSUM},
    {"appended digest", CHECKSUM_AT + 1, CHAIN_EDIGEST},
    {"last byte of the digest", CHECKSUM_AT + SHA256_BYTES, CHAIN_EDIGEST},
    {"fill behind the image", CHECKSUM_AT + SHA256_BYTES + 1, CHAIN_OK},
};

static void test_integrity(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct fixture f;
        fill(f.file);
        f.file[damages[i].offset] ^= 1;
        load(&f);
        int result = pieces_check_integrity(&f.pieces, &host_crypto);
        if (result != damages[i].expected)
            fail_msg("%s: %d", damages[i].name, result);
    }
}

static void test_integrity_without_digest(void **state)
{
    (void)state;
    struct fixture f;
    fill(f.file);
    f.file[23] = 0;
    load(&f);
    assert_int_equal(pieces_check_integrity(&f.pieces, &host_crypto), CHAIN_OK);
    f.copy[0][0] ^= 1;
    assert_int_equal(pieces_check_integrity(&f.pieces, &host_crypto), CHAIN_ECHECKSUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_is_the_files),      cmocka_unit_test(test_copies_decide),
        cmocka_unit_test(test_descriptor_decides),       cmocka_unit_test(test_integrity),
        cmocka_unit_test(test_integrity_without_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
