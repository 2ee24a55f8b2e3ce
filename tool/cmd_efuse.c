/* trustchain efuse: an eFuse file: make a factory chip, show it, burn it. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/efuse_audit.h"
#include "tool/efuse_burn.h"
#include "tool/efuse_convert.h"
#include "tool/efuse_file.h"
#include "tool/efuse_order.h"
#include "tool/efuse_report.h"

enum { OPTION_MAC = CLI_LONG, OPTION_REV, OPTION_JSON };

struct new_options {
    const char *file;
    uint8_t mac[6];
    bool mac_given;
    uint16_t chip_rev;
};

static error_t parse_new(int key, char *text, struct argp_state *state)
{
    struct new_options *options = state->input;
    switch (key) {
    case OPTION_MAC:
        if (!efuse_mac_parse(text, options->mac))
            cli_usage(state, "--mac is six pairs of hex digits with colons, not \"%s\"", text);
        options->mac_given = true;
        return 0;
    case OPTION_REV: {
        uint32_t revision = cli_option_number(state, "--rev", text);
        if (revision / 100 > 3 || revision % 100 > 15)
            cli_usage(state, "--rev is major * 100 + minor, at most 315");
        options->chip_rev = (uint16_t)revision;
        return 0;
    }
    default:
        return cli_one_argument(key, text, &options->file, "eFuse file", state);
    }
}

static int efuse_new(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"mac", OPTION_MAC, "MAC", 0, "factory MAC address (default: a random local one)", 0},
        {"rev", OPTION_REV, "N", 0, "chip revision, major * 100 + minor (default 0)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_new,
        "FILE",
        "Make the eFuses of a chip as it leaves the factory (336 bytes). An existing file is never "
        "replaced.",
        NULL,
        NULL,
        NULL};
    struct new_options options = {0};
    struct efuse efuse;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (!options.mac_given) {
        if (getrandom(options.mac, sizeof options.mac, 0) != (ssize_t)sizeof options.mac)
            return host_fail(options.file, "no random bytes from the system");
        options.mac[0] = (uint8_t)((options.mac[0] & 0xFC) | 0x02); /* local, unicast */
    }
    efuse_factory(&efuse, options.mac, options.chip_rev);
    return file_create(options.file, efuse.bytes, sizeof efuse.bytes, 0600);
}

struct show_options {
    const char *file;
    const char *field;
    bool json;
};

static error_t parse_show(int key, char *text, struct argp_state *state)
{
    struct show_options *options = state->input;
    if (key == OPTION_JSON) {
        options->json = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG && options->file && !options->field) {
        options->field = text;
        return 0;
    }
    return cli_one_argument(key, text, &options->file, "eFuse file", state);
}

static int show_field(const struct efuse_file *file, const char *name)
{
    const struct efuse_field *field = efuse_field_find(name);
    char text[EFUSE_VALUE_TEXT];
    if (!field)
        return host_usage(name, "is no eFuse field of the ESP32-C6");
    if (file->absent[field - efuse_fields])
        return host_fail(field->name, "is not in espefuse's summary (ask its --virt file)");
    puts(efuse_value_text(&file->efuse, field, text));
    return HOST_DONE;
}

static int show_all(const struct efuse_file *file)
{
    if (file->form == EFUSE_FORM_ESPEFUSE)
        puts("form: the 512 bytes of espefuse --virt, read-protected keys are zeros");
    if (file->form == EFUSE_FORM_SUMMARY)
        puts("form: espefuse's JSON summary, fields that it does not list are shown as 0");
    efuse_report_print(&file->efuse);
    return HOST_DONE;
}

static json_t *show_json(const struct efuse_file *file)
{
    json_t *report = efuse_report_json(&file->efuse);
    json_object_set_new(report, "form", json_string(efuse_form_name(file->form)));
    json_t *fields = json_object_get(report, "fields");
    for (size_t i = 0; i < efuse_field_count; i++) {
        if (file->absent[i])
            json_object_del(fields, efuse_fields[i].name);
    }
    return report;
}

static int efuse_show(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"json", OPTION_JSON, NULL, 0, "print all fields as JSON", 0}, {0}};
    static const struct argp argp = {
        options_known,
        parse_show,
        "FILE [FIELD]",
        "Show an eFuse file as software on the chip sees it, or the value of one field. Secret "
        "keys are never shown, protected or not. FILE is an eFuse file, or espefuse's: that of "
        "--virt, or `espefuse summary --format json'.",
        NULL,
        NULL,
        NULL};
    struct show_options options = {0};
    struct efuse_file file;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = efuse_file_read(options.file, &file);
    if (status != HOST_DONE)
        return status;
    if (options.field)
        status = show_field(&file, options.field);
    else if (options.json)
        status = cli_json_print(show_json(&file));
    else
        status = show_all(&file);
    efuse_file_free(&file);
    return status;
}

int cmd_efuse(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"new", efuse_new, "the eFuses of a factory-new chip"},
        {"show", efuse_show, "all fields, or one"},
        {"audit", efuse_audit, "misconfigurations, with severity, reason and remedy"},
        {"convert", efuse_convert, "to and from the file of espefuse --virt"},
        {"plan", efuse_plan, "the order of burns, and what each makes impossible"},
        {"burn", efuse_burn, "burn fields, keys, or a whole production device"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
