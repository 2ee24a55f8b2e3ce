#include "tool/efuse_plan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "chain/error.h"
#include "host/error.h"

/* First WR_DIS bit of a row of them (efuse.md 3). */
#define WR_DIS_PURPOSE0 8u
#define WR_DIS_KEY0     23u

static struct burn_step *plan_next(struct burn_plan *plan, const char *name, const char *why)
{
    struct burn_step *step = &plan->step[plan->count++];
    *step = (struct burn_step){.why = why};
    snprintf(step->name, sizeof step->name, "%s", name);
    return step;
}

void plan_bits(struct burn_plan *plan, const char *name, uint32_t bits, const char *why)
{
    plan_next(plan, name, why)->bits = bits;
}

void plan_bytes(struct burn_plan *plan, const struct efuse_field *field, const uint8_t *bytes)
{
    struct burn_step *step = plan_next(plan, field->name, field->meaning);
    step->is_bytes = true;
    memcpy(step->key, bytes, field->length / 8u);
}

void plan_key(struct burn_plan *plan, unsigned block, enum efuse_purpose purpose,
              const uint8_t key[32], const char *why)
{
    char name[PLAN_NAME_BYTES];
    snprintf(name, sizeof name, "KEY%u", block);
    struct burn_step *step = plan_next(plan, name, why);
    step->is_key = true;
    step->block = block;
    step->purpose = purpose;
    memcpy(step->key, key, sizeof step->key);
}

/* The digests and the flash key of a device (formats.md 2.5, flash-encryption.md 4). Protections
 * follow the keys they protect. */
static void plan_trust(struct burn_plan *plan, const struct sigblock_trust *signers,
                       const uint8_t flash_key[32])
{
    plan_key(plan, 0, EFUSE_PURPOSE_XTS_AES_128_KEY, flash_key,
             "flash encryption key, read-protected");
    for (unsigned i = 0; i < signers->count; i++)
        plan_key(plan, 1 + i, EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 + i, signers->digest[i],
                 "trusted signing key, stays readable");
}

/* WR_DIS bit 18 stays open: it would freeze SECURE_VERSION, the anti-rollback counter. Secure
 * download comes last: espefuse burns nothing after it (efuse.md 6). */
static void plan_release(struct burn_plan *plan, const struct sigblock_trust *signers)
{
    for (unsigned i = signers->count; i < SIGBLOCK_MAX; i++) {
        char name[PLAN_NAME_BYTES];
        snprintf(name, sizeof name, "SECURE_BOOT_KEY_REVOKE%u", i);
        plan_bits(plan, name, 1, "nobody can add a signing key later");
    }
    plan_bits(plan, "DIS_PAD_JTAG", 1, "JTAG pins off");
    plan_bits(plan, "DIS_USB_JTAG", 1, "JTAG over USB off");
    plan_bits(plan, "SOFT_DIS_JTAG", 7, "no JTAG by software either");
    plan_bits(plan, "DIS_DIRECT_BOOT", 1, "no boot past the ROM's checks");
    plan_bits(plan, "DIS_DOWNLOAD_MANUAL_ENCRYPT", 1, "download mode cannot encrypt");
    plan_bits(plan, "DIS_DOWNLOAD_ICACHE", 1, "download mode cannot decrypt");
    plan_bits(plan, "SECURE_BOOT_EN", 1, "ROM verifies the bootloader");
    plan_bits(plan, "SPI_BOOT_CRYPT_CNT", 7, "flash encryption on for good");
    plan_bits(plan, "WR_DIS", 1u << 0 | 1u << 2,
              "no read protection on the digests; the debug switches stay as they are");
    plan_bits(plan, "ENABLE_SECURITY_DOWNLOAD", 1, "download mode only writes flash");
}

/* Verified and encrypted, but flash can be rewritten over the serial port (the ROM encrypts it),
 * encryption be turned off once, and a debugger attached. */
static void plan_development(struct burn_plan *plan)
{
    plan_bits(plan, "DIS_DIRECT_BOOT", 1, "no boot past the ROM's checks");
    plan_bits(plan, "SECURE_BOOT_EN", 1, "ROM verifies the bootloader");
    plan_bits(plan, "SPI_BOOT_CRYPT_CNT", 1, "flash encryption on, can be turned off once");
}

