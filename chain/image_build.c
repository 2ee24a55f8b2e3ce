/* chain/image_build.c: see image_build.h.
 *
 * First the layout: neighbouring sections merged into runs, the runs sorted by address in two
 * queues, flash and RAM. Then the writer takes flash segments one by one; where the file
 * position does not suit the MMU, the room is filled with bytes of the RAM queue, or with zeros
 * when that is empty (formats.md 1.2).
 */
#include "chain/image_build.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/elf.h"
#include "chain/error.h"

#define SECTIONS_MAX     128
#define ELF_DIGEST_AT    0xB0u
#define APP_DESC_PAGE_AT 180u /* mmu_page_size in the descriptor (formats.md 1.5) */
#define WP_PIN_DISABLED  0xEE
#define CHECKSUM_ROW     16u
#define FILLER_MAX       (2 * IMAGE_MMU_PAGE) /* exclusive */

const struct image_build_options image_build_defaults = {
    .spi_mode = 2,
    .spi_speed = 0,
    .flash_size = 2,
    .min_rev_full = 0,
    .max_rev_full = 65535,
    .mmu_page_log2 = 0,
    .secure_pad_v2 = false,
    .append_digest = true,
    .elf_digest = false,
};

/* A run of adjacent sections, each padded with zeros to a multiple of 4. */
struct run {
    uint32_t addr;
    uint32_t length; /* what is left to write */
    uint32_t skip;   /* bytes written already */
    size_t first;    /* index of its first section */
    enum image_memory memory;
};

struct layout {
    struct elf elf;
    struct elf_section section[SECTIONS_MAX];
    size_t section_count;
    struct run flash[SECTIONS_MAX];
    size_t flash_count;
    struct run ram[SECTIONS_MAX];
    size_t ram_count;
    bool has_app_desc;
    uint8_t desc_page_log2; /* what the descriptor asks for, 0 = nothing */
    uint32_t page;          /* bytes of an MMU page */
};

struct writer {
    uint8_t *out;
    size_t size;
    size_t position;
    uint8_t segments;
    uint8_t checksum;
    uint32_t page;
    bool patch; /* elf_digest goes to ELF_DIGEST_AT */
    uint8_t elf_digest[SHA256_BYTES];
};

static uint32_t padded_size(const struct elf_section *section)
{
    return (section->size + 3) & ~3u;
}

/* Every section in a memory of the chip. */
static int read_sections(struct layout *layout)
{
    int error = elf_sections(&layout->elf, layout->section, SECTIONS_MAX, &layout->section_count);
    if (error != CHAIN_OK)
        return error;
    for (size_t i = 0; i < layout->section_count; i++) {
        const struct elf_section *section = &layout->section[i];
        if (section->size >= IMAGE_SEGMENT_LEN_MAX)
            return CHAIN_EBOUNDS;
        enum image_memory memory = image_memory_of(section->addr, padded_size(section));
        if (memory == IMAGE_MEMORY_INVALID || memory == IMAGE_MEMORY_PADDING)
            return CHAIN_EBOUNDS;
        if (memory == IMAGE_MEMORY_FLASH && section->addr % 4 != 0)
            return CHAIN_EALIGN;
    }
    return layout->section_count > 0 ? CHAIN_OK : CHAIN_EMISSING;
}

/* Inserts a run into its queue by address. */
static void queue_run(struct layout *layout, const struct run *run)
{
    bool flash = run->memory == IMAGE_MEMORY_FLASH;
    struct run *queue = flash ? layout->flash : layout->ram;
    size_t at = flash ? layout->flash_count++ : layout->ram_count++;
    for (; at > 0 && queue[at - 1].addr > run->addr; at--)
        queue[at] = queue[at - 1];
    queue[at] = *run;
}

/* Merges sections that follow each other both in the ELF and in memory. */
static int merge_sections(struct layout *layout)
{
    for (size_t i = 0; i < layout->section_count;) {
        const struct elf_section *section = &layout->section[i];
        struct run run = {.addr = section->addr, .first = i};
        run.memory = image_memory_of(section->addr, padded_size(section));
        do {
            run.length += padded_size(section++);
            i++;
        } while (i < layout->section_count && section->addr == run.addr + run.length &&
                 image_memory_of(section->addr, padded_size(section)) == run.memory);
        if (run.length >= IMAGE_SEGMENT_LEN_MAX)
            return CHAIN_EBOUNDS;
        queue_run(layout, &run);
    }
    return CHAIN_OK;
}

