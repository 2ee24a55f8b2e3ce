/* trustchain chip: the virtual ESP32-C6. */
#include "tool/tool.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chain/reg/spimem.h"
#include "chain/soc.h"
#include "tool/chip_run.h"
#include "host/error.h"
#include "tool/cli.h"

enum {
    OPTION_FLASH = CLI_LONG,
    OPTION_EFUSE,
    OPTION_ROM,
    OPTION_STRAP,
    OPTION_NETWORK,
    OPTION_PCAP,
    OPTION_UART,
    OPTION_LOG,
    OPTION_UNTIL,
    OPTION_FAIL,
    OPTION_SECONDS,
    OPTION_WALL,
    OPTION_RESETS,
    OPTION_CUT,
    OPTION_SEED,
    OPTION_STATS,
    OPTION_JSON,
    OPTION_BREAK,
    OPTION_QUIET,
};

static double parse_seconds(const struct argp_state *state, const char *option, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value) || value <= 0 || value > 1e9)
        cli_usage(state, "%s takes a number of seconds above 0, not \"%s\"", option, text);
    return value;
}

/* OFFSET[+LENGTH][:erase|:program][:NTH] */
static void parse_cut(const struct argp_state *state, char *text, struct chip_run_options *options)
{
    char *rest = text;
    char *where = strsep(&rest, ":");
    char *offset = strsep(&where, "+");
    uint32_t nth = 1;
    options->cut = true;
    options->cut_op = CHIP_FLASH_ANY;
    options->cut_offset = cli_option_number(state, "--cut-power", offset);
    options->cut_length =
        where != NULL ? cli_option_number(state, "--cut-power", where) : FLASH_SECTOR;
    for (char *part; (part = strsep(&rest, ":")) != NULL;) {
        if (strcmp(part, "erase") == 0)
            options->cut_op = CHIP_FLASH_ERASE;
        else if (strcmp(part, "program") == 0)
            options->cut_op = CHIP_FLASH_PROGRAM;
        else
            nth = cli_option_number(state, "--cut-power", part);
    }
    if (nth == 0 || options->cut_length == 0)
        cli_usage(state, "--cut-power counts operations and bytes from 1");
    options->cut_nth = nth;
}

static uint32_t parse_strap(const struct argp_state *state, const char *text)
{
    if (strcmp(text, "normal") == 0)
        return SOC_STRAP_SPI_BOOT;
    if (strcmp(text, "download") == 0)
        return SOC_STRAP_DOWNLOAD;
    cli_usage(state, "--strap is normal or download, not \"%s\"", text);
}

static uint64_t parse_seed(const struct argp_state *state, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (end == text || *end != '\0' || errno != 0 || strchr(text, '-') != NULL)
        cli_usage(state, "--seed takes a number of at most 64 bits, not \"%s\"", text);
    return value;
}

static void parse_watch(const struct argp_state *state, const char *text, bool fails,
                        struct chip_run_options *options)
{
    if (!console_watch(&options->console, text, fails))
        cli_usage(state, "at most %d texts to wait for, of 1 to %d bytes each", CONSOLE_WATCHES_MAX,
                  CONSOLE_TEXT_MAX);
}

static void check_run(const struct argp_state *state, const struct chip_run_options *options)
{
    if (options->flash == NULL)
        cli_usage(state, "no flash image given (--flash FILE)");
    if (options->pcap != NULL && !options->network)
        cli_usage(state, "--pcap records the network: give --network as well");
}

