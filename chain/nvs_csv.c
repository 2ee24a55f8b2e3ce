#include "chain/nvs_csv.h"

#include <stdbool.h>
#include <string.h>

#include "chain/error.h"
#include "chain/nvs_value.h"
#include "chain/text.h"

enum column { COLUMN_KEY, COLUMN_TYPE, COLUMN_ENCODING, COLUMN_VALUE, COLUMNS };

static const char *const column_names[COLUMNS] = {"key", "type", "encoding", "value"};

struct csv {
    char *at, *end;
    unsigned line;           /* that `at` is on */
    size_t columns[COLUMNS]; /* where the header has each */
    const struct nvs_files *files;
    struct nvs_writer *writer;
    struct nvs_problem *problem;
    char names[NVS_NAMESPACES_MAX][NVS_KEY_MAX + 1]; /* of the namespaces, the open one last */
};

/* One row: its four fields, and the line it begins on. */
struct row {
    unsigned line;
    struct nvs_text field[COLUMNS];
};

/* "key K: text" in the problem; returns the error. */
static int refuse(struct csv *csv, const struct row *row, int error, const char *text)
{
    struct text out;
    text_begin(&out, csv->problem->text, sizeof csv->problem->text);
    if (row->field[COLUMN_KEY].length > 0) {
        const size_t length = row->field[COLUMN_KEY].length;
        text_string(&out, "key ");
        text_quoted(&out, row->field[COLUMN_KEY].bytes, length < 32 ? length : 32);
        text_string(&out, ": ");
    }
    text_string(&out, text);
    csv->problem->line = row->line;
    return error;
}

static int refuse_line(struct csv *csv, int error, const char *text)
{
    const struct row nowhere = {.line = csv->line};
    return refuse(csv, &nowhere, error, text);
}

static bool text_is(struct nvs_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.bytes, word, text.length) == 0;
}

/* CR LF and CR become LF, as every text file is read there; new length. */
static size_t unify_newlines(char *text, size_t length)
{
    size_t out = 0;
    for (size_t at = 0; at < length; at++) {
        if (text[at] == '\r' && at + 1 < length && text[at + 1] == '\n')
            continue;
        text[out++] = text[at] == '\r' ? '\n' : text[at];
    }
    return out;
}

/* At the start of a line: past the lines that begin with '#', be it within quotes. */
static void skip_comments(struct csv *csv)
{
    while (csv->at < csv->end && *csv->at == '#') {
        char *newline = memchr(csv->at, '\n', (size_t)(csv->end - csv->at));
        csv->at = newline ? newline + 1 : csv->end;
        csv->line++;
    }
}

static void skip_to_row(struct csv *csv)
{
    for (skip_comments(csv); csv->at < csv->end && *csv->at == '\n'; skip_comments(csv)) {
        csv->at++;
        csv->line++;
    }
}

/* Behind the opening quote. The field closes up over its doubled quotes, in place. */
static int quoted_field(struct csv *csv, struct nvs_text *field)
{
    char *out = csv->at;
    *field = (struct nvs_text){csv->at, 0};
    while (csv->at < csv->end) {
        const char c = *csv->at++;
        if (c == '"' && (csv->at == csv->end || *csv->at != '"')) {
            field->length = (size_t)(out - field->bytes);
            if (csv->at == csv->end || *csv->at == ',' || *csv->at == '\n')
                return CHAIN_OK;
            return refuse_line(csv, CHAIN_ESYNTAX, "text follows a closing quote");
        }
        if (c == '"')
            csv->at++;
        *out++ = c;
        if (c == '\n') {
            csv->line++;
            skip_comments(csv);
        }
    }
    return refuse_line(csv, CHAIN_ESYNTAX, "the text ends within quotes");
}

