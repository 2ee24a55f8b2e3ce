#include "tool/sign_image.h"

#include <string.h>

#include "chain/error.h"
#include "chain/image.h"
#include "host/crypto.h"
#include "host/error.h"
#include "tool/cli.h"
#include "tool/inputs.h"

#define SIGNATURE_FILE_MAX 4096u

int sign_order_add_key(struct sign_order *order, const char *path, const char *passphrase_file)
{
    if (key_unlock(path, passphrase_file, &order->by[order->count].key) != HOST_DONE)
        return HOST_FAILED;
    order->by[order->count++].name = path;
    return HOST_DONE;
}

int sign_order_add_finished(struct sign_order *order, const char *public_path, const char *path)
{
    struct key *key;
    if (key_load_public(public_path, &key) != HOST_DONE)
        return HOST_FAILED;
    if (file_read(path, SIGNATURE_FILE_MAX, &order->by[order->count].signature) != HOST_DONE) {
        key_free(key);
        return HOST_FAILED;
    }
    order->by[order->count].key = key;
    order->by[order->count].finished = true;
    order->by[order->count++].name = file_input_name(path);
    return HOST_DONE;
}

void sign_order_free(struct sign_order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        key_free(order->by[i].key);
        buffer_free(&order->by[i].signature);
    }
    *order = (struct sign_order){0};
}

/* What a device would refuse anyway is not worth a signature. */
static int not_runnable(const char *name, int error)
{
    return host_fail(name, "is no image an ESP32-C6 would run: %s", chain_error_text(error));
}

static int check_image(const char *name, const struct buffer *file, struct image *image)
{
    int error = image_parse(file->bytes, file->length, image);
    if (error == CHAIN_OK) /* any revision: the range the image asks for is its own business */
        error =
            image_check_target(image, image_kind_of(file->bytes, file->length), image->min_rev_full,
                               image_own_page(image, file->bytes, file->length));
    if (error == CHAIN_OK)
        error = image_check_checksum(image, file->bytes);
    return error ? not_runnable(name, error) : HOST_DONE;
}

static int check_length(const char *name, const struct buffer *file, const struct image *image,
                        bool append, bool signed_is_fine)
{
    const uint8_t *sector = image_signature_sector(image, file->bytes, file->length);
    bool is_signed = sector && sigblock_sector_count(sector) > 0;
    if (is_signed && file->length == image->signed_length + SIGBLOCK_SECTOR_BYTES)
        return signed_is_fine ? HOST_DONE
                              : host_fail(name, "is signed already (--append adds a signature)");
    if (sector && sector[0] == SIGBLOCK_MAGIC)
        return host_fail(name, "ends in a signature sector that holds no valid signature");
    if (file->length > image->signed_length)
        return host_fail(name, "has %zu bytes after the end of the image",
                         file->length - image->signed_length);
    if (append)
        return host_fail(name, "is not signed yet (leave out --append)");
    return HOST_DONE;
}

/* A device is set up for one scheme, RSA or one curve, and looks no further than a block of
 * another (formats.md 2.5). */
static bool same_scheme(const uint8_t a[SIGBLOCK_BYTES], const uint8_t b[SIGBLOCK_BYTES])
{
    struct sigblock first;
    struct sigblock second;
    return sigblock_parse(a, &first) == CHAIN_OK && sigblock_parse(b, &second) == CHAIN_OK &&
           first.version == second.version && first.curve == second.curve;
}

/* `block`, by the key called `by`, must hold a signature that verifies over the image's digest by
 * its own key, of the scheme of the others, and by a key not among them yet. `name` is the image's.
 */
