#include "tool/project.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "host/key.h"
#include "host/pki.h"
#include "host/signals.h"
#include "tool/cli.h"

#define HOST_MAX_BYTES 254

bool project_name_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(name);
    return length > 0 && length <= PROJECT_NAME_MAX && strspn(name, allowed) == length &&
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

bool project_url_valid(const char *url)
{
    char host[HOST_MAX_BYTES];
    return url_host(url, host);
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

static int write_text(const struct project *project, const char *name, const char *text)
{
    char path[PATH_MAX];
    if (file_path(project->folder, name, path) != HOST_DONE)
        return HOST_FAILED;
    return file_create(path, text, strlen(text), 0644);
}

static int write_settings(const struct project *project)
{
    char text[4096];
    char size[CLI_SIZE_TEXT];
    int length = snprintf(
        text, sizeof text,
        "; The project: what is built, where devices look for updates, what may be released.\n"
        "; Read by firmware-of-project, flash build, release and serve (their --project).\n"
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
        "; Flash chip of the device: 2MB, 4MB, 8MB or 16MB.\n"
        "size = %sB\n"
        "; on: the factory flash is encrypted with secure_keys/flash_encryption_key.bin; or off\n"
        "encryption = on\n"
        "\n"
        "[release]\n"
        "; Where published releases are kept.\n"
        "folder = releases\n"
        "; Public part of the key every release must be signed with (private or public PEM).\n"
        "signing_key = secure_keys/secure_boot_signing_key.pem\n"
        "; Oldest secure version that may be published (anti-rollback).\n"
        "min_secure_version = 0\n",
        project->name, project->url, cli_size(project->flash_size, size));
    if (length < 0 || (size_t)length >= sizeof text)
        return host_fail(project->folder, "the settings do not fit");
    return write_text(project, "trustchain.ini", text);
}

/* Two slots of equal size take what the fixed part below 0x20000 leaves. */
static int write_partitions(const struct project *project)
{
    char text[1024];
    uint32_t slot = ((project->flash_size - 0x20000u) / 2) & ~0xFFFFu;
    uint32_t second = 0x20000u + slot;
    if (project->flash_size == 4u << 20) { /* leaves 128 KB at the end for what comes later */
        slot = 0x1D0000u;
        second = 0x1F0000u;
    }
    snprintf(text, sizeof text,
             "# Name,   Type, SubType,  Offset,   Size,     Flags\n"
             "nvs,      data, nvs,      0x9000,   0x4000,\n"
             "otadata,  data, ota,      0xd000,   0x2000,\n"
             "nvs_keys, data, nvs_keys, 0xf000,   0x1000,   encrypted\n"
             "update,   0x40, 0x00,     0x10000,  0x2000,   encrypted\n"
             "ota_0,    app,  ota_0,    0x20000,  0x%X, encrypted\n"
             "ota_1,    app,  ota_1,    0x%X, 0x%X, encrypted\n",
             (unsigned)slot, (unsigned)second, (unsigned)slot);
    return write_text(project, "partitions.csv", text);
}

static int make_keys(const struct project *project)
{
    char path[PATH_MAX];
    if (file_path(project->folder, "secure_keys", path) != HOST_DONE ||
        folder_make(path, 0700) != HOST_DONE ||
        file_path(project->folder, "secure_keys/secure_boot_signing_key.pem", path) != HOST_DONE ||
        key_generate_rsa3072(path) != HOST_DONE ||
        file_path(project->folder, "secure_keys/flash_encryption_key.bin", path) != HOST_DONE)
        return HOST_FAILED;
    return key_generate_xts128(path);
}

/* The server as devices may call it: from this machine, from the virtual chip's network (its
 * gateway is 10.0.2.2), and by the URL. */
static int make_server(const struct project *project, const struct pki_files *ca,
                       const struct pki_files *server)
{
    char host[HOST_MAX_BYTES];
    const char *dns[2] = {"localhost"};
    const char *ip[3] = {"127.0.0.1", "10.0.2.2"};
    struct pki_names names = {dns, 1, ip, 2};
    uint8_t address[sizeof(struct in6_addr)];
    if (!url_host(project->url, host))
        return host_fail(project->url, "names no host");
    bool numeric =
        inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (numeric && strcmp(host, ip[0]) != 0 && strcmp(host, ip[1]) != 0)
        ip[names.ip_count++] = host;
    if (!numeric && strcmp(host, dns[0]) != 0)
        dns[names.dns_count++] = host;
    return pki_server_create(ca, server, &names, PKI_SERVER_DAYS);
}

static int make_pki(const struct project *project)
{
    char folder[PATH_MAX];
    char path[4][PATH_MAX];
    char common_name[64];
    if (file_path(project->folder, "pki", folder) != HOST_DONE ||
        file_path(project->folder, "pki/ca_cert.pem", path[0]) != HOST_DONE ||
        file_path(project->folder, "pki/ca_key.pem", path[1]) != HOST_DONE ||
        file_path(project->folder, "pki/server_cert.pem", path[2]) != HOST_DONE ||
        file_path(project->folder, "pki/server_key.pem", path[3]) != HOST_DONE ||
        folder_make(folder, 0755) != HOST_DONE)
        return HOST_FAILED;
    struct pki_files ca = {path[0], path[1]};
    struct pki_files server = {path[2], path[3]};
    snprintf(common_name, sizeof common_name, "%s CA", project->name);
    if (pki_ca_create(&ca, common_name, PKI_CA_DAYS) != HOST_DONE)
        return HOST_FAILED;
    return make_server(project, &ca, &server);
}

/* What make_project() may have made, files before the folders that hold them. */
static const char *const project_parts[] = {
    "trustchain.ini",
    "partitions.csv",
    ".gitignore",
    "secure_keys/secure_boot_signing_key.pem",
    "secure_keys/flash_encryption_key.bin",
    "pki/ca_cert.pem",
    "pki/ca_key.pem",
    "pki/server_cert.pem",
    "pki/server_key.pem",
    "secure_keys",
    "pki",
    "releases",
};

static void remove_project(const struct project *project, bool folder_too)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof project_parts / sizeof *project_parts; i++) {
        if (file_path(project->folder, project_parts[i], path) == HOST_DONE)
            (void)remove(path);
    }
    if (folder_too)
        (void)rmdir(project->folder);
}

static int fill_folder(const struct project *project)
{
    char path[PATH_MAX];
    if (write_settings(project) != HOST_DONE || write_partitions(project) != HOST_DONE ||
        write_text(project, ".gitignore",
                   "# Secrets and what is made from them stay out of the repository.\n"
                   "/secure_keys/\n/pki/*_key.pem\n/devices/\n/releases/\n") != HOST_DONE ||
        file_path(project->folder, "releases", path) != HOST_DONE ||
        folder_make(path, 0755) != HOST_DONE)
        return HOST_FAILED;
    if (!project->no_keys && make_keys(project) != HOST_DONE)
        return HOST_FAILED;
    if (!project->no_pki && make_pki(project) != HOST_DONE)
        return HOST_FAILED;
    return HOST_DONE;
}

int project_make(const struct project *project)
{
    struct stat found;
    sigset_t before;
    bool folder_is_new = stat(project->folder, &found) != 0;
    if (open_folder(project->folder) != HOST_DONE)
        return HOST_FAILED;
    signals_hold(&before);
    int status = fill_folder(project);
    if (status != HOST_DONE)
        remove_project(project, folder_is_new);
    signals_let(&before);
    return status;
}
