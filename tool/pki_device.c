/* trustchain pki device: client certificates, one a device, many at once. */
#include "tool/pki_options.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "host/file.h"
#include "host/pki.h"
#include "tool/cli.h"

#define LIST_MAX (16u << 20) /* bytes */

enum { OPTION_CA_CERT = CLI_LONG, OPTION_CA_KEY, OPTION_OUT, OPTION_LIST, OPTION_DAYS };

struct device_options {
    const char *project;
    struct pki_files ca;
    const char *out;
    const char *list;
    char **names;
    size_t count;
    int days;
    char path[3][PATH_MAX]; /* what the project says */
};

static error_t parse_device(int key, char *text, struct argp_state *state)
{
    struct device_options *options = state->input;
    switch (key) {
    case 'p':
        options->project = text;
        return 0;
    case OPTION_CA_CERT:
        options->ca.certificate = text;
        return 0;
    case OPTION_CA_KEY:
        options->ca.key = text;
        return 0;
    case OPTION_OUT:
        options->out = text;
        return 0;
    case OPTION_LIST:
        options->list = text;
        return 0;
    case OPTION_DAYS:
        options->days = pki_days(state, text);
        return 0;
    case ARGP_KEY_END:
        if (options->count == 0 && !options->list)
            cli_usage(state, "for which devices? (their controller ids, or --list FILE)");
        if (!options->project && !(options->ca.certificate && options->ca.key))
            cli_usage(state, "issued by whom? (--project DIR, or --ca-cert FILE --ca-key FILE)");
        return 0;
    default:
        return cli_many_arguments(key, &options->names, &options->count, state);
    }
}

/* What the command line left open. The keys' folder is its owner's. */
static int fill_in(struct device_options *options)
{
    if (!options->project) {
        if (!options->out)
            options->out = ".";
        return HOST_DONE;
    }
    bool own_folder = options->out == NULL;
    if (pki_complete(&options->ca.certificate, options->project, "pki/ca_cert.pem",
                     options->path[0]) != HOST_DONE ||
        pki_complete(&options->ca.key, options->project, "pki/ca_key.pem", options->path[1]) !=
            HOST_DONE ||
        pki_complete(&options->out, options->project, "pki/devices", options->path[2]) != HOST_DONE)
        return HOST_FAILED;
    return own_folder ? folder_make(options->out, 0700) : HOST_DONE;
}

/* The names of a list: one a line, `#` begins a comment. Cuts `text` up; names[] has room. */
static size_t split(char *text, const char **names)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        line += strspn(line, " \t");
        line[strcspn(line, " \t#")] = '\0';
        if (line[0] != '\0')
            names[count++] = line;
    }
    return count;
}

static int create_listed(const struct device_options *options)
{
    struct buffer list;
    if (file_read(options->list, LIST_MAX, &list) != HOST_DONE)
        return HOST_FAILED;
    int status = HOST_FAILED;
    char *text = malloc(list.length + 1);
    const char **names = malloc((list.length / 2 + 1) * sizeof *names);
    if (!text || !names) {
        status = host_fail(options->list, "out of memory");
    } else if (memchr(list.bytes, '\0', list.length)) {
        status = host_fail(options->list, "is no text");
    } else {
        memcpy(text, list.bytes, list.length);
        text[list.length] = '\0';
        status = pki_devices_create(&options->ca, options->out, names, split(text, names),
                                    options->days);
    }
    free(names);
    free(text);
    buffer_free(&list);
    return status;
}

int pki_device(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"project", 'p', "DIR", 0, "its authority issues them, into DIR/pki/devices", 0},
        {"ca-cert", OPTION_CA_CERT, "FILE", 0, "CA certificate", 0},
        {"ca-key", OPTION_CA_KEY, "FILE", 0, "CA key", 0},
        {"out", OPTION_OUT, "DIR", 0, "where the files go (default: here)", 0},
        {"list", OPTION_LIST, "FILE", 0, "more names: one a line, # begins a comment", 0},
        {"days", OPTION_DAYS, "N", 0, "validity (default: 10 years)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_device,
        "[NAME...]",
        "Make client certificates for devices: NAME_cert.pem and NAME_key.pem each, EC P-256. The "
        "update server takes the name as the controller id. Existing files are never replaced; "
        "a device is locked out by revoking it at the server, not by its certificate.",
        NULL,
        NULL,
        NULL};
    struct device_options options = {.days = PKI_DEVICE_DAYS};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = fill_in(&options);
    if (status == HOST_DONE && options.count > 0)
        status = pki_devices_create(&options.ca, options.out, (const char *const *)options.names,
                                    options.count, options.days);
    if (options.list && status != HOST_USAGE) {
        int listed = create_listed(&options);
        status = status == HOST_DONE ? listed : status;
    }
    return status;
}
