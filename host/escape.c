/* host/escape.c: see host/escape.h. */
#include "host/escape.h"

#include <stdbool.h>
#include <string.h>

static bool stays_in_url(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~:@", c) != NULL;
}

const char *escape_url(const char *text, char *out, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t used = 0;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool stays = stays_in_url(*text);
        if (size - used <= (stays ? 1 : 3))
            break;
        if (stays) {
            out[used++] = *text;
        } else {
            out[used++] = '%';
            out[used++] = hex[c >> 4];
            out[used++] = hex[c & 15];
        }
    }
    out[used] = '\0';
    return out;
}

static const char *markup_name(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void escape_markup(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        const char *name = markup_name(*text);
        unsigned char c = (unsigned char)*text;
        bool shows = (c >= ' ' && c < 0x7F) || c == '\n' || c == '\t';
        if (name != NULL)
            fputs(name, out);
        else if (c != '\r')
            fputc(shows ? c : '?', out);
    }
}
