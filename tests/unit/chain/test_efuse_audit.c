/* The audit: a device without a fault has no finding, and each fault put into it has exactly one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/efuse_audit.h"
#include "chain/error.h"

/* Overwrites bits, up or down. */
static void put(struct efuse *efuse, unsigned block, unsigned bit, unsigned length, uint32_t value)
{
    for (unsigned i = 0; i < length; i++) {
        uint8_t *byte = efuse->bytes + efuse_block_offset(block) + (bit + i) / 8;
        const uint8_t mask = (uint8_t)(1u << (bit + i) % 8);
        *byte = (uint8_t)(value >> i & 1 ? *byte | mask : *byte & ~mask);
    }
}

/* XTS key in KEY0, one digest in KEY1, an HMAC key in KEY3, everything closed. */
static struct efuse sound_device(void)
{
    static const uint8_t mac[6] = {0x60, 0x55, 0xf9, 1, 2, 3};
    struct efuse efuse;
    uint8_t key[32];
    efuse_factory(&efuse, mac, 1);
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)(i + 1);
    assert_int_equal(efuse_burn_key(&efuse, 0, EFUSE_PURPOSE_XTS_AES_128_KEY, key), CHAIN_OK);
    assert_int_equal(efuse_burn_key(&efuse, 1, EFUSE_PURPOSE_SECURE_BOOT_DIGEST0, key), CHAIN_OK);
    assert_int_equal(efuse_burn_key(&efuse, 3, EFUSE_PURPOSE_HMAC_UP, key), CHAIN_OK);
    static const struct {
        unsigned bit, length;
    } closed[] = {{86, 1}, {87, 1},  {116, 1}, {117, 1}, {129, 1}, {158, 1}, {82, 3},
                  {52, 1}, {42, 1},  {114, 1}, {51, 1},  {41, 1},  {48, 3},  {133, 1},
                  {44, 1}, {132, 1}, {134, 2}, {130, 1}, {0, 1},   {2, 1}};
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++)
        put(&efuse, 0, closed[i].bit, closed[i].length, 7);
    return efuse;
}

static void a_sound_device_has_no_finding(void **state)
{
    (void)state;
    const struct efuse efuse = sound_device();
    for (size_t i = 0; i < efuse_rule_count; i++) {
        if (efuse_rules[i].broken(&efuse))
            fail_msg("%s", efuse_rules[i].name);
    }
}

#define PUTS_MAX 6

