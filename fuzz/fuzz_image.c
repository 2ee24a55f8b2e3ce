/* Images: what image_parse() accepts lies inside the input, and no input at all is trusted, since
 * nobody has signed with the one key that is. The input is also tried with its checksum and digest
 * put right, so that the checks behind them are reached, and then signed: the signature changes no
 * other verdict, and one byte changed below it does. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/image.h"
#include "chain/verify.h"
#include "fuzz/fuzz.h"
#include "fuzz/signer.h"
#include "host/crypto.h"

#define INPUT_MAX  (64 * 1024)
#define BLOCK_USED 1200u /* of a signature block; 16 bytes behind the CRC mean nothing */

static const struct sigblock_trust nobody = {.count = 1, .digest = {{0x5A, 0xA5}}};

static void check_structure(const struct image *image, size_t size)
{
    require(image->segment_count >= 1 && image->segment_count <= IMAGE_SEGMENTS_MAX);
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct image_segment *segment = &image->segment[i];
        require(span_within(segment->offset, segment->length, image->checksum_offset));
        require(segment->length % 4 == 0 && segment->length < IMAGE_SEGMENT_LEN_MAX);
        require(segment->memory == image_memory_of(segment->load_addr, segment->length));
    }
    require(image->checksum_offset % 16 == 15);
    require(image->hashed_length == image->checksum_offset + 1);
    require(image->length == image->hashed_length + (image->hash_appended ? SHA256_BYTES : 0));
    require(image->length <= size);
    require(image->signed_length % IMAGE_SIGNATURE_ALIGN == 0);
    require(image->signed_length - image->length < IMAGE_SIGNATURE_ALIGN);
}

static void check_verdicts(const uint8_t *data, size_t size)
{
    static const enum image_kind kinds[] = {IMAGE_APP, IMAGE_BOOTLOADER};
    for (size_t i = 0; i < 2; i++) {
        struct verify_policy policy = {.kind = kinds[i], .chip_rev = 1, .trust = &nobody};
        int reason = CHAIN_OK;
        require(verify_image(data, size, &policy, &host_crypto, NULL, NULL, &reason) ==
                SIGBLOCK_REFUSED);
        require(reason != CHAIN_OK);
        struct image image;
        policy.trust = NULL;
        const uint32_t verdict =
            verify_image(data, size, &policy, &host_crypto, &image, NULL, &reason);
        require((verdict == SIGBLOCK_TRUSTED) == (reason == CHAIN_OK));
        if (verdict == SIGBLOCK_TRUSTED) {
            require(image_check_target(&image, kinds[i], 1, IMAGE_MMU_PAGE) == CHAIN_OK);
            require(image_check_checksum(&image, data) == CHAIN_OK);
            require(image_check_digest(&image, data, &host_crypto) == CHAIN_OK);
        }
        policy.own_mmu_page = true;
        const uint32_t own = verify_image(data, size, &policy, &host_crypto, NULL, NULL, &reason);
        require((own == SIGBLOCK_TRUSTED) == (reason == CHAIN_OK));
    }
}

static void check_descriptor(const uint8_t *data, size_t size)
{
    struct image_app_desc desc;
    if (image_app_desc_read(data, size, &desc) != CHAIN_OK)
        return;
    require(strlen(desc.version) <= 32 && strlen(desc.project_name) <= 32);
    require(strlen(desc.time) <= 16 && strlen(desc.date) <= 16 && strlen(desc.idf_version) <= 32);
    const int forth = image_version_compare(desc.version, desc.project_name);
    const int back = image_version_compare(desc.project_name, desc.version);
    require((forth < 0) == (back > 0) && (forth == 0) == (back == 0));
    require(image_version_compare(desc.version, desc.version) == 0);
}

static void check_boot_descriptor(const uint8_t *data, size_t size)
{
    struct image_boot_desc desc;
    if (image_boot_desc_read(data, size, &desc) == CHAIN_OK)
        require(strlen(desc.idf_version) <= 32 && strlen(desc.date_time) <= 24);
}

/* What is read of the header alone is what the whole image's reader says. */
static void check_header(const uint8_t *data, size_t size)
{
    struct image header, image;
    const int verdict = image_header_read(data, size, &header);
    if (image_parse(data, size, &image) != CHAIN_OK)
        return;
    require(verdict == CHAIN_OK && header.chip_id == image.chip_id);
    require(memcmp(header.header, image.header, IMAGE_HEADER_BYTES) == 0);
}