static int next_field(struct csv *csv, struct nvs_text *field)
{
    if (csv->at < csv->end && *csv->at == '"') {
        csv->at++;
        return quoted_field(csv, field);
    }
    *field = (struct nvs_text){csv->at, 0};
    while (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n')
        csv->at++;
    field->length = (size_t)(csv->at - field->bytes);
    return CHAIN_OK;
}

/* Behind a field: true when the row goes on. */
static bool more_fields(struct csv *csv)
{
    if (csv->at == csv->end)
        return false;
    if (*csv->at++ == ',')
        return true;
    csv->line++;
    return false;
}

static int read_header(struct csv *csv)
{
    struct nvs_text field;
    size_t position = 0;
    bool found[COLUMNS] = {false};
    const unsigned line = csv->line;
    do {
        int error = next_field(csv, &field);
        if (error)
            return error;
        for (size_t i = 0; i < COLUMNS; i++) {
            if (text_is(field, column_names[i])) {
                csv->columns[i] = position;
                found[i] = true;
            }
        }
        position++;
    } while (more_fields(csv));
    for (size_t i = 0; i < COLUMNS; i++) {
        if (found[i])
            continue;
        csv->line = line;
        return refuse_line(csv, CHAIN_EMISSING, "must name the columns key,type,encoding,value");
    }
    return CHAIN_OK;
}

/* Fields that a short row lacks are NULL and empty; those beyond the header mean nothing. */
static int read_row(struct csv *csv, struct row *row)
{
    struct nvs_text field;
    size_t position = 0;
    *row = (struct row){.line = csv->line};
    do {
        int error = next_field(csv, &field);
        if (error)
            return error;
        for (size_t i = 0; i < COLUMNS; i++) {
            if (csv->columns[i] == position)
                row->field[i] = field;
        }
        position++;
    } while (more_fields(csv));
    return CHAIN_OK;
}

/* Opening the open namespace again is nothing; an earlier one cannot be gone back to (nvs.md 6). */
static int open_namespace(struct csv *csv, const struct row *row)
{
    const struct nvs_text name = row->field[COLUMN_KEY];
    const unsigned count = csv->writer->namespaces;
    for (unsigned i = 0; i < count; i++) {
        if (!text_is(name, csv->names[i]))
            continue;
        if (i + 1 == count)
            return CHAIN_OK;
        return refuse(csv, row, CHAIN_EDUPLICATE,
                      "the namespace was left before (keep all its keys in one place)");
    }
    int error = nvs_write_namespace(csv->writer, name.bytes, name.length);
    if (error == CHAIN_OK)
        memcpy(csv->names[count], name.bytes, name.length);
    return error;
}

static int write_integer(struct csv *csv, const struct row *row, enum nvs_type type,
                         struct nvs_text value)
{
    const struct nvs_key key = {row->field[COLUMN_KEY].bytes, row->field[COLUMN_KEY].length};
    uint64_t number;
    if (!nvs_value_integer(value, type, &number))
        return refuse(csv, row, CHAIN_EFIELD,
                      "the value is no decimal number of that encoding's range");
    return nvs_write_integer(csv->writer, key, type, number);
}

static int write_string(struct csv *csv, const struct row *row, struct nvs_text value)
{
    const struct nvs_key key = {row->field[COLUMN_KEY].bytes, row->field[COLUMN_KEY].length};
    if (value.length > 0 && memchr(value.bytes, 0, value.length) != NULL)
        return refuse(csv, row, CHAIN_EFIELD, "a string cannot hold a NUL byte (use binary)");
    if (!text_is_utf8(value.bytes, value.length))
        return refuse(csv, row, CHAIN_EFIELD, "a string must be UTF-8 (use binary)");
    if (value.length > NVS_STRING_MAX)
        return refuse(csv, row, CHAIN_EBOUNDS, "a string has at most 3967 bytes (use binary)");
    return nvs_write_string(csv->writer, key, value.bytes, value.length);
}

static int write_blob(struct csv *csv, const struct row *row, struct nvs_text value)
{
    const struct nvs_key key = {row->field[COLUMN_KEY].bytes, row->field[COLUMN_KEY].length};
    const struct nvs_text encoding = row->field[COLUMN_ENCODING];
    struct nvs_blob_parts parts = {0};
    struct nvs_fill fill;
    if (text_is(encoding, "hex2bin") && !nvs_value_hex(&value))
        return refuse(csv, row, CHAIN_EFIELD, "the value is not pairs of hex digits");
    if (text_is(encoding, "base64") && !nvs_value_base64(&value))
        return refuse(csv, row, CHAIN_EFIELD, "the value is not base64 with its padding");
    if (nvs_value_fill(encoding, &fill)) {
        if (value.length > fill.size)
            return refuse(csv, row, CHAIN_EBOUNDS, "the value is longer than its encoding says");
        parts.counted = fill.counted;
        parts.padding = fill.size - value.length;
        parts.pad = fill.pad;
    }
    parts.data = (const uint8_t *)value.bytes;
    parts.length = value.length;
    int error = nvs_write_blob(csv->writer, key, &parts);
    return error == CHAIN_EBOUNDS ? refuse(csv, row, error, "a blob has at most 127 chunks")
                                  : error;
}

static int write_value(struct csv *csv, const struct row *row, struct nvs_text value)
{
    static const struct {
        const char *name;
        enum nvs_type type;
    } integers[] = {
        {"u8", NVS_U8}, {"u16", NVS_U16}, {"u32", NVS_U32}, {"u64", NVS_U64},
        {"i8", NVS_I8}, {"i16", NVS_I16}, {"i32", NVS_I32}, {"i64", NVS_I64},
    };
    const struct nvs_text encoding = row->field[COLUMN_ENCODING];
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        if (text_is(encoding, integers[i].name))
            return write_integer(csv, row, integers[i].type, value);
    }
    if (text_is(encoding, "string"))
        return write_string(csv, row, value);
    struct nvs_fill fill;
    if (text_is(encoding, "binary") || text_is(encoding, "hex2bin") ||
        text_is(encoding, "base64") || nvs_value_fill(encoding, &fill))
        return write_blob(csv, row, value);
    return refuse(csv, row, CHAIN_EFIELD,
                  "unknown encoding (u8 to u64, i8 to i64, string, binary, hex2bin, base64, "
                  "blob_fill(N;0xHH), blob_sz_fill(...))");
}

