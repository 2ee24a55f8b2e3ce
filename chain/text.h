/* chain/text.h: writing text into a fixed buffer, without stdio; and recognising UTF-8.
 *
 * The caller owns the buffer, which is NUL-terminated after every call (size > 0). What does not
 * fit is dropped and remembered: ask text_complete() once at the end.
 */
#ifndef CHAIN_TEXT_H
#define CHAIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *out;
    size_t size;   /* of out, NUL included */
    size_t length; /* written so far, without NUL */
    bool cut;      /* something did not fit */
};

void text_begin(struct text *text, char *out, size_t size);
void text_char(struct text *text, char c);
void text_string(struct text *text, const char *string);
void text_decimal(struct text *text, uint32_t value);
void text_hex(struct text *text, uint32_t value); /* 0x and lower-case digits */

/* Bytes from outside, for a message: everything that is not printable ASCII becomes '?'. */
void text_quoted(struct text *text, const char *bytes, size_t length);

bool text_complete(const struct text *text);

/* Bytes of the white space character `bytes` begins with, as Unicode has them and Python's strip();
 * 0 for anything else. */
size_t text_blank(const char *bytes, size_t length);

/* Bytes of the line break there: LF, CR, CR LF, and what else Python's splitlines() knows. 0 for
 * anything else. */
size_t text_line_break(const char *bytes, size_t length);

/* Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_is_utf8(const char *bytes, size_t length);

#endif
