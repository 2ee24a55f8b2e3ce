#include "tool/efuse_burn.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "chain/error.h"
#include "host/error.h"
#include "tool/cli.h"
#include "tool/efuse_file.h"
#include "tool/efuse_plan.h"
#include "tool/file_lock.h"
#include "tool/inputs.h"

enum { OPTION_DIGEST = CLI_LONG, OPTION_FLASH_KEY, OPTION_DRY_RUN, OPTION_YES };

#define WORDS_MAX 5 /* FILE key BLOCK PURPOSE KEYFILE */

struct burn_options {
    const char *word[WORDS_MAX];
    size_t word_count;
    struct trust_source signers;
    const char *flash_key;
    bool dry_run;
    bool yes;
};

/* All steps on a copy first: the file changes only when every one of them is possible. */
static int plan_run(const struct burn_plan *plan, const char *path, bool dry_run)
{
    struct efuse_file file;
    int status = efuse_file_read(path, &file);
    if (status != HOST_DONE)
        return status;
    for (size_t i = 0; i < plan->count && status == HOST_DONE; i++)
        status = plan_step_burn(&plan->step[i], &file.efuse);
    if (status == HOST_DONE && !dry_run)
        status = efuse_file_write(path, &file);
    for (size_t i = 0; i < plan->count && status == HOST_DONE; i++)
        plan_step_print(&plan->step[i], i + 1);
    if (status == HOST_DONE && dry_run)
        printf("nothing burned (--dry-run)\n");
    efuse_file_free(&file);
    return status;
}

/* `field NAME VALUE`: the value the field shall have; bits that are set stay set. */
static int plan_field(const struct burn_options *options, struct burn_plan *plan)
{
    uint32_t value;
    struct efuse_file file;
    const struct efuse_field *field = efuse_field_find(options->word[2]);
    if (!field)
        return host_usage(options->word[2], "is no eFuse field of the ESP32-C6");
    if (!cli_number(options->word[3], &value))
        return host_usage(options->word[3], "is not a number of at most 32 bits");
    if (field->length > 32 || (field->length < 32 && value >> field->length))
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

static bool is_digest(enum efuse_purpose purpose)
{
    return purpose >= EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 &&
           purpose <= EFUSE_PURPOSE_SECURE_BOOT_DIGEST2;
}

/* A digest may also come as the signing key it belongs to. */
static int read_key(const char *path, enum efuse_purpose purpose, uint8_t key[32])
{
    struct buffer file;
    if (!is_digest(purpose))
        return flash_key_read(path, NULL, key);
    if (file_read(path, FILE_MAX_DEFAULT, &file) != HOST_DONE)
        return HOST_FAILED;
    bool raw = file.length == 32;
    if (raw)
        memcpy(key, file.bytes, 32);
    buffer_free_secret(&file);
    return raw ? HOST_DONE : key_digest_read(path, key);
}

static int plan_one_key(const struct burn_options *options, struct burn_plan *plan)
{
    unsigned block = 0;
    enum efuse_purpose purpose = EFUSE_PURPOSE_USER;
    uint8_t key[32];
    if (plan_find_block(options->word[2], &block) != HOST_DONE ||
        plan_find_purpose(options->word[3], &purpose) != HOST_DONE)
        return HOST_USAGE;
    if (read_key(options->word[4], purpose, key) != HOST_DONE)
        return HOST_FAILED;
    plan_key(plan, block, purpose, key, "write-protected, read-protected when secret");
    OPENSSL_cleanse(key, sizeof key);
    return HOST_DONE;
}

/* A whole device: the profile of that name, with the keys of the command line. */
static int plan_device(const struct burn_options *options, struct burn_plan *plan)
{
    struct sigblock_trust signers;
    uint8_t key[32];
    if (options->signers.key_count + options->signers.digest_count == 0 || !options->flash_key)
        return host_usage("efuse burn", "a whole device needs --signing-key (or --digest) and "
                                        "--flash-key");
    if (trust_read(&options->signers, &signers) != HOST_DONE ||
        flash_key_read(options->flash_key, NULL, key) != HOST_DONE)
        return HOST_FAILED;
    plan_profile(plan, options->word[1], &signers, key);
    OPENSSL_cleanse(key, sizeof key);
    return HOST_DONE;
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

static int make_plan(const struct burn_options *options, struct burn_plan *plan)
{
    static const struct {
        const char *name;
        size_t words;
        int (*make)(const struct burn_options *, struct burn_plan *);
    } kinds[] = {{"field", 4, plan_field},
                 {"key", 5, plan_one_key},
                 {"release", 2, plan_device},
                 {"development", 2, plan_device}};
    for (size_t i = 0; options->word_count >= 2 && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(options->word[1], kinds[i].name) == 0 && options->word_count == kinds[i].words)
            return kinds[i].make(options, plan);
    }
    return host_usage("efuse burn", "FILE field NAME VALUE, FILE key BLOCK PURPOSE KEYFILE, "
                                    "FILE release ... or FILE development ...");
}

int efuse_burn(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"signing-key", 's', "FILE", 0, "release: trust this signing key; up to three", 0},
        {"digest", OPTION_DIGEST, "HEX", 0, "release: trust the key with this digest", 0},
        {"flash-key", OPTION_FLASH_KEY, "FILE", 0, "release: the flash encryption key", 0},
        {"dry-run", OPTION_DRY_RUN, NULL, 0, "check and print the steps, burn nothing", 0},
        {"yes", OPTION_YES, NULL, 0, "burn: nothing is burned without it", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_burn,
        "FILE field NAME VALUE\nFILE key BLOCK PURPOSE KEYFILE\nFILE release\nFILE development",
        "Burn eFuses in a file, all steps or none. `release' makes a production device: flash "
        "encryption key in KEY0 (read-protected), Secure Boot digests from KEY1 on, unused digest "
        "slots revoked, Secure Boot and flash encryption on, JTAG and the ways around them off. "
        "`development' makes one that stays open to the debugger. See `trustchain efuse plan'.",
        NULL,
        NULL,
        NULL};
    struct burn_options options = {0};
    struct burn_plan plan = {0};
    int lock = -1;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = make_plan(&options, &plan);
    if (status == HOST_DONE && !options.yes && !options.dry_run)
        status = host_usage(options.word[0], "eFuses cannot be unburned (--yes to go on, "
                                             "--dry-run to see the steps)");
    if (status == HOST_DONE)
        status = file_lock_output(options.word[0], &lock);
    if (status == HOST_DONE)
        status = plan_run(&plan, options.word[0], options.dry_run);
    file_unlock(lock);
    OPENSSL_cleanse(&plan, sizeof plan);
    return status;
}
