/* tool/sign_image.h: signatures for one image: the checks before, the blocks, the signed bytes.
 *
 * What an order holds is read once and serves many images, on several threads at a time. Each
 * function prints its one line on failure and returns HOST_FAILED.
 */
#ifndef TOOL_SIGN_IMAGE_H
#define TOOL_SIGN_IMAGE_H

#include <stdbool.h>

#include <jansson.h>

#include "chain/sigblock.h"
#include "host/file.h"
#include "host/key.h"

/* Whose signatures the images get. Zero it; sign_order_free() frees what was added. */
struct sign_order {
    struct {
        const char *name;
        struct key *key;
        bool finished; /* made elsewhere: `key` is public, and here it is */
        struct buffer signature;
    } by[SIGBLOCK_MAX];
    size_t count;
    bool append; /* to signatures the image has; else it has none */
};

int sign_order_add_key(struct sign_order *order, const char *path, const char *passphrase_file);
int sign_order_add_finished(struct sign_order *order, const char *public_path, const char *path);
void sign_order_free(struct sign_order *order);

struct signatures {
    uint8_t digest[SHA256_BYTES]; /* what is signed */
    uint8_t block[SIGBLOCK_MAX][SIGBLOCK_BYTES];
    uint8_t key_digest[SIGBLOCK_MAX][SHA256_BYTES];
    size_t kept; /* the first ones, which the image had */
    size_t count;
};

/* `file`, called `name`, becomes the signed image: checked as a device would check it, padded, each
 * signature verified. */
int sign_image(const struct sign_order *order, const char *name, struct buffer *file,
               struct signatures *out);

/* The digest that has to be signed, nothing else; pads `file`. */
int sign_image_digest(const char *name, struct buffer *file, uint8_t digest[SHA256_BYTES]);

json_t *signatures_json(const struct signatures *signatures);

/* "RSA-3072", "ECDSA P-256", "ECDSA P-192" or "unknown": what a signature block holds. */
const char *sign_scheme_name(const uint8_t block[SIGBLOCK_BYTES]);

#endif
