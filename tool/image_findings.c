#include "tool/image_findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chain/bytes.h"
#include "chain/elf.h"
#include "chain/error.h"
#include "chain/soc.h"
#include "chain/verify.h"
#include "host/crypto.h"
#include "host/error.h"
#include "tool/cli.h"
#include "tool/inputs.h"

#define RANDOM_SAMPLE   4096u
#define RANDOM_DISTINCT 250 /* of 256 byte values; a random sample lacks one in 30000 times */

/* What is judged, and the list it fills. */
struct inquiry {
    const struct buffer *file;
    const struct image_judge *judge;
    const struct image *image;
    enum image_kind kind;
    uint32_t mmu_page; /* bytes, as the image was built for */
    struct image_findings *out;
};

static void __attribute__((format(printf, 4, 5)))
add(const struct inquiry *inquiry, bool fails, const char *check, const char *format, ...)
{
    struct image_findings *out = inquiry->out;
    va_list arguments;
    out->failures += fails;
    if (out->count == IMAGE_FINDINGS_MAX)
        return;
    struct image_finding *finding = &out->item[out->count++];
    finding->check = check;
    finding->fails = fails;
    va_start(arguments, format);
    vsnprintf(finding->why, sizeof finding->why, format, arguments);
    va_end(arguments);
}

static void ask_chip(const struct inquiry *inquiry)
{
    const struct image *image = inquiry->image;
    unsigned rev = inquiry->judge->chip_rev;
    if (image->chip_id != IMAGE_CHIP_ESP32C6)
        add(inquiry, true, "chip", "is for chip id 0x%04x, an ESP32-C6 has 0x%04x", image->chip_id,
            IMAGE_CHIP_ESP32C6);
    if (image_check_revision(image, inquiry->kind, inquiry->judge->chip_rev) == CHAIN_OK)
        return;
    if (rev < image->min_rev_full)
        add(inquiry, true, "revision", "needs chip revision v%u.%u or later, this one is v%u.%u",
            image->min_rev_full / 100u, image->min_rev_full % 100u, rev / 100, rev % 100);
    else
        add(inquiry, true, "revision", "is for chip revisions up to v%u.%u, this one is v%u.%u",
            image->max_rev_full / 100u, image->max_rev_full % 100u, rev / 100, rev % 100);
}

/* Why image_check_segment() refused: for the memory, or for its place in the file. */
static void explain_segment(const struct inquiry *inquiry, unsigned i, int error)
{
    const struct image_segment *segment = &inquiry->image->segment[i];
    unsigned address = segment->load_addr;
    unsigned end = address + segment->length;
    bool app = inquiry->kind == IMAGE_APP;
    if (error == CHAIN_EALIGN)
        add(inquiry, true, "alignment",
            "segment %u: load address 0x%08x and file offset 0x%x lie at different places of a "
            "%u KB MMU page",
            i, address, (unsigned)segment->offset, (unsigned)inquiry->mmu_page / 1024);
    else if (segment->memory == IMAGE_MEMORY_INVALID)
        add(inquiry, true, "memory",
            "segment %u: 0x%08x and %u bytes lie in no memory of an ESP32-C6", i, address,
            (unsigned)segment->length);
    else if (segment->memory == IMAGE_MEMORY_HP_SRAM)
        add(inquiry, true, "memory", "segment %u: ends at 0x%08x, above 0x%08x the %s stands", i,
            end, app ? SOC_APP_RAM_END : SOC_BOOT_RAM_END, app ? "bootloader" : "ROM");
    else if (app && end > SOC_APP_FLASH_END)
        add(inquiry, true, "memory",
            "segment %u: ends at 0x%08x, above 0x%08x the bootloader maps what it judges", i, end,
            SOC_APP_FLASH_END);
    else if (app)
        add(inquiry, true, "memory",
            "segment %u: ends at 0x%08x, behind the window of %u KB MMU pages", i, end,
            (unsigned)inquiry->mmu_page / 1024);
    else
        add(inquiry, true, "memory",
            "segment %u: 0x%08x is for applications, a bootloader runs from HP SRAM (an "
            "application's descriptor, 0x%08x at offset 0x%x, is missing)",
            i, address, IMAGE_APP_DESC_MAGIC, IMAGE_APP_DESC_OFFSET);
}

static void ask_segments(const struct inquiry *inquiry)
{
    const struct image *image = inquiry->image;
    for (unsigned i = 0; i < image->segment_count; i++) {
        int error = image_check_segment(&image->segment[i], inquiry->kind, inquiry->mmu_page);
        if (error != CHAIN_OK)
            explain_segment(inquiry, i, error);
        for (unsigned j = 0; j < i; j++) {
            if (image_segments_collide(&image->segment[i], &image->segment[j], inquiry->mmu_page))
                add(inquiry, true, "overlap", "segments %u and %u claim the same %s", j, i,
                    image->segment[i].memory == IMAGE_MEMORY_FLASH ? "MMU page" : "memory");
        }
    }
    if (!image_entry_is_loaded(image))
        add(inquiry, true, "entry", "entry point 0x%08x lies in no loaded segment",
            (unsigned)image->entry);
}