static const struct {
    const char *rule;
    enum efuse_severity severity;
    struct {
        unsigned block, bit, length;
        uint32_t value;
    } put[PUTS_MAX]; /* until a length of 0 */
} faults[] = {
    {"secure-boot-off", EFUSE_ERROR, {{0, 116, 1, 0}}},
    {"no-digest", EFUSE_ERROR, {{0, 92, 4, 8}, {0, 33, 1, 1}, {0, 85, 3, 3}, {0, 23, 6, 63}}},
    {"no-digest", EFUSE_ERROR, {{0, 92, 4, 10}, {0, 23, 6, 63}}},
    {"all-digests-revoked", EFUSE_ERROR, {{0, 85, 3, 7}}},
    {"digest-slot-open", EFUSE_ERROR, {{0, 86, 1, 0}}},
    {"digest-slot-open", EFUSE_ERROR, {{0, 87, 1, 0}, {0, 23, 5, 31}}}, /* room in KEY5 alone */
    {"digest-writable", EFUSE_ERROR, {{0, 24, 1, 0}}},
    {"digest-read-protected", EFUSE_ERROR, {{0, 33, 1, 1}}},
    {"digest-blank", EFUSE_ERROR, {{0, 96, 4, 10}, {0, 10, 1, 1}, {0, 25, 1, 1}}},
    {"digest-slot-twice",
     EFUSE_WARNING,
     {{0, 96, 4, 9}, {0, 10, 1, 1}, {0, 25, 1, 1}, {6, 0, 1, 1}}},
    {"revocation-frozen", EFUSE_WARNING, {{0, 5, 1, 1}}},
    {"rd-dis-open", EFUSE_ERROR, {{0, 0, 1, 0}}},
    {"direct-boot-on", EFUSE_ERROR, {{0, 129, 1, 0}}},
    {"aggressive-revoke-off", EFUSE_INFO, {{0, 117, 1, 0}}},
    {"fast-wake", EFUSE_INFO, {{0, 158, 1, 0}}},
    {"flash-encryption-off", EFUSE_ERROR, {{0, 82, 3, 0}}},
    {"flash-encryption-off", EFUSE_ERROR, {{0, 82, 3, 6}}},
    {"crypt-count-open", EFUSE_ERROR, {{0, 82, 3, 1}}},
    {"xts-key-missing", EFUSE_ERROR, {{0, 88, 4, 8}}},
    {"xts-key-readable", EFUSE_ERROR, {{0, 32, 1, 0}}},
    {"xts-key-writable", EFUSE_ERROR, {{0, 23, 1, 0}}},
    {"xts-key-in-key5",
     EFUSE_ERROR,
     {{0, 88, 4, 8}, {0, 108, 4, 4}, {9, 0, 1, 1}, {0, 13, 1, 1}, {0, 28, 1, 1}, {0, 37, 1, 1}}},
    {"xts-key-twice", EFUSE_ERROR, {{0, 100, 4, 4}}},
    {"manual-encrypt-on", EFUSE_ERROR, {{0, 52, 1, 0}}},
    {"download-cache-on", EFUSE_ERROR, {{0, 42, 1, 0}}},
    {"dpa-off", EFUSE_INFO, {{0, 114, 1, 0}}},
    {"purpose-writable", EFUSE_ERROR, {{0, 8, 1, 0}}},
    {"purpose-unnamed", EFUSE_WARNING, {{0, 100, 4, 12}}},
    {"hmac-key-readable", EFUSE_ERROR, {{0, 35, 1, 0}}},
    {"hmac-key-writable", EFUSE_WARNING, {{0, 26, 1, 0}}},
    {"pad-jtag-on", EFUSE_ERROR, {{0, 51, 1, 0}}},
    {"usb-jtag-on", EFUSE_ERROR, {{0, 41, 1, 0}}},
    {"soft-jtag-on", EFUSE_WARNING, {{0, 48, 3, 0}}},
    {"soft-jtag-on", EFUSE_WARNING, {{0, 48, 3, 5}}},
    {"switches-writable", EFUSE_WARNING, {{0, 2, 1, 0}}},
    {"cache-off", EFUSE_ERROR, {{0, 40, 1, 1}}},
    {"download-mode-open", EFUSE_ERROR, {{0, 133, 1, 0}}},
    {"force-download", EFUSE_INFO, {{0, 44, 1, 0}}},
    {"usb-download", EFUSE_INFO, {{0, 132, 1, 0}}},
    {"uart-print", EFUSE_INFO, {{0, 134, 2, 2}}},
    {"usb-print", EFUSE_INFO, {{0, 130, 1, 0}}},
    {"secure-version-frozen", EFUSE_INFO, {{0, 18, 1, 1}}},
    {"wafer-check-off", EFUSE_WARNING, {{0, 160, 1, 1}}},
    {"block-check-off", EFUSE_WARNING, {{0, 161, 1, 1}}},
    {"identity-writable", EFUSE_WARNING, {{0, 20, 1, 0}}},
    {"identity-writable", EFUSE_WARNING, {{0, 21, 1, 0}}},
};

/* The findings are `rule` and no other. */
static void assert_only(const struct efuse *efuse, const char *rule)
{
    for (size_t i = 0; i < efuse_rule_count; i++) {
        const bool meant = strcmp(efuse_rules[i].name, rule) == 0;
        if (efuse_rules[i].broken(efuse) != meant)
            fail_msg("%s: %s %s", rule, efuse_rules[i].name, meant ? "not found" : "found too");
    }
}

