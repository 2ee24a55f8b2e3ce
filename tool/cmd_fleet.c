/* trustchain fleet: native devices in thousands, against a server. */
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleet/fleet.h"
#include "host/error.h"
#include "host/file.h"
#include "server/project.h"
#include "tool/cli.h"
#include "tool/inputs.h"

#define POLL_S_DEFAULT     30u
#define HANDSHAKES_DEFAULT 64u

enum {
    OPTION_CA = CLI_LONG,
    OPTION_IMAGE,
    OPTION_PRODUCT,
    OPTION_CHANNEL,
    OPTION_TENANT,
    OPTION_PREFIX,
    OPTION_TOKENS,
    OPTION_CERTIFICATES,
    OPTION_GATEWAY,
    OPTION_LOG,
    OPTION_SEED,
    OPTION_FAIL,
    OPTION_CRASH,
    OPTION_DROP,
    OPTION_SLOW,
    OPTION_OFFLINE,
    OPTION_SLOT,
    OPTION_POLL,
    OPTION_SPEED,
    OPTION_THREADS,
    OPTION_HANDSHAKES,
    OPTION_SECONDS,
    OPTION_ONCE,
    OPTION_RESUME,
    OPTION_SHARE_VERDICTS,
};

struct fleet_command {
    const char *project;
    struct trust_source trust;
    struct fleet_options fleet;
    bool json;
};

static const struct argp_option run_keys[] = {
    {"devices", 'n', "N", 0, "how many (default with --token-file: as many as it names)", 0},
    {"server", 's', "URL", 0, "https://HOST:PORT (default: https://localhost:8443)", 0},
    {"project", 'p', "DIR", 0, "a project's authority, signing key, product and channel", 0},
    {"ca", OPTION_CA, "FILE", 0, "the authority that devices pin, PEM", 0},
    {"key", 'k', "FILE", 0, "a signing key that devices trust; up to three", 0},
    {"image", OPTION_IMAGE, "FILE", 0, "the signed image that devices run at first", 0},
    {"product", OPTION_PRODUCT, "NAME", 0, "what devices ask for (default: the image's project)",
     0},
    {"channel", OPTION_CHANNEL, "NAME", 0, "and of which line of releases (default stable)", 0},
    {"tenant", OPTION_TENANT, "NAME", 0,
     "speak DDI as controllers of this tenant (default: ask the plain channel /ota/...)", 0},
    {"prefix", OPTION_PREFIX, "TEXT", 0, "ids are TEXT000001, TEXT000002 ... (default dev-)", 0},
    {"token-file", OPTION_TOKENS, "FILE", 0, "lines of ID,TOKEN: who devices are to the server", 0},
    {"certificates", OPTION_CERTIFICATES, "DIR", 0,
     "DIR/ID_cert.pem and DIR/ID_key.pem: they are these, by TLS (see pki device)", 0},
    {"gateway-token-file", OPTION_GATEWAY, "FILE", 0,
     "they show the tenant's gateway token, and their ids", 0},
    {"once", OPTION_ONCE, NULL, 0,
     "end when every device is through an update and told that there is no more", 0},
    {"seconds", OPTION_SECONDS, "N", 0, "end after so long", 0},
    {"poll", OPTION_POLL, "SECONDS", 0, "between two questions of a device (default 30)", 0},
    {"speed", OPTION_SPEED, "N", 0, "devices' clocks run N times as fast (default 1)", 0},
    {"fail", OPTION_FAIL, "PERCENT", 0, "devices whose new firmware fails its self-test", 1},
    {"crash", OPTION_CRASH, "PERCENT", 0, "devices whose new firmware never comes up", 1},
    {"drop", OPTION_DROP, "PERCENT", 0, "devices whose downloads break once in the middle", 1},
    {"slow", OPTION_SLOW, "PERCENT", 0, "devices that read 64 KB a second", 1},
    {"offline", OPTION_OFFLINE, "PERCENT", 0, "devices that are switched off", 1},
    {"seed", OPTION_SEED, "N", 0, "draws which devices these are (default 1)", 1},
    {"slot", OPTION_SLOT, "BYTES", 0,
     "size of an update slot (default: the image's, and 64 KB more)", 2},
    {"threads", OPTION_THREADS, "N", 0, "event loops (default: one per core)", 2},
    {"handshakes", OPTION_HANDSHAKES, "N", 0, "TLS handshakes at once (default 64)", 2},
    {"resume", OPTION_RESUME, NULL, 0, "devices keep their TLS session for the next connection", 2},
    {"share-verdicts", OPTION_SHARE_VERDICTS, NULL, 0,
     "compute digests and signatures of identical bytes once for all devices", 2},
    {"log", OPTION_LOG, "FILE", 0, "a line per event of a device", 3},
    {"json", 'j', NULL, 0, "print the summary as JSON", 3},
    {0},
};

