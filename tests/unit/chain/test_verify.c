/* The one verdict on an image: each refusal by its reason, and their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain/error.h"
#include "chain/verify.h"
#include "host/crypto.h"
#include "sample.h"

enum { AT_CHIP = 12, AT_MIN_REV = 15, AT_SECURE_VERSION = SAMPLE_DESC + 4 };

static struct sample_key keys[2];

static int make_keys(void **state)
{
    (void)state;
    sample_key_make(&keys[0]);
    sample_key_make(&keys[1]);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    sample_key_free(&keys[0]);
    sample_key_free(&keys[1]);
    return 0;
}

static void sign(uint8_t *image, const struct sample_key *key)
{
    uint8_t block[1][SIGBLOCK_BYTES];
    sample_block(key, image, block[0]);
    sigblock_sector_build(image + SAMPLE_SIGNATURE, (const uint8_t(*)[SIGBLOCK_BYTES])block, 1);
}

/* What is done to the signed sample before it is judged. */
enum step { NOTHING, SEAL, SEAL_AND_SIGN, SIGN_BY_STRANGER, ERASE_SIGNATURE };

struct mutation {
    const char *name;
    size_t offset;
    unsigned width;
    uint32_t value;
    enum step then;
    size_t length; /* of the view */
    int expected;
};

#define ALL SAMPLE_SIGNED_BYTES

static const struct mutation mutations[] = {
    {"nothing", 0, 1, 0xE9, NOTHING, ALL, CHAIN_OK},
    {"signed again", 0, 1, 0xE9, SEAL_AND_SIGN, ALL, CHAIN_OK},
    {"magic", 0, 1, 0, SEAL_AND_SIGN, ALL, CHAIN_EMAGIC},
    {"empty", 0, 1, 0xE9, NOTHING, 0, CHAIN_ETRUNCATED},
    {"cut in the image", 0, 1, 0xE9, NOTHING, SAMPLE_BYTES - 1, CHAIN_ETRUNCATED},
    {"no segment", 1, 1, 0, SEAL_AND_SIGN, ALL, CHAIN_EFIELD},
    {"no descriptor", SAMPLE_DESC, 4, 0, SEAL_AND_SIGN, ALL, CHAIN_EMAGIC},
    {"descriptor in RAM", SAMPLE_SEGMENT0, 4, 0x40810000, SEAL_AND_SIGN, ALL, CHAIN_EBOUNDS},
    {"another chip", AT_CHIP, 2, 9, SEAL_AND_SIGN, ALL, CHAIN_ECHIP},
    {"later chip revision", AT_MIN_REV, 2, 3, SEAL_AND_SIGN, ALL, CHAIN_EREVISION},
    {"entry outside", 4, 4, 0x40000000, SEAL_AND_SIGN, ALL, CHAIN_EBOUNDS},
    {"segment outside", SAMPLE_SEGMENT2, 4, 0x60000000, SEAL_AND_SIGN, ALL, CHAIN_EBOUNDS},
    {"segments overlap", SAMPLE_SEGMENT2, 4, 0x40800000, SEAL_AND_SIGN, ALL, CHAIN_EOVERLAP},
    {"flash misaligned", SAMPLE_SEGMENT0, 4, 0x42000120, SEAL_AND_SIGN, ALL, CHAIN_EALIGN},
    {"data byte", SAMPLE_SEGMENT1 + 20, 1, 0, NOTHING, ALL, CHAIN_ECHECKSUM},
    {"checksum byte", SAMPLE_CHECKSUM, 1, 0, NOTHING, ALL, CHAIN_ECHECKSUM},
    {"fill before the checksum", SAMPLE_CHECKSUM - 1, 1, 1, NOTHING, ALL, CHAIN_EDIGEST},
    {"digest byte", SAMPLE_DIGEST + 5, 1, 0, NOTHING, ALL, CHAIN_EDIGEST},
    {"entry, with the digest made good", 4, 4, 0x40800020, SEAL, ALL, CHAIN_EDIGEST},
    {"pad behind the digest", SAMPLE_BYTES + 9, 1, 0, NOTHING, ALL, CHAIN_EDIGEST},
    {"signature erased", 0, 1, 0xE9, ERASE_SIGNATURE, ALL, CHAIN_EUNSIGNED},
    {"view ends at the signature", 0, 1, 0xE9, NOTHING, SAMPLE_SIGNATURE, CHAIN_EUNSIGNED},
    {"view ends in the signature", 0, 1, 0xE9, NOTHING, ALL - 1, CHAIN_EUNSIGNED},
    {"signed by a stranger", 0, 1, 0xE9, SIGN_BY_STRANGER, ALL, CHAIN_EUNTRUSTED},
    {"older secure version", AT_SECURE_VERSION, 4, 2, SEAL_AND_SIGN, ALL, CHAIN_EVERSION},
    {"newer secure version", AT_SECURE_VERSION, 4, 0xFFFFFFFF, SEAL_AND_SIGN, ALL, CHAIN_OK},
};