/* Do two runs of a sorted queue claim the same memory? Flash is claimed by MMU page, because a
 * page has only one page of the file behind it. */
static bool runs_collide(const struct run *runs, size_t count, uint32_t page)
{
    for (size_t i = 1; i < count; i++)
        if (runs[i].addr / page <= (runs[i - 1].addr + runs[i - 1].length - 1) / page)
            return true;
    return false;
}

/* Brings the run that starts with the named section to the front. */
static void move_to_front(const struct layout *layout, struct run *runs, size_t count,
                          const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (!elf_section_is(&layout->elf, &layout->section[runs[i].first], name))
            continue;
        struct run moving = runs[i];
        memmove(runs + 1, runs, i * sizeof *runs);
        runs[0] = moving;
        return;
    }
}

/* Before IDF 5.4 a descriptor does not record the page; it then follows the image's headers at the
 * start of one, and the largest page that makes it so is meant. */
static uint8_t page_by_address(uint32_t descriptor)
{
    for (uint8_t log2 = IMAGE_MMU_PAGE_LOG2_MAX; log2 >= IMAGE_MMU_PAGE_LOG2_MIN; log2--) {
        if ((descriptor - IMAGE_APP_DESC_OFFSET) % (1u << log2) == 0)
            return log2;
    }
    return 0;
}

static int find_app_desc(struct layout *layout)
{
    for (size_t i = 0; i < layout->section_count; i++) {
        const struct elf_section *section = &layout->section[i];
        if (!elf_section_is(&layout->elf, section, ".flash.appdesc") ||
            image_memory_of(section->addr, section->size) != IMAGE_MEMORY_FLASH)
            continue;
        if (section->size < IMAGE_APP_DESC_BYTES)
            return CHAIN_EBOUNDS;
        uint8_t page = layout->elf.bytes[section->offset + APP_DESC_PAGE_AT];
        layout->desc_page_log2 = page ? page : page_by_address(section->addr);
        layout->has_app_desc = true;
    }
    return CHAIN_OK;
}

/* The option goes before the descriptor. */
static int choose_page(struct layout *layout, uint8_t wanted)
{
    uint8_t log2 = wanted ? wanted : layout->desc_page_log2;
    if (log2 == 0)
        log2 = IMAGE_MMU_PAGE_LOG2_MAX;
    if (log2 < IMAGE_MMU_PAGE_LOG2_MIN || log2 > IMAGE_MMU_PAGE_LOG2_MAX)
        return CHAIN_EFIELD;
    layout->page = 1u << log2;
    return CHAIN_OK;
}

static int layout_make(struct layout *layout, const uint8_t *elf, size_t elf_length,
                       uint8_t page_log2)
{
    memset(layout, 0, sizeof *layout);
    int error = elf_open(&layout->elf, elf, elf_length);
    if (error == CHAIN_OK)
        error = read_sections(layout);
    if (error == CHAIN_OK)
        error = find_app_desc(layout);
    if (error == CHAIN_OK)
        error = choose_page(layout, page_log2);
    if (error == CHAIN_OK)
        error = merge_sections(layout);
    if (error != CHAIN_OK)
        return error;
    if (runs_collide(layout->flash, layout->flash_count, layout->page) ||
        runs_collide(layout->ram, layout->ram_count, 1))
        return CHAIN_EOVERLAP;
    move_to_front(layout, layout->flash, layout->flash_count, ".flash.appdesc");
    move_to_front(layout, layout->ram, layout->ram_count, ".dram0.bootdesc");
    return CHAIN_OK;
}

/* The next `length` bytes of a run. */
static void run_copy(const struct layout *layout, const struct run *run, uint8_t *out,
                     uint32_t length)
{
    uint32_t skip = run->skip;
    for (size_t i = run->first; length > 0; i++) {
        const struct elf_section *section = &layout->section[i];
        uint32_t size = padded_size(section);
        if (skip >= size) {
            skip -= size;
            continue;
        }
        uint32_t step = size - skip < length ? size - skip : length;
        uint32_t stored = skip < section->size ? section->size - skip : 0;
        if (stored > step)
            stored = step;
        if (stored > 0)
            memcpy(out, layout->elf.bytes + section->offset + skip, stored);
        memset(out + stored, 0, step - stored);
        out += step;
        length -= step;
        skip = 0;
    }
}

