/* device/agent/json.c: see json.h. */
#include "device/agent/json.h"

#include <string.h>

/* A place in a text, and what is open there. */
struct walk {
    const uint8_t *at, *end;
    unsigned depth;
    uint32_t objects; /* a bit for each open one, the innermost lowest: object, not array */
};
_Static_assert(JSON_DEPTH_MAX <= 32, "one bit each");

/* NUL, which stands nowhere in JSON, behind the end. */
static uint8_t peek(const struct walk *walk)
{
    return walk->at < walk->end ? *walk->at : 0;
}

static bool take(struct walk *walk, char c)
{
    if (peek(walk) != (uint8_t)c || c == '\0')
        return false;
    walk->at++;
    return true;
}

static void skip_blanks(struct walk *walk)
{
    while (peek(walk) == ' ' || peek(walk) == '\t' || peek(walk) == '\r' || peek(walk) == '\n')
        walk->at++;
}

/* --- strings ------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool take_hex(struct walk *walk, uint32_t *unit)
{
    *unit = 0;
    for (unsigned i = 0; i < 4; i++) {
        int digit = hex_digit(peek(walk));
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
        walk->at++;
    }
    return true;
}

/* Behind "\u": one UTF-16 unit, or two that belong together. */
static bool take_utf16(struct walk *walk, uint32_t *code)
{
    uint32_t low;
    if (!take_hex(walk, code) || (*code >= 0xDC00 && *code <= 0xDFFF))
        return false;
    if (*code < 0xD800 || *code > 0xDBFF)
        return true;
    if (!take(walk, '\\') || !take(walk, 'u') || !take_hex(walk, &low) || low < 0xDC00 ||
        low > 0xDFFF)
        return false;
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

/* Behind a backslash. */
static bool take_escape(struct walk *walk, uint32_t *code)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    if (take(walk, 'u'))
        return take_utf16(walk, code);
    const char *found = peek(walk) != 0 ? strchr(letters, peek(walk)) : NULL;
    if (found == NULL)
        return false;
    *code = (uint8_t)meant[found - letters];
    walk->at++;
    return true;
}

/* Two to four bytes; no longer form than needed, no surrogate, nothing above 10FFFF. */
static bool take_utf8(struct walk *walk, uint32_t *code)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint8_t lead = peek(walk);
    unsigned more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC0 || lead > 0xF7)
        return false;
    walk->at++;
    *code = lead & (0x3Fu >> more);
    for (unsigned i = 0; i < more; i++, walk->at++) {
        if ((peek(walk) & 0xC0) != 0x80)
            return false;
        *code = *code << 6 | (peek(walk) & 0x3Fu);
    }
    return *code >= least[more] && *code <= 0x10FFFF && (*code < 0xD800 || *code > 0xDFFF);
}

/* One character of a string, which has not ended. */
static bool take_character(struct walk *walk, uint32_t *code)
{
    if (take(walk, '\\'))
        return take_escape(walk, code);
    *code = peek(walk);
    if (*code >= 0x80)
        return take_utf8(walk, code);
    walk->at++;
    return *code >= ' ';
}

