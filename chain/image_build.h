/* chain/image_build.h: the one writer of images: ELF in, the bytes of Espressif's elf2image out.
 *
 * Works on caller-owned buffers; nothing is allocated. The order of segments, fillers, the secure
 * padding and the ELF digest patch follow formats.md 1.2-1.7 so that the result is identical.
 */
#ifndef CHAIN_IMAGE_BUILD_H
#define CHAIN_IMAGE_BUILD_H

#include "chain/image.h"

struct image_build_options {
    uint8_t spi_mode;      /* default 2 = DIO */
    uint8_t spi_speed;     /* low nibble code, 0 = 80m or 40m, 2 = 20m */
    uint8_t flash_size;    /* high nibble code, 2 = 4 MB */
    uint16_t min_rev_full; /* 0 */
    uint16_t max_rev_full; /* 65535, esptool's default without option */
    uint8_t mmu_page_log2; /* 13..16: 8 to 64 KiB; 0 = what the application's descriptor says, or
                            * its address suits, else 64 KiB */
    bool secure_pad_v2;    /* apps: pad so that the signature sector starts an MMU page */
    bool append_digest;    /* true */
    bool elf_digest;       /* SHA-256 of the ELF at 0xB0 (elf2image --elf-sha256-offset 0xb0); done
                            * anyway when the ELF has a .flash.appdesc section in flash */
};

extern const struct image_build_options image_build_defaults;

/* Bytes an output buffer needs for this ELF at most; 0 when image_build() refuses the ELF. */
size_t image_build_bound(const uint8_t *elf, size_t elf_length);

/* Writes the image to out and its size to *out_length. The ELF is untrusted; what no ESP32-C6 could
 * run is refused here rather than written:
 * EMAGIC (not a 32-bit little-endian RISC-V ELF), ETRUNCATED, EMISSING (nothing to load),
 * EBOUNDS (a section outside flash, HP and LP SRAM, or a segment boundary inside the ELF digest's
 * place), EALIGN (flash section not at a multiple of 4), EOVERLAP (sections overlap once padded to
 * 4 bytes, or two flash segments in one MMU page), EFIELD (bytes at 0xB0 not zero, an MMU page
 * other than 8, 16, 32 or 64 KiB, secure padding without digest), ESPACE (buffer, more than 16
 * segments or 128 sections), ECRYPTO. */
int image_build(const uint8_t *elf, size_t elf_length, const struct image_build_options *options,
                const struct chain_crypto *crypto, uint8_t *out, size_t out_size,
                size_t *out_length);

#endif
