/* trustchain init: a project folder to start from (design: one folder holds a product). */
#include "tool/tool.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "host/file.h"
#include "host/key.h"
#include "host/pki.h"
#include "tool/cli.h"

#define NAME_MAX_BYTES 31 /* of project_name in the application descriptor */
#define HOST_MAX_BYTES 254

enum { OPTION_NAME = CLI_LONG, OPTION_URL, OPTION_FLASH_SIZE, OPTION_NO_KEYS, OPTION_NO_PKI };

struct init_options {
    const char *folder;
    const char *name;
    const char *url;
    uint32_t flash_size;
    bool no_keys;
    bool no_pki;
};

/* Letters, digits, '-', '_' and '.': the name becomes part of URLs and file names. */
static bool is_product_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(name);
    return length > 0 && length <= NAME_MAX_BYTES && strspn(name, allowed) == length &&
           name[0] != '.' && name[0] != '-';
}

/* The host of https://HOST[:PORT][/...]. */
static bool url_host(const char *url, char host[HOST_MAX_BYTES])
{
    static const char scheme[] = "https://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *start = url + sizeof scheme - 1;
    size_t length = start[0] == '[' ? strcspn(++start, "]") : strcspn(start, ":/?#");
    if (length == 0 || length >= HOST_MAX_BYTES || strpbrk(url, "\"\\ \t\r\n@;"))
        return false;
    memcpy(host, start, length);
    host[length] = '\0';
    return true;
}

static error_t parse_init(int key, char *text, struct argp_state *state)
{
    struct init_options *options = state->input;
    char host[HOST_MAX_BYTES];
    switch (key) {
    case OPTION_NAME:
        if (!is_product_name(text))
            cli_usage(state, "--name is up to %d letters, digits, '-', '_', '.'; not \"%s\"",
                      NAME_MAX_BYTES, text);
        options->name = text;
        return 0;
    case OPTION_URL:
        if (!url_host(text, host))
            cli_usage(state, "--url is https://HOST:PORT, not \"%s\"", text);
        options->url = text;
        return 0;
    case OPTION_FLASH_SIZE:
        options->flash_size = cli_option_flash_size(state, text);
        if (options->flash_size < 2u << 20)
            cli_usage(state, "two slots need a flash of at least 2MB");
        return 0;
    case OPTION_NO_KEYS:
        options->no_keys = true;
        return 0;
    case OPTION_NO_PKI:
        options->no_pki = true;
        return 0;
    default:
        return cli_one_argument(key, text, &options->folder, "project folder", state);
    }
}

static int project_path(const struct init_options *options, const char *name, char out[PATH_MAX])
{
    int length = snprintf(out, PATH_MAX, "%s/%s", options->folder, name);
    if (length < 0 || length >= PATH_MAX)
        return host_fail(options->folder, "is too long a path");
    return HOST_DONE;
}

/* A new folder, or an empty one. */
static int open_folder(const char *folder)
{
    if (folder_make(folder, 0755) != HOST_DONE)
        return HOST_FAILED;
    DIR *dir = opendir(folder);
    if (!dir)
        return host_fail(folder, "cannot be opened: %s", strerror(errno));
    int entries = 0;
    while (readdir(dir))
        entries++;
    closedir(dir);
    return entries <= 2 ? HOST_DONE
                        : host_fail(folder, "is not empty (a project starts in a new folder)");
}

static int write_text(const struct init_options *options, const char *name, const char *text)
{
    char path[PATH_MAX];
    if (project_path(options, name, path) != HOST_DONE)
        return HOST_FAILED;
    return file_create(path, text, strlen(text), 0644);
}

static int write_settings(const struct init_options *options)
{
    char text[4096];
    char size[CLI_SIZE_TEXT];
    int length = snprintf(
        text, sizeof text,
        "; The project: what is built, where devices look for updates, what may be released.\n"
        "\n"
        "[product]\n"
        "; Project name in the firmware, and the name in the update URL.\n"
        "name = %s\n"
        "; Which line of releases devices follow: /ota/<name>/<channel>.bin\n"
        "channel = stable\n"
        "\n"
        "[update]\n"
        "; The update server. Only HTTPS; devices trust pki/ca_cert.pem and nothing else.\n"
        "url = %s\n"
        "; Seconds between two looks for a newer release.\n"
        "poll_seconds = 3600\n"
        "\n"
        "[flash]\n"
        "; Flash chip of the device.\n"
        "size = %sB\n"
        "; on: the factory flash is encrypted with secure_keys/flash_encryption_key.bin\n"
        "encryption = on\n"
        "\n"
        "[release]\n"
        "; Where published releases are kept.\n"
        "folder = releases\n"
        "; Public part of the key every release must be signed with (private or public PEM).\n"
        "signing_key = secure_keys/secure_boot_signing_key.pem\n"
        "; Oldest secure version that may be published (anti-rollback).\n"
        "min_secure_version = 0\n",
        options->name, options->url, cli_size(options->flash_size, size));
    if (length < 0 || (size_t)length >= sizeof text)
        return host_fail(options->folder, "the settings do not fit");
    return write_text(options, "trustchain.ini", text);
}

