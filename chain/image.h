/* chain/image.h: ESP32-C6 application and bootloader images (formats.md 1).
 *
 * The one reader of the format. It works on a (pointer, length) view: a file, a mapped flash slot
 * or a decrypted buffer; it never writes, allocates or keeps the pointer. Parsing is separate
 * from judging: image_parse() proves all bounds, and the checks below give one verdict each.
 *
 * image_parse() copies every header into struct image, so that a caller whose bytes may change
 * underneath (external flash) decides, hashes and loads from the same copy.
 */
#ifndef CHAIN_IMAGE_H
#define CHAIN_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/crypto.h"

#define IMAGE_MAGIC            0xE9
#define IMAGE_CHIP_ESP32C6     0x000D
#define IMAGE_HEADER_BYTES     24
#define IMAGE_SEGMENT_BYTES    8 /* header of one segment */
#define IMAGE_SEGMENTS_MAX     16
#define IMAGE_SEGMENT_LEN_MAX  0x1000000u /* exclusive */
#define IMAGE_CHECKSUM_SEED    0xEF
#define IMAGE_SIGNATURE_ALIGN  4096u
#define IMAGE_MMU_PAGE         0x10000u /* what Trustchain's bootloader maps */
#define IMAGE_APP_DESC_OFFSET  32u      /* in an app: header, segment header, then the descriptor */
#define IMAGE_APP_DESC_BYTES   256u
#define IMAGE_APP_DESC_MAGIC   0xABCD5432u
#define IMAGE_BOOT_DESC_OFFSET 32u
#define IMAGE_BOOT_DESC_BYTES  80u
#define IMAGE_BOOT_DESC_MAGIC  0x50

/* What a segment's load address means on the C6 (formats.md 1.2). */
enum image_memory {
    IMAGE_MEMORY_PADDING, /* load address below 0x10000000: not loaded */
    IMAGE_MEMORY_FLASH,   /* executed or read in place through the MMU */
    IMAGE_MEMORY_HP_SRAM, /* copied to 0x40800000..0x4087FFFF */
    IMAGE_MEMORY_LP_SRAM, /* copied to 0x50000000..0x50003FFF */
    IMAGE_MEMORY_INVALID, /* anything else, or a range that leaves its memory */
};

enum image_kind { IMAGE_APP, IMAGE_BOOTLOADER };

struct image_segment {
    uint32_t load_addr;
    uint32_t length; /* bytes of data, a multiple of 4 */
    uint32_t offset; /* of the data, from the image start */
    enum image_memory memory;
};

struct image {
    uint8_t header[IMAGE_HEADER_BYTES]; /* as read, for hashing */
    uint8_t spi_mode;
    uint8_t spi_speed;
    uint8_t flash_size; /* code: 0 = 1 MB, 1 = 2 MB, 2 = 4 MB, ... */
    uint32_t entry;
    uint16_t chip_id;
    uint16_t min_rev_full; /* major * 100 + minor */
    uint16_t max_rev_full; /* 0 and 65535 mean not set */
    bool hash_appended;
    uint8_t segment_count;
    struct image_segment segment[IMAGE_SEGMENTS_MAX];
    uint32_t checksum_offset; /* of the checksum byte */
    uint32_t hashed_length;   /* bytes the appended digest covers: checksum_offset + 1 */
    uint32_t length;          /* with the appended digest, without signature sector */
    uint32_t signed_length;   /* length rounded up to 4096: where the signature sector starts */
};

/* Structure only: every header and length lies inside [0, length); segment lengths legal. The
 * signature sector need not be there. Errors: ETRUNCATED, EMAGIC, EFIELD, EBOUNDS. */
int image_parse(const uint8_t *bytes, size_t length, struct image *image);

/* The header alone, for who has no more than the first IMAGE_HEADER_BYTES yet: *image is zero but
 * for what comes before `segment`. ETRUNCATED, EMAGIC, EFIELD. */
int image_header_read(const uint8_t *bytes, size_t length, struct image *image);

/* The XOR checksum of segment data so far, from IMAGE_CHECKSUM_SEED on. */
uint8_t image_checksum(uint8_t sum, const uint8_t *data, size_t length);

/* XOR checksum over segment data. ECHECKSUM. `bytes` is the view image_parse() was given. */
int image_check_checksum(const struct image *image, const uint8_t *bytes);

