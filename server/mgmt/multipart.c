/* server/mgmt/multipart.c: see server/mgmt/multipart.h. */
#include "server/mgmt/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A piece of text, and how to walk over it. */
struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
}

static bool is_token(char c)
{
    return c > ' ' && c < 0x7F && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

static bool take_token(struct cursor *cursor, const char **text, size_t *length)
{
    *text = cursor->at;
    while (cursor->at < cursor->end && is_token(*cursor->at))
        cursor->at++;
    *length = (size_t)(cursor->at - *text);
    return *length > 0;
}

/* A token, or a text in quotes: `\` before a character as old clients write it, %22 for a quote as
 * browsers do (RFC 7578, 2). Control characters are nobody's. */
static bool take_value(struct cursor *cursor, char *out, size_t size)
{
    size_t used = 0;
    const char *text;
    size_t length;
    if (!take(cursor, "\"")) {
        if (!take_token(cursor, &text, &length) || length >= size)
            return false;
        memcpy(out, text, length);
        out[length] = '\0';
        return true;
    }
    while (cursor->at < cursor->end && *cursor->at != '"') {
        char c = *cursor->at++;
        if (c == '\\' && cursor->at < cursor->end && (*cursor->at == '"' || *cursor->at == '\\'))
            c = *cursor->at++;
        else if (c == '%' && cursor->end - cursor->at >= 2 && memcmp(cursor->at, "22", 2) == 0)
            c = '"', cursor->at += 2;
        if ((unsigned char)c < ' ' || c == 0x7F || used + 1 >= size)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return take(cursor, "\"");
}

/* One "; name=value"; *length 0: the text is over. */
static bool take_parameter(struct cursor *cursor, const char **name, size_t *length, char *out,
                           size_t size)
{
    *length = 0;
    skip_blanks(cursor);
    if (cursor->at == cursor->end)
        return true;
    if (!take(cursor, ";"))
        return false;
    skip_blanks(cursor);
    return take_token(cursor, name, length) && take(cursor, "=") && take_value(cursor, out, size);
}

static bool name_is(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(text, name, length) == 0;
}

static bool read_boundary(const char *type, char out[MULTIPART_BOUNDARY_MAX + 1])
{
    char value[MULTIPART_FILENAME_MAX + 1];
    struct cursor cursor = {type, type + strlen(type)};
    const char *name;
    size_t length;
    bool found = false;
    static const char form[] = "multipart/form-data";
    if (strncasecmp(type, form, strlen(form)) != 0)
        return false;
    cursor.at += strlen(form);
    while (take_parameter(&cursor, &name, &length, value, sizeof value)) {
        if (length == 0)
            return found;
        if (!name_is(name, length, "boundary"))
            continue;
        size_t boundary = strlen(value);
        if (found || boundary == 0 || boundary > MULTIPART_BOUNDARY_MAX)
            return false;
        memcpy(out, value, boundary + 1);
        found = true;
    }
    return false;
}

/* After a delimiter: the head of a part, or the end. */
static bool take_line_end(struct multipart *reader)
{
    struct cursor cursor = {reader->at, reader->end};
    if (take(&cursor, "--")) {
        reader->over = true;
        (void)take(&cursor, "\r\n");
        reader->at = cursor.at;
        return cursor.at == cursor.end;
    }
    bool good = take(&cursor, "\r\n");
    reader->at = cursor.at;
    return good;
}

bool multipart_open(struct multipart *reader, const char *type, const char *body, size_t length)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    *reader = (struct multipart){.at = body, .end = body + length};
    if (!read_boundary(type, boundary))
        return false;
    reader->delimiter_length =
        (size_t)snprintf(reader->delimiter, sizeof reader->delimiter, "\r\n--%s", boundary);
    struct cursor cursor = {reader->at, reader->end};
    if (!take(&cursor, reader->delimiter + 2)) /* the first one has no line before it */
        return false;
    reader->at = cursor.at;
    return take_line_end(reader);
}

/* form-data; name="file"; filename="fw.bin" */
static bool read_disposition(struct cursor cursor, struct multipart_part *part)
{
    char value[MULTIPART_FILENAME_MAX + 1];
    const char *name;
    size_t length;
    bool named = false;
    skip_blanks(&cursor);
    if (!take_token(&cursor, &name, &length) || !name_is(name, length, "form-data"))
        return false;
    while (take_parameter(&cursor, &name, &length, value, sizeof value)) {
        if (length == 0)
            return named;
        size_t value_length = strlen(value);
        if (name_is(name, length, "name")) {
            if (named || value_length == 0 || value_length > MULTIPART_NAME_MAX)
                return false;
            memcpy(part->name, value, value_length + 1);
            named = true;
        } else if (name_is(name, length, "filename")) {
            if (part->is_file)
                return false;
            memcpy(part->filename, value, value_length + 1);
            part->is_file = true;
        }
    }
    return false;
}

static bool read_header(struct cursor line, struct multipart_part *part)
{
    const char *name;
    size_t length;
    if (!take_token(&line, &name, &length) || !take(&line, ":"))
        return false;
    if (name_is(name, length, "content-transfer-encoding"))
        return false; /* RFC 7578, 4.7: nobody sends it, nobody agrees on it */
    if (!name_is(name, length, "content-disposition"))
        return true;
    return part->name[0] == '\0' && read_disposition(line, part);
}

/* Up to and with the empty line. */
static bool read_head(struct multipart *reader, struct multipart_part *part)
{
    const char *start = reader->at;
    for (;;) {
        size_t left = (size_t)(reader->end - reader->at);
        const char *line_end = memmem(reader->at, left, "\r\n", 2);
        if (line_end == NULL || line_end - start > MULTIPART_HEADERS_MAX)
            return false;
        struct cursor line = {reader->at, line_end};
        reader->at = line_end + 2;
        if (line.at == line.end)
            return part->name[0] != '\0';
        if (!read_header(line, part))
            return false;
    }
}

enum multipart_step multipart_next(struct multipart *reader, struct multipart_part *part)
{
    *part = (struct multipart_part){.data = reader->at};
    if (reader->over)
        return MULTIPART_END;
    if (++reader->parts > MULTIPART_PARTS_MAX || !read_head(reader, part))
        return MULTIPART_BROKEN;
    part->data = reader->at;
    const char *end = memmem(reader->at, (size_t)(reader->end - reader->at), reader->delimiter,
                             reader->delimiter_length);
    if (end == NULL)
        return MULTIPART_BROKEN;
    part->length = (size_t)(end - part->data);
    reader->at = end + reader->delimiter_length;
    return take_line_end(reader) ? MULTIPART_PART : MULTIPART_BROKEN;
}
