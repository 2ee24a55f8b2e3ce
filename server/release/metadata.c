/* server/release/metadata.c: see server/release/metadata.h. */
#include "server/release/metadata.h"

#include <jansson.h>
#include <string.h>

#include "chain/error.h"
#include "chain/image.h"
#include "chain/sigblock.h"
#include "host/crypto.h"
#include "server/digest.h"

/* Everything in these objects is ASCII and below 2^53: then sorted keys and no white space are all
 * that RFC 8785 asks for. */
#define CANONICAL (JSON_COMPACT | JSON_SORT_KEYS)

static json_t *hex(const uint8_t digest[SHA256_BYTES])
{
    char digits[2 * SHA256_BYTES + 1];
    return json_string(digest_print(digest, SHA256_BYTES, digits));
}

/* A string of the descriptor: at most 32 bytes and a NUL; the bytes need not be text. */
static json_t *printable(const char *from_image)
{
    char text[33];
    size_t length = 0;
    for (; length < sizeof text - 1 && from_image[length] != '\0'; length++) {
        char byte = from_image[length];
        text[length] = byte < ' ' || byte > '~' ? '?' : byte;
    }
    text[length] = '\0';
    return json_string(text);
}

static json_t *sha256_of(const uint8_t *bytes, size_t length)
{
    const struct chain_span whole = {.data = bytes, .length = length};
    uint8_t digest[SHA256_BYTES];
    return host_crypto.sha256(&host_crypto, &whole, 1, digest) == CHAIN_OK ? hex(digest) : NULL;
}

static json_t *segments_of(const struct image *image)
{
    static const char *const memory[] = {
        [IMAGE_MEMORY_PADDING] = "padding", [IMAGE_MEMORY_FLASH] = "flash",
        [IMAGE_MEMORY_HP_SRAM] = "hp-sram", [IMAGE_MEMORY_LP_SRAM] = "lp-sram",
        [IMAGE_MEMORY_INVALID] = "invalid",
    };
    json_t *list = json_array();
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct image_segment *segment = &image->segment[i];
        json_array_append_new(
            list, json_pack("{s:I, s:I, s:s}", "address", (json_int_t)segment->load_addr, "length",
                            (json_int_t)segment->length, "memory", memory[segment->memory]));
    }
    return list;
}

static json_t *image_of(const struct image *image, const uint8_t *bytes, size_t length)
{
    uint8_t digest[SHA256_BYTES];
    int error = image_signed_digest(image, bytes, length, &host_crypto, digest);
    return json_pack("{s:i, s:i, s:i, s:I, s:o, s:o}", "chip_id", image->chip_id, "min_revision",
                     image->min_rev_full, "max_revision", image->max_rev_full, "entry",
                     (json_int_t)image->entry, "segments", segments_of(image), "signed_digest",
                     error == CHAIN_OK ? hex(digest) : json_null());
}

static json_t *application_of(const uint8_t *bytes, size_t length)
{
    struct image_app_desc desc;
    if (image_app_desc_read(bytes, length, &desc) != CHAIN_OK) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:i, s:i}", "project",
                     printable(desc.project_name), "version", printable(desc.version),
                     "secure_version", (json_int_t)desc.secure_version, "idf_version",
                     printable(desc.idf_version), "compile_date", printable(desc.date),
                     "compile_time", printable(desc.time), "elf_sha256", hex(desc.elf_sha256),
                     "min_efuse_revision", desc.min_efuse_rev_full, "max_efuse_revision",
                     desc.max_efuse_rev_full);
}

static const char *scheme_of(const struct sigblock *block)
{
    if (block->version == SIGBLOCK_RSA) {
        return "rsa-3072";
    }
    return block->curve == ECDSA_P192 ? "ecdsa-p192" : "ecdsa-p256";
}

static json_t *signatures_of(const struct image *image, const uint8_t *bytes, size_t length)
{
    json_t *list = json_array();
    if (length < image->signed_length || length - image->signed_length < SIGBLOCK_SECTOR_BYTES) {
        return list;
    }
    const uint8_t *sector = bytes + image->signed_length;
    size_t count = sigblock_sector_count(sector);
    for (size_t i = 0; i < count; i++) {
        struct sigblock block;
        uint8_t digest[SHA256_BYTES];
        const uint8_t *at = sector + i * SIGBLOCK_BYTES;
        if (sigblock_parse(at, &block) == CHAIN_OK &&
            sigblock_key_digest(at, &host_crypto, digest) == CHAIN_OK) {
            json_array_append_new(list, json_pack("{s:o, s:s}", "key_digest", hex(digest), "scheme",
                                                  scheme_of(&block)));
        }
    }
    return list;
}

char *metadata_make(const uint8_t *bytes, size_t length)
{
    struct image image;
    bool is_image = image_parse(bytes, length, &image) == CHAIN_OK;
    json_t *object = json_pack(
        "{s:i, s:I, s:o, s:o, s:o, s:o}", "format", 1, "size", (json_int_t)length, "sha256",
        sha256_of(bytes, length), "image", is_image ? image_of(&image, bytes, length) : json_null(),
        "application", is_image ? application_of(bytes, length) : json_null(), "signatures",
        is_image ? signatures_of(&image, bytes, length) : json_array());
    char *text = json_dumps(object, CANONICAL);
    json_decref(object);
    return text;
}
