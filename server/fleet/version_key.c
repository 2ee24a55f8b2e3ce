/* server/fleet/version_key.c: see server/fleet/version_key.h.
 *
 *     1.10-rc2   ->   0 01 1 . 0 02 10 <end> <before> r c 0 01 2
 *
 * A number is '0', which stands among other characters where every digit does, how many digits it
 * has without leading zeros, and those. The end of a part is below every character.
 */
#include "server/fleet/version_key.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define END     '\x01'
#define BEFORE  '\x01' /* a pre-release follows */
#define RELEASE '\x02'

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Writes the digits at `text` as a number; how many they were. */
static size_t put_number(const char *text, size_t left, char **out)
{
    size_t zeros = 0;
    size_t digits = 0;
    while (zeros < left && text[zeros] == '0')
        zeros++;
    while (zeros + digits < left && is_digit(text[zeros + digits]))
        digits++;
    *out += sprintf(*out, "0%02zu%.*s", digits, (int)digits, text + zeros);
    return zeros + digits;
}

/* One part up to a character of `ends`; how long it was. */
static size_t put_part(const char *text, size_t left, const char *ends, char **out)
{
    size_t at = 0;
    while (at < left && strchr(ends, text[at]) == NULL) {
        if (is_digit(text[at]))
            at += put_number(text + at, left - at, out);
        else
            *(*out)++ = text[at++];
    }
    return at;
}

void version_key(const char *version, char out[VERSION_KEY_MAX])
{
    size_t length = strnlen(version, VERSION_TEXT_MAX);
    size_t at = put_part(version, length, "-+", &out);
    bool before = at < length && version[at] == '-';
    *out++ = END;
    *out++ = before ? BEFORE : RELEASE;
    if (before)
        (void)put_part(version + at + 1, length - at - 1, "+", &out);
    *out = '\0';
}