static int accept_block(const char *name, const char *by, struct signatures *all,
                        const uint8_t block[SIGBLOCK_BYTES])
{
    struct sigblock_trust trust = {.count = 1};
    if (sigblock_key_digest(block, &host_crypto, trust.digest[0]) != CHAIN_OK)
        return host_fail(name, "%s: the digest of its key cannot be computed", by);
    for (size_t i = 0; i < all->count; i++) {
        if (memcmp(all->key_digest[i], trust.digest[0], SHA256_BYTES) == 0)
            return host_fail(name, "%s: the image has a signature by this key already", by);
    }
    if (all->count > 0 && !same_scheme(all->block[0], block))
        return host_fail(name,
                         "%s: is of another scheme than the image's other signatures (a device "
                         "takes either RSA-3072 or ECDSA on one curve)",
                         by);
    memcpy(all->block[all->count], block, SIGBLOCK_BYTES);
    int error = sigblock_check(block, all->digest, &trust, &host_crypto);
    if (error != CHAIN_OK)
        return host_fail(name, "%s: its signature does not verify: %s", by,
                         chain_error_text(error));
    memcpy(all->key_digest[all->count++], trust.digest[0], SHA256_BYTES);
    return HOST_DONE;
}

static int keep_signatures(const char *name, const uint8_t *sector, struct signatures *all)
{
    static const char *const places[] = {"signature block 0", "signature block 1",
                                         "signature block 2"};
    size_t count = sigblock_sector_count(sector);
    for (size_t i = 0; i < count && i < SIGBLOCK_MAX; i++) {
        if (accept_block(name, places[i], all, sector + i * SIGBLOCK_BYTES) != HOST_DONE)
            return HOST_FAILED;
    }
    all->kept = count;
    return HOST_DONE;
}

static int add_signature(const struct sign_order *order, size_t i, const char *name,
                         struct signatures *all)
{
    uint8_t block[SIGBLOCK_BYTES];
    const char *by = order->by[i].name;
    if (all->count == SIGBLOCK_MAX)
        return host_fail(name, "%s: the image has three signatures already, there is no room", by);
    int status = order->by[i].finished ? key_place_signature(order->by[i].key, all->digest,
                                                             &order->by[i].signature, by, block)
                                       : key_sign_block(order->by[i].key, all->digest, block);
    return status == HOST_DONE ? accept_block(name, by, all, block) : status;
}

/* Checks the image and pads it up to the end of its signature sector. */
static int prepare(const char *name, struct buffer *file, bool append, bool signed_is_fine,
                   struct image *image, uint8_t digest[SHA256_BYTES])
{
    if (check_image(name, file, image) != HOST_DONE ||
        check_length(name, file, image, append, signed_is_fine) != HOST_DONE ||
        buffer_pad(file, image->signed_length + SIGBLOCK_SECTOR_BYTES) != HOST_DONE)
        return HOST_FAILED;
    int error = image_checked_digest(image, file->bytes, file->length, &host_crypto, digest);
    return error ? not_runnable(name, error) : HOST_DONE;
}

int sign_image_digest(const char *name, struct buffer *file, uint8_t digest[SHA256_BYTES])
{
    struct image image;
    return prepare(name, file, false, true, &image, digest);
}

int sign_image(const struct sign_order *order, const char *name, struct buffer *file,
               struct signatures *out)
{
    struct image image;
    *out = (struct signatures){0};
    if (prepare(name, file, order->append, order->append, &image, out->digest) != HOST_DONE)
        return HOST_FAILED;
    uint8_t *sector = file->bytes + image.signed_length;
    int status = keep_signatures(name, sector, out);
    for (size_t i = 0; status == HOST_DONE && i < order->count; i++)
        status = add_signature(order, i, name, out);
    if (status == HOST_DONE)
        sigblock_sector_build(sector, (const uint8_t(*)[SIGBLOCK_BYTES])out->block, out->count);
    return status;
}

const char *sign_scheme_name(const uint8_t block[SIGBLOCK_BYTES])
{
    struct sigblock parsed;
    if (sigblock_parse(block, &parsed) != CHAIN_OK)
        return "unknown";
    if (parsed.version == SIGBLOCK_RSA)
        return "RSA-3072";
    return parsed.curve == ECDSA_P192 ? "ECDSA P-192" : "ECDSA P-256";
}

json_t *signatures_json(const struct signatures *signatures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < signatures->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:b}", "algorithm",
                                              sign_scheme_name(signatures->block[i]), "key_digest",
                                              cli_json_hex(signatures->key_digest[i], SHA256_BYTES),
                                              "added", i >= signatures->kept));
    return list;
}
