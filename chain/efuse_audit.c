#include "chain/efuse_audit.h"

#include <string.h>

#define KEY_BLOCK_FIRST  4u
#define LAST_KEY         (EFUSE_KEY_BLOCKS - 1u)
#define ALL_CRYPT_BITS   7u
#define UART_PRINT_NEVER 3u

/* WR_DIS bits (efuse.md 3). */
enum {
    LOCK_RD_DIS = 0,
    LOCK_SWITCHES = 2,
    LOCK_CRYPT_CNT = 4,
    LOCK_REVOKE0 = 5,
    LOCK_PURPOSE0 = 8,
    LOCK_SECURE_VERSION = 18,
    LOCK_BLOCK1 = 20,
    LOCK_BLOCK2 = 21,
    LOCK_KEY0 = 23,
};

static bool locked(const struct efuse *efuse, unsigned wr_dis_bit)
{
    return efuse_bits(efuse, 0, wr_dis_bit, 1) != 0;
}

static const uint8_t *key_bytes(const struct efuse *efuse, unsigned n)
{
    return efuse->bytes + efuse_block_offset(KEY_BLOCK_FIRST + n);
}

static bool is_blank(const struct efuse *efuse, unsigned n)
{
    static const uint8_t blank[32];
    return memcmp(key_bytes(efuse, n), blank, sizeof blank) == 0;
}

static bool readable(const struct efuse *efuse, unsigned n)
{
    return (efuse_bits(efuse, EFUSE_RD_DIS) >> n & 1) == 0;
}

static bool revoked(const struct efuse *efuse, unsigned slot)
{
    return efuse_bits(efuse, EFUSE_SECURE_BOOT_KEY_REVOKE(slot)) != 0;
}

static bool is_xts(unsigned purpose)
{
    return purpose == EFUSE_PURPOSE_XTS_AES_128_KEY;
}

static bool is_hmac(unsigned purpose)
{
    return purpose >= EFUSE_PURPOSE_HMAC_DOWN_ALL && purpose <= EFUSE_PURPOSE_HMAC_UP;
}

static bool is_digest(unsigned purpose)
{
    return purpose >= EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 &&
           purpose <= EFUSE_PURPOSE_SECURE_BOOT_DIGEST2;
}

/* Is there a key block of such a purpose of which `what` holds? NULL: any. */
static bool any_key(const struct efuse *efuse, bool (*purpose_is)(unsigned),
                    bool (*what)(const struct efuse *, unsigned))
{
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++) {
        if (purpose_is(efuse_bits(efuse, EFUSE_KEY_PURPOSE(n))) && (!what || what(efuse, n)))
            return true;
    }
    return false;
}

static unsigned blocks_of(const struct efuse *efuse, unsigned purpose)
{
    unsigned count = 0;
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++)
        count += efuse_bits(efuse, EFUSE_KEY_PURPOSE(n)) == purpose;
    return count;
}

static bool slot_has_digest(const struct efuse *efuse, unsigned slot)
{
    return blocks_of(efuse, EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 + slot) > 0;
}

static bool key_writable(const struct efuse *efuse, unsigned n)
{
    return !locked(efuse, LOCK_KEY0 + n);
}

static bool purpose_writable(const struct efuse *efuse, unsigned n)
{
    return !locked(efuse, LOCK_PURPOSE0 + n);
}

static bool is_read_protected(const struct efuse *efuse, unsigned n)
{
    return !readable(efuse, n);
}

/* Secure Boot. */

static bool secure_boot_off(const struct efuse *efuse)
{
    return !efuse_bits(efuse, EFUSE_SECURE_BOOT_EN);
}

static bool all_digests_revoked(const struct efuse *efuse)
{
    return revoked(efuse, 0) && revoked(efuse, 1) && revoked(efuse, 2);
}

static bool no_digest(const struct efuse *efuse)
{
    for (unsigned slot = 0; slot < SIGBLOCK_MAX; slot++) {
        if (!revoked(efuse, slot) && slot_has_digest(efuse, slot))
            return false;
    }
    return !secure_boot_off(efuse) && !all_digests_revoked(efuse);
}

