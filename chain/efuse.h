/* chain/efuse.h: the ESP32-C6 eFuse: blocks, fields, key purposes, programming rules.
 *
 * struct efuse is the 336-byte image: the controller's read registers in address order, file
 * offset = register offset - 0x02C, LE words (efuse.md 7.1). Key blocks are in the clear here even
 * when read-protected; efuse_read_masked() gives the view software has. Figures: efuse.md.
 */
#ifndef CHAIN_EFUSE_H
#define CHAIN_EFUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/sigblock.h"

#define EFUSE_IMAGE_BYTES 336u
#define EFUSE_BLOCKS      11
#define EFUSE_KEY_BLOCKS  6 /* KEY0..KEY5 = BLOCK4..BLOCK9 */
#define EFUSE_RS_BYTES    12

struct efuse {
    uint8_t bytes[EFUSE_IMAGE_BYTES];
};

enum efuse_purpose {
    EFUSE_PURPOSE_USER = 0,
    EFUSE_PURPOSE_XTS_AES_128_KEY = 4,
    EFUSE_PURPOSE_HMAC_DOWN_ALL = 5,
    EFUSE_PURPOSE_HMAC_DOWN_JTAG = 6,
    EFUSE_PURPOSE_HMAC_DOWN_DIGITAL_SIGNATURE = 7,
    EFUSE_PURPOSE_HMAC_UP = 8,
    EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 = 9,
    EFUSE_PURPOSE_SECURE_BOOT_DIGEST1 = 10,
    EFUSE_PURPOSE_SECURE_BOOT_DIGEST2 = 11,
};

/* One row of the field table (efuse.md 2). wr/rd: protecting bit, -1 = none. */
struct efuse_field {
    const char *name;  /* Espressif's */
    const char *alias; /* other names, separated by blanks; or NULL */
    uint8_t block;
    uint16_t bit;    /* first bit in the block */
    uint16_t length; /* bits */
    int8_t wr_dis;
    int8_t rd_dis;
    const char *meaning;
};

extern const struct efuse_field efuse_fields[];
extern const size_t efuse_field_count;

const struct efuse_field *efuse_field_find(const char *name); /* name or an alias; NULL */

/* Block geometry in the 336-byte image. */
size_t efuse_block_offset(unsigned block);
size_t efuse_block_bytes(unsigned block); /* 24 for 0 and 1, else 32 */

/* A field of at most 32 bits as a number; longer ones through efuse_field_bytes(). */
uint32_t efuse_get(const struct efuse *efuse, const struct efuse_field *field);
void efuse_field_bytes(const struct efuse *efuse, const struct efuse_field *field, uint8_t *out);

/* Named shortcuts, so that callers need no table lookup (the device has no field table). */
uint32_t efuse_bits(const struct efuse *efuse, unsigned block, unsigned bit, unsigned length);
#define EFUSE_RD_DIS                        0, 32, 7
#define EFUSE_DIS_DOWNLOAD_ICACHE           0, 42, 1
#define EFUSE_DIS_USB_JTAG                  0, 41, 1
#define EFUSE_DIS_FORCE_DOWNLOAD            0, 44, 1
#define EFUSE_SOFT_DIS_JTAG                 0, 48, 3
#define EFUSE_DIS_PAD_JTAG                  0, 51, 1
#define EFUSE_DIS_DOWNLOAD_MANUAL_ENCRYPT   0, 52, 1
#define EFUSE_WDT_DELAY_SEL                 0, 80, 2
#define EFUSE_SPI_BOOT_CRYPT_CNT            0, 82, 3
#define EFUSE_SECURE_BOOT_KEY_REVOKE(n)     0, 85 + (n), 1
#define EFUSE_KEY_PURPOSE(n)                0, 88 + 4 * (n), 4
#define EFUSE_SECURE_BOOT_EN                0, 116, 1
#define EFUSE_SECURE_BOOT_AGGRESSIVE_REVOKE 0, 117, 1
#define EFUSE_DIS_DOWNLOAD_MODE             0, 128, 1
#define EFUSE_DIS_DIRECT_BOOT               0, 129, 1
#define EFUSE_ENABLE_SECURITY_DOWNLOAD      0, 133, 1
#define EFUSE_UART_PRINT_CONTROL            0, 134, 2
#define EFUSE_SECURE_VERSION                0, 142, 16
#define EFUSE_DISABLE_WAFER_VERSION_MAJOR   0, 160, 1
#define EFUSE_WAFER_VERSION_MINOR           1, 114, 4
#define EFUSE_WAFER_VERSION_MAJOR           1, 118, 2