/* Two slots of equal size take what the fixed part below 0x20000 leaves. */
static int write_partitions(const struct init_options *options)
{
    char text[1024];
    uint32_t slot = ((options->flash_size - 0x20000u) / 2) & ~0xFFFFu;
    uint32_t second = 0x20000u + slot;
    if (options->flash_size == 4u << 20) { /* leaves 128 KB at the end for what comes later */
        slot = 0x1D0000u;
        second = 0x1F0000u;
    }
    snprintf(text, sizeof text,
             "# Name,   Type, SubType, Offset,   Size,     Flags\n"
             "nvs,      data, nvs,     0x9000,   0x4000,\n"
             "otadata,  data, ota,     0xd000,   0x2000,\n"
             "update,   0x40, 0x00,    0x10000,  0x2000,   encrypted\n"
             "ota_0,    app,  ota_0,   0x20000,  0x%X, encrypted\n"
             "ota_1,    app,  ota_1,   0x%X, 0x%X, encrypted\n",
             (unsigned)slot, (unsigned)second, (unsigned)slot);
    return write_text(options, "partitions.csv", text);
}

static int make_keys(const struct init_options *options)
{
    char path[PATH_MAX];
    if (project_path(options, "secure_keys", path) != HOST_DONE ||
        folder_make(path, 0700) != HOST_DONE ||
        project_path(options, "secure_keys/secure_boot_signing_key.pem", path) != HOST_DONE ||
        key_generate_rsa3072(path) != HOST_DONE ||
        project_path(options, "secure_keys/flash_encryption_key.bin", path) != HOST_DONE)
        return HOST_FAILED;
    return key_generate_xts128(path);
}

/* The server as devices may call it: from this machine, from the virtual chip's network (its
 * gateway is 10.0.2.2), and by the URL. */
static int make_server(const struct init_options *options, const struct pki_files *ca,
                       const struct pki_files *server)
{
    char host[HOST_MAX_BYTES];
    const char *dns[2] = {"localhost"};
    const char *ip[3] = {"127.0.0.1", "10.0.2.2"};
    struct pki_names names = {dns, 1, ip, 2};
    uint8_t address[sizeof(struct in6_addr)];
    if (!url_host(options->url, host))
        return host_fail(options->url, "names no host");
    bool numeric = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (numeric && strcmp(host, ip[0]) != 0 && strcmp(host, ip[1]) != 0)
        ip[names.ip_count++] = host;
    if (!numeric && strcmp(host, dns[0]) != 0)
        dns[names.dns_count++] = host;
    return pki_server_create(ca, server, &names, PKI_SERVER_DAYS);
}

static int make_pki(const struct init_options *options)
{
    char folder[PATH_MAX];
    char path[4][PATH_MAX];
    char common_name[64];
    if (project_path(options, "pki", folder) != HOST_DONE ||
        project_path(options, "pki/ca_cert.pem", path[0]) != HOST_DONE ||
        project_path(options, "pki/ca_key.pem", path[1]) != HOST_DONE ||
        project_path(options, "pki/server_cert.pem", path[2]) != HOST_DONE ||
        project_path(options, "pki/server_key.pem", path[3]) != HOST_DONE ||
        folder_make(folder, 0755) != HOST_DONE)
        return HOST_FAILED;
    struct pki_files ca = {path[0], path[1]};
    struct pki_files server = {path[2], path[3]};
    snprintf(common_name, sizeof common_name, "%s CA", options->name);
    if (pki_ca_create(&ca, common_name, PKI_CA_DAYS) != HOST_DONE)
        return HOST_FAILED;
    return make_server(options, &ca, &server);
}

static int make_project(const struct init_options *options)
{
    char path[PATH_MAX];
    if (open_folder(options->folder) != HOST_DONE || write_settings(options) != HOST_DONE ||
        write_partitions(options) != HOST_DONE ||
        write_text(options, ".gitignore",
                   "# Secrets and what is made from them stay out of the repository.\n"
                   "/secure_keys/\n/pki/*_key.pem\n/devices/\n/releases/\n") != HOST_DONE ||
        project_path(options, "releases", path) != HOST_DONE || folder_make(path, 0755) != HOST_DONE)
        return HOST_FAILED;
    if (!options->no_keys && make_keys(options) != HOST_DONE)
        return HOST_FAILED;
    if (!options->no_pki && make_pki(options) != HOST_DONE)
        return HOST_FAILED;
    return HOST_DONE;
}

int cmd_init(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"name", OPTION_NAME, "PRODUCT", 0, "product name (default: the folder's name)", 0},
        {"url", OPTION_URL, "URL", 0, "update server (default: https://10.0.2.2:8443)", 0},
        {"flash-size", OPTION_FLASH_SIZE, "SIZE", 0, "2MB, 4MB (default), 8MB or 16MB", 0},
        {"no-keys", OPTION_NO_KEYS, NULL, 0, "make no signing and flash encryption keys", 0},
        {"no-pki", OPTION_NO_PKI, NULL, 0, "make no certificates", 0},
        {0}};
    static const struct argp argp = {
        options_known, parse_init, "FOLDER",
        "Start a project: trustchain.ini, partitions.csv, a signing key and a flash encryption "
        "key in secure_keys/, a certificate authority and a server certificate in pki/. The "
        "folder must be new or empty.",
        NULL, NULL, NULL};
    struct init_options options = {.url = "https://10.0.2.2:8443", .flash_size = 4u << 20};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (!options.name) {
        size_t length = strlen(options.folder);
        const char *slash;
        char *folder = strdup(options.folder);
        if (!folder)
            return host_fail(NULL, "out of memory");
        while (length > 1 && folder[length - 1] == '/')
            folder[--length] = '\0';
        slash = strrchr(folder, '/');
        options.name = slash ? slash + 1 : folder;
        status = is_product_name(options.name)
                     ? make_project(&options)
                     : host_usage(options.folder, "makes no product name (give one: --name)");
        free(folder);
    } else {
        status = make_project(&options);
    }
    if (status == HOST_DONE)
        printf("%s: project made; back up secure_keys/ and pki/ca_key.pem, and keep them secret\n",
               options.folder);
    return status;
}
