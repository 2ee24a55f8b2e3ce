/* chain/image.c: see image.h. */
#include "chain/image.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/soc.h"

#define PADDING_LIMIT 0x10000000u /* load addresses below it are not loaded */

#define REV_MAX_UNSET_LOW  0u
#define REV_MAX_UNSET_HIGH 65535u

/* Header, then header and data of each segment, then what follows the last one. */
#define SPANS_MAX (1 + 2 * IMAGE_SEGMENTS_MAX + 2)

static bool address_within(uint32_t address, uint32_t length, uint32_t base, uint32_t size)
{
    return address >= base && span_within(address - base, length, size);
}

enum image_memory image_memory_of(uint32_t load_addr, uint32_t length)
{
    if (load_addr < PADDING_LIMIT)
        return IMAGE_MEMORY_PADDING;
    if (address_within(load_addr, length, SOC_FLASH_BASE, SOC_FLASH_BYTES))
        return IMAGE_MEMORY_FLASH;
    if (address_within(load_addr, length, SOC_HP_SRAM_BASE, SOC_HP_SRAM_BYTES))
        return IMAGE_MEMORY_HP_SRAM;
    if (address_within(load_addr, length, SOC_LP_SRAM_BASE, SOC_LP_SRAM_BYTES))
        return IMAGE_MEMORY_LP_SRAM;
    return IMAGE_MEMORY_INVALID;
}

int image_header_read(const uint8_t *bytes, size_t length, struct image *image)
{
    memset(image, 0, sizeof *image);
    if (length < IMAGE_HEADER_BYTES)
        return CHAIN_ETRUNCATED;
    memcpy(image->header, bytes, IMAGE_HEADER_BYTES);

    const uint8_t *h = image->header;
    if (h[0] != IMAGE_MAGIC)
        return CHAIN_EMAGIC;
    if (h[1] == 0 || h[1] > IMAGE_SEGMENTS_MAX || h[23] > 1)
        return CHAIN_EFIELD;
    image->segment_count = h[1];
    image->spi_mode = h[2];
    image->spi_speed = h[3] & 0x0F;
    image->flash_size = h[3] >> 4;
    image->entry = le32_load(h + 4);
    image->chip_id = le16_load(h + 12);
    image->min_rev_full = le16_load(h + 15);
    image->max_rev_full = le16_load(h + 17);
    image->hash_appended = h[23] == 1;
    return CHAIN_OK;
}

/* Reads the segment header at *offset and moves *offset past the segment's data. */
static int parse_segment(const uint8_t *bytes, size_t length, size_t *offset,
                         struct image_segment *segment)
{
    if (!span_within(*offset, IMAGE_SEGMENT_BYTES, length))
        return CHAIN_ETRUNCATED;
    segment->load_addr = le32_load(bytes + *offset);
    segment->length = le32_load(bytes + *offset + 4);
    segment->offset = (uint32_t)*offset + IMAGE_SEGMENT_BYTES;
    segment->memory = image_memory_of(segment->load_addr, segment->length);

    if (segment->length >= IMAGE_SEGMENT_LEN_MAX)
        return CHAIN_EBOUNDS;
    if (segment->length % 4 != 0)
        return CHAIN_EFIELD;
    if (!span_within(segment->offset, segment->length, length))
        return CHAIN_ETRUNCATED;
    *offset = (size_t)segment->offset + segment->length;
    return CHAIN_OK;
}

int image_parse(const uint8_t *bytes, size_t length, struct image *image)
{
    int error = image_header_read(bytes, length, image);
    if (error != CHAIN_OK)
        return error;

    /* At most 16 segments of less than 16 MiB each: offsets fit 32 bits from here on. */
    size_t offset = IMAGE_HEADER_BYTES;
    for (size_t i = 0; i < image->segment_count; i++) {
        error = parse_segment(bytes, length, &offset, &image->segment[i]);
        if (error != CHAIN_OK)
            return error;
    }

    image->checksum_offset = (uint32_t)offset | 15u; /* last byte of a 16-byte row */
    image->hashed_length = image->checksum_offset + 1;
    image->length = image->hashed_length + (image->hash_appended ? SHA256_BYTES : 0);
    image->signed_length =
        (image->length + IMAGE_SIGNATURE_ALIGN - 1) & ~(IMAGE_SIGNATURE_ALIGN - 1);
    return image->length <= length ? CHAIN_OK : CHAIN_ETRUNCATED;
}

uint8_t image_checksum(uint8_t sum, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum ^= data[i];
    return sum;
}

