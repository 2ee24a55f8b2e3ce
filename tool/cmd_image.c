/* trustchain image: make images from ELF files, and say what an image is. */
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>

#include "chain/error.h"
#include "chain/image_build.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/image_report.h"
#include "tool/inputs.h"

enum {
    OPTION_SECURE_PAD = CLI_LONG,
    OPTION_MODE,
    OPTION_FREQ,
    OPTION_SIZE,
    OPTION_MIN_REV,
    OPTION_MAX_REV,
    OPTION_MMU_PAGE,
    OPTION_NO_DIGEST,
    OPTION_JSON,
    OPTION_CHIP_REV,
    OPTION_SLOT_SIZE,
    OPTION_SECURE_VERSION,
};

struct make_options {
    const char *input;
    const char *output;
    struct image_build_options build;
};

/* A word and the code the image header has for it (formats.md 1.1). */
struct word_code {
    const char *word;
    uint8_t code;
};

static const struct word_code flash_modes[] = {
    {"qio", 0}, {"qout", 1}, {"dio", 2}, {"dout", 3}, {NULL, 0}};
static const struct word_code flash_freqs[] = {{"80m", 0}, {"40m", 0}, {"20m", 2}, {NULL, 0}};
static const struct word_code flash_sizes[] = {{"1MB", 0}, {"2MB", 1},  {"4MB", 2},
                                               {"8MB", 3}, {"16MB", 4}, {NULL, 0}};

static const struct word_code mmu_pages[] = {
    {"8KB", 13}, {"16KB", 14}, {"32KB", 15}, {"64KB", 16}, {NULL, 0}};

static uint8_t code_of(const struct argp_state *state, const char *option,
                       const struct word_code *words, const char *text)
{
    for (size_t i = 0; words[i].word; i++) {
        if (strcmp(words[i].word, text) == 0)
            return words[i].code;
    }
    cli_usage(state, "%s does not know \"%s\" (see --help)", option, text);
}

static uint16_t revision_of(const struct argp_state *state, const char *option, const char *text)
{
    uint32_t value = cli_option_number(state, option, text);
    if (value > UINT16_MAX)
        cli_usage(state, "%s is major * 100 + minor, at most 65535", option);
    return (uint16_t)value;
}

static error_t parse_make(int key, char *text, struct argp_state *state)
{
    struct make_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case OPTION_SECURE_PAD:
        options->build.secure_pad_v2 = true;
        return 0;
    case OPTION_MODE:
        options->build.spi_mode = code_of(state, "--flash-mode", flash_modes, text);
        return 0;
    case OPTION_FREQ:
        options->build.spi_speed = code_of(state, "--flash-freq", flash_freqs, text);
        return 0;
    case OPTION_SIZE:
        options->build.flash_size = code_of(state, "--flash-size", flash_sizes, text);
        return 0;
    case OPTION_MIN_REV:
        options->build.min_rev_full = revision_of(state, "--min-rev-full", text);
        return 0;
    case OPTION_MAX_REV:
        options->build.max_rev_full = revision_of(state, "--max-rev-full", text);
        return 0;
    case OPTION_MMU_PAGE:
        options->build.mmu_page_log2 = code_of(state, "--mmu-page-size", mmu_pages, text);
        return 0;
    case OPTION_NO_DIGEST:
        options->build.append_digest = false;
        return 0;
    case ARGP_KEY_END:
        if (!options->output)
            cli_usage(state, "no output given (-o FILE)");
        if (options->build.secure_pad_v2 && !options->build.append_digest)
            cli_usage(state, "--secure-pad-v2 needs the digest");
        break;
    default:
        break;
    }
    return cli_one_argument(key, text, &options->input, "ELF file", state);
}

static int explain_build(const char *name, int error)
{
    if (error == CHAIN_EMAGIC)
        return host_fail(name, "is not an ELF file for 32-bit little-endian RISC-V");
    return host_fail(name, "cannot become an image: %s", chain_error_text(error));
}

static int build(const char *name, const struct buffer *elf,
                 const struct image_build_options *options, struct buffer *image)
{
    size_t size = image_build_bound(elf->bytes, elf->length);
    if (size == 0)
        return explain_build(name, CHAIN_EMAGIC);
    image->bytes = malloc(size);
    if (!image->bytes)
        return host_fail(name, "out of memory");
    int error = image_build(elf->bytes, elf->length, options, &host_crypto, image->bytes, size,
                            &image->length);
    return error ? explain_build(name, error) : HOST_DONE;
}

