/* chain/verify.h: the one verdict on a signed image: everything a device asks before running it.
 *
 * Used by the update agent (on the mapped slot), the server and the command line (on a file). The
 * bootloader asks the same questions but loads while it hashes; it shares the pieces, not this
 * function.
 */
#ifndef CHAIN_VERIFY_H
#define CHAIN_VERIFY_H

#include "chain/image.h"
#include "chain/sigblock.h"

struct verify_policy {
    enum image_kind kind;
    uint16_t chip_rev;                  /* major * 100 + minor */
    uint32_t max_length;                /* slot size in bytes, signature sector included; 0 = any */
    const struct sigblock_trust *trust; /* NULL: signature not required */
    uint32_t min_secure_version;        /* anti-rollback floor; 0 = none */
    bool own_mmu_page; /* the device maps pages of the size the image was built for, as ESP-IDF's
                        * bootloader does; false: IMAGE_MMU_PAGE, as Trustchain's does */
};

/* SIGBLOCK_TRUSTED when all holds, SIGBLOCK_REFUSED otherwise with *reason set (chain_error).
 * Order: structure (an app begins with its descriptor), target, size, checksum, digest, signature,
 * secure version. Size (EBOUNDS) counts the signature sector when one is required. *image and *desc
 * (each may be NULL) are filled as far as parsing got. */
uint32_t verify_image(const uint8_t *bytes, size_t length, const struct verify_policy *policy,
                      const struct chain_crypto *crypto, struct image *image,
                      struct image_app_desc *desc, int *reason);

#endif
