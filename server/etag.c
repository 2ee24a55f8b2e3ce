/* server/etag.c: see server/etag.h. */
#include "server/etag.h"

#include <string.h>

static bool blank_or_comma(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

bool etag_is(const char *text, size_t length, const char *etag)
{
    return length == strlen(etag) && memcmp(text, etag, length) == 0;
}

bool etag_list_matches(const char *text, size_t length, const char *etag,
                       enum etag_comparison comparison)
{
    const char *at = text;
    const char *end = text + length;
    if (length == 1 && *text == '*') {
        return true;
    }
    while (true) {
        while (at < end && blank_or_comma(*at)) {
            at++;
        }
        bool weak = end - at >= 2 && at[0] == 'W' && at[1] == '/';
        if (weak) {
            at += 2;
        }
        if (at == end || *at != '"') {
            return false;
        }
        const char *close = memchr(at + 1, '"', (size_t)(end - at) - 1);
        if (close == NULL) {
            return false;
        }
        size_t tag_length = (size_t)(close + 1 - at);
        if (etag_is(at, tag_length, etag) && (!weak || comparison == ETAG_WEAK)) {
            return true;
        }
        at = close + 1;
    }
}