static int write_file(struct csv *csv, const struct row *row)
{
    const struct nvs_text path = row->field[COLUMN_VALUE];
    struct nvs_text value;
    if (csv->files == NULL || !csv->files->load(csv->files->context, path.bytes, path.length,
                                                &value.bytes, &value.length))
        return refuse(csv, row, CHAIN_EMISSING, "the file it names cannot be read");
    int error = write_value(csv, row, value);
    csv->files->release(csv->files->context, value.bytes);
    return error;
}

static int write_row(struct csv *csv, const struct row *row)
{
    const struct nvs_text type = row->field[COLUMN_TYPE];
    if (text_is(type, "namespace"))
        return open_namespace(csv, row);
    if ((text_is(type, "data") || text_is(type, "file")) && row->field[COLUMN_VALUE].bytes == NULL)
        return refuse(csv, row, CHAIN_EMISSING, "the row ends before its value");
    if (text_is(type, "data"))
        return write_value(csv, row, row->field[COLUMN_VALUE]);
    if (text_is(type, "file"))
        return write_file(csv, row);
    return refuse(csv, row, CHAIN_EFIELD, "unknown type (namespace, data, file)");
}

/* What the writer refused, in the CSV's words. */
static int explain(struct csv *csv, const struct row *row, int error)
{
    if (csv->problem->text[0] != 0)
        return error;
    if (error == CHAIN_ESPACE && csv->writer->namespaces == NVS_NAMESPACES_MAX &&
        text_is(row->field[COLUMN_TYPE], "namespace"))
        return refuse(csv, row, error, "there can be no more than 254 namespaces");
    if (error == CHAIN_ESPACE)
        return refuse(csv, row, error, "does not fit any more (raise the size)");
    if (error == CHAIN_EFIELD)
        return refuse(csv, row, error, "a key has 1 to 15 printable ASCII characters");
    return refuse(csv, row, error, "comes before the first namespace");
}

int nvs_csv_write(char *text, size_t length, const struct nvs_files *files,
                  struct nvs_writer *writer, struct nvs_problem *problem)
{
    struct csv csv = {.line = 1, .files = files, .writer = writer, .problem = problem};
    *problem = (struct nvs_problem){0};
    if (!text_is_utf8(text, length) || memchr(text, 0, length) != NULL)
        return refuse(&csv, &(struct row){0}, CHAIN_ESYNTAX, "is not UTF-8 text");
    csv.at = text;
    csv.end = text + unify_newlines(text, length);
    skip_to_row(&csv);
    int error = read_header(&csv);
    for (skip_to_row(&csv); error == CHAIN_OK && csv.at < csv.end; skip_to_row(&csv)) {
        struct row row;
        error = read_row(&csv, &row);
        if (error == CHAIN_OK) {
            error = write_row(&csv, &row);
            if (error)
                error = explain(&csv, &row, error);
        }
    }
    return error;
}