/* As UTF-8; the number of bytes. */
static size_t encode(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    for (size_t i = more; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
    out[0] = (uint8_t)(0xF00u >> (more + 1) | code);
    return more + 1;
}

static bool take_string(struct walk *walk)
{
    uint32_t code;
    if (!take(walk, '"'))
        return false;
    while (!take(walk, '"')) {
        if (walk->at == walk->end || !take_character(walk, &code))
            return false;
    }
    return true;
}

/* --- values -------------------------------------------------------------------------------- */

static bool take_digits(struct walk *walk)
{
    const uint8_t *start = walk->at;
    while (peek(walk) >= '0' && peek(walk) <= '9')
        walk->at++;
    return walk->at > start;
}

static bool take_number(struct walk *walk)
{
    (void)take(walk, '-');
    if (!take(walk, '0') && !take_digits(walk))
        return false;
    if (take(walk, '.') && !take_digits(walk))
        return false;
    if (!take(walk, 'e') && !take(walk, 'E'))
        return true;
    if (!take(walk, '+'))
        (void)take(walk, '-');
    return take_digits(walk);
}

static bool take_word(struct walk *walk, const char *word)
{
    while (*word != '\0') {
        if (!take(walk, *word++))
            return false;
    }
    return true;
}

static bool take_scalar(struct walk *walk)
{
    switch (peek(walk)) {
    case '"':
        return take_string(walk);
    case 't':
        return take_word(walk, "true");
    case 'f':
        return take_word(walk, "false");
    case 'n':
        return take_word(walk, "null");
    default:
        return take_number(walk);
    }
}

/* "name": and the blanks behind it. */
static bool take_name(struct walk *walk)
{
    if (!take_string(walk))
        return false;
    skip_blanks(walk);
    if (!take(walk, ':'))
        return false;
    skip_blanks(walk);
    return true;
}

/* A value as a whole or, with *inside, up to the first value in it. */
static bool take_start(struct walk *walk, bool *inside)
{
    bool object = peek(walk) == '{';
    *inside = false;
    if (!object && peek(walk) != '[')
        return take_scalar(walk);
    if (walk->depth == JSON_DEPTH_MAX)
        return false;
    walk->at++;
    skip_blanks(walk);
    if (take(walk, object ? '}' : ']'))
        return true;
    walk->depth++;
    walk->objects = walk->objects << 1 | object;
    *inside = true;
    return !object || take_name(walk);
}

/* Behind a value: up to the next one within what is open (*more), or all that is open ends. */
static bool take_rest(struct walk *walk, bool *more)
{
    *more = false;
    while (walk->depth > 0) {
        bool object = (walk->objects & 1) != 0;
        skip_blanks(walk);
        if (take(walk, ',')) {
            skip_blanks(walk);
            *more = true;
            return !object || take_name(walk);
        }
        if (!take(walk, object ? '}' : ']'))
            return false;
        walk->depth--;
        walk->objects >>= 1;
    }
    return true;
}

static bool take_value(struct walk *walk, struct json *value)
{
    bool more;
    value->text = walk->at;
    do {
        if (!take_start(walk, &more) || (!more && !take_rest(walk, &more)))
            return false;
    } while (more);
    value->length = (size_t)(walk->at - value->text);
    return true;
}

bool json_open(const uint8_t *bytes, size_t length, struct json *value)
{
    struct walk walk = {.at = bytes, .end = bytes + length};
    skip_blanks(&walk);
    bool good = take_value(&walk, value);
    skip_blanks(&walk);
    return good && walk.at == walk.end;
}

/* --- walking through what was judged -------------------------------------------------------- */

/* Into an object or array; false when it is neither or empty. */
static bool enter(struct json value, char opening, struct walk *walk)
{
    *walk = (struct walk){.at = value.text, .end = value.text + value.length};
    if (!take(walk, opening))
        return false;
    skip_blanks(walk);
    return peek(walk) != '}' && peek(walk) != ']';
}

/* Behind a value: is there another? */
static bool next(struct walk *walk)
{
    skip_blanks(walk);
    bool another = take(walk, ',');
    skip_blanks(walk);
    return another;
}

bool json_member(struct json object, const char *name, struct json *value)
{
    struct walk walk;
    unsigned found = 0;
    bool another = enter(object, '{', &walk);
    while (another) {
        struct json key = {walk.at, 0}, member;
        if (!take_string(&walk))
            return false;
        key.length = (size_t)(walk.at - key.text);
        skip_blanks(&walk);
        walk.at++; /* the colon */
        skip_blanks(&walk);
        if (!take_value(&walk, &member))
            return false;
        if (json_equals(key, name)) {
            *value = member;
            found++;
        }
        another = next(&walk);
    }
    return found == 1;
}

bool json_element(struct json array, size_t index, struct json *value)
{
    struct walk walk;
    bool another = enter(array, '[', &walk);
    for (size_t i = 0; another; i++, another = next(&walk)) {
        if (!take_value(&walk, value))
            return false;
        if (i == index)
            return true;
    }
    return false;
}

bool json_text(struct json value, char *out, size_t size)
{
    struct walk walk = {.at = value.text, .end = value.text + value.length};
    size_t used = 0;
    if (!take(&walk, '"'))
        return false;
    while (!take(&walk, '"')) {
        uint32_t code;
        uint8_t bytes[4];
        if (!take_character(&walk, &code) || code == 0)
            return false;
        size_t length = encode(code, bytes);
        if (length >= size - used)
            return false;
        memcpy(out + used, bytes, length);
        used += length;
    }
    if (used >= size)
        return false;
    out[used] = '\0';
    return true;
}

bool json_equals(struct json value, const char *text)
{
    struct walk walk = {.at = value.text, .end = value.text + value.length};
    if (!take(&walk, '"'))
        return false;
    while (!take(&walk, '"')) {
        uint32_t code;
        uint8_t bytes[4];
        if (!take_character(&walk, &code) || code == 0)
            return false;
        size_t length = encode(code, bytes);
        if (strncmp(text, (const char *)bytes, length) != 0)
            return false;
        text += length;
    }
    return *text == '\0';
}

bool json_number(struct json value, uint32_t *number)
{
    uint32_t result = 0;
    for (size_t i = 0; i < value.length; i++) {
        uint32_t digit = (uint32_t)value.text[i] - '0';
        if (digit > 9 || result > (UINT32_MAX - digit) / 10)
            return false;
        result = result * 10 + digit;
    }
    *number = result;
    return value.length > 0;
}
