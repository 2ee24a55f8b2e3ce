/* trustchain serve: the HTTPS update server, until SIGINT or SIGTERM. */
#include "tool/tool.h"

#include <signal.h>
#include <stdio.h>

#include "host/error.h"
#include "host/file.h"
#include "server/project.h"
#include "server/server.h"
#include "tool/cli.h"

#define GRACE_MS 10000 /* for downloads under way when asked to stop */

enum {
    OPTION_RELEASES = CLI_LONG,
    OPTION_STORE,
    OPTION_CERT,
    OPTION_KEY,
    OPTION_LOG,
    OPTION_ACCESS_LOG,
    OPTION_READY_FILE,
    OPTION_HTTP1,
    OPTION_THREADS,
    OPTION_CONNECTIONS,
    OPTION_PATIENCE,
};

struct serve_options {
    const char *project;
    const char *ready_file;
    struct server_options server;
};

static error_t parse_serve(int key, char *text, struct argp_state *state)
{
    struct serve_options *options = state->input;
    switch (key) {
    case 'p':
        options->project = text;
        return 0;
    case OPTION_RELEASES:
        options->server.releases = text;
        return 0;
    case OPTION_STORE:
        options->server.store = text;
        return 0;
    case OPTION_CERT:
        options->server.certificate = text;
        return 0;
    case OPTION_KEY:
        options->server.key = text;
        return 0;
    case 'l':
        options->server.listen = text;
        return 0;
    case OPTION_LOG:
        options->server.log = text;
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
    case OPTION_THREADS:
        options->server.threads = cli_option_number(state, "--threads", text);
        if (options->server.threads < 1 || options->server.threads > SERVER_THREADS_MAX)
            cli_usage(state, "--threads is 1 to %u", SERVER_THREADS_MAX);
        return 0;
    case OPTION_CONNECTIONS:
        options->server.connections = cli_option_number(state, "--connections", text);
        if (options->server.connections < 1)
            cli_usage(state, "--connections is at least 1");
        return 0;
    case OPTION_PATIENCE:
        options->server.patience_s = cli_option_number(state, "--patience", text);
        if (options->server.patience_s < 1)
            cli_usage(state, "--patience is at least 1 second");
        return 0;
    case ARGP_KEY_ARG:
        cli_usage(state, "too many arguments: %s", text);
    case ARGP_KEY_END:
        if (!options->project &&
            !(options->server.releases && options->server.certificate && options->server.key))
            cli_usage(state, "what to serve? (--project DIR, or --releases DIR --cert FILE "
                             "--key FILE)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The line scripts wait for, and the file for those that cannot read our output. */
static int announce(const struct server *server, const char *ready_file)
{
    char port[16];
    int length = snprintf(port, sizeof port, "%u\n", (unsigned)server_port(server));
    if (ready_file && file_write(ready_file, port, (size_t)length, 0644) != HOST_DONE)
        return HOST_FAILED;
    printf("trustchain: serving https://%s/\n", server_address(server));
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

/* What the command line left open. */
static void fill_in(struct server_options *server, const struct release_project *project)
{
    if (!server->releases)
        server->releases = project->releases;
    if (!server->certificate)
        server->certificate = project->certificate;
    if (!server->key)
        server->key = project->key;
}

int cmd_serve(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"project", 'p', "DIR", 0, "serve this project's releases with its certificate", 0},
        {"releases", OPTION_RELEASES, "DIR", 0, "the releases to serve", 0},
        {"store", OPTION_STORE, "URL", 0,
         "the fleet's store: sqlite:PATH, or postgres://... (a project's default: sqlite, fleet.db "
         "in its folder)",
         0},
        {"cert", OPTION_CERT, "FILE", 0, "server certificate, PEM", 0},
        {"key", OPTION_KEY, "FILE", 0, "its private key, PEM", 0},
        {"listen", 'l', "ADDRESS:PORT", 0,
         "where to listen (default " SERVER_LISTEN_DEFAULT "; port 0 picks a free one)", 0},
        {"log", OPTION_LOG, "FILE", 0, "append the log to FILE (default: stderr)", 0},
        {"access-log", OPTION_ACCESS_LOG, NULL, 0, "log a line per request", 0},
        {"ready-file", OPTION_READY_FILE, "FILE", 0, "write the port to FILE once serving", 0},
        {"http1", OPTION_HTTP1, NULL, 0, "do not offer HTTP/2", 0},
        {"threads", OPTION_THREADS, "N", 0, "event loops (default: one per core, at most two)", 0},
        {"patience", OPTION_PATIENCE, "SECONDS", 0,
         "close a connection that takes nothing of its answer for so long (default 60)", 0},
        {"connections", OPTION_CONNECTIONS, "N", 0, "open at once (default 10000)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_serve,
        NULL,
        "Serve published releases over HTTPS: /ota/PRODUCT/CHANNEL.bin and .json. Releases "
        "published meanwhile are offered at once. SIGINT or SIGTERM ends it, after downloads "
        "under way.",
        NULL,
        NULL,
        NULL};
    struct serve_options options = {.server.listen = SERVER_LISTEN_DEFAULT};
    struct release_project project;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE && options.project) {
        status = release_project_read(options.project, &project);
        fill_in(&options.server, &project);
    }
    return status == HOST_DONE ? serve(&options) : status;
}
