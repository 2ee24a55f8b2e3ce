/* tool/chip_run.c: see chip_run.h.
 *
 * The chip runs in slices of virtual time; between them limits are checked and output is flushed.
 * A slice ends early at every reset, so that resets can be counted and judged.
 */
#include "tool/chip_run.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "chain/soc.h"
#include "host/error.h"
#include "tool/chip_files.h"
#include "tool/cli.h"

#define SLICE (SOC_CPU_MHZ * 50000u) /* 50 ms of virtual time */

struct run {
    struct chip_run_options *options;
    struct chip *chip;
    struct mapped_file flash, efuse_file;
    struct efuse blank; /* used when no eFuse file is given */
    struct rom_file rom;

    double started; /* wall clock */
    unsigned resets, barren;
    bool app_seen;          /* since the last reset */
    struct chip_stats boot; /* of the boot that got furthest */
};

/* The chip that a signal stops, and the signal: a slice of a guest that keeps an accelerator busy
 * may take hours. SIGALRM only makes the run loop look at the clock. */
static struct chip *volatile running;
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    if (signal != SIGALRM)
        interrupted = signal;
    if (running != NULL)
        chip_stop(running);
}

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- what the chip calls -------------------------------------------------------------------- */

static void uart_tx(void *context, uint8_t byte)
{
    struct run *run = context;
    if (console_put(&run->options->console, byte))
        chip_stop(run->chip);
}

static int uart_rx(void *context)
{
    struct run *run = context;
    return console_get(&run->options->console);
}

/* The statistics of a boot are gone after the reset that ends it; its note comes before. */
static void look_at_boot(struct run *run)
{
    struct chip_stats stats;
    if (run->chip == NULL)
        return;
    chip_get_stats(run->chip, &stats);
    if (stats.to_app != 0)
        run->app_seen = true;
    if (stats.to_app >= run->boot.to_app && stats.to_bootloader != 0)
        run->boot = stats;
}

static void note(void *context, const char *line)
{
    struct run *run = context;
    look_at_boot(run);
    if (run->options->quiet)
        return;
    console_flush(&run->options->console);
    fprintf(stderr, "chip: %s\n", line);
}

/* --- set-up --------------------------------------------------------------------------------- */

static int open_files(struct run *run)
{
    static const uint8_t mac[6] = {0x02, 0x00, 0x00, 0x00, 0x00, 0x01}; /* local, unicast */
    const struct chip_run_options *options = run->options;
    int error = rom_file_load(options->rom, &run->rom);
    if (error == HOST_DONE)
        error = flash_file_map(options->flash, &run->flash);
    if (error == HOST_DONE && options->efuse != NULL)
        error = efuse_file_map(options->efuse, &run->efuse_file);
    else
        efuse_factory(&run->blank, mac, 0);
    return error;
}

static int start(struct run *run)
{
    struct chip_run_options *options = run->options;
    struct chip_config config;
    chip_config_init(&config);
    config.rom = run->rom.bytes;
    config.rom_bytes = run->rom.length;
    config.flash = run->flash.bytes;
    config.flash_bytes = run->flash.length;
    config.efuse =
        run->efuse_file.bytes != NULL ? (struct efuse *)run->efuse_file.bytes : &run->blank;
    config.strap = options->strap;
    config.seed = options->seed;
    config.uart_tx = uart_tx;
    config.uart_rx = options->console.in >= 0 ? uart_rx : NULL;
    config.note = note;
    config.context = run;
    config.network = options->network;
    config.pcap_path = options->pcap;
    int error = chip_new(&config, &run->chip);
    if (error != CHIP_OK)
        return host_fail(error == CHIP_EFILE ? options->pcap : NULL, "%s", chip_error_text(error));
    if (options->breakpoint != 0)
        chip_breakpoint(run->chip, options->breakpoint);
    if (options->cut)
        chip_cut_power(run->chip, options->cut_op, options->cut_offset, options->cut_length,
                       options->cut_nth);
    return HOST_DONE;
}

