/* device/boot/pieces.c: see pieces.h (formats.md 1.3, 1.4, 1.8). */
#include "device/boot/pieces.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"

/* Header, descriptor, header and data of each segment, tail. */
#define SPANS_MAX (1 + 1 + 2 * IMAGE_SEGMENTS_MAX + 1)

void pieces_init(struct pieces *pieces, const struct image *image)
{
    memset(pieces, 0, sizeof *pieces);
    pieces->image = image;
    for (size_t i = 0; i < image->segment_count; i++) {
        le32_store(pieces->headers[i], image->segment[i].load_addr);
        le32_store(pieces->headers[i] + 4, image->segment[i].length);
    }
}

uint32_t pieces_tail_offset(const struct image *image)
{
    const struct image_segment *last = &image->segment[image->segment_count - 1];
    return last->offset + last->length;
}

int pieces_digest(const struct pieces *pieces, uint32_t end, const struct chain_crypto *crypto,
                  uint8_t digest[SHA256_BYTES])
{
    const struct image *image = pieces->image;
    struct chain_span spans[SPANS_MAX] = {{image->header, IMAGE_HEADER_BYTES}};
    size_t count = 1;
    for (size_t i = 0; i < image->segment_count; i++) {
        spans[count++] = (struct chain_span){pieces->headers[i], IMAGE_SEGMENT_BYTES};
        const uint8_t *data = pieces->data[i];
        size_t copied = 0;
        if (i == 0 && pieces->descriptor != NULL) {
            copied = IMAGE_APP_DESC_BYTES;
            spans[count++] = (struct chain_span){pieces->descriptor, copied};
        }
        spans[count++] = (struct chain_span){data + copied, image->segment[i].length - copied};
    }
    spans[count++] = (struct chain_span){pieces->tail, end - pieces_tail_offset(image)};
    return crypto->sha256(crypto, spans, count, digest);
}

static uint8_t checksum(const struct pieces *pieces)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < pieces->image->segment_count; i++) {
        const uint32_t *words = pieces->data[i];
        for (size_t n = 0; n < pieces->image->segment[i].length / 4; n++)
            sum ^= words[n];
    }
    return (uint8_t)(sum ^ sum >> 8 ^ sum >> 16 ^ sum >> 24 ^ IMAGE_CHECKSUM_SEED);
}

int pieces_check_integrity(const struct pieces *pieces, const struct chain_crypto *crypto)
{
    const struct image *image = pieces->image;
    const uint8_t *tail_end = pieces->tail + (image->hashed_length - pieces_tail_offset(image));
    if (checksum(pieces) != tail_end[-1])
        return CHAIN_ECHECKSUM;
    if (!image->hash_appended)
        return CHAIN_OK;
    uint8_t digest[SHA256_BYTES];
    int error = pieces_digest(pieces, image->hashed_length, crypto, digest);
    if (error != CHAIN_OK)
        return error;
    return memcmp(digest, tail_end, SHA256_BYTES) == 0 ? CHAIN_OK : CHAIN_EDIGEST;
}
