/* trustchain efuse plan: does the order of a plan hold, and what does each step make impossible? */
#include "tool/efuse_plan.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/efuse_audit.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"

/* What nobody can do any more once a step is done. */
static const char *afterwards(const struct burn_step *step)
{
    static const struct {
        const char *name, *impossible;
    } rows[] = {
        {"SECURE_BOOT_KEY_REVOKE0", "trusting a signing key in slot 0"},
        {"SECURE_BOOT_KEY_REVOKE1", "trusting a signing key in slot 1"},
        {"SECURE_BOOT_KEY_REVOKE2", "trusting a signing key in slot 2"},
        {"DIS_PAD_JTAG", "a debugger at the JTAG pins, not even with an HMAC key"},
        {"DIS_USB_JTAG", "a debugger over USB"},
        {"SOFT_DIS_JTAG", "JTAG without an HMAC key"},
        {"DIS_DIRECT_BOOT", "starting code in flash that the ROM has not verified"},
        {"DIS_DOWNLOAD_MANUAL_ENCRYPT",
         "flashing plaintext over the serial port: encrypt it first"},
        {"DIS_DOWNLOAD_ICACHE", "reading decrypted flash in download mode"},
        {"DIS_DOWNLOAD_MODE", "writing flash over the serial port: only updates over the air"},
        {"SECURE_BOOT_EN", "booting a bootloader that no trusted key signed"},
        {"WR_DIS", "changing the fields that these bits protect (efuse.md 3)"},
        {"ENABLE_SECURITY_DOWNLOAD", "reading flash, running code or burning over the serial port"},
    };
    if (step->is_key && step->purpose == EFUSE_PURPOSE_XTS_AES_128_KEY)
        return "another flash encryption key; reading this one";
    if (step->is_key)
        return "another content or purpose of this key block";
    if (strcmp(step->name, "SPI_BOOT_CRYPT_CNT") == 0 && step->bits == 7)
        return "plaintext flash";
    if (strcmp(step->name, "SPI_BOOT_CRYPT_CNT") == 0 && step->bits == 1)
        return "plaintext flash, until one more bit is burned";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(step->name, rows[i].name) == 0)
            return rows[i].impossible;
    }
    return "taking these bits back";
}

/* Findings that make a brick of a device as soon as they are there, even between two steps. */
static bool bricks(const struct efuse_rule *rule)
{
    static const char *const names[] = {"no-digest",    "all-digests-revoked",
                                        "cache-off",    "digest-read-protected",
                                        "digest-blank", "xts-key-missing"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(rule->name, names[i]) == 0)
            return true;
    }
    return false;
}

static int check_order(const struct burn_plan *plan, struct efuse *efuse)
{
    bool closed = false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct burn_step *step = &plan->step[i];
        if (closed)
            return host_fail(step->name, "comes after the serial port was closed: nothing can be "
                                         "burned any more (put that step last)");
        if (plan_step_burn(step, efuse) != HOST_DONE)
            return HOST_FAILED;
        for (size_t k = 0; k < efuse_rule_count; k++) {
            if (bricks(&efuse_rules[k]) && efuse_rules[k].broken(efuse))
                return host_fail(step->name, "must not come here: %s (%s)", efuse_rules[k].reason,
                                 efuse_rules[k].remedy);
        }
        closed = efuse_bits(efuse, EFUSE_ENABLE_SECURITY_DOWNLOAD) ||
                 efuse_bits(efuse, EFUSE_DIS_DOWNLOAD_MODE);
    }
    return HOST_DONE;
}

/* On a factory chip. A device that is to leave must have no hole, one for development may. */
static int check_plan(const char *profile, const struct burn_plan *plan, struct efuse *efuse)
{
    static const uint8_t mac[6] = {2};
    bool holes_allowed = strcmp(profile, "development") == 0;
    efuse_factory(efuse, mac, 0);
    if (check_order(plan, efuse) != HOST_DONE)
        return HOST_FAILED;
    for (size_t i = 0; i < efuse_rule_count && !holes_allowed; i++) {
        if (efuse_rules[i].severity == EFUSE_ERROR && efuse_rules[i].broken(efuse))
            return host_fail(file_input_name(profile), "leaves a hole: %s (%s)",
                             efuse_rules[i].reason, efuse_rules[i].remedy);
    }
    return HOST_DONE;
}