bool plan_profile(struct burn_plan *plan, const char *profile, const struct sigblock_trust *signers,
                  const uint8_t flash_key[32])
{
    bool release = strcmp(profile, "release") == 0;
    if (!release && strcmp(profile, "development") != 0)
        return false;
    plan->holes_allowed = !release;
    plan_trust(plan, signers, flash_key);
    if (release)
        plan_release(plan, signers);
    else
        plan_development(plan);
    return true;
}

/* Which bits of WR_DIS stop a key: it needs its block, its purpose, and when it is secret RD_DIS.
 */
static int explain_protected_key(const struct burn_step *step, const struct efuse *efuse)
{
    uint32_t locks = efuse_bits(efuse, 0, 0, 32);
    unsigned block = WR_DIS_KEY0 + step->block, purpose = WR_DIS_PURPOSE0 + step->block;
    if (locks >> block & 1 || locks >> purpose & 1)
        return host_fail(step->name,
                         "is write-protected by WR_DIS bit %u (a key is burned with its purpose "
                         "and protections, before these bits)",
                         locks >> block & 1 ? block : purpose);
    return host_fail(step->name,
                     "cannot be read-protected%s (secret keys come before WR_DIS bit 0)",
                     locks & 1 ? ": RD_DIS is write-protected" : ", or is already");
}

static int explain(const struct burn_step *step, const struct efuse *efuse, int error)
{
    const struct efuse_field *field = efuse_field_find(step->name);
    if (error == CHAIN_EDUPLICATE)
        return host_fail(step->name, step->is_key
                                         ? "is burned already, or another block has this purpose"
                                         : "shares its coded block with something burned already "
                                           "(such a block is burned once)");
    if (error == CHAIN_EPROTECTED && step->is_key)
        return explain_protected_key(step, efuse);
    if (error == CHAIN_EPROTECTED && field)
        return host_fail(step->name, "is write-protected (WR_DIS bit %d)", field->wr_dis);
    if (error == CHAIN_EFIELD && step->is_key)
        return host_fail(step->name, "cannot hold this key (all zero, or KEY5 for XTS)");
    return host_fail(step->name, "cannot be burned: %s", chain_error_text(error));
}

static int burn_bits(const struct burn_step *step, struct efuse *efuse)
{
    const struct efuse_field *field = efuse_field_find(step->name);
    if (!field)
        return host_fail(step->name, "is no eFuse field of the ESP32-C6");
    int error = step->is_bytes
                    ? efuse_burn_bytes(efuse, field, step->key)
                    : efuse_burn_field(efuse, field, efuse_get(efuse, field) | step->bits);
    return error ? explain(step, efuse, error) : HOST_DONE;
}

int plan_step_burn(const struct burn_step *step, struct efuse *efuse)
{
    if (!step->is_key)
        return burn_bits(step, efuse);
    int error = efuse_burn_key(efuse, step->block, step->purpose, step->key);
    return error ? explain(step, efuse, error) : HOST_DONE;
}

void plan_step_print(const struct burn_step *step, size_t number)
{
    if (step->is_key)
        printf("%2zu  %-28s %-26s %s\n", number, step->name, efuse_purpose_name(step->purpose),
               step->why);
    else if (step->is_bytes)
        printf("%2zu  %-28s %-26s %s\n", number, step->name, "whole", step->why);
    else
        printf("%2zu  %-28s |= 0x%-21x %s\n", number, step->name, (unsigned)step->bits, step->why);
}

bool plan_find_purpose(const char *name, enum efuse_purpose *purpose)
{
    for (unsigned value = 0; value < 16; value++) {
        const char *known = efuse_purpose_name(value);
        if (known && strcasecmp(known, name) == 0) {
            *purpose = (enum efuse_purpose)value;
            return true;
        }
    }
    return false;
}

bool plan_find_block(const char *name, unsigned *block)
{
    static const char *const prefixes[] = {"KEY", "BLOCK_KEY", "BLOCK"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t length = strlen(prefixes[i]);
        unsigned first = i == 2 ? 4 : 0;
        if (strncasecmp(name, prefixes[i], length) != 0 || !name[length] || name[length + 1])
            continue;
        unsigned digit = (unsigned)(name[length] - '0');
        if (digit >= first && digit < first + EFUSE_KEY_BLOCKS) {
            *block = digit - first;
            return true;
        }
    }
    return false;
}
