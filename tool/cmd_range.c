/* tool/cmd_range.c: `trustchain range`: measurements of an attacked device and their report. */
#include <argp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "host/file.h"
#include "range/readout.h"
#include "range/report.h"
#include "tool/cli.h"
#include "tool/tool.h"

struct range_options {
    const char *plain;
    const char *dump;
    const char *checks;
    const char *log;
    const char *output;
    const char *title;
    bool json;
};

static const struct argp_option readout_keys[] = {
    {"plain", 'p', "FILE", 0, "What the flash should hide: the plaintext image", 0},
    {"json", 'j', NULL, 0, "Print one JSON object", 0},
    {0},
};

static const struct argp_option report_keys[] = {
    {"checks", 'c', "FILE", 0, "Outcomes: lines of CHAPTER, NAME, pass|fail, DETAIL, tab between",
     0},
    {"plain", 'p', "FILE", 0, "Plaintext image, for the picture", 0},
    {"dump", 'd', "FILE", 0, "Raw flash dump, for the picture", 0},
    {"log", 'l', "FILE", 0, "Device console to append", 0},
    {"title", 't', "TEXT", 0, "Page title", 0},
    {"output", 'o', "FILE", 0, "The HTML file to write (- is stdout)", 0},
    {0},
};

static error_t range_parse(int key, char *arg, struct argp_state *state)
{
    struct range_options *options = state->input;
    switch (key) {
    case 'p':
        options->plain = arg;
        break;
    case 'j':
        options->json = true;
        break;
    case 'c':
        options->checks = arg;
        break;
    case 'd':
        options->dump = arg;
        break;
    case 'l':
        options->log = arg;
        break;
    case 't':
        options->title = arg;
        break;
    case 'o':
        options->output = arg;
        break;
    case ARGP_KEY_ARG:
        if (options->dump != NULL)
            cli_usage(state, "one DUMP, not \"%s\" as well", arg);
        options->dump = arg;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Reads both files and searches. A plaintext without anything to search for proves nothing. */
static int search_dump(const struct range_options *options, struct buffer *plain,
                       struct buffer *dump, struct readout_search *search)
{
    if (file_read(options->plain, FILE_MAX_DEFAULT, plain) != HOST_DONE ||
        file_read(options->dump, FILE_MAX_DEFAULT, dump) != HOST_DONE)
        return HOST_FAILED;
    if (readout_search(plain->bytes, plain->length, dump->bytes, dump->length, search) != 0)
        return host_fail(options->dump, "not enough memory to search it");
    if (search->runs_searched == 0)
        return host_fail(options->plain,
                         "holds nothing that could be searched for (%u bytes with %u different)",
                         READOUT_RUN, READOUT_DISTINCT);
    return HOST_DONE;
}

static int readout_run(int argc, char **argv)
{
    static const struct argp argp = {
        readout_keys,
        range_parse,
        "DUMP",
        "Search a raw flash dump for plaintext and measure how random it looks. Refuses (exit 1) "
        "when any telling 16-byte run of the plaintext occurs in the dump.",
        NULL,
        NULL,
        NULL};
    struct range_options options = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (options.plain == NULL || options.dump == NULL)
        return host_usage("range readout", "needs --plain FILE and a DUMP (see --help)");

    struct buffer plain = {0}, dump = {0};
    struct readout_search search;
    struct readout_histogram histogram;
    status = search_dump(&options, &plain, &dump, &search);
    if (status == HOST_DONE) {
        readout_histogram(dump.bytes, dump.length, &histogram);
        printf(options.json ? "{\"runs_searched\":%llu,\"runs_found\":%llu,"
                              "\"written_bytes\":%llu,\"entropy\":%.6f,\"chi_square\":%.1f}\n"
                            : "%llu runs of plaintext searched, %llu found; %llu bytes written, "
                              "entropy %.6f bits per byte, chi-square %.1f\n",
               (unsigned long long)search.runs_searched, (unsigned long long)search.runs_found,
               (unsigned long long)histogram.total, histogram.entropy, histogram.chi_square);
        if (search.runs_found > 0)
            status = host_fail(options.dump, "plaintext at offset 0x%zx (is flash encryption on?)",
                               search.first_found);
    }
    buffer_free_secret(&plain);
    buffer_free(&dump);
    return status;
}

/* Splits the line at *cursor in place into four tab-separated fields; false when malformed. */
static bool check_parse(char **cursor, struct report_check *check)
{
    char *line = *cursor;
    char *end = line + strcspn(line, "\n");
    *cursor = *end == '\n' ? end + 1 : end;
    *end = '\0';
    char *field[4];
    for (unsigned i = 0; i < 4; i++) {
        field[i] = line;
        line += strcspn(line, "\t");
        if (*line == '\0' && i < 3)
            return false;
        *line++ = '\0';
    }
    *check = (struct report_check){field[0], field[1], field[3],
                                   strcmp(field[2], "pass") == 0 ? REPORT_PASS : REPORT_FAIL};
    return strcmp(field[2], "pass") == 0 || strcmp(field[2], "fail") == 0;
}

/* Reads FILE as a NUL-terminated text. */
static int text_read(const char *path, struct buffer *out)
{
    int status = file_read(path, FILE_MAX_DEFAULT, out);
    if (status != HOST_DONE)
        return status;
    uint8_t *grown = realloc(out->bytes, out->length + 1);
    if (grown == NULL)
        return host_fail(path, "not enough memory to read it");
    grown[out->length] = '\0';
    out->bytes = grown;
    return HOST_DONE;
}

static int checks_read(const char *path, struct buffer *text, struct report_check **checks,
                       size_t *count)
{
    int status = text_read(path, text);
    if (status != HOST_DONE)
        return status;
    size_t lines = 1;
    for (size_t i = 0; i < text->length; i++)
        lines += text->bytes[i] == '\n';
    *checks = calloc(lines, sizeof **checks);
    if (*checks == NULL)
        return host_fail(path, "not enough memory to read it");
    for (char *cursor = (char *)text->bytes; *cursor != '\0'; (*count)++)
        if (!check_parse(&cursor, &(*checks)[*count]))
            return host_fail(path, "line %zu is not CHAPTER, NAME, pass|fail, DETAIL", *count + 1);
    return HOST_DONE;
}

struct report_inputs {
    struct buffer checks, plain, dump, log;
    struct report_check *check;
    size_t check_count;
    struct readout_histogram plain_histogram, dump_histogram;
    struct readout_search search;
};

static int report_inputs_read(const struct range_options *options, struct report_inputs *in)
{
    int status = checks_read(options->checks, &in->checks, &in->check, &in->check_count);
    if (status == HOST_DONE && options->log != NULL)
        status = text_read(options->log, &in->log);
    if (status != HOST_DONE || options->plain == NULL)
        return status;
    status = search_dump(options, &in->plain, &in->dump, &in->search);
    if (status != HOST_DONE)
        return status;
    readout_histogram(in->plain.bytes, in->plain.length, &in->plain_histogram);
    readout_histogram(in->dump.bytes, in->dump.length, &in->dump_histogram);
    return HOST_DONE;
}

static int report_output(const struct range_options *options, const struct report_inputs *in)
{
    bool picture = in->plain.bytes != NULL;
    struct report report = {
        .title = options->title != NULL ? options->title : "Trustchain report",
        .checks = in->check,
        .check_count = in->check_count,
        .plain = picture ? &in->plain_histogram : NULL,
        .cipher = picture ? &in->dump_histogram : NULL,
        .search = picture ? &in->search : NULL,
        .device_log = (const char *)in->log.bytes,
    };
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);
    int failed = out == NULL || report_write(out, &report) != 0;
    if (out != NULL)
        failed |= fclose(out) != 0;
    int status = failed ? host_fail(options->output, "not enough memory for the page")
                        : file_write(options->output, page, length, 0644);
    free(page);
    return status;
}

static int report_run(int argc, char **argv)
{
    static const struct argp argp = {
        report_keys, range_parse, NULL, "Write the HTML page of a run.", NULL, NULL, NULL};
    struct range_options options = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (options.checks == NULL || options.output == NULL)
        return host_usage("range report", "needs --checks FILE and --output FILE (see --help)");
    if ((options.plain == NULL) != (options.dump == NULL))
        return host_usage("range report", "--plain and --dump go together");

    struct report_inputs in = {0};
    status = report_inputs_read(&options, &in);
    if (status == HOST_DONE)
        status = report_output(&options, &in);
    free(in.check);
    buffer_free(&in.checks);
    buffer_free(&in.log);
    buffer_free_secret(&in.plain);
    buffer_free(&in.dump);
    return status;
}

int cmd_range(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"readout", readout_run, "what a raw flash dump gives away"},
        {"report", report_run, "write the HTML page of a run"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