static void ask_content(const struct inquiry *inquiry)
{
    const uint8_t *bytes = inquiry->file->bytes;
    if (image_check_checksum(inquiry->image, bytes) != CHAIN_OK)
        add(inquiry, true, "checksum", "the byte at 0x%x, 0x%02x, is not the sum of the segments",
            (unsigned)inquiry->image->checksum_offset, bytes[inquiry->image->checksum_offset]);
    if (image_check_digest(inquiry->image, bytes, &host_crypto) != CHAIN_OK)
        add(inquiry, true, "digest", "the SHA-256 at 0x%x is not that of the bytes before it",
            (unsigned)inquiry->image->hashed_length);
    else if (!inquiry->image->hash_appended)
        add(inquiry, false, "digest",
            "no SHA-256 is appended: a torn write is found by an 8-bit "
            "checksum alone");
}

static void ask_room(const struct inquiry *inquiry)
{
    const struct image_judge *judge = inquiry->judge;
    const struct image *image = inquiry->image;
    uint64_t header_bytes = (uint64_t)1 << (20 + image->flash_size);
    char header[CLI_SIZE_TEXT];
    char chip[CLI_SIZE_TEXT];
    size_t needed = image_signature_sector(image, inquiry->file->bytes, inquiry->file->length)
                        ? image->signed_length + SIGBLOCK_SECTOR_BYTES
                        : image->length;
    if (judge->slot_bytes && needed > judge->slot_bytes)
        add(inquiry, true, "slot", "takes %zu bytes, the slot has %u", needed,
            (unsigned)judge->slot_bytes);
    if (image->flash_size > 4) {
        add(inquiry, true, "flash size", "the header's code %u is none an ESP32-C6 knows (0..4)",
            image->flash_size);
        return;
    }
    cli_size((uint32_t)header_bytes, header);
    cli_size(judge->flash_bytes, chip);
    if (judge->flash_bytes && header_bytes > judge->flash_bytes)
        add(inquiry, true, "flash size", "the header says %sB, the chip has %sB", header, chip);
    else if (judge->flash_bytes && header_bytes < judge->flash_bytes)
        add(inquiry, false, "flash size", "the header says %sB: the rest of %sB stays unused",
            header, chip);
}

static void ask_descriptor(const struct inquiry *inquiry)
{
    struct image_app_desc desc;
    const struct image_segment *first = &inquiry->image->segment[0];
    if (inquiry->kind != IMAGE_APP ||
        image_app_desc_read(inquiry->file->bytes, inquiry->file->length, &desc) != CHAIN_OK)
        return;
    if (first->memory != IMAGE_MEMORY_FLASH || first->length < IMAGE_APP_DESC_BYTES)
        add(inquiry, true, "descriptor",
            "the application descriptor does not lie in a first "
            "segment that is mapped from flash");
    if (inquiry->mmu_page != IMAGE_MMU_PAGE)
        add(inquiry, false, "mmu page",
            "built for %u KB MMU pages: not for Trustchain's bootloader, which maps %u KB",
            (unsigned)inquiry->mmu_page / 1024, IMAGE_MMU_PAGE / 1024);
    if (desc.secure_version < inquiry->judge->min_secure_version)
        add(inquiry, true, "secure version", "is %u, the device accepts %u or later",
            (unsigned)desc.secure_version, (unsigned)inquiry->judge->min_secure_version);
}

/* Which digest slot a key has, and whether it is revoked: efuse_trust() leaves such out. */
static void explain_untrusted(const struct inquiry *inquiry, size_t index, const uint8_t *block)
{
    uint8_t digest[SHA256_BYTES];
    if (sigblock_key_digest(block, &host_crypto, digest) != CHAIN_OK)
        return;
    for (unsigned key = 0; key < EFUSE_KEY_BLOCKS; key++) {
        uint32_t slot = efuse_bits(inquiry->judge->efuse, EFUSE_KEY_PURPOSE(key)) -
                        EFUSE_PURPOSE_SECURE_BOOT_DIGEST0;
        const uint8_t *burned = inquiry->judge->efuse->bytes + efuse_block_offset(4 + key);
        if (slot >= SIGBLOCK_MAX || memcmp(burned, digest, SHA256_BYTES) != 0)
            continue;
        add(inquiry, true, "signature", "block %zu: its key has digest slot %u, which is revoked",
            index, (unsigned)slot);
        return;
    }
    add(inquiry, true, "signature", "block %zu: the device does not know its key", index);
}

