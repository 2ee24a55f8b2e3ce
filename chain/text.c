#include "chain/text.h"

#include <string.h>

void text_begin(struct text *text, char *out, size_t size)
{
    *text = (struct text){.out = out, .size = size, .cut = size == 0};
    if (size > 0)
        out[0] = '\0';
}

void text_char(struct text *text, char c)
{
    if (text->length + 1 >= text->size) {
        text->cut = true;
        return;
    }
    text->out[text->length++] = c;
    text->out[text->length] = '\0';
}

void text_string(struct text *text, const char *string)
{
    while (*string != '\0')
        text_char(text, *string++);
}

static void digits(struct text *text, uint32_t value, uint32_t base)
{
    char reversed[10];
    size_t count = 0;
    do {
        reversed[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0)
        text_char(text, reversed[--count]);
}

void text_decimal(struct text *text, uint32_t value)
{
    digits(text, value, 10);
}

void text_hex(struct text *text, uint32_t value)
{
    text_string(text, "0x");
    digits(text, value, 16);
}

void text_quoted(struct text *text, const char *bytes, size_t length)
{
    text_char(text, '\'');
    for (size_t i = 0; i < length; i++)
        text_char(text, bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?');
    text_char(text, '\'');
}

bool text_complete(const struct text *text)
{
    return !text->cut;
}

size_t text_line_break(const char *bytes, size_t length)
{
    const uint8_t *p = (const uint8_t *)bytes;
    if (length == 0)
        return 0;
    if (p[0] == '\r')
        return length > 1 && p[1] == '\n' ? 2 : 1;
    if ((p[0] >= '\n' && p[0] <= '\f') || (p[0] >= 0x1C && p[0] <= 0x1E))
        return 1;
    if (length > 1 && p[0] == 0xC2 && p[1] == 0x85) /* U+0085 */
        return 2;
    if (length > 2 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9))
        return 3; /* U+2028, U+2029 */
    return 0;
}

size_t text_blank(const char *bytes, size_t length)
{
    static const char wide[][4] = {
        "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9",
        "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", /* U+0085, 00A0, 1680, 2028, 2029, 202F,
                                                           205F, 3000 */
    };
    const uint8_t *p = (const uint8_t *)bytes;
    if (length == 0)
        return 0;
    if (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r') || (p[0] >= 0x1C && p[0] <= 0x1F))
        return 1;
    if (length > 2 && p[0] == 0xE2 && p[1] == 0x80 && p[2] >= 0x80 && p[2] <= 0x8A)
        return 3; /* U+2000 to U+200A */
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        const size_t bytes_of = strlen(wide[i]);
        if (length >= bytes_of && memcmp(bytes, wide[i], bytes_of) == 0)
            return bytes_of;
    }
    return 0;
}

/* Bytes that follow a first byte of UTF-8; -1 when it cannot be a first byte. */
static int utf8_continuation(uint8_t first)
{
    if (first < 0x80)
        return 0;
    if (first < 0xC2 || first > 0xF4)
        return -1;
    return first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
}

/* The second byte has a narrower range after some first bytes (Unicode, table 3-7). */
static bool utf8_second_fits(uint8_t first, uint8_t second)
{
    const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

bool text_is_utf8(const char *bytes, size_t length)
{
    const uint8_t *p = (const uint8_t *)bytes;
    for (size_t i = 0; i < length; i++) {
        const uint8_t first = p[i];
        const int more = utf8_continuation(first);
        if (more < 0 || (size_t)more > length - i - 1)
            return false;
        if (more > 0 && !utf8_second_fits(first, p[i + 1]))
            return false;
        for (int k = 2; k <= more; k++) {
            if ((p[i + (size_t)k] & 0xC0) != 0x80)
                return false;
        }
        i += (size_t)more;
    }
    return true;
}
