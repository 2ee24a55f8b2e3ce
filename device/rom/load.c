/* device/rom/load.c: the bootloader at flash offset 0: judged, loaded, judged again.
 *
 * Flash is outside the chip and may answer differently the second time it is asked. Therefore
 * every byte is read once: headers into struct image, segments to where they will run, the
 * signature sector into SRAM; the digest is computed over these copies. Only what is never used
 * (padding, the checksum's row) is hashed from flash.
 */
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/image.h"
#include "chain/sigblock.h"
#include "chain/soc.h"
#include "device/boot/pieces.h"
#include "device/hal/crypto.h"
#include "device/hal/efuse.h"
#include "device/hal/flash.h"
#include "device/hal/hal.h"
#include "device/hal/mmu.h"
#include "device/hal/system.h"
#include "device/hal/uart.h"
#include "device/rom/rom.h"

#define VIEW_BYTES 0x80000u /* as much as fits SRAM; a bootloader is far smaller */
#define RETRY_US   100000u

static uint8_t sector[SIGBLOCK_SECTOR_BYTES] __attribute__((section(".rom.sector"), aligned(4)));

/* Nothing bootable: say so until the watchdog resets, as Espressif's ROM does. */
static _Noreturn void invalid_header(const uint8_t *view)
{
    for (;;) {
        rom_print("invalid header: 0x%08lx\n", view != 0 ? le32_load(view) : UINT32_MAX);
        hal_sleep_us(RETRY_US);
    }
}

static const uint8_t *map_flash(uint32_t *bytes)
{
    *bytes = hal_flash_size();
    if (*bytes > VIEW_BYTES)
        *bytes = VIEW_BYTES;
    return *bytes == 0 ? 0 : hal_mmu_map(0, 0, *bytes);
}

static void print_mode(const struct image *image)
{
    static const char *const modes[] = {"QIO", "QOUT", "DIO", "DOUT", "FAST READ", "SLOW READ"};
    rom_print("SPIWP:0x%x\n", image->header[8]);
    rom_print("mode:%s, clock div:%d\n",
              image->spi_mode < sizeof modes / sizeof modes[0] ? modes[image->spi_mode] : "?",
              image->spi_speed == 0xF ? 1 : image->spi_speed + 2);
}

/* SRAM the ROM does not use itself. image_check_target() has seen that it is SRAM at all. */
static bool segments_clear_of_rom(const struct image *image)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *segment = &image->segment[i];
        if (segment->memory == IMAGE_MEMORY_HP_SRAM &&
            segment->load_addr + segment->length > ROM_RAM_BASE)
            return false;
    }
    return true;
}

static const void *load_segment(const struct image_segment *segment, const uint8_t *view)
{
    if (segment->memory != IMAGE_MEMORY_HP_SRAM)
        return view + segment->offset;
    void *target = (void *)(uintptr_t)segment->load_addr;
    memcpy(target, view + segment->offset, segment->length);
    return target;
}

static void load(const struct image *image, const uint8_t *view, struct pieces *pieces)
{
    pieces_init(pieces, image);
    for (size_t i = 0; i < image->segment_count; i++)
        pieces->data[i] = load_segment(&image->segment[i], view);
    pieces->tail = view + pieces_tail_offset(image);
}

static void print_digest(const char *label, const uint8_t digest[SHA256_BYTES])
{
    rom_print("%s", label);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        rom_print("%02x", digest[i]);
    rom_print("\n");
}

/* Without Secure Boot a wrong digest is only mentioned. */
static void compare_digest(const struct image *image, const uint8_t *view,
                           const struct pieces *pieces)
{
    uint8_t digest[SHA256_BYTES];
    if (!image->hash_appended ||
        pieces_digest(pieces, image->hashed_length, &hal_crypto, digest) != CHAIN_OK ||
        memcmp(digest, view + image->hashed_length, SHA256_BYTES) == 0)
        return;
    rom_print("SHA-256 comparison failed:\n");
    print_digest("Calculated: ", digest);
    print_digest("Expected: ", view + image->hashed_length);
    rom_print("Attempting to boot anyway...\n");
}

static void print_trust(const struct sigblock_trust *trust)
{
    rom_print("Valid secure boot key blocks:");
    for (size_t i = 0; i < trust->count; i++)
        rom_print(" %d", trust->slot[i]);
    rom_print("\n");
}

