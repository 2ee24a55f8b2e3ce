/* trustchain verify: the verdict a device would give. */
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/error.h"
#include "chain/verify.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/batch.h"
#include "tool/cli.h"
#include "tool/inputs.h"
#include "tool/sign_image.h"

enum { OPTION_CHIP_REV = CLI_LONG, OPTION_SLOT_SIZE, OPTION_SECURE_VERSION, OPTION_JSON };

struct verify_options {
    char **inputs;
    size_t count;
    const char *efuse;
    struct trust_source trust;
    uint32_t chip_rev;
    bool chip_rev_given;
    uint32_t slot_size;
    uint32_t secure_version;
    bool json;
};

struct verdict {
    uint32_t word; /* SIGBLOCK_TRUSTED or not */
    int reason;
    enum image_kind kind;
    struct image image;
    struct image_app_desc desc;
};

static void add_trust(struct argp_state *state, const char **list, size_t *count, char *text)
{
    const struct verify_options *options = state->input;
    if (options->trust.key_count + options->trust.digest_count == SIGBLOCK_MAX)
        cli_usage(state, "a device trusts at most three keys");
    list[(*count)++] = text;
}

static error_t parse_verify(int key, char *text, struct argp_state *state)
{
    struct verify_options *options = state->input;
    switch (key) {
    case 'k':
        add_trust(state, options->trust.keys, &options->trust.key_count, text);
        return 0;
    case 'd':
        add_trust(state, options->trust.digests, &options->trust.digest_count, text);
        return 0;
    case 'e':
        options->efuse = text;
        return 0;
    case OPTION_CHIP_REV:
        options->chip_rev = cli_option_number(state, "--chip-rev", text);
        options->chip_rev_given = true;
        return 0;
    case OPTION_SLOT_SIZE:
        options->slot_size = cli_option_number(state, "--slot-size", text);
        return 0;
    case OPTION_SECURE_VERSION:
        options->secure_version = cli_option_number(state, "--min-secure-version", text);
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_END:
        if (!options->efuse && options->trust.key_count + options->trust.digest_count == 0)
            cli_usage(state, "whom to trust? (--key FILE, --digest HEX or --efuse FILE)");
        if (options->chip_rev > UINT16_MAX)
            cli_usage(state, "--chip-rev is major * 100 + minor");
        if (options->count == 0)
            cli_usage(state, "no image given (see --help)");
        for (size_t i = 0; options->count > 1 && i < options->count; i++) {
            if (strcmp(options->inputs[i], "-") == 0)
                cli_usage(state, "stdin (-) cannot be one of several images");
        }
        return 0;
    default:
        return cli_many_arguments(key, &options->inputs, &options->count, state);
    }
}

/* Keys and digests given on the command line come first; without any, the eFuses decide. */
static int make_policy(struct verify_options *options, struct sigblock_trust *trust,
                       struct verify_policy *policy)
{
    if (trust_read(&options->trust, trust) != HOST_DONE)
        return HOST_FAILED;
    *policy = (struct verify_policy){.chip_rev = (uint16_t)options->chip_rev,
                                     .max_length = options->slot_size,
                                     .trust = trust,
                                     .min_secure_version = options->secure_version,
                                     .own_mmu_page = true};
    if (!options->efuse)
        return HOST_DONE;
    struct efuse_file file;
    if (efuse_file_read(options->efuse, &file) != HOST_DONE)
        return HOST_FAILED;
    if (trust->count == 0)
        efuse_trust(&file.efuse, trust);
    if (!options->chip_rev_given)
        policy->chip_rev = efuse_chip_revision(&file.efuse);
    if (policy->min_secure_version < efuse_secure_version(&file.efuse))
        policy->min_secure_version = efuse_secure_version(&file.efuse);
    efuse_file_free(&file);
    return trust->count ? HOST_DONE
                        : host_fail(options->efuse, "trusts no signing key (no unrevoked Secure "
                                                    "Boot digest is burned)");
}

static void judge(const struct verify_options *options, struct verify_policy policy,
                  const struct buffer *file, struct verdict *verdict)
{
    struct image image;
    verdict->kind = image_kind_of(file->bytes, file->length);
    policy.kind = verdict->kind;
    if (verdict->kind == IMAGE_BOOTLOADER)
        policy.min_secure_version = 0; /* the fuse counts application versions */
    /* No chip given: only the image's own minimum is known to be a revision it accepts. */
    if (!options->chip_rev_given && !options->efuse &&
        image_parse(file->bytes, file->length, &image) == CHAIN_OK)
        policy.chip_rev = image.min_rev_full;
    verdict->word = verify_image(file->bytes, file->length, &policy, &host_crypto, &verdict->image,
                                 &verdict->desc, &verdict->reason);
}

static json_t *signers_json(const struct buffer *file, const struct image *image,
                            const struct sigblock_trust *trust)
{
    json_t *list = json_array();
    const uint8_t *sector = image_signature_sector(image, file->bytes, file->length);
    size_t count = sector ? sigblock_sector_count(sector) : 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t digest[SHA256_BYTES];
        bool trusted = false;
        if (sigblock_key_digest(sector + i * SIGBLOCK_BYTES, &host_crypto, digest) != CHAIN_OK)
            continue;
        for (unsigned j = 0; j < trust->count; j++)
            trusted |= memcmp(trust->digest[j], digest, SHA256_BYTES) == 0;
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:b}", "algorithm",
                                        sign_scheme_name(sector + i * SIGBLOCK_BYTES), "key_digest",
                                        cli_json_hex(digest, sizeof digest), "trusted", trusted));
    }
    return list;
}

