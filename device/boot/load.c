/* device/boot/load.c: an app from its slot to where it runs, judged there (formats.md 1.8, 2.5).
 *
 * Flash lies outside the chip, so what is judged is what will run: headers from the copy in struct
 * image, RAM segments after they were copied once, flash segments through their final mapping.
 * With Secure Boot the signature over all of it decides. The checksum and the appended digest then
 * add nothing and are not computed again; they decide when Secure Boot is off.
 */
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/soc.h"
#include "device/boot/boot.h"
#include "device/boot/pieces.h"
#include "device/hal/crypto.h"
#include "device/hal/efuse.h"
#include "device/hal/hal.h"
#include "device/hal/mmu.h"

static const char *kind(const struct image_segment *segment)
{
    if (segment->memory == IMAGE_MEMORY_PADDING)
        return "";
    return segment->memory == IMAGE_MEMORY_FLASH ? "map" : "load";
}

/* Headers and rules. The whole window is free for this: nothing of the app is mapped yet. */
static int parse(const struct partition *slot, const struct boot_policy *policy,
                 struct image *image)
{
    hal_mmu_unmap(0, SOC_MMU_ENTRIES);
    const uint8_t *view = hal_mmu_map(0, slot->offset, slot->size);
    int error = view == 0 ? CHAIN_EBOUNDS : image_parse(view, slot->size, image);
    hal_mmu_unmap(0, SOC_MMU_ENTRIES);
    if (error == CHAIN_OK)
        error = image_check_target(image, IMAGE_APP, policy->chip_rev, IMAGE_MMU_PAGE);
    if (error == CHAIN_OK && policy->secured != 0 &&
        !span_within(image->signed_length, SIGBLOCK_SECTOR_BYTES, slot->size))
        error = CHAIN_EUNSIGNED;
    return error;
}

/* Flash bytes that have no place of their own, in the window above the app's; *entry advances. */
static const void *view_at(uint32_t offset, uint32_t length, unsigned *entry)
{
    const void *view = hal_mmu_map(*entry, offset, length);
    *entry += (offset % SOC_MMU_PAGE + length + SOC_MMU_PAGE - 1) / SOC_MMU_PAGE;
    return view;
}

/* Put one segment where it belongs; where that is, or NULL. */
static const void *place(const struct image_segment *segment, uint32_t slot_offset, unsigned *entry)
{
    uint32_t offset = slot_offset + segment->offset;
    void *address = (void *)(uintptr_t)segment->load_addr;
    if (segment->memory == IMAGE_MEMORY_FLASH) {
        int error = hal_mmu_map_at(segment->load_addr, offset, segment->length);
        return error == HAL_OK ? address : NULL;
    }
    if (segment->memory == IMAGE_MEMORY_PADDING)
        return view_at(offset, segment->length, entry);
    /* HP or LP SRAM; image_check_target() has proven that no segment touches what is ours. */
    const void *view = hal_mmu_map(*entry, offset, segment->length);
    if (view == NULL)
        return NULL;
    memcpy(address, view, segment->length);
    return address;
}

/* The descriptor is at the start of the first segment, in mapped flash (formats.md 1.2). */
static int check_first(const struct image_segment *first)
{
    if (first->memory != IMAGE_MEMORY_FLASH)
        return CHAIN_EFIELD;
    return first->length >= IMAGE_APP_DESC_BYTES ? CHAIN_OK : CHAIN_ETRUNCATED;
}

static int load(const struct partition *slot, const struct image *image, struct pieces *pieces,
                uint8_t descriptor[IMAGE_APP_DESC_BYTES])
{
    unsigned entry = HAL_MMU_SCRATCH_ENTRY;
    int error = check_first(&image->segment[0]);
    if (error != CHAIN_OK)
        return error;
    pieces_init(pieces, image);
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *segment = &image->segment[i];
        boot_log('I', "segment %d: paddr=%08lx vaddr=%08lx size=%05lxh (%6lu) %s", (int)i,
                 slot->offset + segment->offset, segment->load_addr, segment->length,
                 segment->length, kind(segment));
        pieces->data[i] = place(segment, slot->offset, &entry);
        if (pieces->data[i] == NULL)
            return CHAIN_EBOUNDS;
    }
    memcpy(descriptor, pieces->data[0], IMAGE_APP_DESC_BYTES);
    pieces->descriptor = descriptor;

    uint32_t tail = pieces_tail_offset(image);
    pieces->tail = view_at(slot->offset + tail, image->signed_length - tail, &entry);
    const void *sector = NULL;
    /* Without a signature the slot may end before the sector would. */
    if (span_within(image->signed_length, SIGBLOCK_SECTOR_BYTES, slot->size))
        sector = view_at(slot->offset + image->signed_length, SIGBLOCK_SECTOR_BYTES, &entry);
    if (sector != NULL)
        memcpy(boot_sector, sector, SIGBLOCK_SECTOR_BYTES);
    else
        memset(boot_sector, 0xFF, SIGBLOCK_SECTOR_BYTES); /* not what was there before */
    return pieces->tail == NULL ? CHAIN_EBOUNDS : CHAIN_OK;
}

/* The descriptor from the very bytes that were judged. */
static int read_descriptor(const struct pieces *pieces, struct image_app_desc *desc)
{
    uint8_t start[IMAGE_APP_DESC_OFFSET + IMAGE_APP_DESC_BYTES];
    memcpy(start, pieces->image->header, IMAGE_HEADER_BYTES);
    memcpy(start + IMAGE_HEADER_BYTES, pieces->headers[0], IMAGE_SEGMENT_BYTES);
    memcpy(start + IMAGE_APP_DESC_OFFSET, pieces->descriptor, IMAGE_APP_DESC_BYTES);
    return image_app_desc_read(start, sizeof start, desc);
}

static uint32_t judge(const struct pieces *pieces, const struct boot_policy *policy, int *reason)
{
    uint8_t digest[SHA256_BYTES];
    if (policy->secured == 0 && !hal_efuse_secure_boot()) {
        *reason = pieces_check_integrity(pieces, &hal_crypto);
        return *reason == CHAIN_OK ? SIGBLOCK_TRUSTED : SIGBLOCK_REFUSED;
    }
    *reason = pieces_digest(pieces, pieces->image->signed_length, &hal_crypto, digest);
    if (*reason != CHAIN_OK)
        return SIGBLOCK_REFUSED;
    return sigblock_verify(boot_sector, digest, &policy->trust, &hal_crypto, reason, NULL);
}

int boot_load(const struct partition *slot, const struct boot_policy *policy, struct boot_app *app)
{
    struct pieces pieces;
    uint8_t descriptor[IMAGE_APP_DESC_BYTES];
    int reason = CHAIN_EUNSIGNED;
    app->verdict = SIGBLOCK_REFUSED;

    int error = parse(slot, policy, &app->image);
    if (error == CHAIN_OK)
        error = load(slot, &app->image, &pieces, descriptor);
    if (error != CHAIN_OK)
        return error;
    uint32_t verdict = judge(&pieces, policy, &reason);
    if (verdict != SIGBLOCK_TRUSTED)
        return reason != CHAIN_OK ? reason : CHAIN_ESIGNATURE;
    error = read_descriptor(&pieces, &app->desc);
    if (error == CHAIN_OK && app->desc.secure_version < policy->secure_version)
        error = CHAIN_EVERSION;
    if (error == CHAIN_OK)
        app->verdict = verdict;
    hal_mmu_unmap(HAL_MMU_SCRATCH_ENTRY, SOC_MMU_ENTRIES - HAL_MMU_SCRATCH_ENTRY);
    return error;
}
