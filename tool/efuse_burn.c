#include "tool/efuse_burn.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "chain/error.h"
#include "host/error.h"
#include "tool/cli.h"
#include "tool/inputs.h"

#define STEPS_MAX      24
#define NAME_MAX_BYTES 40

/* One thing to burn: a key with its purpose, or bits of a field. */
struct burn_step {
    char name[NAME_MAX_BYTES]; /* field, or KEYn */
    const char *why;
    bool is_key;
    uint32_t bits;  /* field: set in addition to what is set */
    unsigned block; /* key: 0..5 */
    enum efuse_purpose purpose;
    uint8_t key[32];
};

struct burn_plan {
    struct burn_step step[STEPS_MAX];
    size_t count;
};

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

static struct burn_step *plan_next(struct burn_plan *plan, const char *name, const char *why)
{
    struct burn_step *step = &plan->step[plan->count++];
    *step = (struct burn_step){.why = why};
    snprintf(step->name, sizeof step->name, "%s", name);
    return step;
}

static void plan_bits(struct burn_plan *plan, const char *name, uint32_t bits, const char *why)
{
    plan_next(plan, name, why)->bits = bits;
}

static void plan_key(struct burn_plan *plan, unsigned block, enum efuse_purpose purpose,
                     const uint8_t key[32], const char *why)
{
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof name, "KEY%u", block);
    struct burn_step *step = plan_next(plan, name, why);
    step->is_key = true;
    step->block = block;
    step->purpose = purpose;
    memcpy(step->key, key, sizeof step->key);
}

static int explain(const struct burn_step *step, int error)
{
    if (error == CHAIN_EDUPLICATE)
        return host_fail(step->name, "is burned already, or another block has this purpose");
    if (error == CHAIN_EPROTECTED)
        return host_fail(step->name, "is write-protected");
    if (error == CHAIN_EFIELD && step->is_key)
        return host_fail(step->name, "cannot hold this key (all zero, or KEY5 for XTS)");
    return host_fail(step->name, "cannot be burned: %s", chain_error_text(error));
}

static int burn_bits(struct efuse *efuse, const struct burn_step *step)
{
    const struct efuse_field *field = efuse_field_find(step->name);
    if (!field)
        return host_fail(step->name, "is no eFuse field of the ESP32-C6");
    int error = efuse_burn_field(efuse, field, efuse_get(efuse, field) | step->bits);
    return error ? explain(step, error) : HOST_DONE;
}

static int burn_step(struct efuse *efuse, const struct burn_step *step)
{
    if (!step->is_key)
        return burn_bits(efuse, step);
    int error = efuse_burn_key(efuse, step->block, step->purpose, step->key);
    return error ? explain(step, error) : HOST_DONE;
}

static void print_step(size_t number, const struct burn_step *step)
{
    if (step->is_key)
        printf("%2zu  %-28s %-26s %s\n", number, step->name, efuse_purpose_name(step->purpose),
               step->why);
    else
        printf("%2zu  %-28s |= 0x%-21x %s\n", number, step->name, (unsigned)step->bits, step->why);
}

/* All steps on a copy first: the file changes only when every one of them is possible. */
static int plan_run(const struct burn_plan *plan, const char *path, bool dry_run)
{
    struct efuse_file file;
    if (efuse_file_read(path, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = HOST_DONE;
    for (size_t i = 0; i < plan->count && status == HOST_DONE; i++)
        status = burn_step(&file.efuse, &plan->step[i]);
    if (status == HOST_DONE && !dry_run)
        status = efuse_file_write(path, &file);
    for (size_t i = 0; i < plan->count && status == HOST_DONE; i++)
        print_step(i + 1, &plan->step[i]);
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

static int find_purpose(const char *name, enum efuse_purpose *purpose)
{
    for (unsigned value = 0; value < 16; value++) {
        const char *known = efuse_purpose_name(value);
        if (known && strcasecmp(known, name) == 0) {
            *purpose = (enum efuse_purpose)value;
            return HOST_DONE;
        }
    }
    return host_usage(name, "is no key purpose (for example XTS_AES_128_KEY, "
                            "SECURE_BOOT_DIGEST0, USER)");
}

/* KEY0, BLOCK_KEY0 or BLOCK4. */
static int find_block(const char *name, unsigned *block)
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
            return HOST_DONE;
        }
    }
    return host_usage(name, "is no key block (KEY0 to KEY5)");
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
    if (find_block(options->word[2], &block) != HOST_DONE ||
        find_purpose(options->word[3], &purpose) != HOST_DONE)
        return HOST_USAGE;
    if (read_key(options->word[4], purpose, key) != HOST_DONE)
        return HOST_FAILED;
    plan_key(plan, block, purpose, key, "write-protected, read-protected when secret");
    OPENSSL_cleanse(key, sizeof key);
    return HOST_DONE;
}