/* A slot nobody has used or revoked, and a key block that would take a digest for it. */
static bool digest_slot_open(const struct efuse *efuse)
{
    bool room = false, slot_open = false;
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++)
        room |= efuse_bits(efuse, EFUSE_KEY_PURPOSE(n)) == EFUSE_PURPOSE_USER &&
                is_blank(efuse, n) && key_writable(efuse, n) && purpose_writable(efuse, n);
    for (unsigned slot = 0; slot < SIGBLOCK_MAX; slot++)
        slot_open |= !revoked(efuse, slot) && !slot_has_digest(efuse, slot);
    return room && slot_open;
}

static bool digest_writable(const struct efuse *efuse)
{
    return any_key(efuse, is_digest, key_writable);
}

static bool digest_read_protected(const struct efuse *efuse)
{
    return any_key(efuse, is_digest, is_read_protected);
}

/* (A hidden digest looks blank in a dump made by software.) */
static bool reads_blank(const struct efuse *efuse, unsigned n)
{
    return readable(efuse, n) && is_blank(efuse, n);
}

static bool digest_blank(const struct efuse *efuse)
{
    return any_key(efuse, is_digest, reads_blank);
}

static bool digest_slot_twice(const struct efuse *efuse)
{
    for (unsigned slot = 0; slot < SIGBLOCK_MAX; slot++) {
        if (blocks_of(efuse, EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 + slot) > 1)
            return true;
    }
    return false;
}

/* One signing key in two slots: revoking one leaves it trusted. */
static bool digest_repeated(const struct efuse *efuse)
{
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++) {
        for (unsigned m = 0; m < n; m++) {
            const unsigned one = efuse_bits(efuse, EFUSE_KEY_PURPOSE(n));
            const unsigned other = efuse_bits(efuse, EFUSE_KEY_PURPOSE(m));
            if (is_digest(one) && is_digest(other) && one != other && !is_blank(efuse, n) &&
                memcmp(key_bytes(efuse, n), key_bytes(efuse, m), 32) == 0)
                return true;
        }
    }
    return false;
}

static bool revocation_frozen(const struct efuse *efuse)
{
    for (unsigned slot = 0; slot < SIGBLOCK_MAX; slot++) {
        if (!revoked(efuse, slot) && locked(efuse, LOCK_REVOKE0 + slot))
            return true;
    }
    return false;
}

static bool rd_dis_writable(const struct efuse *efuse)
{
    return !locked(efuse, LOCK_RD_DIS);
}

static bool direct_boot_on(const struct efuse *efuse)
{
    return !efuse_bits(efuse, EFUSE_DIS_DIRECT_BOOT);
}

static bool aggressive_revoke_off(const struct efuse *efuse)
{
    return !efuse_bits(efuse, EFUSE_SECURE_BOOT_AGGRESSIVE_REVOKE);
}

static bool fast_wake(const struct efuse *efuse)
{
    return !efuse_bits(efuse, 0, 158, 1); /* SECURE_BOOT_DISABLE_FAST_WAKE */
}

/* Flash encryption. */

static bool encryption_off(const struct efuse *efuse)
{
    return !efuse_flash_encryption(efuse);
}

static bool crypt_count_open(const struct efuse *efuse)
{
    return efuse_flash_encryption(efuse) &&
           efuse_bits(efuse, EFUSE_SPI_BOOT_CRYPT_CNT) != ALL_CRYPT_BITS &&
           !locked(efuse, LOCK_CRYPT_CNT);
}

static bool xts_missing(const struct efuse *efuse)
{
    return efuse_flash_encryption(efuse) && !any_key(efuse, is_xts, NULL);
}

static bool xts_readable(const struct efuse *efuse)
{
    return any_key(efuse, is_xts, readable);
}

static bool xts_writable(const struct efuse *efuse)
{
    return any_key(efuse, is_xts, key_writable);
}

static bool xts_in_key5(const struct efuse *efuse)
{
    return is_xts(efuse_bits(efuse, EFUSE_KEY_PURPOSE(LAST_KEY)));
}

