/* tool/image_findings.h: which checks of an ESP32-C6 an image fails, and why, in words and numbers.
 *
 * The verdicts are those of chain/: each finding is the answer of one of its checks, told with what
 * that check saw; and verify_image() has the last word, so that what a device refuses never goes
 * without a finding.
 */
#ifndef TOOL_IMAGE_FINDINGS_H
#define TOOL_IMAGE_FINDINGS_H

#include <stdbool.h>

#include "chain/efuse.h"
#include "chain/image.h"
#include "host/file.h"

/* The device it is judged for. */
struct image_judge {
    uint16_t chip_rev;           /* major * 100 + minor */
    const struct efuse *efuse;   /* NULL: signatures are not judged */
    uint32_t flash_bytes;        /* of the flash chip; 0 = not known */
    uint32_t slot_bytes;         /* 0 = not known */
    uint32_t min_secure_version; /* for applications */
};

#define IMAGE_FINDINGS_MAX 40

struct image_finding {
    const char *check; /* one word, stable */
    bool fails;        /* else worth knowing */
    char why[240];
};

struct image_findings {
    size_t count;
    size_t failures;
    struct image_finding item[IMAGE_FINDINGS_MAX];
};

/* `image` is what image_parse() made of `file`. */
void image_findings_make(const struct buffer *file, const struct image_judge *judge,
                         const struct image *image, struct image_findings *out);

/* One line about a file that image_parse() refused with `error`: what it may be instead. Returns
 * HOST_FAILED. */
int image_explain(const char *name, const struct buffer *file, int error);

#endif
