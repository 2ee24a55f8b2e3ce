/* host/escape.c: see host/escape.h. */
#include "host/escape.h"

#include <string.h>

#include "chain/text.h"

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

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int unescape_url(const char *text, size_t length, bool plus, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int c = plus && text[i] == '+' ? ' ' : (unsigned char)text[i];
        if (text[i] == '%') {
            int high = i + 2 < length ? digit_of(text[i + 1]) : -1;
            int low = i + 2 < length ? digit_of(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            c = high * 16 + low;
            i += 2;
        }
        if (c < ' ' || c == 0x7F || used + 1 >= size)
            return -1;
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return text_is_utf8(out, used) ? (int)used : -1;
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