/* --- the end -------------------------------------------------------------------------------- */

static void report(const struct run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void report(const struct run *run, const char *format, ...)
{
    va_list arguments;
    if (run->options->quiet)
        return;
    fputs("chip: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static bool waits_for_something(const struct chip_run_options *options)
{
    return options->console.watch_count > 0 || options->cut || options->breakpoint != 0;
}

/* A limit is a failure when something else was waited for, and the end asked for otherwise. */
static int limit_reached(const struct run *run, const char *limit)
{
    if (waits_for_something(run->options))
        return host_fail("chip", "%s before what was waited for", limit);
    report(run, "%s", limit);
    return HOST_DONE;
}

static int stopped_by_console(const struct run *run)
{
    const struct console *console = &run->options->console;
    if (console->write_error != 0)
        return host_fail("chip", "UART output cannot be written: %s",
                         strerror(console->write_error));
    if (console->seen->fails)
        return host_fail("chip", "the UART said \"%s\"", console->seen->text);
    report(run, "stopped at \"%s\"", console->seen->text);
    return HOST_DONE;
}

/* True when the run ends here, with its exit status in *status. */
static bool after_reset(struct run *run, int *status)
{
    const struct chip_run_options *options = run->options;
    run->resets++;
    run->barren = run->app_seen ? 0 : run->barren + 1;
    run->app_seen = false;
    if (options->max_resets != 0 && run->resets >= options->max_resets) {
        *status = limit_reached(run, "the limit of resets was reached");
        return true;
    }
    if (options->max_resets == 0 && run->barren >= CHIP_RUN_BARREN_RESETS) {
        *status =
            host_fail("chip", "%u resets in a row without reaching an application", run->barren);
        return true;
    }
    return false;
}

static bool out_of_time(const struct run *run, int *status)
{
    const struct chip_run_options *options = run->options;
    struct chip_stats stats;
    chip_get_stats(run->chip, &stats);
    const char *why = NULL;
    if (interrupted)
        why = "interrupted";
    else if (options->seconds > 0 && (double)stats.virtual_ns >= options->seconds * 1e9)
        why = "the time was up";
    else if (options->wall_seconds > 0 && wall_clock() - run->started >= options->wall_seconds)
        why = "the wall-clock time was up";
    if (why != NULL)
        *status = limit_reached(run, why);
    return why != NULL;
}

/* The next slice: no longer than what is left of --seconds. */
static uint64_t slice(const struct run *run)
{
    struct chip_stats stats;
    if (run->options->seconds <= 0)
        return SLICE;
    chip_get_stats(run->chip, &stats);
    double left_ns = run->options->seconds * 1e9 - (double)stats.virtual_ns;
    double instructions = left_ns * SOC_CPU_MHZ / 1000;
    return instructions < 1 ? 1 : instructions < SLICE ? (uint64_t)instructions + 1 : SLICE;
}

static int run_to_end(struct run *run)
{
    int status = HOST_DONE;
    for (;;) {
        chip_limit_resets(run->chip, 1);
        enum chip_stop stop = chip_run(run->chip, slice(run));
        look_at_boot(run);
        console_flush(&run->options->console);
        if (console_settled(&run->options->console, stop != CHIP_STOP_BUDGET))
            return stopped_by_console(run);
        switch (stop) {
        case CHIP_STOP_REQUEST: /* the console's, answered above, or a signal's */
            break;
        case CHIP_STOP_RESET_LIMIT:
            if (after_reset(run, &status))
                return status;
            break;
        case CHIP_STOP_POWER_CUT: /* the note has said what was torn */
            return HOST_DONE;
        case CHIP_STOP_BREAKPOINT:
            report(run, "stopped at PC 0x%08x", chip_register(run->chip, 32));
            return HOST_DONE;
        case CHIP_STOP_HALT:
            return host_fail("chip", "the guest can never run again (PC 0x%08x)",
                             chip_register(run->chip, 32));
        case CHIP_STOP_BUDGET:
            break;
        }
        if (out_of_time(run, &status))
            return status;
    }
}

/* --- statistics ----------------------------------------------------------------------------- */

static double mips(const struct chip_stats *stats, double wall)
{
    return wall > 0 ? (double)stats->instructions / wall / 1e6 : 0;
}

static int print_json(const struct run *run, const struct chip_stats *stats, double wall,
                      int status)
{
    json_t *json = json_pack(
        "{s:i, s:I, s:I, s:f, s:f, s:i, s:i, s:I, s:I, s:i, s:I, s:I}", "exit", status,
        "instructions", (json_int_t)stats->instructions, "virtual_ns",
        (json_int_t)stats->virtual_ns, "wall_seconds", wall, "mips", mips(stats, wall), "resets",
        (int)stats->resets, "last_reset_cause", (int)stats->last_reset_cause, "flash_programs",
        (json_int_t)stats->flash_programs, "flash_erases", (json_int_t)stats->flash_erases,
        "unknown_registers", (int)stats->unknown_registers, "to_bootloader",
        (json_int_t)run->boot.to_bootloader, "to_app", (json_int_t)run->boot.to_app);
    if (json == NULL)
        return host_fail(NULL, "out of memory");
    return cli_json_print(json);
}

static void print_stats(const struct run *run, const struct chip_stats *stats, double wall)
{
    const struct chip_stats *boot = &run->boot;
    fprintf(stderr, "instructions       %llu (%.0f million a second)\n",
            (unsigned long long)stats->instructions, mips(stats, wall));
    fprintf(stderr, "virtual time       %.6f s, wall clock %.3f s\n",
            (double)stats->virtual_ns / 1e9, wall);
    fprintf(stderr, "ROM                %llu instructions\n",
            (unsigned long long)boot->to_bootloader);
    fprintf(stderr, "bootloader         %llu instructions\n",
            (unsigned long long)(boot->to_app - boot->to_bootloader));
    fprintf(stderr, "resets             %u, last cause 0x%x\n", stats->resets,
            stats->last_reset_cause);
    fprintf(stderr, "flash              %llu programs, %llu erases\n",
            (unsigned long long)stats->flash_programs, (unsigned long long)stats->flash_erases);
    fprintf(stderr, "unknown registers  %u\n", stats->unknown_registers);
}

static int finish(const struct run *run, int status)
{
    struct chip_stats stats;
    double wall = wall_clock() - run->started;
    chip_get_stats(run->chip, &stats);
    if (run->options->stats)
        print_stats(run, &stats, wall);
    if (run->options->json && print_json(run, &stats, wall, status) != HOST_DONE)
        return HOST_FAILED;
    return status;
}

/* Ctrl-C and a polite kill end the run with the terminal restored. With a limit of real time the
 * clock is looked at every second, however long a slice takes. */
static void catch_signals(double wall_seconds)
{
    static const struct itimerval every_second = {{1, 0}, {1, 0}};
    struct sigaction action = {.sa_handler = interrupt};
    sigemptyset(&action.sa_mask);
    interrupted = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (wall_seconds <= 0)
        return;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every_second, NULL);
}

int chip_run_verb(struct chip_run_options *options)
{
    struct run run = {.options = options};
    const char *uart = options->uart != NULL ? options->uart : options->json ? "none" : "stdio";
    int status = open_files(&run);
    if (status == HOST_DONE)
        status = console_open(&options->console, uart, options->log);
    if (status == HOST_DONE) {
        catch_signals(options->wall_seconds);
        status = start(&run);
        run.started = wall_clock();
        running = run.chip;
        if (status == HOST_DONE)
            status = finish(&run, run_to_end(&run));
        running = NULL;
        chip_free(run.chip);
        console_close(&options->console);
    }
    mapped_file_close(&run.flash);
    mapped_file_close(&run.efuse_file);
    buffer_free(&run.rom.loaded);
    return status;
}