static bool xts_twice(const struct efuse *efuse)
{
    return blocks_of(efuse, EFUSE_PURPOSE_XTS_AES_128_KEY) > 1;
}

/* Zero, one byte over and over, any short pattern: all have two halves alike, which no XTS key may
 * have. */
static bool halves_alike(const struct efuse *efuse, unsigned n)
{
    return memcmp(key_bytes(efuse, n), key_bytes(efuse, n) + 16, 16) == 0;
}

static bool xts_weak(const struct efuse *efuse)
{
    return any_key(efuse, is_xts, halves_alike);
}

static bool manual_encrypt_on(const struct efuse *efuse)
{
    return !efuse_bits(efuse, EFUSE_DIS_DOWNLOAD_MANUAL_ENCRYPT);
}

static bool download_cache_on(const struct efuse *efuse)
{
    return !efuse_bits(efuse, EFUSE_DIS_DOWNLOAD_ICACHE);
}

static bool dpa_off(const struct efuse *efuse)
{
    return !efuse_bits(efuse, 0, 114, 1) && !efuse_bits(efuse, 0, 112, 2);
}

/* Keys of any kind. */

static bool is_in_use(unsigned purpose)
{
    return purpose != EFUSE_PURPOSE_USER;
}

static bool is_unnamed(unsigned purpose)
{
    return is_in_use(purpose) && !is_xts(purpose) && !is_hmac(purpose) && !is_digest(purpose);
}

static bool purpose_open(const struct efuse *efuse)
{
    return any_key(efuse, is_in_use, purpose_writable);
}

static bool purpose_unnamed(const struct efuse *efuse)
{
    return any_key(efuse, is_unnamed, NULL);
}

static bool hmac_readable(const struct efuse *efuse)
{
    return any_key(efuse, is_hmac, readable);
}

static bool hmac_writable(const struct efuse *efuse)
{
    return any_key(efuse, is_hmac, key_writable);
}

/* Debug and download. */

static bool pad_jtag_on(const struct efuse *efuse)
{
    return !efuse_bits(efuse, EFUSE_DIS_PAD_JTAG);
}

static bool usb_jtag_on(const struct efuse *efuse)
{
    return !efuse_bits(efuse, EFUSE_DIS_USB_JTAG);
}

static bool soft_jtag_on(const struct efuse *efuse)
{
    static const bool odd[8] = {false, true, true, false, true, false, false, true};
    return !odd[efuse_bits(efuse, EFUSE_SOFT_DIS_JTAG)];
}

static bool switches_writable(const struct efuse *efuse)
{
    return !locked(efuse, LOCK_SWITCHES);
}

static bool cache_off(const struct efuse *efuse)
{
    return efuse_bits(efuse, 0, 40, 1) != 0; /* DIS_ICACHE */
}

static bool download_possible(const struct efuse *efuse)
{
    return !efuse_bits(efuse, EFUSE_DIS_DOWNLOAD_MODE);
}

static bool download_open(const struct efuse *efuse)
{
    return download_possible(efuse) && !efuse_bits(efuse, EFUSE_ENABLE_SECURITY_DOWNLOAD);
}

static bool force_download(const struct efuse *efuse)
{
    return download_possible(efuse) && !efuse_bits(efuse, EFUSE_DIS_FORCE_DOWNLOAD);
}

static bool usb_download(const struct efuse *efuse)
{
    return download_possible(efuse) && !efuse_bits(efuse, 0, 132, 1);
}

static bool uart_prints(const struct efuse *efuse)
{
    return efuse_bits(efuse, EFUSE_UART_PRINT_CONTROL) != UART_PRINT_NEVER;
}

static bool usb_prints(const struct efuse *efuse)
{
    return !efuse_bits(efuse, 0, 130, 1); /* DIS_USB_SERIAL_JTAG_ROM_PRINT */
}

/* Versions and identity. */

static bool secure_version_frozen(const struct efuse *efuse)
{
    return locked(efuse, LOCK_SECURE_VERSION);
}

static bool wafer_check_off(const struct efuse *efuse)
{
    return efuse_bits(efuse, EFUSE_DISABLE_WAFER_VERSION_MAJOR) != 0;
}

