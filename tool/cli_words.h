/* tool/cli_words.h: the words of a command line against the options a verb has, before argp reads
 * them: argp and getopt say in two lines of their own what is wrong, and we in one of ours.
 */
#ifndef TOOL_CLI_WORDS_H
#define TOOL_CLI_WORDS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

/* Reads argv[1..] as argp_parse() will: long options by any unambiguous beginning, letters
 * together, "--" ends them. False, and what is wrong in `fault`, at the first word that is no
 * option of `argp`, wants a value it does not get, or gets one it does not want. */
bool cli_words_check(const struct argp *argp, int argc, char *const *argv, char *fault,
                     size_t fault_size);

#endif