static uint8_t *mutate(const struct mutation *m)
{
    uint8_t image[SAMPLE_SIGNED_BYTES];
    sample_app(image);
    sign(image, &keys[0]);
    sample_poke(image, m->offset, m->width, m->value);
    if (m->then == SEAL || m->then == SEAL_AND_SIGN)
        sample_seal(image);
    if (m->then == SEAL_AND_SIGN)
        sign(image, &keys[0]);
    if (m->then == SIGN_BY_STRANGER)
        sign(image, &keys[1]);
    if (m->then == ERASE_SIGNATURE)
        memset(image + SAMPLE_SIGNATURE, 0xFF, SIGBLOCK_SECTOR_BYTES);
    uint8_t *exact = malloc(m->length > 0 ? m->length : 1);
    memcpy(exact, image, m->length);
    return exact;
}

static void each_refusal_has_its_reason(void **state)
{
    (void)state;
    const struct sigblock_trust trust = sample_trust(&keys[0], 1);
    const struct verify_policy policy = {.kind = IMAGE_APP,
                                         .chip_rev = 2,
                                         .max_length = SAMPLE_SIGNED_BYTES,
                                         .trust = &trust,
                                         .min_secure_version = 3};
    for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++) {
        const struct mutation *m = &mutations[i];
        uint8_t *image = mutate(m);
        int reason = 1;
        uint32_t verdict =
            verify_image(image, m->length, &policy, &host_crypto, NULL, NULL, &reason);
        free(image);
        uint32_t wanted = m->expected == CHAIN_OK ? SIGBLOCK_TRUSTED : SIGBLOCK_REFUSED;
        if (verdict != wanted || reason != m->expected)
            fail_msg("%s: %08x, reason %d instead of %d", m->name, verdict, reason, m->expected);
    }
}

static uint32_t judge(const uint8_t *image, size_t length, const struct verify_policy *policy,
                      int *reason)
{
    return verify_image(image, length, policy, &host_crypto, NULL, NULL, reason);
}

