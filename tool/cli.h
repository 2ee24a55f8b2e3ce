/* tool/cli.h: what all verbs share on the command line: verbs below verbs, option parsing with
 * argp, numbers, hex and JSON.
 *
 * Every usage error is one line and exit status 2: what is wrong with the options themselves is
 * found by cli_parse(), the rest a verb's parser reports with cli_usage().
 */
#ifndef TOOL_CLI_H
#define TOOL_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct cli_verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

/* Runs the verb argv[1] names, with argv[0] "trustchain ... VERB". Knows --help, --usage,
 * --version and "help" itself. */
int cli_dispatch(const struct cli_verb *verbs, size_t count, int argc, char **argv);

/* argp_parse() with options and arguments in any order. HOST_DONE, HOST_USAGE after its line, or
 * the process has ended (--help, cli_usage). */
int cli_parse(const struct argp *argp, int argc, char **argv, void *input);

/* One usage line for the verb `state` parses, then exit(2). */
void cli_usage(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* argp keys of long options that have no letter. */
enum { CLI_LONG = 0x100 };

/* Decimal or 0x hex, with an optional K, KB, M or MB. False when it is not a number or does not
 * fit 32 bits. */
bool cli_number(const char *text, uint32_t *out);

/* cli_number() for an option's value; ends with a usage line otherwise. */
uint32_t cli_option_number(const struct argp_state *state, const char *option, const char *text);

/* Flash chips of the C6: 1, 2, 4, 8, 16 MB as bytes; ends with a usage line for anything else. */
uint32_t cli_option_flash_size(const struct argp_state *state, const char *text);

/* Takes the one positional argument into *place, then refuses more. */
error_t cli_one_argument(int key, char *text, const char **place, const char *what,
                         const struct argp_state *state);

/* Takes all positional arguments; the list is `state`'s and lives as long as argv. */
error_t cli_many_arguments(int key, char ***list, size_t *count, const struct argp_state *state);

/* 2 * length digits and a NUL. Returns `out`. */
char *cli_hex(const uint8_t *bytes, size_t length, char *out);
/* Exactly `length` bytes of hex digits, nothing else. */
bool cli_unhex(const char *text, uint8_t *out, size_t length);

/* A size as partition tables write it: 4M, 1856K, else 0x hex. */
#define CLI_SIZE_TEXT 16
char *cli_size(uint32_t bytes, char out[CLI_SIZE_TEXT]);

/* Text from an image, a table or a file name, fit for a terminal: anything but printable ASCII
 * becomes '?'. Longer text is cut. Returns `out`. */
#define CLI_TEXT 64
const char *cli_printable(const char *text, char out[CLI_TEXT]);

/* The same text as a JSON string; what is not UTF-8 as cli_printable() has it. */
json_t *cli_json_text(const char *text);
json_t *cli_json_hex(const uint8_t *bytes, size_t length);
/* Prints the value as indented JSON and a newline on stdout, and releases it. */
int cli_json_print(json_t *value);
/* The same for what a verb said about its files: one file's value alone, several as the list. */
int cli_json_print_list(json_t *list);

#endif
