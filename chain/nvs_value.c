#include "chain/nvs_value.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct nvs_text nvs_text_strip(struct nvs_text text)
{
    while (text.length > 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

/* The largest magnitude: of -128..127 it is 128 below zero and 127 above. */
static uint64_t limit_of(enum nvs_type type, bool negative)
{
    const unsigned bits = 8 * ((unsigned)type & 0x0Fu);
    if ((type & NVS_SIGNED) == 0)
        return negative ? 0 : UINT64_MAX >> (64 - bits);
    return (UINT64_MAX >> (65 - bits)) + (negative ? 1 : 0);
}

bool nvs_value_integer(struct nvs_text text, enum nvs_type type, uint64_t *value)
{
    text = nvs_text_strip(text);
    size_t at = 0;
    uint64_t magnitude = 0;
    const bool negative = text.length > 0 && text.bytes[0] == '-';
    const uint64_t limit = limit_of(type, negative);
    if (negative || (text.length > 0 && text.bytes[0] == '+'))
        at = 1;
    if (at == text.length)
        return false;
    for (; at < text.length; at++) {
        if (text.bytes[at] < '0' || text.bytes[at] > '9')
            return false;
        const unsigned digit = (unsigned)(text.bytes[at] - '0');
        if (magnitude > (UINT64_MAX - digit) / 10)
            return false;
        magnitude = magnitude * 10 + digit;
        if (magnitude > limit)
            return false;
    }
    *value = negative ? 0 - magnitude : magnitude;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool nvs_value_hex(struct nvs_text *text)
{
    *text = nvs_text_strip(*text);
    if (text->length % 2 != 0)
        return false;
    for (size_t i = 0; i < text->length / 2; i++) {
        const int high = hex_digit(text->bytes[2 * i]), low = hex_digit(text->bytes[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        text->bytes[i] = (char)(high << 4 | low);
    }
    text->length /= 2;
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

bool nvs_value_base64(struct nvs_text *text)
{
    unsigned digits = 0, padding = 0;
    uint32_t group = 0;
    size_t out = 0;
    for (size_t at = 0; at < text->length; at++) {
        const char c = text->bytes[at];
        const int digit = base64_digit(c);
        if (is_blank(c))
            continue;
        if (c == '=' ? digits % 4 + padding >= 4 || digits % 4 < 2 : digit < 0 || padding > 0)
            return false;
        if (c == '=') {
            padding++;
            continue;
        }
        digits++;
        group = group << 6 | (uint32_t)digit;
        if (digits % 4 != 1) /* the second, third and fourth digit each complete a byte */
            text->bytes[out++] = (char)(group >> (6 - 2 * ((digits - 1) % 4)));
    }
    text->length = out;
    return (digits + padding) % 4 == 0;
}

static bool skip_word(struct nvs_text *text, const char *word)
{
    const size_t length = strlen(word);
    if (text->length < length || memcmp(text->bytes, word, length) != 0)
        return false;
    *text = (struct nvs_text){text->bytes + length, text->length - length};
    return true;
}

bool nvs_value_fill(struct nvs_text encoding, struct nvs_fill *fill)
{
    fill->counted = skip_word(&encoding, "blob_sz_fill(");
    if (!fill->counted && !skip_word(&encoding, "blob_fill("))
        return false;
    size_t digits = 0;
    fill->size = 0;
    for (;
         digits < encoding.length && encoding.bytes[digits] >= '0' && encoding.bytes[digits] <= '9';
         digits++) {
        if (fill->size <= NVS_BLOB_MAX) /* larger stays too large */
            fill->size = fill->size * 10 + (size_t)(encoding.bytes[digits] - '0');
    }
    encoding = (struct nvs_text){encoding.bytes + digits, encoding.length - digits};
    if (digits == 0 || !skip_word(&encoding, ";0x") || encoding.length != 3)
        return false;
    const int high = hex_digit(encoding.bytes[0]), low = hex_digit(encoding.bytes[1]);
    if (high < 0 || low < 0 || encoding.bytes[2] != ')')
        return false;
    fill->pad = (uint8_t)(high * 16 + low);
    return true;
}