/* Room for `length` bytes of segment data behind a segment header; NULL when there is none. */
static uint8_t *segment_begin(struct writer *writer, uint32_t addr, uint32_t length)
{
    if (writer->segments == IMAGE_SEGMENTS_MAX ||
        !span_within(writer->position, (size_t)IMAGE_SEGMENT_BYTES + length, writer->size))
        return NULL;
    uint8_t *header = writer->out + writer->position;
    le32_store(header, addr);
    le32_store(header + 4, length);
    writer->position += IMAGE_SEGMENT_BYTES;
    return header + IMAGE_SEGMENT_BYTES;
}

/* The ELF digest goes into zeros of one segment, wherever ELF_DIGEST_AT happens to lie. */
static int patch_elf_digest(const struct writer *writer, uint8_t *data, uint32_t length)
{
    size_t first = writer->position - IMAGE_SEGMENT_BYTES, end = writer->position + length;
    if (!writer->patch || end <= ELF_DIGEST_AT || first >= ELF_DIGEST_AT + SHA256_BYTES)
        return CHAIN_OK;
    if (writer->position > ELF_DIGEST_AT || end < ELF_DIGEST_AT + SHA256_BYTES)
        return CHAIN_EBOUNDS;

    static const uint8_t zeros[SHA256_BYTES];
    uint8_t *place = data + (ELF_DIGEST_AT - writer->position);
    if (memcmp(place, zeros, SHA256_BYTES) != 0)
        return CHAIN_EFIELD;
    memcpy(place, writer->elf_digest, SHA256_BYTES);
    return CHAIN_OK;
}

/* Patches, sums and counts the data that segment_begin() made room for. */
static int segment_end(struct writer *writer, uint8_t *data, uint32_t length)
{
    int error = patch_elf_digest(writer, data, length);
    if (error != CHAIN_OK)
        return error;
    writer->checksum = image_checksum(writer->checksum, data, length);
    writer->position += length;
    writer->segments++;
    return CHAIN_OK;
}

/* The next `length` bytes of a run as a segment. */
static int write_run(struct writer *writer, const struct layout *layout, struct run *run,
                     uint32_t length)
{
    uint8_t *data = segment_begin(writer, run->addr, length);
    if (data == NULL)
        return CHAIN_ESPACE;
    run_copy(layout, run, data, length);
    run->addr += length;
    run->skip += length;
    run->length -= length;
    return segment_end(writer, data, length);
}

static int write_zeros(struct writer *writer, uint32_t length)
{
    uint8_t *data = segment_begin(writer, 0, length);
    if (data == NULL)
        return CHAIN_ESPACE;
    memset(data, 0, length);
    return segment_end(writer, data, length);
}

/* Would the data of a segment written now lie at its place in an MMU page? */
static bool fits_page(const struct writer *writer, uint32_t addr)
{
    return (writer->position + IMAGE_SEGMENT_BYTES) % writer->page == addr % writer->page;
}

/* Data bytes of the filler segment that makes it so; may be 0 (a header is all that is missing) and
 * is less than FILLER_MAX: as Espressif's tool does, it may skip a page. */
static uint32_t filler_length(const struct writer *writer, uint32_t addr)
{
    uint32_t in_page = (uint32_t)(writer->position % writer->page);
    uint32_t gap = writer->page - in_page + addr % writer->page;
    if (gap < 2 * IMAGE_SEGMENT_BYTES)
        gap += writer->page;
    return gap - 2 * IMAGE_SEGMENT_BYTES;
}

static int write_segments(struct writer *writer, struct layout *layout)
{
    struct run *ram = layout->ram, *ram_end = layout->ram + layout->ram_count;
    int error = CHAIN_OK;

    for (size_t i = 0; error == CHAIN_OK && i < layout->flash_count; i++) {
        struct run *run = &layout->flash[i];
        while (error == CHAIN_OK && !fits_page(writer, run->addr)) {
            uint32_t filler = filler_length(writer, run->addr);
            if (ram == ram_end || filler <= IMAGE_SEGMENT_BYTES) {
                error = write_zeros(writer, filler);
                continue;
            }
            error = write_run(writer, layout, ram, filler < ram->length ? filler : ram->length);
            if (ram->length == 0)
                ram++;
        }
        if (error == CHAIN_OK)
            error = write_run(writer, layout, run, run->length);
    }
    for (; error == CHAIN_OK && ram < ram_end; ram++)
        error = write_run(writer, layout, ram, ram->length);
    return error;
}