static double percent(const struct argp_state *state, const char *option, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= 100))
        cli_usage(state, "%s is 0 to 100", option);
    return value;
}

static uint32_t number(const struct argp_state *state, const char *option, const char *text,
                       uint32_t least, uint32_t most)
{
    uint32_t value = cli_option_number(state, option, text);
    if (value < least || value > most)
        cli_usage(state, "%s is %lu to %lu", option, (unsigned long)least, (unsigned long)most);
    return value;
}

static error_t parse_script(int key, const char *text, const struct argp_state *state,
                            struct script *script)
{
    switch (key) {
    case OPTION_FAIL:
        script->percent[SCRIPT_FAIL] = percent(state, "--fail", text);
        return 0;
    case OPTION_CRASH:
        script->percent[SCRIPT_CRASH] = percent(state, "--crash", text);
        return 0;
    case OPTION_DROP:
        script->percent[SCRIPT_DROP] = percent(state, "--drop", text);
        return 0;
    case OPTION_SLOW:
        script->percent[SCRIPT_SLOW] = percent(state, "--slow", text);
        return 0;
    case OPTION_OFFLINE:
        script->percent[SCRIPT_OFFLINE] = percent(state, "--offline", text);
        return 0;
    case OPTION_SEED:
        script->seed = cli_option_number(state, "--seed", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_limits(int key, const char *text, const struct argp_state *state,
                            struct fleet_options *fleet)
{
    switch (key) {
    case 'n':
        fleet->devices = number(state, "--devices", text, 1, FLEET_DEVICES_MAX);
        return 0;
    case OPTION_SECONDS:
        fleet->seconds = number(state, "--seconds", text, 1, UINT32_MAX);
        return 0;
    case OPTION_POLL:
        fleet->poll_s = number(state, "--poll", text, 1, 86400);
        return 0;
    case OPTION_SPEED:
        fleet->speed = number(state, "--speed", text, 1, FLEET_SPEED_MAX);
        return 0;
    case OPTION_SLOT:
        fleet->slot_bytes = number(state, "--slot", text, 4096, 16u << 20);
        return 0;
    case OPTION_THREADS:
        fleet->threads = number(state, "--threads", text, 1, FLEET_THREADS_MAX);
        return 0;
    case OPTION_HANDSHAKES:
        fleet->handshakes = number(state, "--handshakes", text, 1, 10000);
        return 0;
    case OPTION_ONCE:
        fleet->once = true;
        return 0;
    case OPTION_RESUME:
        fleet->resume = true;
        return 0;
    case OPTION_SHARE_VERDICTS:
        fleet->share_verdicts = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What may stand in a path as it is (device/agent/settings.h). */
static void check_name(const struct argp_state *state, const char *option, const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-_.:";
    size_t length = strlen(text);
    if (length < 1 || length > 32 || strspn(text, allowed) != length)
        cli_usage(state, "%s is 1 to 32 letters, digits, '-', '_', '.' or ':'", option);
}

/* What has to be there, and what does not go together. */
static void check(const struct argp_state *state, const struct fleet_command *command)
{
    const struct fleet_options *fleet = &command->fleet;
    bool named = fleet->tokens != NULL || fleet->certificates != NULL;
    if (fleet->image == NULL)
        cli_usage(state, "what do devices run at first? (--image FILE)");
    if (fleet->devices == 0 && !named)
        cli_usage(state, "how many devices? (--devices N)");
    if ((fleet->tokens != NULL) + (fleet->certificates != NULL) + (fleet->gateway != NULL) > 1)
        cli_usage(state, "devices show a token, a certificate or a gateway's token, one of these");
    if (fleet->tenant == NULL && (fleet->certificates != NULL || fleet->gateway != NULL))
        cli_usage(state, "of which tenant? (--tenant NAME)");
    if (command->project == NULL && (fleet->authority == NULL || command->trust.key_count == 0))
        cli_usage(state, "whom do devices trust? (--project DIR, or --ca FILE --key FILE)");
}

static error_t parse_run(int key, char *text, struct argp_state *state)
{
    struct fleet_command *command = state->input;
    switch (key) {
    case 's':
        command->fleet.server = text;
        return 0;
    case 'p':
        command->project = text;
        return 0;
    case OPTION_CA:
        command->fleet.authority = text;
        return 0;
    case 'k':
        if (command->trust.key_count == SIGBLOCK_MAX)
            cli_usage(state, "more than %d keys", SIGBLOCK_MAX);
        command->trust.keys[command->trust.key_count++] = text;
        return 0;
    case OPTION_IMAGE:
        command->fleet.image = text;
        return 0;
    case OPTION_PRODUCT:
        command->fleet.product = text;
        return 0;
    case OPTION_CHANNEL:
        command->fleet.channel = text;
        return 0;
    case OPTION_TENANT:
        check_name(state, "--tenant", text);
        command->fleet.tenant = text;
        return 0;
    case OPTION_PREFIX:
        check_name(state, "--prefix", text);
        command->fleet.prefix = text;
        return 0;
    case OPTION_TOKENS:
        command->fleet.tokens = text;
        return 0;
    case OPTION_CERTIFICATES:
        command->fleet.certificates = text;
        return 0;
    case OPTION_GATEWAY:
        command->fleet.gateway = text;
        return 0;
    case OPTION_LOG:
        command->fleet.log = text;
        return 0;
    case 'j':
        command->json = true;
        return 0;
    case ARGP_KEY_ARG:
        cli_usage(state, "too many arguments: %s", text);
    case ARGP_KEY_END:
        check(state, command);
        return 0;
    default:
        break;
    }
    error_t known = parse_script(key, text, state, &command->fleet.script);
    return known == 0 ? 0 : parse_limits(key, text, state, &command->fleet);
}

/* What the command line left open. */
static int fill_in(struct fleet_command *command, struct release_project *project,
                   char authority[PATH_MAX])
{
    if (release_project_read(command->project, project) != HOST_DONE ||
        file_path(command->project, "pki/ca_cert.pem", authority) != HOST_DONE)
        return HOST_FAILED;
    if (command->fleet.authority == NULL)
        command->fleet.authority = authority;
    if (command->trust.key_count == 0)
        command->trust.keys[command->trust.key_count++] = project->signing_key;
    if (command->fleet.product == NULL)
        command->fleet.product = project->product;
    if (command->fleet.channel == NULL)
        command->fleet.channel = project->channel;
    return HOST_DONE;
}

static int run(const struct fleet_command *command)
{
    static struct fleet_summary summary; /* large */
    int status = fleet_run(&command->fleet, &summary);
    if (summary.devices == 0)
        return status;
    if (command->json)
        fleet_print_json(&summary, stdout);
    else
        fleet_print(&summary, stdout);
    return status;
}

static int fleet_run_verb(int argc, char **argv)
{
    static const struct argp argp = {
        run_keys,
        parse_run,
        NULL,
        "Run native devices with the update agent against a server, and tell how it went. Ends "
        "with --once, --seconds, SIGINT or SIGTERM. Exit status 1: no device was let in, or "
        "--once did not come true.",
        NULL,
        NULL,
        NULL};
    struct fleet_command command = {.fleet = {.server = "https://localhost:8443",
                                              .prefix = "dev-",
                                              .script.seed = 1,
                                              .poll_s = POLL_S_DEFAULT,
                                              .speed = 1,
                                              .handshakes = HANDSHAKES_DEFAULT}};
    struct release_project project;
    char authority[PATH_MAX];
    int status = cli_parse(&argp, argc, argv, &command);
    if (status != HOST_DONE)
        return status;
    command.fleet.bar = isatty(STDERR_FILENO) == 1;
    if (command.project != NULL)
        status = fill_in(&command, &project, authority);
    if (command.fleet.channel == NULL)
        command.fleet.channel = "stable";
    if (status == HOST_DONE)
        status = trust_read(&command.trust, &command.fleet.trust);
    return status == HOST_DONE ? run(&command) : status;
}

int cmd_fleet(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"run", fleet_run_verb, "run native devices against a server"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