/* Appended SHA-256, when there is one (OK when there is none). EDIGEST. */
int image_check_digest(const struct image *image, const uint8_t *bytes,
                       const struct chain_crypto *crypto);

/* SHA-256 over [0, signed_length): what Secure Boot V2 signs. ETRUNCATED when `length` of the
 * view is shorter. */
int image_signed_digest(const struct image *image, const uint8_t *bytes, size_t length,
                        const struct chain_crypto *crypto, uint8_t digest[SHA256_BYTES]);

/* The two in one pass over the bytes, where the provider can: image_check_digest(), then
 * image_signed_digest(). EDIGEST, ETRUNCATED. */
int image_checked_digest(const struct image *image, const uint8_t *bytes, size_t length,
                         const struct chain_crypto *crypto, uint8_t digest[SHA256_BYTES]);

/* The pages the MMU of an ESP32-C6 knows: 8 to 64 KiB. */
#define IMAGE_MMU_PAGE_LOG2_MIN 13
#define IMAGE_MMU_PAGE_LOG2_MAX 16

/* Bytes of the MMU pages an app was built for: what its descriptor records as mmu_page_log2, or,
 * when that is none of the above (older IDF: 0), the largest its segments suit. ESP-IDF's
 * bootloader maps such pages. 64 KiB when no page suits. */
uint32_t image_mmu_page(const struct image *image, uint8_t recorded_log2);

/* Would an ESP32-C6 of revision chip_rev (major * 100 + minor), whose bootloader maps pages of
 * mmu_page bytes, take it? Chip id, revision range (max only for apps), entry inside a loaded or
 * mapped segment, segment memories legal and not overlapping, flash segments congruent to their
 * file offset modulo the MMU page. A bootloader may only use HP SRAM below SOC_BOOT_RAM_END; an
 * app's HP SRAM ends at SOC_APP_RAM_END. ECHIP, EREVISION, EBOUNDS, EALIGN, EOVERLAP. */
int image_check_target(const struct image *image, enum image_kind kind, uint16_t chip_rev,
                       uint32_t mmu_page);

/* The questions image_check_target() asks, one by one, for who tells a person where it fails. */
int image_check_revision(const struct image *image, enum image_kind kind, uint16_t chip_rev);
int image_check_segment(const struct image_segment *segment, enum image_kind kind,
                        uint32_t mmu_page);
bool image_segments_collide(const struct image_segment *a, const struct image_segment *b,
                            uint32_t mmu_page);
bool image_entry_is_loaded(const struct image *image);

/* Which memory [load_addr, load_addr + length) lies in. */
enum image_memory image_memory_of(uint32_t load_addr, uint32_t length);

/* The application descriptor (formats.md 1.5). Strings are NUL-terminated here always. */
struct image_app_desc {
    uint32_t secure_version;
    char version[33];
    char project_name[33];
    char time[17];
    char date[17];
    char idf_version[33];
    uint8_t elf_sha256[SHA256_BYTES];
    uint16_t min_efuse_rev_full;
    uint16_t max_efuse_rev_full;
    uint8_t mmu_page_log2; /* 0 = not recorded */
};

/* From the first IMAGE_APP_DESC_OFFSET + IMAGE_APP_DESC_BYTES bytes of an app (no image_parse()
 * needed: a downloader reads it first). ETRUNCATED, EMAGIC. */
int image_app_desc_read(const uint8_t *bytes, size_t length, struct image_app_desc *desc);

/* The bootloader descriptor (formats.md 1.6). Strings are NUL-terminated here always. */
struct image_boot_desc {
    uint8_t secure_version;
    uint32_t version;
    char idf_version[33];
    char date_time[25]; /* may be empty */
};

/* From the first IMAGE_BOOT_DESC_OFFSET + IMAGE_BOOT_DESC_BYTES bytes of a bootloader. ETRUNCATED,
 * EMAGIC (an older bootloader has none). */
int image_boot_desc_read(const uint8_t *bytes, size_t length, struct image_boot_desc *desc);

/* Order of two version strings: dotted numbers compared as numbers, a pre-release suffix
 * ("1.2.0-rc1") before its release, build metadata ("+...") ignored; other text by byte value; of
 * two that agree so far the shorter first ("1.2" before "1.2.0"). < 0, 0, > 0. */
int image_version_compare(const char *a, const char *b);

#endif
