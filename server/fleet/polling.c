/* server/fleet/polling.c: see server/fleet/polling.h. */
#include "server/fleet/polling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool two_digits(const char *text, unsigned max, unsigned *out)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return false;
    *out = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    return *out <= max;
}

/* The interval at the start of the text; 0: none. */
static bool read_interval(const char *text, uint32_t *seconds)
{
    unsigned hours;
    unsigned minutes;
    unsigned rest;
    if (strlen(text) < POLLING_CHARS || text[2] != ':' || text[5] != ':' ||
        !two_digits(text, 23, &hours) || !two_digits(text + 3, 59, &minutes) ||
        !two_digits(text + 6, 59, &rest))
        return false;
    *seconds = hours * 3600 + minutes * 60 + rest;
    return true;
}

bool polling_interval_valid(const char *text)
{
    uint32_t seconds;
    return read_interval(text, &seconds) && text[POLLING_CHARS] == '\0';
}

const char *polling_parse(const char *text, struct polling *out)
{
    unsigned spread = 0;
    *out = (struct polling){0};
    if (!read_interval(text, &out->seconds))
        return "not HH:MM:SS with hours up to 23";
    if (out->seconds < POLLING_MIN_S)
        return "less than 5 seconds";
    text += POLLING_CHARS;
    if (*text == '\0')
        return NULL;
    bool one = text[0] == '~' && text[1] >= '0' && text[1] <= '9' && text[2] == '%';
    if (one)
        spread = (unsigned)(text[1] - '0');
    if (!(one && text[3] == '\0') &&
        !(text[0] == '~' && two_digits(text + 1, 99, &spread) && strcmp(text + 3, "%") == 0))
        return "after the interval only ~NN% can follow";
    out->spread = spread;
    return NULL;
}

uint32_t polling_next(const struct polling *polling, uint32_t random)
{
    uint64_t spread = (uint64_t)polling->seconds * polling->spread / 100;
    uint64_t next = polling->seconds - spread + (spread > 0 ? random % (2 * spread + 1) : 0);
    if (next < POLLING_MIN_S)
        return POLLING_MIN_S;
    return next > POLLING_MAX_S ? POLLING_MAX_S : (uint32_t)next;
}

void polling_print(uint32_t seconds, char out[POLLING_CHARS + 1])
{
    unsigned bounded = seconds < POLLING_MAX_S ? seconds : POLLING_MAX_S;
    snprintf(out, POLLING_CHARS + 1, "%02u:%02u:%02u", bounded / 3600 % 24, bounded / 60 % 60,
             bounded % 60);
}
