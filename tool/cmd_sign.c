/* trustchain sign: Secure Boot V2 signatures (formats.md 2). */
#include "tool/tool.h"

#include <string.h>

#include "chain/error.h"
#include "chain/image.h"
#include "chain/sigblock.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "host/key.h"
#include "tool/cli.h"
#include "tool/inputs.h"

struct sign_options {
    const char *input;
    const char *output;
    const char *keys[SIGBLOCK_MAX];
    size_t key_count;
    const char *passphrase_file;
    const char *public_keys[SIGBLOCK_MAX]; /* each with its finished signature */
    size_t public_count;
    const char *signatures[SIGBLOCK_MAX];
    size_t signature_count;
    bool append;
    bool digest_only;
};

enum { OPTION_PASSPHRASE_FILE = CLI_LONG, OPTION_PUBLIC_KEY, OPTION_SIGNATURE, OPTION_DIGEST_ONLY };

#define SIGNATURE_FILE_MAX 4096u

static const char no_room[] = "the image has three signatures already, there is no room";

struct signatures {
    uint8_t block[SIGBLOCK_MAX][SIGBLOCK_BYTES];
    uint8_t key_digest[SIGBLOCK_MAX][SHA256_BYTES];
    size_t count;
};

static void add_name(struct argp_state *state, const char **list, size_t *count, char *text)
{
    if (*count == SIGBLOCK_MAX)
        cli_usage(state, "an image has at most three signatures");
    list[(*count)++] = text;
}

static void check_options(struct argp_state *state, const struct sign_options *options)
{
    size_t count = options->key_count + options->public_count;
    if (options->public_count != options->signature_count)
        cli_usage(state, "each --public-key needs its --signature");
    if (options->digest_only && count > 0)
        cli_usage(state, "--digest-only takes no key");
    if (count > SIGBLOCK_MAX)
        cli_usage(state, "an image has at most three signatures");
    if (!options->digest_only && (!options->output || count == 0))
        cli_usage(state, "an output (-o FILE) and a key (--key FILE) are needed");
}

static error_t parse_sign(int key, char *text, struct argp_state *state)
{
    struct sign_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case 'k':
        add_name(state, options->keys, &options->key_count, text);
        return 0;
    case OPTION_PASSPHRASE_FILE:
        options->passphrase_file = text;
        return 0;
    case OPTION_PUBLIC_KEY:
        add_name(state, options->public_keys, &options->public_count, text);
        return 0;
    case OPTION_SIGNATURE:
        add_name(state, options->signatures, &options->signature_count, text);
        return 0;
    case OPTION_DIGEST_ONLY:
        options->digest_only = true;
        return 0;
    case 'a':
        options->append = true;
        return 0;
    case ARGP_KEY_END:
        check_options(state, options);
        break;
    default:
        break;
    }
    return cli_one_argument(key, text, &options->input, "image", state);
}

/* What a device would refuse anyway is not worth a signature. */
static int check_image(const char *name, const struct buffer *file, struct image *image)
{
    int error = image_parse(file->bytes, file->length, image);
    if (error == CHAIN_OK) /* any revision: the range the image asks for is its own business */
        error = image_check_target(image, image_kind_of(file->bytes, file->length),
                                   image->min_rev_full);
    if (error == CHAIN_OK)
        error = image_check_checksum(image, file->bytes);
    if (error == CHAIN_OK)
        error = image_check_digest(image, file->bytes, &host_crypto);
    return error ? host_fail(name, "is no image an ESP32-C6 would run: %s", chain_error_text(error))
                 : HOST_DONE;
}

