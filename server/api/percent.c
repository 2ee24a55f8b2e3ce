/* server/api/percent.c: see server/api/percent.h. */
#include "server/api/percent.h"

#include "chain/text.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int percent_decode(const char *text, size_t length, bool plus, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int c = plus && text[i] == '+' ? ' ' : (unsigned char)text[i];
        if (text[i] == '%') {
            int high = i + 2 < length ? hex(text[i + 1]) : -1;
            int low = i + 2 < length ? hex(text[i + 2]) : -1;
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