/* Options that say how and when the run ends. */
static error_t parse_end(int key, char *text, struct argp_state *state)
{
    struct chip_run_options *options = state->input;
    switch (key) {
    case OPTION_UNTIL:
    case OPTION_FAIL:
        parse_watch(state, text, key == OPTION_FAIL, options);
        return 0;
    case OPTION_SECONDS:
        options->seconds = parse_seconds(state, "--seconds", text);
        return 0;
    case OPTION_WALL:
        options->wall_seconds = parse_seconds(state, "--wall-seconds", text);
        return 0;
    case OPTION_RESETS:
        options->max_resets = cli_option_number(state, "--max-resets", text);
        return 0;
    case OPTION_CUT:
        parse_cut(state, text, options);
        return 0;
    case OPTION_BREAK:
        options->breakpoint = cli_option_number(state, "--break", text);
        return 0;
    case OPTION_QUIET:
        options->quiet = true;
        return 0;
    case OPTION_STATS:
        options->stats = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        cli_usage(state, "takes options only, \"%s\" is none (see --help)", text);
    case ARGP_KEY_END:
        check_run(state, options);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* Options that say what is run. */
static error_t parse_run(int key, char *text, struct argp_state *state)
{
    struct chip_run_options *options = state->input;
    switch (key) {
    case OPTION_FLASH:
        options->flash = text;
        return 0;
    case OPTION_EFUSE:
        options->efuse = text;
        return 0;
    case OPTION_ROM:
        options->rom = text;
        return 0;
    case OPTION_STRAP:
        options->strap = parse_strap(state, text);
        return 0;
    case OPTION_NETWORK:
        options->network = true;
        return 0;
    case OPTION_PCAP:
        options->pcap = text;
        return 0;
    case OPTION_UART:
        options->uart = text;
        return 0;
    case OPTION_LOG:
        options->log = text;
        return 0;
    case OPTION_SEED:
        options->seed = parse_seed(state, text);
        return 0;
    }
    return parse_end(key, text, state);
}

static const struct argp_option run_options[] = {
    {"flash", OPTION_FLASH, "FILE", 0, "raw flash image, 2, 4, 8 or 16 MB; changed in place", 1},
    {"efuse", OPTION_EFUSE, "FILE", 0,
     "eFuses; changed in place (default: a factory chip's, not kept)", 1},
    {"rom", OPTION_ROM, "FILE", 0, "boot ROM (default: the one built in)", 1},
    {"strap", OPTION_STRAP, "MODE", 0, "boot mode pins: normal or download (default normal)", 1},
    {"seed", OPTION_SEED, "N", 0, "seed of the random number generator (default 0)", 1},
    {"network", OPTION_NETWORK, NULL, 0,
     "attach the Ethernet MAC to a user-mode network; 10.0.2.2 is this host", 2},
    {"pcap", OPTION_PCAP, "FILE", 0, "record all frames", 2},
    {"uart", OPTION_UART, "WHERE", 0, "stdio, none or a file (default stdio; with --json none)", 2},
    {"log", OPTION_LOG, "FILE", 0, "a copy of the UART output", 2},
    {"until", OPTION_UNTIL, "TEXT", 0,
     "stop at the end of the line in which the UART output contains TEXT; repeatable", 3},
    {"fail", OPTION_FAIL, "TEXT", 0, "the same, but the run has failed; repeatable", 3},
    {"break", OPTION_BREAK, "ADDRESS", 0, "stop before the instruction there (0x...)", 3},
    {"cut-power", OPTION_CUT, "WHERE", 0,
     "OFFSET[+LENGTH][:erase|:program][:NTH]: tear the NTH flash operation that touches those "
     "bytes (default one sector, any operation, the first), and stop",
     3},
    {"seconds", OPTION_SECONDS, "N", 0, "stop after N seconds of the chip's time", 3},
    {"wall-seconds", OPTION_WALL, "N", 0, "stop after N seconds of real time", 3},
    {"max-resets", OPTION_RESETS, "N", 0,
     "stop after N resets (default: after 5 in a row without reaching an application)", 3},
    {"stats", OPTION_STATS, NULL, 0, "print figures at the end, on stderr", 4},
    {"json", OPTION_JSON, NULL, 0, "print figures at the end as JSON, on stdout", 4},
    {"quiet", OPTION_QUIET, NULL, 0, "no notes about the chip on stderr", 4},
    {0}};

static int chip_run_command(int argc, char **argv)
{
    static const struct argp argp = {
        run_options,
        parse_run,
        NULL,
        "Run the virtual ESP32-C6 with UART0 on the terminal."
        "\vThe run ends, with exit status 0, at a text given with --until, at --break, and when "
        "--cut-power struck. A limit (time, resets) or Ctrl-C ends it with 0 too when none of "
        "these was asked for, and else with 1, as do a text given with --fail, a chip that finds "
        "nothing to boot, and a guest that can never run again.",
        NULL,
        NULL,
        NULL};
    static struct chip_run_options options = {.strap = SOC_STRAP_SPI_BOOT};
    int status = cli_parse(&argp, argc, argv, &options);
    return status == HOST_DONE ? chip_run_verb(&options) : status;
}

int cmd_chip(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"run", chip_run_command, "run a flash image and its eFuses"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