/* Right checksum and digest for the lengths the input gives. */
static void seal(uint8_t *bytes, const struct image *image)
{
    uint8_t checksum = IMAGE_CHECKSUM_SEED;
    for (unsigned i = 0; i < image->segment_count; i++) {
        for (uint32_t k = 0; k < image->segment[i].length; k++)
            checksum ^= bytes[image->segment[i].offset + k];
    }
    bytes[image->checksum_offset] = checksum;
    const struct chain_span span = {bytes, image->hashed_length};
    if (image->hash_appended)
        (void)host_crypto.sha256(&host_crypto, &span, 1, bytes + image->hashed_length);
}

/* What a good image is refused for under a stricter policy. */
static void check_policy(const uint8_t *bytes, size_t length, const struct verify_policy *policy,
                         const struct chain_crypto *crypto)
{
    struct image image;
    struct image_app_desc desc;
    int reason;
    struct verify_policy strict = *policy;
    require(verify_image(bytes, length, policy, crypto, &image, &desc, &reason) ==
            SIGBLOCK_TRUSTED);
    strict.max_length = (uint32_t)length;
    require(verify_image(bytes, length, &strict, crypto, NULL, NULL, NULL) == SIGBLOCK_TRUSTED);
    strict.max_length--;
    require(verify_image(bytes, length, &strict, crypto, NULL, NULL, &reason) == SIGBLOCK_REFUSED);
    require(reason == CHAIN_EBOUNDS);
    strict = *policy;
    if (policy->kind != IMAGE_APP || desc.secure_version == UINT32_MAX)
        return;
    strict.min_secure_version = desc.secure_version + 1;
    require(verify_image(bytes, length, &strict, crypto, NULL, NULL, &reason) == SIGBLOCK_REFUSED);
    require(reason == CHAIN_EVERSION);
}

/* `bytes` has room for the signature sector at signed_length. The checksum of the input chooses the
 * salt and the byte that changes. */
static void check_signed(uint8_t *bytes, const struct image *image, uint32_t choice)
{
    static const enum image_kind kinds[] = {IMAGE_APP, IMAGE_BOOTLOADER};
    const struct chain_crypto crypto = signer_crypto();
    const size_t length = image->signed_length + SIGBLOCK_SECTOR_BYTES;
    uint8_t digest[SHA256_BYTES], salt[SHA256_BYTES], block[1][SIGBLOCK_BYTES];
    struct sigblock_trust trust;
    const struct chain_span all = {bytes, image->signed_length}, seed = {&choice, sizeof choice};
    signer_sha256(&all, 1, digest);
    signer_sha256(&seed, 1, salt);
    signer_block(digest, salt, block[0], &trust);
    sigblock_sector_build(bytes + image->signed_length, block, 1);
    for (size_t i = 0; i < 2; i++) {
        struct verify_policy policy = {.kind = kinds[i], .chip_rev = 1};
        int unsigned_reason, reason;
        (void)verify_image(bytes, length, &policy, &crypto, NULL, NULL, &unsigned_reason);
        policy.trust = &trust;
        const uint32_t verdict = verify_image(bytes, length, &policy, &crypto, NULL, NULL, &reason);
        require(reason == unsigned_reason && (verdict == SIGBLOCK_TRUSTED) == (reason == CHAIN_OK));
        if (verdict != SIGBLOCK_TRUSTED)
            continue;
        check_policy(bytes, length, &policy, &crypto);
        uint8_t *byte = bytes + choice % (image->signed_length + BLOCK_USED);
        *byte ^= (uint8_t)(1u << choice % 8);
        require(verify_image(bytes, length, &policy, &crypto, NULL, NULL, &reason) ==
                SIGBLOCK_REFUSED);
        *byte ^= (uint8_t)(1u << choice % 8);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image image;
    if (size > INPUT_MAX)
        return 0;
    check_descriptor(data, size);
    check_boot_descriptor(data, size);
    check_header(data, size);
    check_verdicts(data, size);
    if (image_parse(data, size, &image) != CHAIN_OK)
        return 0;
    check_structure(&image, size);

    const size_t signed_size = image.signed_length + SIGBLOCK_SECTOR_BYTES;
    uint8_t *sealed = malloc(size > signed_size ? size : signed_size);
    require(sealed != NULL);
    memset(sealed, 0xFF, size > signed_size ? size : signed_size);
    memcpy(sealed, data, size);
    seal(sealed, &image);
    require(image_check_checksum(&image, sealed) == CHAIN_OK);
    require(image_check_digest(&image, sealed, &host_crypto) == CHAIN_OK);
    check_verdicts(sealed, size);
    check_signed(sealed, &image, crc32_le(0, data, size));
    free(sealed);
    return 0;
}