int image_check_checksum(const struct image *image, const uint8_t *bytes)
{
    uint8_t sum = IMAGE_CHECKSUM_SEED;
    for (size_t i = 0; i < image->segment_count; i++)
        sum = image_checksum(sum, bytes + image->segment[i].offset, image->segment[i].length);
    return sum == bytes[image->checksum_offset] ? CHAIN_OK : CHAIN_ECHECKSUM;
}

/* The bytes from the start, in the order they are hashed. The headers come from the copy in *image,
 * so that what was decided on is what is hashed, even when `bytes` changes between the two. */
struct image_spans {
    uint8_t headers[IMAGE_SEGMENTS_MAX][IMAGE_SEGMENT_BYTES];
    struct chain_span span[SPANS_MAX];
    size_t count;
    size_t end; /* of the bytes they hold so far */
};

static void spans_of_segments(struct image_spans *spans, const struct image *image,
                              const uint8_t *bytes)
{
    spans->count = 0;
    spans->span[spans->count++] = (struct chain_span){image->header, IMAGE_HEADER_BYTES};
    spans->end = IMAGE_HEADER_BYTES;
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *segment = &image->segment[i];
        le32_store(spans->headers[i], segment->load_addr);
        le32_store(spans->headers[i] + 4, segment->length);
        spans->span[spans->count++] = (struct chain_span){spans->headers[i], IMAGE_SEGMENT_BYTES};
        spans->span[spans->count++] = (struct chain_span){bytes + segment->offset, segment->length};
        spans->end = (size_t)segment->offset + segment->length;
    }
}

static void spans_up_to(struct image_spans *spans, const uint8_t *bytes, size_t end)
{
    spans->span[spans->count++] = (struct chain_span){bytes + spans->end, end - spans->end};
    spans->end = end;
}

/* SHA-256 over [0, end). */
static int image_digest(const struct image *image, const uint8_t *bytes, size_t end,
                        const struct chain_crypto *crypto, uint8_t digest[SHA256_BYTES])
{
    struct image_spans spans;
    spans_of_segments(&spans, image, bytes);
    spans_up_to(&spans, bytes, end);
    return crypto->sha256(crypto, spans.span, spans.count, digest);
}

int image_check_digest(const struct image *image, const uint8_t *bytes,
                       const struct chain_crypto *crypto)
{
    if (!image->hash_appended)
        return CHAIN_OK;
    uint8_t digest[SHA256_BYTES];
    int error = image_digest(image, bytes, image->hashed_length, crypto, digest);
    if (error != CHAIN_OK)
        return error;
    return memcmp(digest, bytes + image->hashed_length, SHA256_BYTES) == 0 ? CHAIN_OK
                                                                           : CHAIN_EDIGEST;
}

int image_signed_digest(const struct image *image, const uint8_t *bytes, size_t length,
                        const struct chain_crypto *crypto, uint8_t digest[SHA256_BYTES])
{
    if (image->signed_length > length)
        return CHAIN_ETRUNCATED;
    return image_digest(image, bytes, image->signed_length, crypto, digest);
}

int image_checked_digest(const struct image *image, const uint8_t *bytes, size_t length,
                         const struct chain_crypto *crypto, uint8_t digest[SHA256_BYTES])
{
    if (crypto->sha256_twice == NULL || !image->hash_appended || image->signed_length > length) {
        int error = image_check_digest(image, bytes, crypto);
        return error != CHAIN_OK ? error
                                 : image_signed_digest(image, bytes, length, crypto, digest);
    }
    struct image_spans spans;
    uint8_t appended[SHA256_BYTES];
    spans_of_segments(&spans, image, bytes);
    spans_up_to(&spans, bytes, image->hashed_length);
    const size_t head = spans.count;
    spans_up_to(&spans, bytes, image->signed_length);
    int error = crypto->sha256_twice(crypto, spans.span, head, spans.count, appended, digest);
    if (error != CHAIN_OK)
        return error;
    return memcmp(appended, bytes + image->hashed_length, SHA256_BYTES) == 0 ? CHAIN_OK
                                                                             : CHAIN_EDIGEST;
}

int image_check_revision(const struct image *image, enum image_kind kind, uint16_t chip_rev)
{
    if (chip_rev < image->min_rev_full)
        return CHAIN_EREVISION;
    bool has_max =
        image->max_rev_full != REV_MAX_UNSET_LOW && image->max_rev_full != REV_MAX_UNSET_HIGH;
    if (kind == IMAGE_APP && has_max && chip_rev > image->max_rev_full)
        return CHAIN_EREVISION;
    return CHAIN_OK;
}

