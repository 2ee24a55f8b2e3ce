/* server/release/metadata.h: what an image says about itself, as a file beside it.
 *
 *     releases/artifacts/<sha256>.json      (formats.md 7.3)
 *
 * Made of the image's bytes and nothing else (no time, no name of file, machine or channel), in the
 * canonical form of RFC 8785: the same image gives the same bytes on any machine, so that who has
 * the image can make the file again and compare.
 *
 *     format           1
 *     size, sha256     of the whole file, signature sector included
 *     image            null when the bytes are no image; else
 *       chip_id, min_revision, max_revision (major * 100 + minor), entry
 *       segments       [{address, length, memory}], memory as enum image_memory: padding, flash,
 *                      hp-sram, lp-sram, invalid
 *       signed_digest  SHA-256 over the image without its signature sector; null when cut short
 *     application      null without a descriptor; else project, version, secure_version,
 *                      idf_version, compile_date, compile_time, elf_sha256, min_efuse_revision,
 *                      max_efuse_revision
 *     signatures       [{key_digest, scheme}] of the valid blocks, in order; scheme rsa-3072,
 *                      ecdsa-p192, ecdsa-p256. That a block is here does not say it is trusted.
 *
 * Digests are lower-case hexadecimal. In text from the image anything but printable ASCII is '?'.
 */
#ifndef SERVER_RELEASE_METADATA_H
#define SERVER_RELEASE_METADATA_H

#include <stddef.h>
#include <stdint.h>

#define METADATA_BYTES_MAX 16384 /* 16 segments and 3 signatures take less than 3000 */

/* The file's text for bytes[length], NUL-terminated; free() it. NULL when out of memory. */
char *metadata_make(const uint8_t *bytes, size_t length);

#endif