static bool block_check_off(const struct efuse *efuse)
{
    return efuse_bits(efuse, 0, 161, 1) != 0; /* DISABLE_BLK_VERSION_MAJOR */
}

static bool identity_writable(const struct efuse *efuse)
{
    return !locked(efuse, LOCK_BLOCK1) || !locked(efuse, LOCK_BLOCK2);
}

#define ERROR   EFUSE_ERROR
#define WARNING EFUSE_WARNING
#define INFO    EFUSE_INFO

/* name, severity, reason, remedy, judge, reads_secret */
const struct efuse_rule efuse_rules[] = {
    {"secure-boot-off", ERROR, "the ROM boots a bootloader of anybody", "burn SECURE_BOOT_EN",
     secure_boot_off, false},
    {"no-digest", ERROR, "Secure Boot is on and no signing key is trusted: the device is a brick",
     "burn a digest before SECURE_BOOT_EN", no_digest, false},
    {"all-digests-revoked", ERROR, "no signing key can ever be trusted: with Secure Boot a brick",
     "leave the slot of the signing key unrevoked", all_digests_revoked, false},
    {"digest-slot-open", ERROR, "whoever runs code once can add a signing key of his own",
     "burn SECURE_BOOT_KEY_REVOKEn of each unused slot", digest_slot_open, false},
    {"digest-writable", ERROR, "more bits in a digest make it a digest of no key: a brick",
     "write-protect the key block", digest_writable, false},
    {"digest-read-protected", ERROR, "the ROM reads zeros instead of the digest: a brick",
     "digests must stay readable; this device is lost", digest_read_protected, false},
    {"digest-blank", ERROR, "a block has the purpose of a digest and holds none",
     "burn digest and purpose together (efuse burn FILE key)", digest_blank, false},
    {"digest-slot-twice", WARNING, "two blocks claim one digest slot: which counts is unclear",
     "one block for each slot", digest_slot_twice, false},
    {"digest-repeated", WARNING, "one signing key in two slots: revoking one leaves it trusted",
     "one slot for each signing key", digest_repeated, false},
    {"revocation-frozen", WARNING, "a stolen signing key could never be revoked, or an unused slot",
     "leave WR_DIS bits 5 to 7 of unrevoked slots open", revocation_frozen, false},
    {"rd-dis-open", ERROR, "whoever runs code once can hide the digests from the ROM: a brick",
     "burn WR_DIS bit 0, after the last read protection", rd_dis_writable, false},
    {"direct-boot-on", ERROR, "code in flash may start past the ROM's checks",
     "burn DIS_DIRECT_BOOT", direct_boot_on, false},
    {"aggressive-revoke-off", INFO, "a bad signature revokes no key (most products want that)",
     "burn SECURE_BOOT_AGGRESSIVE_REVOKE if they do not", aggressive_revoke_off, false},
    {"fast-wake", INFO, "waking from deep sleep may skip the verification",
     "burn SECURE_BOOT_DISABLE_FAST_WAKE if the device sleeps", fast_wake, false},

    {"flash-encryption-off", ERROR, "SPI_BOOT_CRYPT_CNT is even: flash is plaintext",
     "burn SPI_BOOT_CRYPT_CNT to 7", encryption_off, false},
    {"crypt-count-open", ERROR, "one more bit of SPI_BOOT_CRYPT_CNT turns encryption off",
     "burn SPI_BOOT_CRYPT_CNT to 7, or its WR_DIS bit 4", crypt_count_open, false},
    {"xts-key-missing", ERROR, "flash encryption is on without a key: a brick",
     "burn a key of purpose XTS_AES_128_KEY first", xts_missing, false},
    {"xts-key-readable", ERROR, "any code on the device reads the flash encryption key",
     "read-protect the key block", xts_readable, false},
    {"xts-key-writable", ERROR, "more bits in the key make flash unreadable: a brick",
     "write-protect the key block", xts_writable, false},
    {"xts-key-in-key5", ERROR, "the flash cipher cannot use KEY5 (BLOCK9)",
     "burn the key to one of KEY0 to KEY4", xts_in_key5, false},
    {"xts-key-twice", ERROR, "which of two flash encryption keys counts is not defined",
     "one block of purpose XTS_AES_128_KEY", xts_twice, false},
    {"xts-key-weak", ERROR, "the two halves of the flash encryption key are alike: it is guessable",
     "32 random bytes (trustchain key new --type xts128)", xts_weak, true},
    {"manual-encrypt-on", ERROR, "download mode encrypts what it is given: an oracle for forgers",
     "burn DIS_DOWNLOAD_MANUAL_ENCRYPT", manual_encrypt_on, false},
    {"download-cache-on", ERROR, "code in download mode reads flash decrypted",
     "burn DIS_DOWNLOAD_ICACHE", download_cache_on, false},
    {"dpa-off", INFO, "no countermeasure against power analysis of the flash cipher",
     "burn SEC_DPA_LEVEL or CRYPT_DPA_ENABLE", dpa_off, false},

    {"purpose-writable", ERROR, "more bits in the purpose make the key one of another kind",
     "burn the WR_DIS bits of the purposes in use, 8 to 13", purpose_open, false},
    {"purpose-unnamed", WARNING, "a key block has a purpose that the ESP32-C6 does not know",
     "see KEY_PURPOSE_n", purpose_unnamed, false},
    {"hmac-key-readable", ERROR, "any code on the device reads an HMAC key",
     "read-protect the key block", hmac_readable, false},
    {"hmac-key-writable", WARNING, "more bits in an HMAC key destroy it",
     "write-protect the key block", hmac_writable, false},

    {"pad-jtag-on", ERROR, "a debugger at the JTAG pins", "burn DIS_PAD_JTAG", pad_jtag_on, false},
    {"usb-jtag-on", ERROR, "a debugger over USB", "burn DIS_USB_JTAG", usb_jtag_on, false},
    {"soft-jtag-on", WARNING, "JTAG is not off by software (an even number of SOFT_DIS_JTAG)",
     "burn SOFT_DIS_JTAG to 7", soft_jtag_on, false},
    {"switches-writable", WARNING,
     "whoever runs code once can turn off cache, USB or TWAI for good (DIS_ICACHE: a brick)",
     "burn WR_DIS bit 2, after the JTAG and download switches", switches_writable, false},
    {"cache-off", ERROR, "no code runs from flash: a brick", "DIS_ICACHE must stay 0", cache_off,
     false},
    {"download-mode-open", ERROR, "code may be loaded and run over the serial port",
     "burn ENABLE_SECURITY_DOWNLOAD or DIS_DOWNLOAD_MODE", download_open, false},
    {"force-download", INFO, "software may restart the device in download mode",
     "burn DIS_FORCE_DOWNLOAD if the product never does", force_download, false},
    {"usb-download", INFO, "flash may be written over USB",
     "burn DIS_USB_SERIAL_JTAG_DOWNLOAD_MODE if the product never is", usb_download, false},
    {"uart-print", INFO, "the ROM prints what it boots on the UART", "burn UART_PRINT_CONTROL to 3",
     uart_prints, false},
    {"usb-print", INFO, "the ROM prints what it boots on USB", "burn DIS_USB_SERIAL_JTAG_ROM_PRINT",
     usb_prints, false},

    {"secure-version-frozen", INFO, "WR_DIS bit 18: SECURE_VERSION counts no rollback any more",
     "leave WR_DIS bit 18 open when updates count on it", secure_version_frozen, false},
    {"wafer-check-off", WARNING, "an image may run on a chip too new for it",
     "leave DISABLE_WAFER_VERSION_MAJOR 0", wafer_check_off, false},
    {"block-check-off", WARNING, "an image may misread eFuse blocks too new for it",
     "leave DISABLE_BLK_VERSION_MAJOR 0", block_check_off, false},
    {"identity-writable", WARNING, "more bits in BLOCK1 or BLOCK2 corrupt MAC or calibration",
     "burn WR_DIS bits 20 and 21", identity_writable, false},
};

const size_t efuse_rule_count = sizeof efuse_rules / sizeof efuse_rules[0];
