/* trustchain serve: the HTTPS update server, until SIGINT or SIGTERM. What the command line leaves
 * open comes from the environment, then from the project, then from the defaults. */
#include "tool/tool.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"
#include "host/file.h"
#include "server/project.h"
#include "server/release/publish.h"
#include "server/server.h"
#include "tool/cli.h"
#include "tool/inputs.h"

#define GRACE_MS 10000 /* for downloads under way when asked to stop */

/* Settings that are texts, each with its option and its variable. */
enum text {
    TEXT_RELEASES,
    TEXT_STORE,
    TEXT_CERT,
    TEXT_KEY,
    TEXT_CLIENT_CA,
    TEXT_LISTEN,
    TEXT_MANAGE,
    TEXT_TRUSTED_PROXY,
    TEXT_ARTIFACTS,
    TEXT_LOG,
    TEXT_LOG_FORMAT,
    TEXT_ACTION_DAYS,
    TEXTS,
};

static const char *const variables[TEXTS] = {
    [TEXT_RELEASES] = "TRUSTCHAIN_RELEASES",
    [TEXT_STORE] = "TRUSTCHAIN_STORE",
    [TEXT_CERT] = "TRUSTCHAIN_CERT",
    [TEXT_KEY] = "TRUSTCHAIN_KEY",
    [TEXT_CLIENT_CA] = "TRUSTCHAIN_CLIENT_CA",
    [TEXT_LISTEN] = "TRUSTCHAIN_LISTEN",
    [TEXT_MANAGE] = "TRUSTCHAIN_MANAGE",
    [TEXT_TRUSTED_PROXY] = "TRUSTCHAIN_TRUSTED_PROXY",
    [TEXT_ARTIFACTS] = "TRUSTCHAIN_ARTIFACTS",
    [TEXT_LOG] = "TRUSTCHAIN_LOG",
    [TEXT_LOG_FORMAT] = "TRUSTCHAIN_LOG_FORMAT",
    [TEXT_ACTION_DAYS] = "TRUSTCHAIN_ACTION_DAYS",
};

enum {
    OPTION_TEXT = CLI_LONG, /* and the texts behind it, in their order */
    OPTION_ACCESS_LOG = OPTION_TEXT + TEXTS,
    OPTION_READY_FILE,
    OPTION_HTTP1,
    OPTION_THREADS,
    OPTION_CONNECTIONS,
    OPTION_PATIENCE,
    OPTION_QUOTA,
};

struct serve_options {
    const char *project_folder;
    const char *ready_file;
    const char *text[TEXTS];
    bool quota_said;
    struct server_options server;
    struct release_project project;
    struct publish_policy policy;
};

static error_t parse_number(int key, char *text, struct argp_state *state)
{
    struct serve_options *options = state->input;
    struct server_options *server = &options->server;
    switch (key) {
    case OPTION_THREADS:
        server->threads = cli_option_number(state, "--threads", text);
        if (server->threads < 1 || server->threads > SERVER_THREADS_MAX)
            cli_usage(state, "--threads is 1 to %u", SERVER_THREADS_MAX);
        return 0;
    case OPTION_CONNECTIONS:
        server->connections = cli_option_number(state, "--connections", text);
        if (server->connections < 1)
            cli_usage(state, "--connections is at least 1");
        return 0;
    case OPTION_QUOTA:
        server->quota = cli_option_number(state, "--quota", text);
        if (server->quota > PROJECT_QUOTA_MAX)
            cli_usage(state, "--quota is 0 to %u", PROJECT_QUOTA_MAX);
        options->quota_said = true;
        return 0;
    case OPTION_PATIENCE:
        server->patience_s = cli_option_number(state, "--patience", text);
        if (server->patience_s < 1)
            cli_usage(state, "--patience is at least 1 second");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_serve(int key, char *text, struct argp_state *state)
{
    struct serve_options *options = state->input;
    if (key >= OPTION_TEXT && key < OPTION_TEXT + TEXTS) {
        options->text[key - OPTION_TEXT] = text;
        return 0;
    }
    switch (key) {
    case 'p':
        options->project_folder = text;
        return 0;
    case 'l':
        options->text[TEXT_LISTEN] = text;
        return 0;
    case OPTION_ACCESS_LOG:
        options->server.access_log = true;
        return 0;
    case OPTION_READY_FILE:
        options->ready_file = text;
        return 0;
    case OPTION_HTTP1:
        options->server.http1_only = true;
        return 0;
    case ARGP_KEY_ARG:
        cli_usage(state, "too many arguments: %s", text);
    default:
        return parse_number(key, text, state);
    }
}

static int write_port(const char *path, uint16_t port)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%u\n", (unsigned)port);
    return file_write(path, text, (size_t)length, 0644);
}

/* The lines scripts wait for, and the files for those that cannot read our output; FILE comes last.
 */
static int announce(const struct server *server, const char *ready_file)
{
    const char *manage = server_manage_address(server);
    char beside[PATH_MAX];
    if (ready_file && manage) {
        int length = snprintf(beside, sizeof beside, "%s.manage", ready_file);
        if (length < 0 || (size_t)length >= sizeof beside)
            return host_fail(ready_file, "is too long a path");
        if (write_port(beside, server_manage_port(server)) != HOST_DONE)
            return HOST_FAILED;
    }
    if (ready_file && write_port(ready_file, server_port(server)) != HOST_DONE)
        return HOST_FAILED;
    printf("trustchain: serving https://%s/\n", server_address(server));
    if (manage)
        printf("trustchain: managing https://%s/\n", manage);
    fflush(stdout);
    return HOST_DONE;
}

static int serve(const struct serve_options *options)
{
    struct server *server;
    sigset_t stop;
    int signal_number;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL); /* kept for sigwait(), also while starting */
    int status = server_start(&options->server, &server);
    if (status != HOST_DONE)
        return status;
    status = announce(server, options->ready_file);
    if (status == HOST_DONE)
        sigwait(&stop, &signal_number);
    sigprocmask(SIG_UNBLOCK, &stop, NULL); /* a second one ends at once */
    server_stop(server, status == HOST_DONE ? GRACE_MS : 0);
    return status;
}

