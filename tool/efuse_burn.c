#include "tool/efuse_burn.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "chain/error.h"
#include "host/error.h"
#include "server/project.h"
#include "tool/cli.h"
#include "tool/efuse_custom.h"
#include "tool/efuse_file.h"
#include "tool/efuse_order.h"
#include "tool/efuse_report.h"
#include "tool/file_lock.h"
#include "tool/inputs.h"

enum { OPTION_DIGEST = CLI_LONG, OPTION_FLASH_KEY, OPTION_DRY_RUN, OPTION_YES };

#define WORDS_MAX 5 /* FILE key BLOCK PURPOSE KEYFILE */

struct burn_options {
    const char *word[WORDS_MAX];
    size_t word_count;
    struct trust_source signers;
    const char *flash_key;
    const char *project;
    bool dry_run;
    bool yes;
};

/* What is burned where: one thing, or a whole device, whose plan must also hold (efuse_order.h). */
static int burn(const struct burn_plan *plan, bool whole, struct efuse_file *file, const char *path)
{
    int status = HOST_DONE;
    if (whole)
        return plan_check(plan, file_input_name(path), file->form == EFUSE_FORM_QEMU, &file->efuse);
    for (size_t i = 0; i < plan->count && status == HOST_DONE; i++)
        status = plan_step_burn(&plan->step[i], &file->efuse);
    return status;
}

/* All steps on a copy first: the file changes only when every one of them is possible. */
static int plan_run(const struct burn_plan *plan, bool whole, const char *path, bool dry_run)
{
    struct efuse_file file;
    int status = efuse_file_read(path, &file);
    if (status != HOST_DONE)
        return status;
    status = burn(plan, whole, &file, path);
    if (status == HOST_DONE && !dry_run)
        status = efuse_file_write(path, &file);
    for (size_t i = 0; i < plan->count && status == HOST_DONE; i++)
        plan_step_print(&plan->step[i], i + 1);
    if (status == HOST_DONE && dry_run)
        printf("nothing burned (--dry-run)\n");
    efuse_file_free(&file);
    return status;
}

/* `field NAME VALUE` for one of many bytes: hex in the block's order, or a MAC address. */
static int plan_long_field(const struct efuse_field *field, const char *text,
                           struct burn_plan *plan)
{
    uint8_t bytes[32], mac[6];
    if (efuse_is_mac(field)) {
        if (!efuse_mac_parse(text, mac))
            return host_usage(text, "is no MAC address (six pairs of hex digits with colons)");
        efuse_mac_turn(field, mac, bytes);
    } else if (field->length % 8 != 0 || !cli_unhex(text, bytes, field->length / 8u)) {
        return host_usage(field->name, "is %u hex digits, in the order of the block's bytes",
                          field->length / 4u);
    }
    plan_bytes(plan, field, bytes);
    return HOST_DONE;
}

/* `field NAME VALUE`: the value the field shall have; bits that are set stay set. */
static int plan_field(const struct burn_options *options, struct burn_plan *plan)
{
    uint32_t value;
    struct efuse_file file;
    const struct efuse_field *field = efuse_field_find(options->word[2]);
    if (!field)
        return host_usage(options->word[2], "is no eFuse field of the ESP32-C6");
    if (field->rd_dis >= 0 && field->rd_dis < EFUSE_KEY_BLOCKS)
        return host_usage(field->name,
                          "is a key block (efuse burn FILE key BLOCK PURPOSE KEYFILE)");
    if (field->length > 32)
        return plan_long_field(field, options->word[3], plan);
    if (!cli_number(options->word[3], &value))
        return host_usage(options->word[3], "is not a number of at most 32 bits");
    if (field->length < 32 && value >> field->length)
        return host_usage(field->name, "is %u bit%s wide, the value does not fit", field->length,
                          field->length == 1 ? "" : "s");
    if (efuse_file_read(options->word[0], &file) != HOST_DONE)
        return HOST_FAILED;
    uint32_t now = efuse_get(&file.efuse, field);
    efuse_file_free(&file);
    if (now & ~value)
        return host_fail(field->name, "is 0x%x, and burned bits cannot go back", (unsigned)now);
    plan_bits(plan, field->name, value, field->meaning);
    return HOST_DONE;
}

static int plan_one_key(const struct burn_options *options, struct burn_plan *plan)
{
    unsigned block = 0;
    enum efuse_purpose purpose = EFUSE_PURPOSE_USER;
    uint8_t key[32];
    if (!plan_find_block(options->word[2], &block))
        return host_usage(options->word[2], "is no key block (KEY0 to KEY5)");
    if (!plan_find_purpose(options->word[3], &purpose))
        return host_usage(options->word[3], "is no key purpose (for example XTS_AES_128_KEY, "
                                            "SECURE_BOOT_DIGEST0, USER)");
    if (efuse_key_read(options->word[4], purpose, key) != HOST_DONE)
        return HOST_FAILED;
    plan_key(plan, block, purpose, key, "write-protected, read-protected when secret");
    OPENSSL_cleanse(key, sizeof key);
    return HOST_DONE;
}

