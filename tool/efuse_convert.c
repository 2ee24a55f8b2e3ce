#include "tool/efuse_convert.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "host/error.h"
#include "tool/cli.h"
#include "tool/efuse_file.h"
#include "tool/file_lock.h"

enum { OPTION_TO = CLI_LONG };

struct convert_options {
    const char *in;
    const char *out;
    enum efuse_form to;
    bool to_given;
};

static error_t parse_convert(int key, char *text, struct argp_state *state)
{
    struct convert_options *options = state->input;
    switch (key) {
    case 'o':
        options->out = text;
        return 0;
    case OPTION_TO:
        options->to = strcmp(text, "qemu") == 0 ? EFUSE_FORM_QEMU : EFUSE_FORM_ESPEFUSE;
        if (strcmp(text, efuse_form_name(options->to)) != 0)
            cli_usage(state, "--to is qemu or espefuse, not \"%s\"", text);
        options->to_given = true;
        return 0;
    case ARGP_KEY_END:
        if (!options->in || !options->out || !options->to_given)
            cli_usage(state, "IN, -o OUT and --to are needed");
        return 0;
    default:
        return cli_one_argument(key, text, &options->in, "eFuse file", state);
    }
}

/* Read-protected keys do not pass through espefuse's form, in either direction. */
static void name_lost_keys(const struct efuse *efuse)
{
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++) {
        if (efuse_bits(efuse, EFUSE_RD_DIS) >> n & 1)
            printf("KEY%u is read-protected: zeros in the espefuse form, its content is lost\n", n);
    }
}

static int convert(const struct convert_options *options, const struct efuse_file *in)
{
    uint8_t virt[EFUSE_VIRT_BYTES] = {0};
    struct efuse masked;
    if (options->to == EFUSE_FORM_QEMU)
        return file_write(options->out, in->efuse.bytes, EFUSE_IMAGE_BYTES, 0600);
    efuse_read_masked(&in->efuse, &masked);
    efuse_to_virt(&masked, virt);
    int status = file_write(options->out, virt, sizeof virt, 0600);
    OPENSSL_cleanse(&masked, sizeof masked);
    OPENSSL_cleanse(virt, sizeof virt);
    return status;
}

int efuse_convert(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the result goes", 0},
        {"to", OPTION_TO, "FORM", 0, "qemu: our 336 bytes; espefuse: its 512 bytes", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_convert,
        "IN",
        "Turn an eFuse file into the form that another tool keeps. `espefuse' is the file of "
        "espefuse --virt --path-efuse-file, in which read-protected keys are zeros.",
        NULL,
        NULL,
        NULL};
    struct convert_options options = {0};
    struct efuse_file in = {0};
    int lock = -1;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = file_lock_output(options.out, &lock);
    if (status == HOST_DONE)
        status = efuse_file_read(options.in, &in);
    if (status != HOST_DONE) {
        file_unlock(lock);
        return status;
    }
    if (in.form == EFUSE_FORM_SUMMARY)
        status = host_fail(file_input_name(options.in), "is a summary, which has not every bit "
                                                        "(convert the file of espefuse --virt)");
    else
        status = convert(&options, &in);
    if (status == HOST_DONE && strcmp(options.out, "-") != 0 &&
        (in.form == EFUSE_FORM_ESPEFUSE || options.to == EFUSE_FORM_ESPEFUSE))
        name_lost_keys(&in.efuse);
    efuse_file_free(&in);
    file_unlock(lock);
    return status;
}
