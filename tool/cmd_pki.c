/* trustchain pki: the project's certificate authority and the server's certificate. */
#include "tool/tool.h"

#include <limits.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "host/pki.h"
#include "tool/cli.h"
#include "tool/pki_options.h"

#define NAMES_MAX 32

enum {
    OPTION_CA_CERT = CLI_LONG,
    OPTION_CA_KEY,
    OPTION_CERT,
    OPTION_KEY,
    OPTION_NAME,
    OPTION_IP,
    OPTION_DAYS,
};

struct pki_options {
    const char *folder;
    struct pki_files ca;
    struct pki_files leaf;
    const char *dns[NAMES_MAX];
    size_t dns_count;
    const char *ip[NAMES_MAX];
    size_t ip_count;
    int days;
};

static void add_name(const struct argp_state *state, const char **list, size_t *count, char *text)
{
    if (*count == NAMES_MAX)
        cli_usage(state, "more than %d names", NAMES_MAX);
    list[(*count)++] = text;
}

static error_t parse_pki(int key, char *text, struct argp_state *state)
{
    struct pki_options *options = state->input;
    switch (key) {
    case OPTION_CA_CERT:
        options->ca.certificate = text;
        return 0;
    case OPTION_CA_KEY:
        options->ca.key = text;
        return 0;
    case OPTION_CERT:
        options->leaf.certificate = text;
        return 0;
    case OPTION_KEY:
        options->leaf.key = text;
        return 0;
    case OPTION_NAME:
        add_name(state, options->dns, &options->dns_count, text);
        return 0;
    case OPTION_IP:
        add_name(state, options->ip, &options->ip_count, text);
        return 0;
    case OPTION_DAYS:
        options->days = pki_days(state, text);
        return 0;
    case ARGP_KEY_END:
        return 0;
    default:
        return cli_one_argument(key, text, &options->folder, "folder", state);
    }
}

static int pki_ca(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"name", OPTION_NAME, "NAME", 0, "common name (default: Trustchain CA)", 0},
        {"ca-cert", OPTION_CA_CERT, "FILE", 0, "certificate (default: FOLDER/ca_cert.pem)", 0},
        {"ca-key", OPTION_CA_KEY, "FILE", 0, "private key (default: FOLDER/ca_key.pem)", 0},
        {"days", OPTION_DAYS, "N", 0, "validity (default: 20 years)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_pki,
        "[FOLDER]",
        "Make a certificate authority: EC P-256, for end certificates only. Devices pin its "
        "certificate; keep its key offline. Existing files are never replaced.",
        NULL,
        NULL,
        NULL};
    struct pki_options options = {.days = PKI_CA_DAYS};
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = pki_complete(&options.ca.certificate, options.folder, "ca_cert.pem", certificate);
    if (status == HOST_DONE)
        status = pki_complete(&options.ca.key, options.folder, "ca_key.pem", key);
    bool folder_is_new = options.folder && access(options.folder, F_OK) != 0;
    if (status == HOST_DONE && options.folder)
        status = folder_make(options.folder, 0755);
    if (status != HOST_DONE)
        return status;
    status = pki_ca_create(&options.ca, options.dns_count ? options.dns[0] : "Trustchain CA",
                           options.days);
    if (status != HOST_DONE && folder_is_new)
        (void)rmdir(options.folder);
    return status;
}

static int pki_server(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"name", OPTION_NAME, "HOST", 0, "host name of the server; repeatable", 0},
        {"ip", OPTION_IP, "ADDRESS", 0, "IP address of the server; repeatable", 0},
        {"ca-cert", OPTION_CA_CERT, "FILE", 0, "CA certificate (default: FOLDER/ca_cert.pem)", 0},
        {"ca-key", OPTION_CA_KEY, "FILE", 0, "CA key (default: FOLDER/ca_key.pem)", 0},
        {"cert", OPTION_CERT, "FILE", 0, "certificate (default: FOLDER/server_cert.pem)", 0},
        {"key-out", OPTION_KEY, "FILE", 0, "private key (default: FOLDER/server_key.pem)", 0},
        {"days", OPTION_DAYS, "N", 0, "validity (default: 824)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_pki,
        "[FOLDER]",
        "Make a TLS server certificate below the project's certificate authority. Existing files "
        "are never replaced.",
        NULL,
        NULL,
        NULL};
    struct pki_options options = {.days = PKI_SERVER_DAYS};
    char path[4][PATH_MAX];
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE && options.dns_count + options.ip_count == 0)
        status = host_usage("pki server", "whom is it for? (--name HOST, --ip ADDRESS)");
    if (status == HOST_DONE)
        status = pki_complete(&options.ca.certificate, options.folder, "ca_cert.pem", path[0]);
    if (status == HOST_DONE)
        status = pki_complete(&options.ca.key, options.folder, "ca_key.pem", path[1]);
    if (status == HOST_DONE)
        status =
            pki_complete(&options.leaf.certificate, options.folder, "server_cert.pem", path[2]);
    if (status == HOST_DONE)
        status = pki_complete(&options.leaf.key, options.folder, "server_key.pem", path[3]);
    if (status != HOST_DONE)
        return status;
    struct pki_names names = {options.dns, options.dns_count, options.ip, options.ip_count};
    return pki_server_create(&options.ca, &options.leaf, &names, options.days);
}

int cmd_pki(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"ca", pki_ca, "make a certificate authority"},
        {"server", pki_server, "make a server certificate"},
        {"device", pki_device, "make client certificates for devices"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