static json_t *verdict_json(const char *name, const struct buffer *file,
                            const struct sigblock_trust *trust, const struct verdict *verdict)
{
    bool accepted = verdict->word == SIGBLOCK_TRUSTED;
    json_t *root = json_pack("{s:o, s:s, s:s, s:s, s:I}", "file", cli_json_text(name), "verdict",
                             accepted ? "accepted" : "refused", "reason",
                             accepted ? "" : chain_error_text(verdict->reason), "kind",
                             image_kind_name(verdict->kind), "bytes", (json_int_t)file->length);
    struct image image;
    if (image_parse(file->bytes, file->length, &image) == CHAIN_OK)
        json_object_set_new(root, "signatures", signers_json(file, &image, trust));
    if (verdict->kind == IMAGE_APP && accepted)
        json_object_set_new(root, "app",
                            json_pack("{s:o, s:o, s:I}", "project",
                                      cli_json_text(verdict->desc.project_name), "version",
                                      cli_json_text(verdict->desc.version), "secure_version",
                                      (json_int_t)verdict->desc.secure_version));
    return root;
}

/* All images of one call. */
struct verifying {
    struct verify_options options;
    struct sigblock_trust trust;
    struct verify_policy policy;
    struct result {
        json_t *json; /* with --json, of a file that could be read */
        enum image_kind kind;
        struct image_app_desc desc;
    } * results;
    json_t *list; /* with --json */
};

static int verify_one(void *context, size_t index)
{
    struct verifying *all = context;
    struct result *result = &all->results[index];
    struct buffer file;
    struct verdict verdict = {0};
    const char *name = file_input_name(all->options.inputs[index]);
    if (file_read(all->options.inputs[index], FILE_MAX_DEFAULT, &file) != HOST_DONE)
        return HOST_FAILED;
    judge(&all->options, all->policy, &file, &verdict);
    result->kind = verdict.kind;
    result->desc = verdict.desc;
    if (all->options.json)
        result->json = verdict_json(name, &file, &all->trust, &verdict);
    buffer_free(&file);
    if (verdict.word == SIGBLOCK_TRUSTED)
        return HOST_DONE;
    return all->options.json ? HOST_FAILED
                             : host_fail(name, "refused: %s", chain_error_text(verdict.reason));
}

static int tell_one(void *context, size_t index, int status, const char *line)
{
    struct verifying *all = context;
    struct result *result = &all->results[index];
    char project[CLI_TEXT];
    char version[CLI_TEXT];
    const char *name = file_input_name(all->options.inputs[index]);
    if (all->options.json && !result->json)
        result->json = json_pack("{s:o, s:s, s:o}", "file", cli_json_text(name), "verdict",
                                 "refused", "reason", cli_json_text(line));
    if (all->options.json)
        json_array_append_new(all->list, result->json);
    else if (status == HOST_DONE && result->kind == IMAGE_APP)
        printf("%s: accepted: app %s %s, secure version %u\n", name,
               cli_printable(result->desc.project_name, project),
               cli_printable(result->desc.version, version), (unsigned)result->desc.secure_version);
    else if (status == HOST_DONE)
        printf("%s: accepted: bootloader\n", name);
    return HOST_DONE;
}

static int verify_all(struct verifying *all)
{
    const struct batch batch = {.count = all->options.count,
                                .names = (const char *const *)all->options.inputs,
                                .work = verify_one,
                                .tell = tell_one,
                                .context = all};
    all->results = calloc(batch.count, sizeof *all->results);
    all->list = json_array();
    if (!all->results || !all->list)
        return host_fail(NULL, "out of memory");
    int status = batch_run(&batch);
    if (all->options.json && cli_json_print_list(json_incref(all->list)) != HOST_DONE)
        status = HOST_FAILED;
    return status;
}

int cmd_verify(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"key", 'k', "FILE", 0, "trust this key (PEM public key or certificate)", 0},
        {"digest", 'd', "HEX", 0, "trust the key with this digest (trustchain key digest)", 0},
        {"efuse", 'e', "FILE", 0, "judge as the device with these eFuses", 0},
        {"chip-rev", OPTION_CHIP_REV, "N", 0, "chip revision, major * 100 + minor", 0},
        {"slot-size", OPTION_SLOT_SIZE, "BYTES", 0, "refuse what does not fit this slot", 0},
        {"min-secure-version", OPTION_SECURE_VERSION, "N", 0, "refuse older secure versions", 0},
        {"json", OPTION_JSON, NULL, 0, "print the verdict as JSON: of several images a list", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_verify,
        "IMAGE...",
        "Judge signed images as a device would, several on all cores at once: structure, chip, "
        "size, checksum, digest, signature, secure version. Exit status 0 says all are accepted, "
        "1 that one is refused.",
        NULL,
        NULL,
        NULL};
    struct verifying all = {0};
    int status = cli_parse(&argp, argc, argv, &all.options);
    if (status == HOST_DONE)
        status = make_policy(&all.options, &all.trust, &all.policy);
    if (status != HOST_DONE)
        return status;
    status = verify_all(&all);
    free(all.results);
    json_decref(all.list);
    return status;
}
