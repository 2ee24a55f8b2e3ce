/* chain/verify.c: see verify.h. */
#include "chain/verify.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"

/* An app's first segment is mapped flash and holds the whole descriptor (formats.md 1.2). */
static int check_app(const uint8_t *bytes, size_t length, const struct image *image,
                     struct image_app_desc *desc)
{
    int error = image_app_desc_read(bytes, length, desc);
    if (error != CHAIN_OK)
        return error;
    const struct image_segment *first = &image->segment[0];
    bool holds = first->memory == IMAGE_MEMORY_FLASH && first->length >= IMAGE_APP_DESC_BYTES;
    return holds ? CHAIN_OK : CHAIN_EBOUNDS;
}

/* Structure, target, size, checksum; the descriptor of an app on the way. */
static int check_image(const uint8_t *bytes, size_t length, const struct verify_policy *policy,
                       struct image *image, struct image_app_desc *desc)
{
    int error = image_parse(bytes, length, image);
    if (error == CHAIN_OK && policy->kind == IMAGE_APP)
        error = check_app(bytes, length, image, desc);
    if (error == CHAIN_OK)
        error = image_check_target(image, policy->kind, policy->chip_rev,
                                   policy->own_mmu_page ? image_mmu_page(image, desc->mmu_page_log2)
                                                        : IMAGE_MMU_PAGE);
    if (error != CHAIN_OK)
        return error;

    uint32_t needed =
        policy->trust != NULL ? image->signed_length + SIGBLOCK_SECTOR_BYTES : image->length;
    if (policy->max_length != 0 && needed > policy->max_length)
        return CHAIN_EBOUNDS;

    return image_check_checksum(image, bytes);
}

/* The image's own digest, and the signature sector's verdict; CHAIN_EUNSIGNED when the bytes end
 * before the sector. */
static uint32_t check_signature(const uint8_t *bytes, size_t length, const struct image *image,
                                const struct sigblock_trust *trust,
                                const struct chain_crypto *crypto, int *reason)
{
    if (!span_within(image->signed_length, SIGBLOCK_SECTOR_BYTES, length)) {
        *reason = image_check_digest(image, bytes, crypto);
        if (*reason == CHAIN_OK)
            *reason = CHAIN_EUNSIGNED;
        return SIGBLOCK_REFUSED;
    }
    uint8_t digest[SHA256_BYTES];
    *reason = image_checked_digest(image, bytes, length, crypto, digest);
    if (*reason != CHAIN_OK)
        return SIGBLOCK_REFUSED;
    return sigblock_verify(bytes + image->signed_length, digest, trust, crypto, reason, NULL);
}

uint32_t verify_image(const uint8_t *bytes, size_t length, const struct verify_policy *policy,
                      const struct chain_crypto *crypto, struct image *image,
                      struct image_app_desc *desc, int *reason)
{
    struct image own_image;
    struct image_app_desc own_desc;
    int own_reason;
    if (image == NULL)
        image = &own_image;
    if (desc == NULL)
        desc = &own_desc;
    if (reason == NULL)
        reason = &own_reason;
    memset(desc, 0, sizeof *desc);

    volatile uint32_t verdict = SIGBLOCK_REFUSED;
    *reason = check_image(bytes, length, policy, image, desc);
    if (*reason != CHAIN_OK)
        return SIGBLOCK_REFUSED;
    if (policy->trust != NULL) {
        verdict = check_signature(bytes, length, image, policy->trust, crypto, reason);
    } else {
        *reason = image_check_digest(image, bytes, crypto);
        verdict = *reason == CHAIN_OK ? SIGBLOCK_TRUSTED : SIGBLOCK_REFUSED;
    }
    if (verdict != SIGBLOCK_TRUSTED)
        return SIGBLOCK_REFUSED;

    if (policy->kind == IMAGE_APP && desc->secure_version < policy->min_secure_version) {
        *reason = CHAIN_EVERSION;
        return SIGBLOCK_REFUSED;
    }
    return verdict == SIGBLOCK_TRUSTED ? SIGBLOCK_TRUSTED : SIGBLOCK_REFUSED;
}