static int image_make(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the image goes", 0},
        {"secure-pad-v2", OPTION_SECURE_PAD, NULL, 0,
         "pad an application to whole MMU pages, for signing", 0},
        {"flash-mode", OPTION_MODE, "MODE", 0, "qio, qout, dio (default) or dout", 0},
        {"flash-freq", OPTION_FREQ, "FREQ", 0, "80m (default), 40m or 20m", 0},
        {"flash-size", OPTION_SIZE, "SIZE", 0, "1MB, 2MB, 4MB (default), 8MB or 16MB", 0},
        {"min-rev-full", OPTION_MIN_REV, "N", 0, "oldest chip revision, major * 100 + minor", 0},
        {"max-rev-full", OPTION_MAX_REV, "N", 0, "newest chip revision, major * 100 + minor", 0},
        {"mmu-page-size", OPTION_MMU_PAGE, "SIZE", 0,
         "8KB, 16KB, 32KB or 64KB (default: as the application's descriptor says). Trustchain's "
         "bootloader, sign and verify take 64KB alone",
         0},
        {"dont-append-digest", OPTION_NO_DIGEST, NULL, 0, "no SHA-256 behind the checksum", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_make,
        "ELF",
        "Make an ESP32-C6 image from an ELF file, byte for byte as Espressif's elf2image does.",
        NULL,
        NULL,
        NULL};
    struct make_options options = {.build = image_build_defaults};
    struct buffer elf;
    struct buffer image = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = file_read(options.input, FILE_MAX_DEFAULT, &elf);
    if (status != HOST_DONE)
        return status;
    status = build(file_input_name(options.input), &elf, &options.build, &image);
    if (status == HOST_DONE)
        status = file_write(options.output, image.bytes, image.length, 0644);
    buffer_free(&image);
    buffer_free(&elf);
    return status;
}

struct info_options {
    const char *input;
    const char *efuse;
    struct image_judge judge;
    bool chip_rev_given;
    bool json;
};

static error_t parse_info(int key, char *text, struct argp_state *state)
{
    struct info_options *options = state->input;
    switch (key) {
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_CHIP_REV:
        options->judge.chip_rev = revision_of(state, "--chip-rev", text);
        options->chip_rev_given = true;
        return 0;
    case 'e':
        options->efuse = text;
        return 0;
    case OPTION_SIZE:
        options->judge.flash_bytes = cli_option_flash_size(state, text);
        return 0;
    case OPTION_SLOT_SIZE:
        options->judge.slot_bytes = cli_option_number(state, "--slot-size", text);
        return 0;
    case OPTION_SECURE_VERSION:
        options->judge.min_secure_version = cli_option_number(state, "--min-secure-version", text);
        return 0;
    default:
        return cli_one_argument(key, text, &options->input, "image", state);
    }
}

/* The judge keeps what it needs of the eFuses in `file`. */
static int ask_efuse(struct info_options *options, struct efuse_file *file)
{
    if (!options->efuse)
        return HOST_DONE;
    if (efuse_file_read(options->efuse, file) != HOST_DONE)
        return HOST_FAILED;
    uint32_t floor = efuse_secure_version(&file->efuse);
    options->judge.efuse = &file->efuse;
    if (!options->chip_rev_given)
        options->judge.chip_rev = efuse_chip_revision(&file->efuse);
    if (options->judge.min_secure_version < floor)
        options->judge.min_secure_version = floor;
    return HOST_DONE;
}

static int tell_info(const struct info_options *options, const struct buffer *file)
{
    struct image_report report;
    const char *name = file_input_name(options->input);
    int error = image_report_make(file, &options->judge, &report);
    if (error)
        return image_explain(name, file, error);
    if (!options->json)
        image_report_print(name, &report);
    else if (cli_json_print(image_report_json(name, &report)) != HOST_DONE)
        return HOST_FAILED;
    return image_report_good(&report) ? HOST_DONE : HOST_FAILED;
}

static int image_info(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"json", OPTION_JSON, NULL, 0, "print JSON", 0},
        {"chip-rev", OPTION_CHIP_REV, "N", 0,
         "judge for this chip revision, major * 100 + minor (default 0)", 0},
        {"efuse", 'e', "FILE", 0,
         "judge as the device with these eFuses: revision, trusted and revoked keys, secure "
         "version",
         0},
        {"flash-size", OPTION_SIZE, "SIZE", 0, "judge for a flash chip of this size", 0},
        {"slot-size", OPTION_SLOT_SIZE, "BYTES", 0, "judge for a slot of this size", 0},
        {"min-secure-version", OPTION_SECURE_VERSION, "N", 0, "refuse older secure versions", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_info,
        "IMAGE",
        "Say what an image is, and which checks of an ESP32-C6 it would fail and why. Exit status "
        "1 when one fails. Signatures are judged with --efuse, else listed: `trustchain verify' "
        "judges them by a key.",
        NULL,
        NULL,
        NULL};
    struct info_options options = {0};
    struct efuse_file efuse = {0};
    struct buffer file;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = ask_efuse(&options, &efuse);
    if (status == HOST_DONE)
        status = file_read(options.input, FILE_MAX_DEFAULT, &file);
    if (status == HOST_DONE) {
        status = tell_info(&options, &file);
        buffer_free(&file);
    }
    efuse_file_free(&efuse);
    return status;
}

int cmd_image(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"make", image_make, "ELF to image"},
        {"info", image_info, "what an image is, and what a chip would say"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