/* Zeros so that checksum and digest end a page (formats.md 1.7). */
static int write_secure_pad(struct writer *writer)
{
    uint32_t end = writer->page - CHECKSUM_ROW - SHA256_BYTES;
    uint32_t data = (uint32_t)((writer->position + IMAGE_SEGMENT_BYTES) % writer->page);
    return write_zeros(writer, (end + writer->page - data) % writer->page);
}

static void write_header(uint8_t *header, const struct image_build_options *options, uint32_t entry,
                         uint8_t segments)
{
    memset(header, 0, IMAGE_HEADER_BYTES);
    header[0] = IMAGE_MAGIC;
    header[1] = segments;
    header[2] = options->spi_mode;
    header[3] = (uint8_t)(options->flash_size << 4 | (options->spi_speed & 0x0F));
    le32_store(header + 4, entry);
    header[8] = WP_PIN_DISABLED;
    le16_store(header + 12, IMAGE_CHIP_ESP32C6);
    le16_store(header + 15, options->min_rev_full);
    le16_store(header + 17, options->max_rev_full);
    header[23] = options->append_digest;
}

/* Checksum row and digest behind the segments. */
static int write_tail(struct writer *writer, bool append_digest, const struct chain_crypto *crypto)
{
    size_t hashed = (writer->position | (CHECKSUM_ROW - 1)) + 1;
    size_t total = hashed + (append_digest ? SHA256_BYTES : 0);
    if (total > writer->size)
        return CHAIN_ESPACE;
    memset(writer->out + writer->position, 0, hashed - writer->position);
    writer->out[hashed - 1] = writer->checksum;
    writer->position = total;
    if (!append_digest)
        return CHAIN_OK;
    const struct chain_span span = {writer->out, hashed};
    return crypto->sha256(crypto, &span, 1, writer->out + hashed);
}

size_t image_build_bound(const uint8_t *elf, size_t elf_length)
{
    struct layout layout;
    if (layout_make(&layout, elf, elf_length, IMAGE_MMU_PAGE_LOG2_MIN) != CHAIN_OK)
        return 0;
    size_t bound = IMAGE_HEADER_BYTES + CHECKSUM_ROW + SHA256_BYTES +
                   IMAGE_SEGMENTS_MAX * (IMAGE_SEGMENT_BYTES + (size_t)FILLER_MAX);
    for (size_t i = 0; i < layout.section_count; i++)
        bound += padded_size(&layout.section[i]);
    return bound;
}

int image_build(const uint8_t *elf, size_t elf_length, const struct image_build_options *options,
                const struct chain_crypto *crypto, uint8_t *out, size_t out_size,
                size_t *out_length)
{
    struct layout layout;
    int error = layout_make(&layout, elf, elf_length, options->mmu_page_log2);
    if (error != CHAIN_OK)
        return error;
    if (options->secure_pad_v2 && !options->append_digest)
        return CHAIN_EFIELD;
    if (out_size < IMAGE_HEADER_BYTES)
        return CHAIN_ESPACE;

    struct writer writer = {.out = out,
                            .size = out_size,
                            .position = IMAGE_HEADER_BYTES,
                            .checksum = IMAGE_CHECKSUM_SEED,
                            .page = layout.page,
                            .patch = options->elf_digest || layout.has_app_desc};
    const struct chain_span span = {elf, elf_length};
    error = crypto->sha256(crypto, &span, 1, writer.elf_digest);
    if (error == CHAIN_OK)
        error = write_segments(&writer, &layout);
    if (error == CHAIN_OK && options->secure_pad_v2)
        error = write_secure_pad(&writer);
    if (error != CHAIN_OK)
        return error;

    write_header(out, options, layout.elf.entry, writer.segments);
    error = write_tail(&writer, options->append_digest, crypto);
    *out_length = writer.position;
    return error;
}