static void each_fault_is_found_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct efuse efuse = sound_device();
        for (size_t k = 0; k < PUTS_MAX && faults[i].put[k].length > 0; k++)
            put(&efuse, faults[i].put[k].block, faults[i].put[k].bit, faults[i].put[k].length,
                faults[i].put[k].value);
        assert_only(&efuse, faults[i].rule);
    }
}

/* Faults of a whole key block. */
static void weak_and_repeated_keys(void **state)
{
    (void)state;
    static const size_t periods[] = {1, 2, 4, 8, 16};
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        struct efuse efuse = sound_device();
        for (size_t k = 0; k < 32; k++)
            efuse.bytes[efuse_block_offset(4) + k] = (uint8_t)(0x51 + k % periods[i]);
        assert_only(&efuse, "xts-key-weak");
    }
    struct efuse efuse = sound_device();
    memset(efuse.bytes + efuse_block_offset(4), 0, 32);
    assert_only(&efuse, "xts-key-weak");

    uint8_t digest[32];
    efuse = sound_device();
    memcpy(digest, efuse.bytes + efuse_block_offset(5), sizeof digest);
    put(&efuse, 0, 86, 1, 0); /* slot 1, not revoked, holds the key of slot 0 */
    assert_int_equal(efuse_burn_key(&efuse, 2, EFUSE_PURPOSE_SECURE_BOOT_DIGEST1, digest), 0);
    assert_only(&efuse, "digest-repeated");
    efuse.bytes[efuse_block_offset(6)] ^= 1; /* another key: nothing to find */
    for (size_t i = 0; i < efuse_rule_count; i++)
        assert_false(efuse_rules[i].broken(&efuse));
}

/* The table and the tests name the same rules, and each says what to do. */
static void every_rule_is_tested(void **state)
{
    (void)state;
    assert_true(efuse_rule_count >= 20);
    for (size_t i = 0; i < efuse_rule_count; i++) {
        const struct efuse_rule *rule = &efuse_rules[i];
        bool tested =
            strcmp(rule->name, "xts-key-weak") == 0 || strcmp(rule->name, "digest-repeated") == 0;
        for (size_t k = 0; k < sizeof faults / sizeof faults[0]; k++) {
            if (strcmp(rule->name, faults[k].rule) != 0)
                continue;
            tested = true;
            assert_int_equal(rule->severity, faults[k].severity);
        }
        if (!tested)
            fail_msg("no test of %s", rule->name);
        assert_true(strlen(rule->reason) > 0 && strlen(rule->remedy) > 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(rule->name, efuse_rules[k].name);
    }
}

/* Other ways to be sound: what one switch does, another makes needless. */
static void what_is_no_fault(void **state)
{
    (void)state;
    static const struct {
        unsigned block, bit, length;
        uint32_t value;
        unsigned undo_bit; /* cleared as well */
    } sound[] = {
        {0, 128, 1, 1, 133}, /* no download mode at all, so no secure one */
        {0, 128, 1, 1, 44},
        {0, 128, 1, 1, 132},
        {0, 112, 2, 1, 114},
    };
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++) {
        struct efuse efuse = sound_device();
        put(&efuse, sound[i].block, sound[i].bit, sound[i].length, sound[i].value);
        put(&efuse, 0, sound[i].undo_bit, 1, 0);
        for (size_t k = 0; k < efuse_rule_count; k++)
            assert_false(efuse_rules[k].broken(&efuse));
    }
    struct efuse efuse = sound_device();
    put(&efuse, 0, 82, 3, 1); /* a count below 7, frozen */
    put(&efuse, 0, 4, 1, 1);
    for (size_t k = 0; k < efuse_rule_count; k++)
        assert_false(efuse_rules[k].broken(&efuse));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_device_has_no_finding),
        cmocka_unit_test(each_fault_is_found_alone),
        cmocka_unit_test(weak_and_repeated_keys),
        cmocka_unit_test(every_rule_is_tested),
        cmocka_unit_test(what_is_no_fault),
    };
    return cmocka_run_group_tests_name("eFuse audit", tests, NULL, NULL);
}
