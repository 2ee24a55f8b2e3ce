/* device/boot/pieces.h: an image in pieces: hashed where its parts lie, not where they came from.
 *
 * Verify-then-use needs the digest of the bytes that will run: headers as they were parsed, RAM
 * segments at their load addresses, flash segments through the mapping the CPU will fetch from.
 * The loader says for each segment where its data is now, then asks for the digest. Used by the
 * ROM and the bootloader; pure, so tested on the host. The image and all data stay the caller's.
 */
#ifndef DEVICE_BOOT_PIECES_H
#define DEVICE_BOOT_PIECES_H

#include "chain/image.h"

struct pieces {
    const struct image *image;
    uint8_t headers[IMAGE_SEGMENTS_MAX][IMAGE_SEGMENT_BYTES];
    const void *data[IMAGE_SEGMENTS_MAX];
    /* An app's: its first IMAGE_APP_DESC_BYTES of data, copied once and hashed in place of what
     * data[0] shows, so that what is decided on them was judged. NULL: data[0] is hashed whole. */
    const uint8_t *descriptor;
    /* What follows the last segment: zero fill, checksum, appended digest, 0xFF up to 4096. */
    const uint8_t *tail;
};

void pieces_init(struct pieces *pieces, const struct image *image);

/* Offset of the tail from the image start. */
uint32_t pieces_tail_offset(const struct image *image);

/* SHA-256 over [0, end), end between hashed_length and signed_length; all data[] and the tail up
 * to `end` set. CHAIN_OK or CHAIN_ECRYPTO. */
int pieces_digest(const struct pieces *pieces, uint32_t end, const struct chain_crypto *crypto,
                  uint8_t digest[SHA256_BYTES]);

/* The image's own integrity: checksum byte, and the appended digest when there is one.
 * ECHECKSUM, EDIGEST, ECRYPTO. Data must be word-aligned. */
int pieces_check_integrity(const struct pieces *pieces, const struct chain_crypto *crypto);

#endif
