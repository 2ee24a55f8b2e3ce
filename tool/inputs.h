/* tool/inputs.h: the inputs several verbs share: flash encryption keys, trusted signing keys,
 * images. Each function prints its one line on failure and returns HOST_FAILED.
 */
#ifndef TOOL_INPUTS_H
#define TOOL_INPUTS_H

#include "chain/image.h"
#include "chain/sigblock.h"
#include "host/file.h"
#include "server/project.h"
#include "tool/efuse_file.h"

/* The flash encryption key, from a key file of 32 bytes, or else from an eFuse file. When both are
 * given they must agree, where the eFuse file shows its key. The caller wipes it. */
int flash_key_read(const char *key_path, const char *efuse_path, uint8_t key[XTS_KEY_BYTES]);

/* Whom to trust: public keys (files) and key digests (hex), at most three together. */
struct trust_source {
    const char *keys[SIGBLOCK_MAX];
    size_t key_count;
    const char *digests[SIGBLOCK_MAX];
    size_t digest_count;
};

/* Where the command line names nobody: the project's signing key, and the next one if there is. */
void trust_use_project(struct trust_source *source, const struct release_project *project);

int trust_read(const struct trust_source *source, struct sigblock_trust *trust);
/* The 32 bytes an eFuse holds for the public key in `path`. */
int key_digest_read(const char *path, uint8_t digest[SHA256_BYTES]);
/* What a key block of that purpose is burned with: 32 bytes in a file, or for a Secure Boot digest
 * also the signing key it belongs to. The caller wipes it. */
int efuse_key_read(const char *path, enum efuse_purpose purpose, uint8_t key[32]);

/* An application carries its descriptor where the format wants it; what has none is a
 * bootloader. */
enum image_kind image_kind_of(const uint8_t *bytes, size_t length);
const char *image_kind_name(enum image_kind kind);

/* image_mmu_page() of an image in a file. */
uint32_t image_own_page(const struct image *image, const uint8_t *bytes, size_t length);

/* The signature sector behind an image, NULL when the view ends before it. */
const uint8_t *image_signature_sector(const struct image *image, const uint8_t *bytes,
                                      size_t length);

/* Grows `data` to `length` bytes with 0xFF, as erased flash. */
int buffer_pad(struct buffer *data, size_t length);

#endif