/* The MMU has entries for a smaller window when its pages are smaller. The end of the whole window
 * is the bootloader's, which looks through it at what it judges. */
static uint32_t app_flash_end(uint32_t mmu_page)
{
    uint32_t end = SOC_FLASH_BASE + SOC_MMU_ENTRIES * mmu_page;
    return end < SOC_APP_FLASH_END ? end : SOC_APP_FLASH_END;
}

/* May an image of this kind have this segment? Memory the loader itself stands on is refused: the
 * bootloader's for an app, the ROM's for a bootloader (soc.md 1). */
int image_check_segment(const struct image_segment *segment, enum image_kind kind,
                        uint32_t mmu_page)
{
    uint32_t ram_end = kind == IMAGE_APP ? SOC_APP_RAM_END : SOC_BOOT_RAM_END;

    switch (segment->memory) {
    case IMAGE_MEMORY_PADDING:
        return CHAIN_OK;
    case IMAGE_MEMORY_HP_SRAM:
        return segment->load_addr + segment->length <= ram_end ? CHAIN_OK : CHAIN_EBOUNDS;
    case IMAGE_MEMORY_LP_SRAM:
        return kind == IMAGE_APP ? CHAIN_OK : CHAIN_EBOUNDS;
    case IMAGE_MEMORY_FLASH:
        if (kind != IMAGE_APP || segment->load_addr + segment->length > app_flash_end(mmu_page))
            return CHAIN_EBOUNDS;
        return (segment->offset ^ segment->load_addr) % mmu_page == 0 ? CHAIN_OK : CHAIN_EALIGN;
    default:
        return CHAIN_EBOUNDS;
    }
}

/* Do two segments claim the same memory? Flash is claimed by MMU page: two segments can share one
 * only when the same page of the file lies behind both. */
bool image_segments_collide(const struct image_segment *a, const struct image_segment *b,
                            uint32_t mmu_page)
{
    if (a->memory == IMAGE_MEMORY_PADDING || a->memory != b->memory)
        return false;
    if (a->length == 0 || b->length == 0)
        return false;

    uint32_t page = a->memory == IMAGE_MEMORY_FLASH ? mmu_page : 1;
    uint32_t a_first = a->load_addr / page, a_last = (a->load_addr + a->length - 1) / page;
    uint32_t b_first = b->load_addr / page, b_last = (b->load_addr + b->length - 1) / page;
    if (a_first > b_last || b_first > a_last)
        return false;
    return page == 1 || a->load_addr - a->offset != b->load_addr - b->offset;
}

bool image_entry_is_loaded(const struct image *image)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *segment = &image->segment[i];
        if (segment->memory != IMAGE_MEMORY_PADDING && image->entry >= segment->load_addr &&
            image->entry - segment->load_addr < segment->length)
            return true;
    }
    return false;
}

static int check_segments(const struct image *image, enum image_kind kind, uint32_t mmu_page)
{
    int error = CHAIN_OK;
    for (size_t i = 0; error == CHAIN_OK && i < image->segment_count; i++)
        error = image_check_segment(&image->segment[i], kind, mmu_page);
    if (error != CHAIN_OK)
        return error;

    for (size_t i = 0; i < image->segment_count; i++)
        for (size_t j = 0; j < i; j++)
            if (image_segments_collide(&image->segment[i], &image->segment[j], mmu_page))
                return CHAIN_EOVERLAP;
    return CHAIN_OK;
}

uint32_t image_mmu_page(const struct image *image, uint8_t recorded_log2)
{
    if (recorded_log2 >= IMAGE_MMU_PAGE_LOG2_MIN && recorded_log2 <= IMAGE_MMU_PAGE_LOG2_MAX)
        return 1u << recorded_log2;
    for (unsigned log2 = IMAGE_MMU_PAGE_LOG2_MAX; log2 >= IMAGE_MMU_PAGE_LOG2_MIN; log2--) {
        if (check_segments(image, IMAGE_APP, 1u << log2) == CHAIN_OK)
            return 1u << log2;
    }
    return IMAGE_MMU_PAGE;
}

int image_check_target(const struct image *image, enum image_kind kind, uint16_t chip_rev,
                       uint32_t mmu_page)
{
    if (image->chip_id != IMAGE_CHIP_ESP32C6)
        return CHAIN_ECHIP;
    int error = image_check_revision(image, kind, chip_rev);
    if (error == CHAIN_OK)
        error = check_segments(image, kind, mmu_page);
    if (error != CHAIN_OK)
        return error;
    return image_entry_is_loaded(image) ? CHAIN_OK : CHAIN_EBOUNDS;
}