/* A sector that would be one, were it where devices look. */
static void ask_stray_sector(const struct inquiry *inquiry)
{
    const struct buffer *file = inquiry->file;
    size_t expected = inquiry->image->signed_length;
    for (size_t at = 0; span_within(at, SIGBLOCK_SECTOR_BYTES, file->length); at += 4) {
        if (at == expected || file->bytes[at] != SIGBLOCK_MAGIC ||
            sigblock_sector_count(file->bytes + at) == 0)
            continue;
        add(inquiry, true, "signature", "a signature sector lies at 0x%zx, devices look at 0x%zx",
            at, expected);
        return;
    }
    if (file->length > expected)
        add(inquiry, false, "length", "%zu bytes follow the image, and no signature is among them",
            file->length - inquiry->image->length);
}

/* With eFuses that ask for a signature: the verdict of a device on each block. */
static void ask_trust(const struct inquiry *inquiry, const uint8_t *sector)
{
    struct sigblock_trust trust;
    uint8_t digest[SHA256_BYTES];
    int reason;
    efuse_trust(inquiry->judge->efuse, &trust);
    if (image_signed_digest(inquiry->image, inquiry->file->bytes, inquiry->file->length,
                            &host_crypto, digest) != CHAIN_OK)
        return;
    if (sigblock_verify(sector, digest, &trust, &host_crypto, &reason, NULL) == SIGBLOCK_TRUSTED)
        return;
    if (reason != CHAIN_EUNTRUSTED) {
        add(inquiry, true, "signature", "%s", chain_error_text(reason));
        return;
    }
    for (size_t i = 0; i < sigblock_sector_count(sector); i++)
        explain_untrusted(inquiry, i, sector + i * SIGBLOCK_BYTES);
}

static void ask_signature(const struct inquiry *inquiry)
{
    const struct efuse *efuse = inquiry->judge->efuse;
    const struct image *image = inquiry->image;
    const uint8_t *sector =
        image_signature_sector(image, inquiry->file->bytes, inquiry->file->length);
    bool is_signed = sector && sigblock_sector_count(sector) > 0;
    bool secure_boot = efuse && efuse_bits(efuse, EFUSE_SECURE_BOOT_EN) == 1;
    if (!is_signed)
        ask_stray_sector(inquiry);
    if (secure_boot && is_signed)
        ask_trust(inquiry, sector);
    else if (secure_boot)
        add(inquiry, true, "signature", "there is none at 0x%x, and the device has Secure Boot on",
            (unsigned)image->signed_length);
    if ((is_signed || secure_boot) && inquiry->kind == IMAGE_APP &&
        image->signed_length % inquiry->mmu_page != 0)
        add(inquiry, false, "padding",
            "the last MMU page also maps what follows the signed bytes (image make "
            "--secure-pad-v2)");
}

/* What the device would answer, should one of its checks have no words here. */
static void ask_device(const struct inquiry *inquiry)
{
    const struct verify_policy policy = {
        .kind = inquiry->kind, .chip_rev = inquiry->judge->chip_rev, .own_mmu_page = true};
    int reason;
    uint32_t verdict = verify_image(inquiry->file->bytes, inquiry->file->length, &policy,
                                    &host_crypto, NULL, NULL, &reason);
    if (verdict != SIGBLOCK_TRUSTED && inquiry->out->failures == 0)
        add(inquiry, true, "verdict", "%s", chain_error_text(reason));
}

void image_findings_make(const struct buffer *file, const struct image_judge *judge,
                         const struct image *image, struct image_findings *out)
{
    const struct inquiry inquiry = {
        .file = file,
        .judge = judge,
        .image = image,
        .kind = image_kind_of(file->bytes, file->length),
        .mmu_page = image_own_page(image, file->bytes, file->length),
        .out = out,
    };
    *out = (struct image_findings){0};
    ask_chip(&inquiry);
    ask_segments(&inquiry);
    ask_content(&inquiry);
    ask_descriptor(&inquiry);
    ask_room(&inquiry);
    ask_signature(&inquiry);
    ask_device(&inquiry);
}

/* Ciphertext has nearly every byte value early; code, text and erased flash do not. */
static bool looks_random(const struct buffer *file)
{
    bool seen[256] = {false};
    unsigned distinct = 0;
    if (file->length < RANDOM_SAMPLE)
        return false;
    for (size_t i = 0; i < RANDOM_SAMPLE; i++) {
        distinct += !seen[file->bytes[i]];
        seen[file->bytes[i]] = true;
    }
    return distinct >= RANDOM_DISTINCT;
}

int image_explain(const char *name, const struct buffer *file, int error)
{
    struct elf elf;
    if (error == CHAIN_ETRUNCATED)
        return host_fail(name, "ends after %zu bytes, before the image does (is it cut off?)",
                         file->length);
    if (error == CHAIN_EMAGIC && elf_open(&elf, file->bytes, file->length) != CHAIN_EMAGIC)
        return host_fail(name, "is an ELF file (trustchain image make turns it into an image)");
    if (error == CHAIN_EMAGIC && looks_random(file))
        return host_fail(name, "is no ESP32-C6 image; it looks encrypted (trustchain decrypt, with "
                               "its key and flash offset)");
    return host_fail(name, "is no ESP32-C6 image: %s", chain_error_text(error));
}