/* Settling what is said where */

static void use_text(struct serve_options *options, enum text which, const char *text)
{
    if (!options->text[which] && text && text[0] != '\0')
        options->text[which] = text;
}

static void use_environment(struct serve_options *options)
{
    for (unsigned i = 0; i < TEXTS; i++)
        use_text(options, i, getenv(variables[i]));
}

/* Uploads are judged as a release would be. Without the signing key's public part nothing can be;
 * that is for the upload to say. */
static int use_policy(struct serve_options *options)
{
    const struct release_project *project = &options->project;
    struct trust_source trust = {.key_count = 0};
    trust_use_project(&trust, project);
    options->policy = (struct publish_policy){.product = project->product,
                                              .channel = project->channel,
                                              .max_size = project->max_size,
                                              .min_secure_version = project->min_secure_version};
    options->server.policy = &options->policy;
    if (release_project_slot_size(options->project_folder, &options->policy.slot_size) != HOST_DONE)
        return HOST_FAILED;
    return access(project->signing_key, F_OK) == 0 ? trust_read(&trust, &options->policy.trust)
                                                   : HOST_DONE;
}

static int use_project(struct serve_options *options)
{
    struct release_project *project = &options->project;
    const struct project_server *said = &project->server;
    if (release_project_read(options->project_folder, project) != HOST_DONE)
        return HOST_FAILED;
    use_text(options, TEXT_RELEASES, project->releases);
    use_text(options, TEXT_CERT, project->certificate);
    use_text(options, TEXT_KEY, project->key);
    use_text(options, TEXT_STORE, said->store);
    use_text(options, TEXT_LISTEN, said->listen);
    use_text(options, TEXT_MANAGE, said->manage);
    use_text(options, TEXT_TRUSTED_PROXY, said->trusted_proxy);
    use_text(options, TEXT_ARTIFACTS, said->any_artifact ? "any" : "verified");
    use_text(options, TEXT_LOG_FORMAT, said->log_json ? "json" : "text");
    if (access(said->client_ca, F_OK) == 0)
        use_text(options, TEXT_CLIENT_CA, said->client_ca);
    options->server.access_log |= said->access_log;
    options->server.action_days = said->action_days;
    if (!options->quota_said)
        options->server.quota = said->quota;
    return HOST_DONE;
}

/* One of two words; *second: it is the other one. */
static int choose(const char *name, const char *text, const char *one, const char *other,
                  bool *second)
{
    *second = text && strcmp(text, other) == 0;
    if (!text || *second || strcmp(text, one) == 0)
        return HOST_DONE;
    return host_usage(name, "cannot be \"%s\" (%s or %s)", text, one, other);
}

static int choose_action_days(const char *text, unsigned *days)
{
    char *end;
    unsigned long number = text ? strtoul(text, &end, 10) : *days;
    if (text &&
        (text[0] < '0' || text[0] > '9' || *end != '\0' || number > PROJECT_ACTION_DAYS_MAX))
        return host_usage("action-days", "cannot be \"%s\" (0 to %u)", text,
                          PROJECT_ACTION_DAYS_MAX);
    *days = (unsigned)number;
    return HOST_DONE;
}

