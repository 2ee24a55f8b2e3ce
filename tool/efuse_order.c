/* trustchain efuse plan: does the order of a plan hold, and what does each step make impossible? */
#include "tool/efuse_order.h"

#include <stdio.h>
#include <string.h>

#include "chain/efuse_audit.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/efuse_custom.h"

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

/* Beside the errors of the audit, what a plan must not make for good without saying so. */
static bool refused(const struct efuse_rule *rule)
{
    static const char *const names[] = {"secure-version-frozen", "revocation-frozen",
                                        "digest-repeated"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(rule->name, names[i]) == 0)
            return true;
    }
    return rule->severity == EFUSE_ERROR;
}

bool plan_accept(struct burn_plan *plan, const char *name)
{
    for (size_t i = 0; i < efuse_rule_count && i < PLAN_RULES_MAX; i++) {
        if (strcmp(efuse_rules[i].name, name) != 0)
            continue;
        plan->accepted[i] = refused(&efuse_rules[i]) && !bricks(&efuse_rules[i]);
        return plan->accepted[i];
    }
    return false;
}

/* What the eFuses alone would not show: the signing key goes where nothing can trust it. */
static int check_digest_slot(const struct burn_step *step, const struct efuse *efuse)
{
    unsigned slot = (unsigned)step->purpose - EFUSE_PURPOSE_SECURE_BOOT_DIGEST0;
    if (!step->is_key || slot >= SIGBLOCK_MAX ||
        !efuse_bits(efuse, EFUSE_SECURE_BOOT_KEY_REVOKE(slot)))
        return HOST_DONE;
    return host_fail(step->name,
                     "must not come here: slot %u is revoked, nothing would trust this "
                     "key (use a slot that is not revoked)",
                     slot);
}

static int check_order(const struct burn_plan *plan, struct efuse *efuse)
{
    bool closed = efuse_bits(efuse, EFUSE_ENABLE_SECURITY_DOWNLOAD) ||
                  efuse_bits(efuse, EFUSE_DIS_DOWNLOAD_MODE);
    for (size_t i = 0; i < plan->count; i++) {
        const struct burn_step *step = &plan->step[i];
        if (closed)
            return host_fail(step->name, "comes after the serial port was closed: nothing can be "
                                         "burned any more (put that step last)");
        if (check_digest_slot(step, efuse) != HOST_DONE || plan_step_burn(step, efuse) != HOST_DONE)
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

int plan_check(const struct burn_plan *plan, const char *subject, bool keys_shown,
               struct efuse *efuse)
{
    if (check_order(plan, efuse) != HOST_DONE)
        return HOST_FAILED;
    for (size_t i = 0; i < efuse_rule_count && !plan->holes_allowed; i++) {
        const struct efuse_rule *rule = &efuse_rules[i];
        if (refused(rule) && !plan->accepted[i] && (keys_shown || !rule->reads_secret) &&
            rule->broken(efuse))
            return host_fail(subject, "leaves a hole, %s: %s (%s)", rule->name, rule->reason,
                             rule->remedy);
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
        if (refused(&efuse_rules[i]) && efuse_rules[i].broken(efuse))
            printf("%s %-22s %s\n",
                   plan->accepted[i] ? "accepted: " : "left open:", efuse_rules[i].name,
                   efuse_rules[i].reason);
    }
}

struct plan_options {
    const char *profile;
    const char *project;
};

/* Keys are not needed to judge an order: any do, each different. */
static int make_plan(const struct plan_options *options, struct burn_plan *plan)
{
    struct sigblock_trust signers = {.count = 1};
    uint8_t key[32];
    if (strcmp(options->profile, "custom") == 0)
        return custom_plan_of_project(options->project, false, plan);
    plan_stand_in_key(1, signers.digest[0]);
    plan_stand_in_key(0, key);
    return plan_profile(plan, options->profile, &signers, key)
               ? HOST_DONE
               : custom_plan_of_file(options->profile, plan);
}

static error_t parse_plan(int key, char *text, struct argp_state *state)
{
    struct plan_options *options = state->input;
    switch (key) {
    case 'p':
        options->project = text;
        return 0;
    case ARGP_KEY_END:
        if (options->profile && (strcmp(options->profile, "custom") == 0) != !!options->project)
            cli_usage(state, "`custom' needs --project DIR, and --project is for `custom'");
        return cli_one_argument(key, text, &options->profile, "profile", state);
    default:
        return cli_one_argument(key, text, &options->profile, "profile", state);
    }
}

int efuse_plan(int argc, char **argv)
{
    static const uint8_t mac[6] = {2};
    static const struct argp_option options_known[] = {
        {"project", 'p', "DIR", 0, "custom: the steps in [efuse] of DIR/trustchain.ini", 0}, {0}};
    static const struct argp argp = {
        options_known,
        parse_plan,
        "release\ndevelopment\ncustom --project DIR\nFILE",
        "Print the burns of a whole device in their order, and what each makes impossible. "
        "`release' and `development' have one signing key; `custom' is the section [efuse] of a "
        "project's trustchain.ini, or of another ini FILE: a line `step = KEYn PURPOSE [KEYFILE]' "
        "or `step = FIELD BITS' for each burn, and `accept = RULE' for each finding of `efuse "
        "audit' that is meant. A plan is refused when a step is impossible after the ones before "
        "it, makes a brick, or comes after the serial port was closed; and, but for "
        "`development', when it leaves a hole that is not accepted.",
        NULL,
        NULL,
        NULL};
    struct plan_options options = {0};
    struct burn_plan plan = {0};
    struct efuse efuse;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = make_plan(&options, &plan);
    efuse_factory(&efuse, mac, 0);
    if (status == HOST_DONE)
        status = plan_check(&plan, file_input_name(options.profile), true, &efuse);
    if (status == HOST_DONE)
        print_plan(&plan, &efuse);
    return status;
}