/* A trusted key whose signature over this very image does not verify is revoked (formats.md 2.5).
 */
static void revoke_misused_keys(const struct sigblock_trust *trust,
                                const uint8_t image_digest[SHA256_BYTES])
{
    for (size_t i = 0; i < SIGBLOCK_MAX; i++) {
        const uint8_t *block = sector + i * SIGBLOCK_BYTES;
        struct sigblock parsed;
        uint8_t digest[SHA256_BYTES];
        if (sigblock_parse(block, &parsed) != CHAIN_OK ||
            memcmp(parsed.image_digest, image_digest, SHA256_BYTES) != 0 ||
            sigblock_key_digest(block, &hal_crypto, digest) != CHAIN_OK)
            continue;
        for (size_t n = 0; n < trust->count; n++)
            if (memcmp(digest, trust->digest[n], SHA256_BYTES) == 0)
                hal_efuse_revoke_key(trust->slot[n]);
    }
}

static uint32_t secure_boot(const struct image *image, const uint8_t *view, uint32_t view_bytes,
                            const struct pieces *pieces, const struct efuse *efuse)
{
    struct sigblock_trust trust;
    uint8_t digest[SHA256_BYTES];
    int reason = CHAIN_EUNSIGNED;

    hal_efuse_trust(&trust);
    print_trust(&trust);
    if (!span_within(image->signed_length, SIGBLOCK_SECTOR_BYTES, view_bytes) ||
        pieces_digest(pieces, image->signed_length, &hal_crypto, digest) != CHAIN_OK)
        return SIGBLOCK_REFUSED;
    memcpy(sector, view + image->signed_length, SIGBLOCK_SECTOR_BYTES);
    uint32_t verdict = sigblock_verify(sector, digest, &trust, &hal_crypto, &reason, 0);
    if (verdict != SIGBLOCK_TRUSTED && reason == CHAIN_ESIGNATURE &&
        efuse_bits(efuse, EFUSE_SECURE_BOOT_AGGRESSIVE_REVOKE) != 0)
        revoke_misused_keys(&trust, digest);
    return verdict;
}

/* Comes back, so that the caller's hal_stop() stands even if this call is skipped. */
static void refuse(const char *why)
{
    rom_print("%s\n", why);
    hal_uart_flush();
}

static void print_loads(const struct image *image)
{
    for (size_t i = 0; i < image->segment_count; i++)
        if (image->segment[i].memory == IMAGE_MEMORY_HP_SRAM)
            rom_print("load:0x%08lx,len:0x%lx\n", image->segment[i].load_addr,
                      image->segment[i].length);
}

uint32_t rom_load_bootloader(const struct efuse *efuse)
{
    struct image image;
    struct pieces pieces;
    uint32_t view_bytes;
    const uint8_t *view = map_flash(&view_bytes);
    /* Without Secure Boot there is nothing to refuse; with it, only a signature turns this. */
    volatile uint32_t verdict = SIGBLOCK_REFUSED;

    if (view == 0 || image_parse(view, view_bytes, &image) != CHAIN_OK)
        invalid_header(view);
    print_mode(&image);
    int error =
        image_check_target(&image, IMAGE_BOOTLOADER, efuse_chip_revision(efuse), IMAGE_MMU_PAGE);
    if (error != CHAIN_OK || !segments_clear_of_rom(&image)) {
        rom_print("bootloader refused: ");
        refuse(chain_error_text(error != CHAIN_OK ? error : CHAIN_EOVERLAP));
        hal_stop();
    }
    load(&image, view, &pieces);
    if (efuse_bits(efuse, EFUSE_SECURE_BOOT_EN) == 0 && !hal_efuse_secure_boot()) {
        print_loads(&image);
        compare_digest(&image, view, &pieces);
        verdict = SIGBLOCK_TRUSTED;
    } else {
        verdict = secure_boot(&image, view, view_bytes, &pieces, efuse);
        if (verdict != SIGBLOCK_TRUSTED) {
            refuse("secure boot verification failed");
            hal_stop();
        }
        rom_print("RSA secure boot verification succeeded\n");
        print_loads(&image);
    }
    if (verdict != SIGBLOCK_TRUSTED) { /* asked again: one skipped branch is not enough */
        refuse("secure boot verification failed");
        hal_stop();
    }
    rom_print("entry 0x%08lx\n", image.entry);
    return image.entry;
}
