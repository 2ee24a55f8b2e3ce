/* trustchain nvs keys, encrypt, decrypt. */
#include "tool/nvs_crypt.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "chain/error.h"
#include "host/crypto.h"
#include "host/error.h"
#include "tool/cli.h"
#include "tool/nvs_list.h"

#define KEYS_FILE_MAX  (1u << 20)
#define HMAC_KEY_BYTES 32

struct crypt_options {
    const char *input;
    const char *output;
    const char *keys;
    const char *hmac_key;
};

enum { OPTION_KEYS = CLI_LONG, OPTION_HMAC_KEY };

int nvs_keys_read(const char *path, struct nvs_keys *keys)
{
    struct buffer file;
    if (file_read_private(path, KEYS_FILE_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    const char *name = file_input_name(path);
    int error =
        file.length < NVS_KEYS_RECORD_BYTES ? CHAIN_ETRUNCATED : nvs_keys_load(keys, file.bytes);
    buffer_free_secret(&file);
    switch (error) {
    case CHAIN_OK:
        return HOST_DONE;
    case CHAIN_EMISSING:
        return host_fail(name, "is a blank keys partition (make keys: trustchain nvs keys)");
    case CHAIN_EFIELD:
        return host_fail(name, "data key and tweak key are the same (make others)");
    default:
        return host_fail(name, "is no NVS keys partition: %s", chain_error_text(error));
    }
}

int nvs_crypt_file(const char *name, const char *keys_path, bool encrypt, uint8_t *bytes,
                   size_t length)
{
    struct nvs_keys keys;
    int status = nvs_keys_read(keys_path, &keys);
    int error = status == HOST_DONE ? nvs_crypt(&host_crypto, &keys, encrypt, bytes, length) : 0;
    OPENSSL_cleanse(&keys, sizeof keys);
    if (error == CHAIN_EALIGN)
        return host_fail(name, "is no NVS partition (its size is not a multiple of 4096)");
    return error ? host_fail(name, "%s", chain_error_text(error)) : status;
}

static error_t parse_crypt(int key, char *text, struct argp_state *state)
{
    struct crypt_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case OPTION_KEYS:
        options->keys = text;
        return 0;
    case OPTION_HMAC_KEY:
        options->hmac_key = text;
        return 0;
    default:
        return cli_one_argument(key, text, &options->input, "file", state);
    }
}

static error_t parse_keys(int key, char *text, struct argp_state *state)
{
    if (key == ARGP_KEY_ARG)
        cli_usage(state, "takes no file: \"%s\"", text);
    return key == ARGP_KEY_END ? 0 : parse_crypt(key, text, state);
}

/* ESP-IDF's derivation: each key is the HMAC of its word, eight times. */
static bool derive_half(const uint8_t *hmac_key, const uint8_t word[4], uint8_t out[32])
{
    uint8_t seed[32];
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = word[i % 4];
    return HMAC(EVP_sha256(), hmac_key, HMAC_KEY_BYTES, seed, sizeof seed, out, NULL) != NULL;
}

static int derive(const char *path, struct nvs_keys *keys)
{
    static const uint8_t data_word[4] = {0x5A, 0x5A, 0xBE, 0xAE};
    static const uint8_t tweak_word[4] = {0xA5, 0xA5, 0xDE, 0xCE};
    struct buffer file;
    if (file_read_private(path, KEYS_FILE_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = HOST_DONE;
    if (file.length != HMAC_KEY_BYTES)
        status = host_fail(file_input_name(path), "an HMAC key has 32 bytes, not %zu", file.length);
    else if (!derive_half(file.bytes, data_word, keys->xts) ||
             !derive_half(file.bytes, tweak_word, keys->xts + sizeof keys->xts / 2))
        status = host_fail(file_input_name(path), "%s", chain_error_text(CHAIN_ECRYPTO));
    buffer_free_secret(&file);
    return status;
}

static int create(const struct crypt_options *options)
{
    uint8_t partition[NVS_PAGE_BYTES];
    struct nvs_keys keys;
    int status = HOST_DONE;
    if (options->hmac_key)
        status = derive(options->hmac_key, &keys);
    else if (RAND_priv_bytes(keys.xts, sizeof keys.xts) != 1)
        status = host_fail(options->output, "no key could be generated");
    if (status == HOST_DONE) {
        memset(partition, 0xFF, sizeof partition);
        nvs_keys_store(&keys, partition);
        status = file_create(options->output, partition, sizeof partition, 0600);
    }
    OPENSSL_cleanse(&keys, sizeof keys);
    OPENSSL_cleanse(partition, sizeof partition);
    return status;
}

int nvs_keys(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the keys partition goes; an existing file stays", 0},
        {"hmac-key", OPTION_HMAC_KEY, "FILE", 0,
         "derive the keys from this HMAC key (32 bytes, as in the eFuse block of purpose HMAC_UP) "
         "instead of new random ones",
         0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_keys,
        NULL,
        "Make the keys of encrypted NVS: a keys partition (data, nvs_keys) of 4096 bytes.",
        NULL,
        NULL,
        NULL};
    struct crypt_options options = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (options.output == NULL)
        return host_usage("nvs keys", "--output is missing (where the keys go)");
    return create(&options);
}

/* Plain bytes that are no sound partition were damaged, or came out under other keys. */
static int check_plain(const char *name, const struct buffer *file, enum nvs_state state)
{
    struct nvs_list list;
    int status = nvs_list_read(name, file->bytes, file->length, state, &list);
    if (status == HOST_DONE)
        nvs_list_free(&list);
    return status;
}

static int crypt_partition(const struct crypt_options *options, bool encrypt, struct buffer *file)
{
    const char *name = file_input_name(options->input);
    if (encrypt && check_plain(name, file, NVS_PLAIN) != HOST_DONE)
        return HOST_FAILED;
    int status = nvs_crypt_file(name, options->keys, encrypt, file->bytes, file->length);
    if (status == HOST_DONE && !encrypt)
        status = check_plain(name, file, NVS_DECRYPTED);
    return status == HOST_DONE ? file_write(options->output, file->bytes, file->length, 0600)
                               : status;
}

static int run(int argc, char **argv, bool encrypt, const char *text)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the partition goes (default: stdout)", 0},
        {"keys", OPTION_KEYS, "FILE", 0, "the keys partition", 0},
        {0}};
    const struct argp argp = {options_known, parse_crypt, "FILE", text, NULL, NULL, NULL};
    struct crypt_options options = {.output = "-"};
    struct buffer file;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (options.keys == NULL)
        return host_usage(encrypt ? "nvs encrypt" : "nvs decrypt",
                          "--keys is missing (the keys partition)");
    if (file_read(options.input, NVS_FILE_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    status = crypt_partition(&options, encrypt, &file);
    buffer_free_secret(&file);
    return status;
}

int nvs_encrypt(int argc, char **argv)
{
    return run(argc, argv, true, "Encrypt a plain NVS partition as ESP-IDF does.");
}

int nvs_decrypt(int argc, char **argv)
{
    return run(argc, argv, false, "Decrypt an encrypted NVS partition.");
}