uint16_t efuse_chip_revision(const struct efuse *efuse);   /* major * 100 + minor */
void efuse_mac(const struct efuse *efuse, uint8_t mac[6]); /* printed order */
bool efuse_flash_encryption(const struct efuse *efuse);    /* odd number of crypt-count bits */
unsigned efuse_secure_version(const struct efuse *efuse);  /* number of ones */

/* Unrevoked Secure Boot digests, in digest-slot order. */
void efuse_trust(const struct efuse *efuse, struct sigblock_trust *trust);

/* The XTS key in key-file order (the block holds it reversed): first of KEY0..KEY4 with that
 * purpose. EMISSING when there is none. The caller wipes it. */
int efuse_xts_key(const struct efuse *efuse, uint8_t key[32]);

/* What software reads: blocks under RD_DIS as zeros. */
void efuse_read_masked(const struct efuse *efuse, struct efuse *out);

/* Reed-Solomon (44,32) parity of a 32-byte block (efuse.md 5). */
void efuse_rs_encode(const uint8_t data[32], uint8_t parity[EFUSE_RS_BYTES]);

/* Program a block as the controller does: new = old | data, where write protection, as it stood
 * before the call, lets it. `data` is efuse_block_bytes() long. BLOCK0 is protected field by field:
 * the bits that may go up do, and EPROTECTED tells that others stayed; parity is ignored. Blocks
 * 1..10 change as a whole or not at all: they must be empty and `parity` must match the 32 bytes
 * (block 1: 24 bytes and 8 zeros). Programming nothing but zeros is no change. EPROTECTED,
 * ECHECKSUM, EDUPLICATE (already programmed), EFIELD (no such block). */
int efuse_program(struct efuse *efuse, unsigned block, const uint8_t *data,
                  const uint8_t parity[EFUSE_RS_BYTES]);

/* Higher verbs on the image, each checking everything before changing anything.
 *
 * A field of at most 32 bits becomes `value`. EFIELD: too long, value too large, or a bit would
 * have to go down; EPROTECTED; EDUPLICATE: its block (1..10) is coded and already programmed. */
int efuse_burn_field(struct efuse *efuse, const struct efuse_field *field, uint32_t value);

/* A field of whole bytes, (length / 8) of them in the block's order, in an empty coded block: all
 * of that block's other bits stay 0 for good. Burning what is there already is no change. EFIELD:
 * not whole bytes, or a key block (efuse_burn_key); the rest as efuse_program(). */
int efuse_burn_bytes(struct efuse *efuse, const struct efuse_field *field, const uint8_t *value);

/* Key into KEYn with purpose: reversed for XTS, protections set as Espressif's burn-key does
 * (write-protect key and purpose; read-protect unless a digest or USER). EFIELD: no such block or
 * purpose, XTS in KEY5, a key of zeros. EDUPLICATE: block in use, or another block has this digest
 * or XTS purpose (which one counts would be unclear). EPROTECTED: block, purpose or, where it is
 * needed, RD_DIS. */
int efuse_burn_key(struct efuse *efuse, unsigned key_block, enum efuse_purpose purpose,
                   const uint8_t key[32]);

/* A virgin chip: revision (major * 100 + minor, at most 315), MAC (printed order), MAC_EXT and the
 * write protection of BLOCK1 and BLOCK2 set; all else blank. */
void efuse_factory(struct efuse *efuse, const uint8_t mac[6], uint16_t chip_rev);

const char *efuse_purpose_name(unsigned purpose); /* NULL for unnamed values */

#endif