static bool is_word(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

/* A free device port is that of a test or a second server: the management port is free as well. */
static const char *default_manage(const char *listen)
{
    size_t length = strlen(listen);
    return length >= 2 && strcmp(listen + length - 2, ":0") == 0 ? "127.0.0.1:0"
                                                                 : SERVER_MANAGE_DEFAULT;
}

static void use_addresses(struct serve_options *options)
{
    struct server_options *server = &options->server;
    const char *manage = options->text[TEXT_MANAGE];
    server->store = is_word(options->text[TEXT_STORE], "none") ? NULL : options->text[TEXT_STORE];
    server->listen =
        options->text[TEXT_LISTEN] ? options->text[TEXT_LISTEN] : SERVER_LISTEN_DEFAULT;
    if (server->store && !is_word(manage, "none"))
        server->manage = manage ? manage : default_manage(server->listen);
}

static int settle(struct serve_options *options)
{
    struct server_options *server = &options->server;
    use_environment(options);
    if (options->project_folder && use_project(options) != HOST_DONE)
        return HOST_FAILED;
    if (!options->text[TEXT_RELEASES] || !options->text[TEXT_CERT] || !options->text[TEXT_KEY])
        return host_usage("serve", "what to serve? (--project DIR, or --releases DIR --cert FILE "
                                   "--key FILE)");
    server->releases = options->text[TEXT_RELEASES];
    server->certificate = options->text[TEXT_CERT];
    server->key = options->text[TEXT_KEY];
    server->client_ca = options->text[TEXT_CLIENT_CA];
    server->trusted_proxy = options->text[TEXT_TRUSTED_PROXY];
    server->log = options->text[TEXT_LOG];
    use_addresses(options);
    int status = choose("artifacts", options->text[TEXT_ARTIFACTS], "verified", "any",
                        &server->any_artifact);
    if (status == HOST_DONE)
        status =
            choose("log-format", options->text[TEXT_LOG_FORMAT], "text", "json", &server->log_json);
    if (status == HOST_DONE)
        status = choose_action_days(options->text[TEXT_ACTION_DAYS], &server->action_days);
    if (status == HOST_DONE && options->project_folder && server->store && !server->any_artifact)
        status = use_policy(options);
    return status;
}

int cmd_serve(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"project", 'p', "DIR", 0, "serve this project's releases with its certificate", 0},
        {"releases", OPTION_TEXT + TEXT_RELEASES, "DIR", 0, "the releases to serve", 0},
        {"store", OPTION_TEXT + TEXT_STORE, "URL", 0,
         "the fleet's store: sqlite:PATH, postgres://..., or none (a project's default: sqlite, "
         "fleet.db in its folder)",
         0},
        {"cert", OPTION_TEXT + TEXT_CERT, "FILE", 0, "server certificate, PEM", 0},
        {"key", OPTION_TEXT + TEXT_KEY, "FILE", 0, "its private key, PEM", 0},
        {"client-ca", OPTION_TEXT + TEXT_CLIENT_CA, "FILE", 0,
         "who signs device certificates, PEM (a project's default: pki/ca_cert.pem)", 0},
        {"listen", 'l', "ADDRESS:PORT", 0,
         "the device port (default " SERVER_LISTEN_DEFAULT
         "; port 0 picks a free one; fd:3 is a socket of systemd)",
         0},
        {"manage", OPTION_TEXT + TEXT_MANAGE, "ADDRESS:PORT", 0,
         "the management port, with a store only (default " SERVER_MANAGE_DEFAULT
         ", or a free one when the device port is; none: no such port)",
         0},
        {"trusted-proxy", OPTION_TEXT + TEXT_TRUSTED_PROXY, "ADDRESS,...", 0,
         "whose X-Controller-Id counts", 0},
        {"artifacts", OPTION_TEXT + TEXT_ARTIFACTS, "WORD", 0,
         "verified: uploads are judged as releases are (default); any: they are not", 0},
        {"log", OPTION_TEXT + TEXT_LOG, "FILE", 0, "append the log to FILE (default: stderr)", 0},
        {"log-format", OPTION_TEXT + TEXT_LOG_FORMAT, "WORD", 0, "text (default) or json", 0},
        {"action-days", OPTION_TEXT + TEXT_ACTION_DAYS, "N", 0,
         "for how long actions that have ended are kept (default 400; 0: for ever)", 0},
        {"access-log", OPTION_ACCESS_LOG, NULL, 0, "log a line per request", 0},
        {"ready-file", OPTION_READY_FILE, "FILE", 0,
         "write the port to FILE once serving, that of management to FILE.manage", 0},
        {"http1", OPTION_HTTP1, NULL, 0, "do not offer HTTP/2", 0},
        {"threads", OPTION_THREADS, "N", 0, "event loops (default: one per core, at most two)", 0},
        {"patience", OPTION_PATIENCE, "SECONDS", 0,
         "close a connection that takes nothing of its answer for so long (default 60)", 0},
        {"quota", OPTION_QUOTA, "N", 0,
         "requests a second of one device, ten times that at once (a project's default: 50; 0: any "
         "number)",
         0},
        {"connections", OPTION_CONNECTIONS, "N", 0, "open at once (default 10000)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_serve,
        NULL,
        "Serve a fleet over HTTPS: the hawkBit device API and published releases "
        "(/ota/PRODUCT/CHANNEL.bin and .json) on one port, management on another. What is not "
        "said here is taken from TRUSTCHAIN_STORE, TRUSTCHAIN_LISTEN and the like in the "
        "environment, then from [server] in trustchain.ini. SIGINT or SIGTERM ends it, after "
        "downloads under way.",
        NULL,
        NULL,
        NULL};
    struct serve_options options = {.server.action_days = PROJECT_ACTION_DAYS_DEFAULT};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = settle(&options);
    return status == HOST_DONE ? serve(&options) : status;
}
