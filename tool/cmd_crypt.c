/* trustchain encrypt, trustchain decrypt: flash encryption of a file (flash-encryption.md 1). */
#include "tool/tool.h"

#include <openssl/crypto.h>

#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/file_lock.h"
#include "tool/inputs.h"

struct crypt_options {
    const char *input;
    const char *output;
    const char *key;
    const char *efuse;
    uint32_t offset;
    bool offset_given;
};

static error_t parse_crypt(int key, char *text, struct argp_state *state)
{
    struct crypt_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case 'k':
        options->key = text;
        return 0;
    case 'e':
        options->efuse = text;
        return 0;
    case 'a':
        options->offset = cli_option_number(state, "--offset", text);
        options->offset_given = true;
        return 0;
    case ARGP_KEY_END:
        if (!options->output || (!options->key && !options->efuse) || !options->offset_given)
            cli_usage(state, "an output (-o FILE), a key (--key FILE or --efuse FILE) and a flash "
                             "offset (--offset N) are needed");
        if (options->offset % 16 != 0)
            cli_usage(state, "--offset must be a multiple of 16");
        break;
    default:
        break;
    }
    return cli_one_argument(key, text, &options->input, "file", state);
}

static int crypt_file(const struct crypt_options *options, bool encrypt, struct buffer *file)
{
    uint8_t key[XTS_KEY_BYTES];
    const char *name = file_input_name(options->input);
    if (file->length % 16 != 0)
        return host_fail(name, "is %zu bytes, the flash cipher works on multiples of 16",
                         file->length);
    if (file->length > UINT32_MAX - options->offset)
        return host_fail(name, "does not fit a 32-bit flash address at this offset");
    if (flash_key_read(options->key, options->efuse, key) != HOST_DONE)
        return HOST_FAILED;
    int error = (encrypt ? flashcrypt_encrypt : flashcrypt_decrypt)(
        &host_crypto, key, options->offset, file->bytes, file->bytes, file->length);
    OPENSSL_cleanse(key, sizeof key);
    if (error)
        return host_fail(name, "%s", chain_error_text(error));
    int lock, status = file_lock_output(options->output, &lock);
    /* Plaintext that was worth encrypting stays its owner's. */
    if (status == HOST_DONE)
        status = file_write(options->output, file->bytes, file->length, encrypt ? 0644 : 0600);
    file_unlock(lock);
    return status;
}

static int run(int argc, char **argv, bool encrypt, const char *text)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the result goes", 0},
        {"key", 'k', "FILE", 0, "flash encryption key, 32 bytes", 0},
        {"efuse", 'e', "FILE", 0, "take the key from this eFuse file", 0},
        {"offset", 'a', "N", 0, "absolute flash offset of the first byte, a multiple of 16", 0},
        {0}};
    const struct argp argp = {options_known, parse_crypt, "FILE", text, NULL, NULL, NULL};
    struct crypt_options options = {0};
    struct buffer file;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = file_read(options.input, FILE_MAX_DEFAULT, &file);
    if (status != HOST_DONE)
        return status;
    status = crypt_file(&options, encrypt, &file);
    buffer_free(&file);
    return status;
}

int cmd_encrypt(int argc, char **argv)
{
    return run(argc, argv, true,
               "Encrypt a file as the flash of an ESP32-C6 holds it at an offset (XTS-AES-128).");
}

int cmd_decrypt(int argc, char **argv)
{
    return run(argc, argv, false,
               "Decrypt bytes read from an ESP32-C6's flash at an offset (XTS-AES-128).");
}
