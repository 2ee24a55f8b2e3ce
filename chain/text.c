#include "chain/text.h"

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
