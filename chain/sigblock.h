/* chain/sigblock.h: Secure Boot V2 signature sector and its verdict (formats.md 2).
 *
 * One sector of 4096 bytes holds up to three blocks of 1216 bytes. A block carries the image
 * digest, a public key and a signature; it counts only when the digest of its key is one of the
 * trusted digests. The verdict is a wide constant, so that no single flipped bit or skipped
 * instruction turns a refusal into acceptance; callers compare against SIGBLOCK_TRUSTED and
 * nothing else.
 */
#ifndef CHAIN_SIGBLOCK_H
#define CHAIN_SIGBLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/crypto.h"

#define SIGBLOCK_BYTES        1216u
#define SIGBLOCK_SECTOR_BYTES 4096u
#define SIGBLOCK_MAX          3
#define SIGBLOCK_MAGIC        0xE7
#define SIGBLOCK_RSA          2 /* version byte */
#define SIGBLOCK_ECDSA        3

/* Same words as the ROM's SB_SUCCESS / SB_FAILED (formats.md 2.5). */
#define SIGBLOCK_TRUSTED 0x3A5A5AA5u
#define SIGBLOCK_REFUSED 0x7533885Eu

/* The key digests a device (or a release policy) trusts, already without revoked ones. */
struct sigblock_trust {
    uint8_t count;              /* 0..3 */
    uint8_t slot[SIGBLOCK_MAX]; /* eFuse digest slot each came from, for messages */
    uint8_t digest[SIGBLOCK_MAX][SHA256_BYTES];
};

struct sigblock {
    uint8_t version; /* SIGBLOCK_RSA or SIGBLOCK_ECDSA */
    uint8_t image_digest[SHA256_BYTES];
    struct rsa3072_key rsa;               /* version RSA */
    uint8_t rsa_signature[RSA3072_BYTES]; /* little-endian */
    enum ecdsa_curve curve;               /* version ECDSA */
    uint8_t x[32], y[32], r[32], s[32];
};

/* Magic, version, CRC. EMAGIC, EFIELD, ECHECKSUM. `block` is SIGBLOCK_BYTES long. */
int sigblock_parse(const uint8_t block[SIGBLOCK_BYTES], struct sigblock *out);

/* What the eFuse holds for this block's key: SHA-256 of bytes 36..811 (RSA) or 36..100 (ECDSA). */
int sigblock_key_digest(const uint8_t block[SIGBLOCK_BYTES], const struct chain_crypto *crypto,
                        uint8_t digest[SHA256_BYTES]);

/* Digest of an RSA key before there is a block. */
int sigblock_rsa_key_digest(const struct rsa3072_key *key, const struct chain_crypto *crypto,
                            uint8_t digest[SHA256_BYTES]);

/* Build an RSA block from a digest and a finished PSS signature (little-endian). */
void sigblock_build_rsa(uint8_t block[SIGBLOCK_BYTES], const struct rsa3072_key *key,
                        const uint8_t image_digest[SHA256_BYTES],
                        const uint8_t signature[RSA3072_BYTES]);

/* Build an ECDSA block from a point and a finished signature: numbers little-endian, 24 or 32 bytes
 * each as the curve has. */
void sigblock_build_ecdsa(uint8_t block[SIGBLOCK_BYTES], enum ecdsa_curve curve, const uint8_t *x,
                          const uint8_t *y, const uint8_t image_digest[SHA256_BYTES],
                          const uint8_t *r, const uint8_t *s);

/* Fill a sector with 0xFF and the given blocks (count 1..3). */
void sigblock_sector_build(uint8_t sector[SIGBLOCK_SECTOR_BYTES],
                           const uint8_t (*blocks)[SIGBLOCK_BYTES], size_t count);

/* Number of consecutive valid blocks from block 0. */
size_t sigblock_sector_count(const uint8_t sector[SIGBLOCK_SECTOR_BYTES]);

/* One block, asked once: for a tool that checks what it has just made. A device asks
 * sigblock_verify(), which one glitch does not answer. CHAIN_OK, or one of its reasons. */
int sigblock_check(const uint8_t block[SIGBLOCK_BYTES], const uint8_t digest[SHA256_BYTES],
                   const struct sigblock_trust *trust, const struct chain_crypto *crypto);

/* The verdict: SIGBLOCK_TRUSTED iff some block is valid, its image digest equals `digest`, its key
 * is trusted and its signature verifies. *reason (may be NULL) receives CHAIN_OK or EUNSIGNED,
 * EDIGEST, EUNTRUSTED, ESIGNATURE, ECRYPTO: the most advanced failure seen. *slot (may be NULL)
 * receives the eFuse digest slot that matched. */
uint32_t sigblock_verify(const uint8_t sector[SIGBLOCK_SECTOR_BYTES],
                         const uint8_t digest[SHA256_BYTES], const struct sigblock_trust *trust,
                         const struct chain_crypto *crypto, int *reason, uint8_t *slot);

#endif