/* What makes the digests and the flash key of a production device (formats.md 2.5,
 * flash-encryption.md 4). Protections follow the keys they protect. */
static void plan_trust(struct burn_plan *plan, const struct sigblock_trust *signers,
                       const uint8_t flash_key[32])
{
    plan_key(plan, 0, EFUSE_PURPOSE_XTS_AES_128_KEY, flash_key,
             "flash encryption key, read-protected");
    for (unsigned i = 0; i < signers->count; i++)
        plan_key(plan, 1 + i, EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 + i, signers->digest[i],
                 "trusted signing key, stays readable");
    for (unsigned i = signers->count; i < SIGBLOCK_MAX; i++) {
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "SECURE_BOOT_KEY_REVOKE%u", i);
        plan_bits(plan, name, 1, "nobody can add a signing key later");
    }
}

/* WR_DIS bit 18 stays open: it would freeze SECURE_VERSION, the anti-rollback counter. */
static void plan_lockdown(struct burn_plan *plan)
{
    plan_bits(plan, "DIS_PAD_JTAG", 1, "JTAG pins off");
    plan_bits(plan, "DIS_USB_JTAG", 1, "JTAG over USB off");
    plan_bits(plan, "SOFT_DIS_JTAG", 7, "no JTAG by software either");
    plan_bits(plan, "DIS_DIRECT_BOOT", 1, "no boot past the ROM's checks");
    plan_bits(plan, "DIS_DOWNLOAD_MANUAL_ENCRYPT", 1, "download mode cannot encrypt");
    plan_bits(plan, "DIS_DOWNLOAD_ICACHE", 1, "download mode cannot decrypt");
    plan_bits(plan, "SECURE_BOOT_EN", 1, "ROM verifies the bootloader");
    plan_bits(plan, "SPI_BOOT_CRYPT_CNT", 7, "flash encryption on for good");
    plan_bits(plan, "ENABLE_SECURITY_DOWNLOAD", 1, "download mode only writes flash");
    plan_bits(plan, "WR_DIS", 1u << 0 | 1u << 2,
              "no read protection on the digests; the debug switches stay as they are");
}

static int plan_release(const struct burn_options *options, struct burn_plan *plan)
{
    struct sigblock_trust signers;
    uint8_t key[32];
    if (options->signers.key_count + options->signers.digest_count == 0 || !options->flash_key)
        return host_usage("efuse burn", "a release needs --signing-key (or --digest) and "
                                        "--flash-key");
    if (trust_read(&options->signers, &signers) != HOST_DONE ||
        flash_key_read(options->flash_key, NULL, key) != HOST_DONE)
        return HOST_FAILED;
    plan_trust(plan, &signers, key);
    OPENSSL_cleanse(key, sizeof key);
    plan_lockdown(plan);
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
    } kinds[] = {{"field", 4, plan_field}, {"key", 5, plan_one_key}, {"release", 2, plan_release}};
    for (size_t i = 0; options->word_count >= 2 && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(options->word[1], kinds[i].name) == 0 && options->word_count == kinds[i].words)
            return kinds[i].make(options, plan);
    }
    return host_usage("efuse burn", "FILE field NAME VALUE, FILE key BLOCK PURPOSE KEYFILE or "
                                    "FILE release ...");
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
        "FILE field NAME VALUE\nFILE key BLOCK PURPOSE KEYFILE\nFILE release",
        "Burn eFuses in a file, all steps or none. `release' makes a production device: flash "
        "encryption key in KEY0 (read-protected), Secure Boot digests from KEY1 on, unused digest "
        "slots revoked, Secure Boot and flash encryption on, JTAG and the ways around them off.",
        NULL,
        NULL,
        NULL};
    struct burn_options options = {0};
    struct burn_plan plan = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = make_plan(&options, &plan);
    if (status == HOST_DONE && !options.yes && !options.dry_run)
        status = host_usage(options.word[0], "eFuses cannot be unburned (--yes to go on, "
                                             "--dry-run to see the steps)");
    if (status == HOST_DONE)
        status = plan_run(&plan, options.word[0], options.dry_run);
    OPENSSL_cleanse(&plan, sizeof plan);
    return status;
}
