/* trustchain init: a project folder to start from. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

#include "host/error.h"
#include "tool/cli.h"
#include "tool/project.h"

enum { OPTION_NAME = CLI_LONG, OPTION_URL, OPTION_FLASH_SIZE, OPTION_NO_KEYS, OPTION_NO_PKI };

static error_t parse_init(int key, char *text, struct argp_state *state)
{
    struct project *project = state->input;
    switch (key) {
    case OPTION_NAME:
        if (!project_name_valid(text))
            cli_usage(state, "--name is up to %d letters, digits, '-', '_', '.'; not \"%s\"",
                      PROJECT_NAME_MAX, text);
        project->name = text;
        return 0;
    case OPTION_URL:
        if (!project_url_valid(text))
            cli_usage(state, "--url is https://HOST:PORT, not \"%s\"", text);
        project->url = text;
        return 0;
    case OPTION_FLASH_SIZE:
        project->flash_size = cli_option_flash_size(state, text);
        if (project->flash_size < PROJECT_FLASH_MIN)
            cli_usage(state, "two slots need a flash of at least 2MB");
        return 0;
    case OPTION_NO_KEYS:
        project->no_keys = true;
        return 0;
    case OPTION_NO_PKI:
        project->no_pki = true;
        return 0;
    default:
        return cli_one_argument(key, text, &project->folder, "project folder", state);
    }
}

/* The last part of the folder's path, for a product that was given no name. */
static int name_after_folder(struct project *project, char name[PROJECT_NAME_MAX + 1])
{
    size_t end = strlen(project->folder);
    while (end > 0 && project->folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && project->folder[start - 1] != '/')
        start--;
    snprintf(name, PROJECT_NAME_MAX + 1, "%.*s", (int)(end - start), project->folder + start);
    if (end - start > PROJECT_NAME_MAX || !project_name_valid(name))
        return host_usage(project->folder, "makes no product name (give one: --name)");
    project->name = name;
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
        options_known,
        parse_init,
        "FOLDER",
        "Start a project: trustchain.ini, partitions.csv, a signing key and a flash encryption "
        "key in secure_keys/, a certificate authority and a server certificate in pki/. The "
        "folder must be new or empty.",
        NULL,
        NULL,
        NULL};
    struct project project = {.url = "https://10.0.2.2:8443", .flash_size = 4u << 20};
    char name[PROJECT_NAME_MAX + 1];
    int status = cli_parse(&argp, argc, argv, &project);
    if (status == HOST_DONE && !project.name)
        status = name_after_folder(&project, name);
    if (status == HOST_DONE)
        status = project_make(&project);
    if (status == HOST_DONE)
        printf("%s: project made; back up secure_keys/ and pki/ca_key.pem, and keep them secret\n",
               project.folder);
    return status;
}
