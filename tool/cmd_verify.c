/* trustchain verify: the verdict a device would give. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

#include "chain/error.h"
#include "chain/verify.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/inputs.h"

enum { OPTION_CHIP_REV = CLI_LONG, OPTION_SLOT_SIZE, OPTION_SECURE_VERSION, OPTION_JSON };

struct verify_options {
    const char *input;
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
        break;
    default:
        break;
    }
    return cli_one_argument(key, text, &options->input, "image", state);
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
                                     .min_secure_version = options->secure_version};
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
                              json_pack("{s:o, s:b}", "key_digest",
                                        cli_json_hex(digest, sizeof digest), "trusted", trusted));
    }
    return list;
}

static int print_json(const char *name, const struct buffer *file,
                      const struct sigblock_trust *trust, const struct verdict *verdict)
{
    bool accepted = verdict->word == SIGBLOCK_TRUSTED;
    json_t *root = json_pack("{s:o, s:s, s:s, s:s}", "file", cli_json_text(name), "verdict",
                             accepted ? "accepted" : "refused", "reason",
                             accepted ? "" : chain_error_text(verdict->reason), "kind",
                             image_kind_name(verdict->kind));
    struct image image;
    if (image_parse(file->bytes, file->length, &image) == CHAIN_OK)
        json_object_set_new(root, "signatures", signers_json(file, &image, trust));
    if (verdict->kind == IMAGE_APP && accepted)
        json_object_set_new(root, "app",
                            json_pack("{s:o, s:o, s:I}", "project",
                                      cli_json_text(verdict->desc.project_name), "version",
                                      cli_json_text(verdict->desc.version), "secure_version",
                                      (json_int_t)verdict->desc.secure_version));
    cli_json_print(root);
    return accepted ? HOST_DONE : HOST_FAILED;
}

static int print_text(const char *name, const struct verdict *verdict)
{
    char project[CLI_TEXT];
    char version[CLI_TEXT];
    if (verdict->word != SIGBLOCK_TRUSTED)
        return host_fail(name, "refused: %s", chain_error_text(verdict->reason));
    if (verdict->kind == IMAGE_APP)
        printf("%s: accepted: app %s %s, secure version %u\n", name,
               cli_printable(verdict->desc.project_name, project),
               cli_printable(verdict->desc.version, version),
               (unsigned)verdict->desc.secure_version);
    else
        printf("%s: accepted: bootloader\n", name);
    return HOST_DONE;
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
        {"json", OPTION_JSON, NULL, 0, "print the verdict as JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_verify,
        "IMAGE",
        "Judge a signed image as a device would: structure, chip, size, checksum, digest, "
        "signature, secure version. Exit status 0 says accepted, 1 refused.",
        NULL,
        NULL,
        NULL};
    struct verify_options options = {0};
    struct sigblock_trust trust;
    struct verify_policy policy;
    struct verdict verdict = {0};
    struct buffer file;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = make_policy(&options, &trust, &policy);
    if (status == HOST_DONE)
        status = file_read(options.input, FILE_MAX_DEFAULT, &file);
    if (status != HOST_DONE)
        return status;
    judge(&options, policy, &file, &verdict);
    const char *name = file_input_name(options.input);
    status = options.json ? print_json(name, &file, &trust, &verdict) : print_text(name, &verdict);
    buffer_free(&file);
    return status;
}