static int check_length(const char *name, const struct buffer *file, const struct image *image,
                        const struct sign_options *options)
{
    const uint8_t *sector = image_signature_sector(image, file->bytes, file->length);
    bool is_signed = sector && sigblock_sector_count(sector) > 0;
    if (is_signed && file->length == image->signed_length + SIGBLOCK_SECTOR_BYTES)
        return options->append || options->digest_only
                   ? HOST_DONE
                   : host_fail(name, "is signed already (--append adds a signature)");
    if (sector && sector[0] == SIGBLOCK_MAGIC)
        return host_fail(name, "ends in a signature sector that holds no valid signature");
    if (file->length > image->signed_length)
        return host_fail(name, "has %zu bytes after the end of the image",
                         file->length - image->signed_length);
    if (options->append)
        return host_fail(name, "is not signed yet (leave out --append)");
    return HOST_DONE;
}

/* A device is set up for one scheme, RSA or one curve, and looks no further than a block of
 * another (formats.md 2.5). */
static bool same_scheme(const uint8_t a[SIGBLOCK_BYTES], const uint8_t b[SIGBLOCK_BYTES])
{
    struct sigblock first;
    struct sigblock second;
    return sigblock_parse(a, &first) == CHAIN_OK && sigblock_parse(b, &second) == CHAIN_OK &&
           first.version == second.version && first.curve == second.curve;
}

/* `block` must hold a signature that verifies over `digest` by its own key, of the scheme of the
 * others, and by a key not among them yet. */
static int accept_block(const char *name, struct signatures *all,
                        const uint8_t block[SIGBLOCK_BYTES], const uint8_t digest[SHA256_BYTES])
{
    struct sigblock_trust trust = {.count = 1};
    uint8_t sector[SIGBLOCK_SECTOR_BYTES];
    int reason;
    if (sigblock_key_digest(block, &host_crypto, trust.digest[0]) != CHAIN_OK)
        return host_fail(name, "the digest of its key cannot be computed");
    for (size_t i = 0; i < all->count; i++) {
        if (memcmp(all->key_digest[i], trust.digest[0], SHA256_BYTES) == 0)
            return host_fail(name, "the image has a signature by this key already");
    }
    if (all->count > 0 && !same_scheme(all->block[0], block))
        return host_fail(name, "is of another scheme than the image's other signatures (a device "
                               "takes either RSA-3072 or ECDSA on one curve)");
    memcpy(all->block[all->count], block, SIGBLOCK_BYTES);
    sigblock_sector_build(sector, &all->block[all->count], 1);
    if (sigblock_verify(sector, digest, &trust, &host_crypto, &reason, NULL) != SIGBLOCK_TRUSTED)
        return host_fail(name, "its signature does not verify: %s", chain_error_text(reason));
    memcpy(all->key_digest[all->count++], trust.digest[0], SHA256_BYTES);
    return HOST_DONE;
}

static int keep_signatures(const char *name, const uint8_t *sector,
                           const uint8_t digest[SHA256_BYTES], struct signatures *all)
{
    size_t count = sigblock_sector_count(sector);
    for (size_t i = 0; i < count; i++) {
        if (accept_block(name, all, sector + i * SIGBLOCK_BYTES, digest) != HOST_DONE)
            return HOST_FAILED;
    }
    return HOST_DONE;
}

static int add_signature(const char *path, const char *passphrase_file,
                         const uint8_t digest[SHA256_BYTES], struct signatures *all)
{
    struct key *key;
    uint8_t block[SIGBLOCK_BYTES];
    if (all->count == SIGBLOCK_MAX)
        return host_fail(path, "%s", no_room);
    if (key_unlock(path, passphrase_file, &key) != HOST_DONE)
        return HOST_FAILED;
    int status = key_sign_block(key, digest, block);
    key_free(key);
    return status == HOST_DONE ? accept_block(path, all, block, digest) : status;
}

/* One that was made elsewhere. */
static int add_finished(const char *public_path, const char *path,
                        const uint8_t digest[SHA256_BYTES], struct signatures *all)
{
    struct key *key;
    struct buffer file;
    uint8_t block[SIGBLOCK_BYTES];
    if (all->count == SIGBLOCK_MAX)
        return host_fail(path, "%s", no_room);
    if (key_load_public(public_path, &key) != HOST_DONE)
        return HOST_FAILED;
    int status = file_read(path, SIGNATURE_FILE_MAX, &file);
    if (status == HOST_DONE) {
        status = key_place_signature(key, digest, &file, file_input_name(path), block);
        buffer_free(&file);
    }
    key_free(key);
    return status == HOST_DONE ? accept_block(path, all, block, digest) : status;
}