/* The keys of the command line, and for what it does not name those of the project. */
static int plan_device(const struct burn_options *options, struct burn_plan *plan)
{
    struct release_project project;
    struct sigblock_trust signers;
    struct trust_source source = options->signers;
    const char *flash_key = options->flash_key;
    uint8_t key[32];
    if (options->project && release_project_read(options->project, &project) != HOST_DONE)
        return HOST_FAILED;
    if (options->project)
        trust_use_project(&source, &project);
    if (options->project && !flash_key)
        flash_key = project.flash_key;
    if (source.key_count + source.digest_count == 0 || !flash_key)
        return host_usage("efuse burn", "a whole device needs --signing-key (or --digest) and "
                                        "--flash-key, or --project");
    if (trust_read(&source, &signers) != HOST_DONE ||
        flash_key_read(flash_key, NULL, key) != HOST_DONE)
        return HOST_FAILED;
    plan_profile(plan, options->word[1], &signers, key);
    OPENSSL_cleanse(key, sizeof key);
    return HOST_DONE;
}

static int plan_custom(const struct burn_options *options, struct burn_plan *plan)
{
    bool keys = options->signers.key_count + options->signers.digest_count > 0;
    if (!options->project || keys || options->flash_key)
        return host_usage("efuse burn", "custom takes its steps and keys from --project");
    return custom_plan_of_project(options->project, true, plan);
}

static void add_signer(struct argp_state *state, const char **list, size_t *count, char *text)
{
    const struct burn_options *options = state->input;
    if (options->signers.key_count + options->signers.digest_count == SIGBLOCK_MAX)
        cli_usage(state, "a chip holds at most three signing key digests");
    list[(*count)++] = text;
}

static error_t parse_burn(int key, char *text, struct argp_state *state)
{
    struct burn_options *options = state->input;
    switch (key) {
    case 's':
        add_signer(state, options->signers.keys, &options->signers.key_count, text);
        return 0;
    case OPTION_DIGEST:
        add_signer(state, options->signers.digests, &options->signers.digest_count, text);
        return 0;
    case OPTION_FLASH_KEY:
        options->flash_key = text;
        return 0;
    case 'p':
        options->project = text;
        return 0;
    case OPTION_DRY_RUN:
        options->dry_run = true;
        return 0;
    case OPTION_YES:
        options->yes = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->word_count == WORDS_MAX)
            cli_usage(state, "\"%s\" is one argument too many", text);
        options->word[options->word_count++] = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int make_plan(const struct burn_options *options, struct burn_plan *plan, bool *whole)
{
    static const struct {
        const char *name;
        size_t words;
        bool whole;
        int (*make)(const struct burn_options *, struct burn_plan *);
    } kinds[] = {{"field", 4, false, plan_field},
                 {"key", 5, false, plan_one_key},
                 {"release", 2, true, plan_device},
                 {"development", 2, true, plan_device},
                 {"custom", 2, true, plan_custom}};
    for (size_t i = 0; options->word_count >= 2 && i < sizeof kinds / sizeof *kinds; i++) {
        *whole = kinds[i].whole;
        if (strcmp(options->word[1], kinds[i].name) == 0 && options->word_count == kinds[i].words)
            return kinds[i].make(options, plan);
    }
    return host_usage("efuse burn", "FILE field NAME VALUE, FILE key BLOCK PURPOSE KEYFILE, "
                                    "FILE release ..., FILE development ... or FILE custom ...");
}

int efuse_burn(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"signing-key", 's', "FILE", 0, "release: trust this signing key; up to three", 0},
        {"digest", OPTION_DIGEST, "HEX", 0, "release: trust the key with this digest", 0},
        {"flash-key", OPTION_FLASH_KEY, "FILE", 0, "release: the flash encryption key", 0},
        {"project", 'p', "DIR", 0, "keys of this project; custom: also its steps", 0},
        {"dry-run", OPTION_DRY_RUN, NULL, 0, "check and print the steps, burn nothing", 0},
        {"yes", OPTION_YES, NULL, 0, "burn: nothing is burned without it", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_burn,
        "FILE field NAME VALUE\nFILE key BLOCK PURPOSE KEYFILE\nFILE release\nFILE development\n"
        "FILE custom --project DIR",
        "Burn eFuses in a file, all steps or none. `release' makes a production device: flash "
        "encryption key in KEY0 (read-protected), Secure Boot digests from KEY1 on, unused digest "
        "slots revoked, Secure Boot and flash encryption on, JTAG and the ways around them off. "
        "`development' makes one that stays open to the debugger, `custom' one as the project's "
        "trustchain.ini has it. These are refused as by `trustchain efuse plan'.",
        NULL,
        NULL,
        NULL};
    struct burn_options options = {0};
    struct burn_plan plan = {0};
    bool whole = false;
    int lock = -1;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = make_plan(&options, &plan, &whole);
    if (status == HOST_DONE && !options.yes && !options.dry_run)
        status = host_usage(options.word[0], "eFuses cannot be unburned (--yes to go on, "
                                             "--dry-run to see the steps)");
    if (status == HOST_DONE)
        status = file_lock_output(options.word[0], &lock);
    if (status == HOST_DONE)
        status = plan_run(&plan, whole, options.word[0], options.dry_run);
    file_unlock(lock);
    OPENSSL_cleanse(&plan, sizeof plan);
    return status;
}