static void size_counts_the_signature(void **state)
{
    (void)state;
    const struct sigblock_trust trust = sample_trust(&keys[0], 1);
    struct verify_policy policy = {.kind = IMAGE_APP, .trust = &trust};
    uint8_t image[SAMPLE_SIGNED_BYTES];
    int reason;
    sample_app(image);
    sign(image, &keys[0]);

    policy.max_length = SAMPLE_SIGNED_BYTES - 1;
    assert_int_equal(judge(image, sizeof image, &policy, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EBOUNDS);
    policy.max_length = 0;
    assert_int_equal(judge(image, sizeof image, &policy, &reason), SIGBLOCK_TRUSTED);

    policy.trust = NULL; /* then only the image has to fit, and nobody asks for a signature */
    policy.max_length = SAMPLE_BYTES;
    assert_int_equal(judge(image, SAMPLE_BYTES, &policy, &reason), SIGBLOCK_TRUSTED);
    policy.max_length = SAMPLE_BYTES - 1;
    assert_int_equal(judge(image, SAMPLE_BYTES, &policy, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EBOUNDS);
    image[SAMPLE_DESC + 60] ^= 1;
    policy.max_length = 0;
    assert_int_equal(judge(image, SAMPLE_BYTES, &policy, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_ECHECKSUM);
}

/* Without a signature the appended digest is what is left. */
static void digest_counts_without_signature(void **state)
{
    (void)state;
    const struct verify_policy policy = {.kind = IMAGE_APP};
    uint8_t image[SAMPLE_SIGNED_BYTES];
    int reason;
    sample_app(image);
    assert_int_equal(judge(image, SAMPLE_BYTES, &policy, &reason), SIGBLOCK_TRUSTED);
    image[SAMPLE_DIGEST] ^= 1;
    assert_int_equal(judge(image, SAMPLE_BYTES, &policy, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EDIGEST);
}

/* The rest of the descriptor would be the headers of empty segments, all legal by themselves. */
static void descriptor_must_fit_the_first_segment(void **state)
{
    (void)state;
    const struct verify_policy policy = {.kind = IMAGE_APP};
    uint8_t image[SAMPLE_SIGNED_BYTES];
    int reason;
    sample_app(image);
    sample_poke(image, SAMPLE_SEGMENT0 + 4, 4, 240);
    sample_poke(image, 4, 4, 0x42000020); /* entry */
    assert_int_equal(judge(image, SAMPLE_BYTES, &policy, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EBOUNDS);
}

/* Pages of 32 KB are for devices that map them; Trustchain's bootloader does not. */
static void own_mmu_page_is_the_devices(void **state)
{
    (void)state;
    const struct sigblock_trust trust = sample_trust(&keys[0], 1);
    struct verify_policy policy = {.kind = IMAGE_APP, .trust = &trust};
    uint8_t image[SAMPLE_SIGNED_BYTES];
    int reason;
    sample_app(image);
    sample_poke(image, SAMPLE_SEGMENT0, 4, 0x42008020);
    sample_poke(image, SAMPLE_DESC + 180, 1, 15);
    sample_seal(image);
    sign(image, &keys[0]);
    assert_int_equal(judge(image, sizeof image, &policy, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EALIGN);
    policy.own_mmu_page = true;
    assert_int_equal(judge(image, sizeof image, &policy, &reason), SIGBLOCK_TRUSTED);
    assert_int_equal(reason, CHAIN_OK);

    sample_poke(image, SAMPLE_DESC + 180, 1, 16); /* it says so itself: not for 32 KB */
    sample_seal(image);
    sign(image, &keys[0]);
    assert_int_equal(judge(image, sizeof image, &policy, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EALIGN);
}

/* A bootloader needs no descriptor of an app, and may have neither flash nor LP segments. */
static void bootloaders(void **state)
{
    (void)state;
    const struct sigblock_trust trust = sample_trust(&keys[0], 1);
    struct verify_policy policy = {
        .kind = IMAGE_BOOTLOADER, .trust = &trust, .min_secure_version = 9};
    uint8_t image[SAMPLE_SIGNED_BYTES];
    int reason;
    sample_app(image);
    sign(image, &keys[0]);
    assert_int_equal(judge(image, sizeof image, &policy, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EBOUNDS);

    sample_poke(image, SAMPLE_SEGMENT0, 4, 0x40870000);
    sample_poke(image, SAMPLE_SEGMENT2, 4, 0x40860000);
    memset(image + SAMPLE_DESC, 0, 256);
    sample_seal(image);
    sign(image, &keys[0]);
    assert_int_equal(judge(image, sizeof image, &policy, &reason), SIGBLOCK_TRUSTED);
    assert_int_equal(reason, CHAIN_OK);
}

static void outputs_are_filled(void **state)
{
    (void)state;
    const struct sigblock_trust trust = sample_trust(&keys[1], 1);
    const struct verify_policy policy = {.kind = IMAGE_APP, .trust = &trust};
    struct image image;
    struct image_app_desc desc;
    uint8_t bytes[SAMPLE_SIGNED_BYTES];
    int reason;
    sample_app(bytes);
    sign(bytes, &keys[0]);
    assert_int_equal(
        verify_image(bytes, sizeof bytes, &policy, &host_crypto, &image, &desc, &reason),
        SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EUNTRUSTED);
    assert_int_equal(image.signed_length, SAMPLE_SIGNATURE);
    assert_string_equal(desc.version, "1.2.0-rc1");
    assert_int_equal(verify_image(bytes, sizeof bytes, &policy, &host_crypto, &image, &desc, NULL),
                     SIGBLOCK_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_has_its_reason),
        cmocka_unit_test(size_counts_the_signature),
        cmocka_unit_test(digest_counts_without_signature),
        cmocka_unit_test(descriptor_must_fit_the_first_segment),
        cmocka_unit_test(own_mmu_page_is_the_devices),
        cmocka_unit_test(bootloaders),
        cmocka_unit_test(outputs_are_filled),
    };
    return cmocka_run_group_tests_name("verify", tests, make_keys, free_keys);
}