static int add_all(const struct sign_options *options, const uint8_t digest[SHA256_BYTES],
                   struct signatures *all)
{
    int status = HOST_DONE;
    for (size_t i = 0; status == HOST_DONE && i < options->key_count; i++)
        status = add_signature(options->keys[i], options->passphrase_file, digest, all);
    for (size_t i = 0; status == HOST_DONE && i < options->public_count; i++)
        status = add_finished(options->public_keys[i], options->signatures[i], digest, all);
    return status;
}

static int print_digest(const char *output, const uint8_t digest[SHA256_BYTES])
{
    char text[2 * SHA256_BYTES + 1];
    if (output)
        return file_write(output, digest, SHA256_BYTES, 0644);
    puts(cli_hex(digest, SHA256_BYTES, text));
    return HOST_DONE;
}

static int sign_file(const struct sign_options *options, struct buffer *file,
                     struct signatures *all)
{
    struct image image;
    uint8_t digest[SHA256_BYTES];
    const char *name = file_input_name(options->input);
    if (check_image(name, file, &image) != HOST_DONE ||
        check_length(name, file, &image, options) != HOST_DONE)
        return HOST_FAILED;
    if (buffer_pad(file, image.signed_length + SIGBLOCK_SECTOR_BYTES) != HOST_DONE)
        return HOST_FAILED;
    int error = image_signed_digest(&image, file->bytes, file->length, &host_crypto, digest);
    if (error)
        return host_fail(name, "%s", chain_error_text(error));
    if (options->digest_only)
        return print_digest(options->output, digest);
    uint8_t *sector = file->bytes + image.signed_length;
    if (keep_signatures(name, sector, digest, all) != HOST_DONE ||
        add_all(options, digest, all) != HOST_DONE)
        return HOST_FAILED;
    sigblock_sector_build(sector, (const uint8_t(*)[SIGBLOCK_BYTES])all->block, all->count);
    return file_write(options->output, file->bytes, file->length, 0644);
}

int cmd_sign(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the signed image goes", 0},
        {"key", 'k', "FILE", 0,
         "RSA-3072 or ECDSA P-256 private key, a PEM file or a pkcs11: URI; up to three times", 0},
        {"passphrase-file", OPTION_PASSPHRASE_FILE, "FILE", 0,
         "holds the passphrase or PIN of the keys (default: TRUSTCHAIN_PASSPHRASE, TRUSTCHAIN_PIN, "
         "or asked for)",
         0},
        {"public-key", OPTION_PUBLIC_KEY, "FILE", 0,
         "add a signature made elsewhere with the private half of this key; up to three times", 0},
        {"signature", OPTION_SIGNATURE, "FILE", 0,
         "that signature: RSA-PSS big-endian, ECDSA as DER or raw", 0},
        {"digest-only", OPTION_DIGEST_ONLY, NULL, 0,
         "print the SHA-256 digest that has to be signed (with -o: the 32 bytes)", 0},
        {"append", 'a', NULL, 0, "add to the signatures the image has", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_sign,
        "IMAGE",
        "Sign an application or bootloader image for Secure Boot V2. The image is checked as a "
        "device would check it, filled with 0xFF up to the next 4096 bytes and followed by one "
        "signature sector.",
        NULL,
        NULL,
        NULL};
    struct sign_options options = {0};
    struct buffer file;
    struct signatures all = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = file_read(options.input, FILE_MAX_DEFAULT, &file);
    if (status != HOST_DONE)
        return status;
    status = sign_file(&options, &file, &all);
    buffer_free(&file);
    return status;
}
