/* tool/image_report.h: everything `trustchain image info` says about an image, as data, text and
 * JSON.
 */
#ifndef TOOL_IMAGE_REPORT_H
#define TOOL_IMAGE_REPORT_H

#include <jansson.h>

#include "chain/image.h"
#include "chain/sigblock.h"
#include "host/file.h"
#include "tool/image_findings.h"

struct image_report {
    enum image_kind kind;
    struct image image;
    struct image_app_desc desc;  /* kind IMAGE_APP */
    struct image_boot_desc boot; /* kind IMAGE_BOOTLOADER, when has_boot */
    bool has_boot;
    int target; /* chain_error of each check */
    int checksum;
    int digest;
    size_t signature_count;
    struct {
        uint8_t key_digest[SHA256_BYTES];
        const char *scheme;
        int verdict; /* does it verify, its own key trusted */
    } signature[SIGBLOCK_MAX];
    struct image_findings findings;
};

/* A chain_error when the bytes are no image at all. */
int image_report_make(const struct buffer *file, const struct image_judge *judge,
                      struct image_report *report);

/* Every check a chip makes before it looks at trust. */
bool image_report_good(const struct image_report *report);

void image_report_print(const char *name, const struct image_report *report);
json_t *image_report_json(const char *name, const struct image_report *report);

#endif