static void print_plan(const struct burn_plan *plan, const struct efuse *efuse)
{
    for (size_t i = 0; i < plan->count; i++) {
        plan_step_print(&plan->step[i], i + 1);
        printf("    impossible afterwards: %s\n", afterwards(&plan->step[i]));
    }
    for (size_t i = 0; i < efuse_rule_count; i++) {
        if (efuse_rules[i].severity == EFUSE_ERROR && efuse_rules[i].broken(efuse))
            printf("left open: %-22s %s\n", efuse_rules[i].name, efuse_rules[i].reason);
    }
}

struct custom_plan {
    struct burn_plan *plan;
    bool failed; /* its line is printed */
};

/* Keys are not needed to judge an order: any, each different. */
static void stand_in_key(unsigned number, uint8_t key[32])
{
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)(32 * number + i + 1);
}

/* `KEYn PURPOSE' or `FIELD BITS' */
static int add_custom_step(struct burn_plan *plan, const char *text)
{
    char what[PLAN_NAME_BYTES], value[PLAN_NAME_BYTES], rest[2];
    enum efuse_purpose purpose;
    uint32_t bits;
    uint8_t key[32];
    unsigned block;
    if (sscanf(text, "%39s %39s %1s", what, value, rest) != 2)
        return host_fail("step", "is \"KEYn PURPOSE\" or \"FIELD BITS\"");
    if (plan->count == PLAN_STEPS_MAX)
        return host_fail(what, "is one step too many, a plan has at most %u", PLAN_STEPS_MAX);
    const struct efuse_field *field = efuse_field_find(what);
    if (field && field->length <= 32) {
        if (!cli_number(value, &bits) || bits == 0 || (field->length < 32 && bits >> field->length))
            return host_fail(what, "cannot have these bits burned, it has %u", field->length);
        plan_bits(plan, field->name, bits, field->meaning);
        return HOST_DONE;
    }
    if (plan_find_block(what, &block) != HOST_DONE ||
        plan_find_purpose(value, &purpose) != HOST_DONE)
        return HOST_FAILED;
    stand_in_key(block, key);
    plan_key(plan, block, purpose, key, "write-protected, read-protected when secret");
    return HOST_DONE;
}

static int on_setting(void *user, const char *section, const char *name, const char *value)
{
    struct custom_plan *custom = user;
    if (strcmp(section, "efuse") != 0 || custom->failed)
        return 1;
    if (strcmp(name, "step") == 0)
        custom->failed = add_custom_step(custom->plan, value) != HOST_DONE;
    else
        custom->failed = host_fail(name, "is no setting of [efuse] (step)") != HOST_DONE;
    return 1;
}

static int read_custom(const char *path, struct burn_plan *plan)
{
    struct custom_plan custom = {.plan = plan};
    struct buffer file;
    if (file_read(path, 64u << 10, &file) != HOST_DONE)
        return HOST_FAILED;
    char *text = strndup((const char *)file.bytes, file.length);
    buffer_free(&file);
    if (!text)
        return host_fail(NULL, "out of memory");
    int line = ini_parse_string(text, on_setting, &custom);
    free(text);
    if (custom.failed)
        return HOST_FAILED;
    if (line != 0)
        return host_fail(file_input_name(path), "line %d is neither a [section] nor name = value",
                         line);
    if (plan->count == 0)
        return host_fail(file_input_name(path), "has no step in a section [efuse]");
    return HOST_DONE;
}

static int make_plan(const char *profile, struct burn_plan *plan)
{
    struct sigblock_trust signers = {.count = 1};
    uint8_t key[32];
    stand_in_key(1, signers.digest[0]);
    stand_in_key(0, key);
    return plan_profile(plan, profile, &signers, key) ? HOST_DONE : read_custom(profile, plan);
}

static error_t parse_plan(int key, char *text, struct argp_state *state)
{
    return cli_one_argument(key, text, state->input, "profile", state);
}

int efuse_plan(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,
        parse_plan,
        "PROFILE",
        "Print the burns of a whole device in their order, and what each makes impossible. PROFILE "
        "is `release' or `development' (with one signing key), or an ini file whose section "
        "[efuse] has a line `step = KEYn PURPOSE' or `step = FIELD BITS' for each burn. A plan is "
        "refused when a step is impossible after the ones before it, makes a brick, or comes after "
        "the serial port was closed; and, but for `development', when it leaves a hole.",
        NULL,
        NULL,
        NULL};
    const char *profile = NULL;
    struct burn_plan plan = {0};
    struct efuse efuse;
    int status = cli_parse(&argp, argc, argv, &profile);
    if (status == HOST_DONE)
        status = make_plan(profile, &plan);
    if (status == HOST_DONE)
        status = check_plan(profile, &plan, &efuse);
    if (status == HOST_DONE)
        print_plan(&plan, &efuse);
    return status;
}
