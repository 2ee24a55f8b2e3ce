/* tool/flash_source.h: the options and the argument with which verbs name a flash dump. */
#ifndef TOOL_FLASH_SOURCE_H
#define TOOL_FLASH_SOURCE_H

#include "tool/cli.h"
#include "tool/flash_dump.h"

/* For the head of a verb's list of options. */
#define FLASH_SOURCE_OPTIONS                                                                       \
    {"key", 'k', "FILE", 0, "a flash dump: decrypt with this flash encryption key", 0},            \
        {"efuse", 'e', "FILE", 0, "a flash dump: decrypt it with these eFuses' key", 0},           \
    {                                                                                              \
        "offset", 'a', "N", 0,                                                                     \
            "a flash dump: where its partition table is (default: searched for)", 0                \
    }

/* Those options, or the one argument, called `what` in messages; ARGP_ERR_UNKNOWN for others. */
error_t flash_source_parse(int key, char *text, struct flash_source *source, const char *what,
                           const struct argp_state *state);

#endif
