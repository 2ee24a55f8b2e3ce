/* trustchain key: signing keys and flash encryption keys as files. */
#include "tool/tool.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "chain/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "host/key.h"
#include "tool/cli.h"

struct key_type {
    const char *name;
    int (*generate)(const char *path);
    bool signs;
    enum key_scheme scheme; /* of a key that signs */
};

enum { OPTION_PROTECT = CLI_LONG, OPTION_PASSPHRASE_FILE };

#define PASSPHRASE_OPTION                                                                          \
    {                                                                                              \
        "passphrase-file", OPTION_PASSPHRASE_FILE, "FILE", 0,                                      \
            "holds the passphrase (default: TRUSTCHAIN_PASSPHRASE, or asked for)", 0               \
    }

static const struct key_type types[] = {
    {"rsa3072", key_generate_rsa3072, .signs = true, .scheme = KEY_RSA3072}, /* the default */
    {"ecdsa-p256", key_generate_ecdsa_p256, .signs = true, .scheme = KEY_ECDSA_P256},
    {"xts128", key_generate_xts128, .signs = false},
};

struct key_options {
    const char *file;
    const char *output;
    const struct key_type *type;
    const char *passphrase_file;
    bool protect;
};

static const struct key_type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    }
    return NULL;
}

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct key_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case 't':
        options->type = find_type(text);
        if (!options->type)
            cli_usage(state, "--type is rsa3072, ecdsa-p256 or xts128, not \"%s\"", text);
        return 0;
    case OPTION_PROTECT:
        options->protect = true;
        return 0;
    case OPTION_PASSPHRASE_FILE:
        options->passphrase_file = text;
        return 0;
    case ARGP_KEY_END:
        if (options->protect && !options->type->signs)
            cli_usage(state, "--protect is for signing keys");
        break;
    default:
        break;
    }
    return cli_one_argument(key, text, &options->file, "key file", state);
}

static int key_new(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"type", 't', "TYPE", 0,
         "rsa3072 (signing, the default), ecdsa-p256 (signing) or xts128 (flash encryption)", 0},
        {"protect", OPTION_PROTECT, NULL, 0, "put the key under a passphrase", 0},
        PASSPHRASE_OPTION,
        {0}};
    static const struct argp argp = {
        options_known,
        parse_key,
        "FILE",
        "Make a private key, readable by its owner only. An existing file is never replaced.",
        NULL,
        NULL,
        NULL};
    struct key_options options = {.type = types};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (options.protect)
        return key_generate_protected(options.file, options.type->scheme, options.passphrase_file);
    return options.type->generate(options.file);
}

static int key_public(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where to write the public key (default: stdout)", 0},
        PASSPHRASE_OPTION,
        {0}};
    static const struct argp argp = {
        options_known, parse_key, "FILE", "Write the public part of a signing key as PEM.",
        NULL,          NULL,      NULL};
    struct key_options options = {.output = "-"};
    struct key *key;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = key_unlock_public(options.file, options.passphrase_file, &key);
    if (status != HOST_DONE)
        return status;
    status = key_write_public(key, options.output);
    key_free(key);
    return status;
}

static int key_print_digest(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "write the 32 bytes there instead of hex on stdout", 0},
        PASSPHRASE_OPTION,
        {0}};
    static const struct argp argp = {
        options_known,
        parse_key,
        "FILE",
        "Print what the eFuses hold to trust this key: SHA-256 of the public key as a Secure Boot "
        "V2 signature block stores it. FILE is a PEM key, a certificate or the pkcs11: URI of a "
        "key.",
        NULL,
        NULL,
        NULL};
    struct key_options options = {0};
    struct key *key;
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = key_unlock_public(options.file, options.passphrase_file, &key);
    if (status != HOST_DONE)
        return status;
    status = key_digest(key, digest);
    key_free(key);
    if (status != HOST_DONE)
        return status;
    if (options.output)
        return file_write(options.output, digest, sizeof digest, 0644);
    puts(cli_hex(digest, sizeof digest, text));
    return HOST_DONE;
}

int cmd_key(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"new", key_new, "make a private key"},
        {"public", key_public, "write the public part of a key"},
        {"digest", key_print_digest, "print the digest that eFuses trust"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
