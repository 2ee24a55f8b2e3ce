/* The partition CSV, read (formats.md 3.3). One pass over the text, a row at a time: cut it into
 * fields, read each, then give the row its place behind the rows before it. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/partition.h"
#include "chain/partition_names.h"
#include "chain/text.h"

#define TABLE_SECTOR_BYTES 0x1000u
#define BOOTLOADER_OFFSET  0u /* ESP32-C6: the bootloader is at the start of flash */
#define TYPE_MAX           0xFEu
#define ROW_BYTES          1024 /* of a row that has variables */
#define VARIABLE_BYTES     64   /* of a variable's name, with its NUL */

enum { NAME, TYPE, SUBTYPE, OFFSET, SIZE, FLAGS, FIELDS };

static const char *const field_names[FIELDS] = {"name",   "type", "subtype",
                                                "offset", "size", "flags"};

/* A piece of the caller's text. */
struct piece {
    const char *at;
    size_t length;
};

/* A number as written: magnitude and sign. */
struct number {
    uint32_t value;
    bool negative;
};

struct reader {
    struct piece rest; /* text not yet read */
    unsigned line;     /* number of the line being read */
    const struct partition_csv *how;
    uint32_t running_end; /* where a row without an offset goes */
    struct partition_table *table;
    unsigned lines[PARTITION_ENTRIES_MAX]; /* where each entry came from */
    struct partition_problem *problem;
    char row[ROW_BYTES]; /* the line with its variables put in */
};

static int refuse(struct reader *reader, const char *what)
{
    struct text text;
    reader->problem->line = reader->line;
    text_begin(&text, reader->problem->text, sizeof reader->problem->text);
    text_string(&text, what);
    return CHAIN_ESYNTAX;
}

/* "<what> '<piece>' <why>" */
static int refuse_named(struct reader *reader, const char *what, struct piece piece,
                        const char *why)
{
    const size_t shown = piece.length < 40 ? piece.length : 40;
    struct text text;
    reader->problem->line = reader->line;
    text_begin(&text, reader->problem->text, sizeof reader->problem->text);
    text_string(&text, what);
    text_char(&text, ' ');
    text_quoted(&text, piece.at, shown);
    text_char(&text, ' ');
    text_string(&text, why);
    return CHAIN_ESYNTAX;
}

static int refuse_field(struct reader *reader, int field, struct piece piece, const char *why)
{
    return refuse_named(reader, field_names[field], piece, why);
}

/* Bytes of the white space character at the end; 0 for none. */
static size_t blank_at_end(struct piece piece)
{
    for (size_t n = 1; n <= 3 && n <= piece.length; n++) {
        if (text_blank(piece.at + piece.length - n, n) == n)
            return n;
    }
    return 0;
}

static struct piece trim(struct piece piece)
{
    size_t blank;
    while ((blank = text_blank(piece.at, piece.length)) > 0) {
        piece.at += blank;
        piece.length -= blank;
    }
    while ((blank = blank_at_end(piece)) > 0)
        piece.length -= blank;
    return piece;
}

/* Take off everything up to `separator`, which is dropped; the whole piece when there is none. */
static struct piece take_until(struct piece *rest, char separator)
{
    struct piece taken = {rest->at, 0};
    while (taken.length < rest->length && rest->at[taken.length] != separator)
        taken.length++;
    const size_t used = taken.length + (taken.length < rest->length ? 1 : 0);
    rest->at += used;
    rest->length -= used;
    return taken;
}

static struct piece take_line(struct piece *rest)
{
    struct piece line = {rest->at, 0};
    size_t end = 0;
    while (line.length < rest->length &&
           (end = text_line_break(rest->at + line.length, rest->length - line.length)) == 0)
        line.length++;
    rest->at += line.length + end;
    rest->length -= line.length + end;
    return line;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

/* K and M at the end, taken off; the factor they stand for, 0 when it is beyond 32 bits. */
static uint64_t take_suffixes(struct piece *piece)
{
    uint64_t factor = 1;
    while (piece->length > 0 && factor <= UINT32_MAX) {
        const char last = piece->at[piece->length - 1];
        const bool k = last == 'k' || last == 'K';
        if (!k && last != 'm' && last != 'M')
            return factor;
        factor *= k ? 1024 : 1024 * 1024;
        piece->length--;
        *piece = trim(*piece);
    }
    return factor <= UINT32_MAX ? factor : 0;
}

/* 0x, 0o or 0b at the start, taken off; the base. */
static int take_base(struct piece *piece)
{
    if (piece->length < 2 || piece->at[0] != '0')
        return 10;
    const char mark = piece->at[1];
    const int base = mark == 'x' || mark == 'X'   ? 16
                     : mark == 'o' || mark == 'O' ? 8
                     : mark == 'b' || mark == 'B' ? 2
                                                  : 10;
    if (base != 10) {
        piece->at += 2;
        piece->length -= 2;
    }
    return base;
}

/* Digits, single underscores between them (and behind the base's mark). */
static bool digits_parse(struct piece piece, int base, bool marked, uint64_t *value)
{
    bool digit_before = marked, any = false;
    *value = 0;
    for (size_t i = 0; i < piece.length; i++) {
        const int digit = digit_value(piece.at[i]);
        if (piece.at[i] == '_' && digit_before) {
            digit_before = false;
            continue;
        }
        if (digit >= base)
            return false;
        *value = *value * (unsigned)base + (unsigned)digit;
        if (*value > UINT32_MAX)
            return false;
        digit_before = any = true;
    }
    return any && digit_before;
}

/* What Python's int(text, 0) takes, with K or M behind it; at most 32 bits. A decimal number but 0
 * itself does not begin with 0: elsewhere that would mean octal. */
static bool number_parse(struct piece piece, struct number *number)
{
    const uint64_t factor = take_suffixes(&piece);
    number->negative = piece.length > 0 && piece.at[0] == '-';
    if (number->negative || (piece.length > 0 && piece.at[0] == '+')) {
        piece.at++;
        piece.length--;
    }
    const bool zero_first = piece.length > 1 && piece.at[0] == '0';
    const int base = take_base(&piece);
    uint64_t value;
    if (!digits_parse(piece, base, base != 10, &value) || (base == 10 && zero_first && value != 0))
        return false;
    value *= factor;
    number->value = (uint32_t)value;
    return factor != 0 && value <= UINT32_MAX;
}

static int read_name(struct reader *reader, struct piece piece, struct partition *entry)
{
    if (piece.length > PARTITION_LABEL_BYTES)
        return refuse_field(reader, NAME, piece, "is too long (at most 16 bytes)");
    for (size_t i = 0; i < piece.length; i++) {
        if (piece.at[i] == '\t')
            return refuse_field(reader, NAME, piece, "has a tab in it (use other letters)");
    }
    memset(entry->label, 0, sizeof entry->label);
    if (piece.length > 0)
        memcpy(entry->label, piece.at, piece.length);
    return CHAIN_OK;
}

static int read_type(struct reader *reader, struct piece piece, struct partition *entry)
{
    struct number number;
    if (piece.length == 0)
        return refuse(reader, "the type is missing (app, data or a number)");
    if (number_parse(piece, &number)) {
        if (number.negative || number.value > TYPE_MAX)
            return refuse_field(reader, TYPE, piece, "is out of range (0 to 0xfe)");
        entry->type = (uint8_t)number.value;
        return CHAIN_OK;
    }
    if (!partition_type_parse(piece.at, piece.length, &entry->type))
        return refuse_field(reader, TYPE, piece,
                            "is unknown (app, data, bootloader, partition_table or a number)");
    return CHAIN_OK;
}

static int read_subtype(struct reader *reader, struct piece piece, struct partition *entry)
{
    struct number number;
    if (piece.length == 0) {
        if (entry->type == PARTITION_APP)
            return refuse(reader, "an app needs a subtype (factory, test or ota_0 to ota_15)");
        entry->subtype = PARTITION_DATA_UNDEFINED;
        return CHAIN_OK;
    }
    if (number_parse(piece, &number)) {
        if (number.negative || number.value > UINT8_MAX)
            return refuse_field(reader, SUBTYPE, piece, "is out of range (0 to 0xff)");
        entry->subtype = (uint8_t)number.value;
        return CHAIN_OK;
    }
    if (!partition_subtype_parse(entry->type, piece.at, piece.length, &entry->subtype))
        return refuse_field(reader, SUBTYPE, piece,
                            "is no subtype of this type (see the list in formats.md 3.1)");
    return CHAIN_OK;
}

static int read_flags(struct reader *reader, struct piece piece, struct partition *entry)
{
    entry->flags = 0;
    while (piece.length > 0) {
        const struct piece flag = take_until(&piece, ':');
        if (flag.length == 9 && memcmp(flag.at, "encrypted", 9) == 0)
            entry->flags |= PARTITION_ENCRYPTED;
        else if (flag.length == 8 && memcmp(flag.at, "readonly", 8) == 0)
            entry->flags |= PARTITION_READONLY;
        else if (flag.length > 0)
            return refuse_field(reader, FLAGS, flag, "is unknown (encrypted, readonly)");
    }
    return CHAIN_OK;
}

/* Bootloader and table entries that describe the fixed beginning of flash. Their place is known,
 * whatever the row says, and the running end passes them by. */
static bool place_primary(const struct reader *reader, struct partition *entry)
{
    if (entry->type == PARTITION_BOOTLOADER && entry->subtype == PARTITION_BOOTLOADER_PRIMARY) {
        entry->offset = BOOTLOADER_OFFSET;
        entry->size = reader->how->table_offset - BOOTLOADER_OFFSET;
        return true;
    }
    if (entry->type == PARTITION_PARTITION_TABLE &&
        entry->subtype == PARTITION_PARTITION_TABLE_PRIMARY) {
        entry->offset = reader->how->table_offset;
        entry->size = TABLE_SECTOR_BYTES;
        return true;
    }
    return false;
}

static int read_offset(struct reader *reader, struct piece piece, struct partition *entry)
{
    struct number number;
    if (piece.length > 0) {
        if (!number_parse(piece, &number) || number.negative)
            return refuse_field(reader, OFFSET, piece,
                                "is no offset (decimal or 0x..., K or M may follow)");
        if (number.value < reader->running_end) {
            struct text text;
            refuse_field(reader, OFFSET, piece, "overlaps what is before it");
            text_begin(&text, reader->problem->text, sizeof reader->problem->text);
            text_string(&text, "offset ");
            text_hex(&text, number.value);
            text_string(&text, " is taken (the first free offset here is ");
            text_hex(&text, reader->running_end);
            text_string(&text, "; rows are in flash order)");
            return CHAIN_EOVERLAP;
        }
        entry->offset = number.value;
        return CHAIN_OK;
    }
    if (entry->type == PARTITION_BOOTLOADER && entry->subtype == PARTITION_BOOTLOADER_RECOVERY)
        return refuse(reader, "a recovery bootloader needs an offset");
    const uint32_t align = entry->type == PARTITION_APP ? 0x10000 : 0x1000;
    if (!round_up_u32(reader->running_end, align, &entry->offset))
        return refuse(reader, "no room left for this partition");
    return CHAIN_OK;
}

static int read_size(struct reader *reader, struct piece piece, struct partition *entry)
{
    struct number number;
    if (entry->type == PARTITION_BOOTLOADER) {
        entry->size = reader->how->table_offset - BOOTLOADER_OFFSET;
        return CHAIN_OK;
    }
    if (entry->type == PARTITION_PARTITION_TABLE) {
        entry->size = TABLE_SECTOR_BYTES;
        return CHAIN_OK;
    }
    if (piece.length == 0)
        return refuse(reader, "the size is missing (for example 0x6000, 16K or 1M)");
    if (!number_parse(piece, &number))
        return refuse_field(reader, SIZE, piece,
                            "is no size (decimal or 0x..., K or M may follow)");
    if (number.negative && number.value <= entry->offset)
        return refuse_field(reader, SIZE, piece, "ends before the partition starts");
    entry->size = number.negative ? number.value - entry->offset : number.value;
    return CHAIN_OK;
}

static int read_place(struct reader *reader, const struct piece *fields, struct partition *entry)
{
    if (place_primary(reader, entry))
        return CHAIN_OK;
    int error = read_offset(reader, fields[OFFSET], entry);
    if (error == CHAIN_OK)
        error = read_size(reader, fields[SIZE], entry);
    if (error == CHAIN_OK && !sum_u32(entry->offset, entry->size, &reader->running_end))
        error = refuse_field(reader, SIZE, fields[SIZE], "is beyond 4 GB");
    return error;
}

/* What no row may contain: the table's own text must come out of it again. */
static int check_characters(struct reader *reader, struct piece line)
{
    for (size_t i = 0; i < line.length; i++) {
        const unsigned char c = (unsigned char)line.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7F ||
            text_line_break(line.at + i, line.length - i) > 0)
            return refuse(reader, "a control character (save the file as plain text)");
    }
    if (!text_is_utf8(line.at, line.length))
        return refuse(reader, "the text is not UTF-8 (save it as UTF-8)");
    return CHAIN_OK;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The name behind a `$`, bare or in braces, taken off; empty when there is none. */
static struct piece take_variable(struct piece *rest)
{
    struct piece name = {rest->at, 0};
    if (rest->length > 0 && rest->at[0] == '{') {
        struct piece inside = {rest->at + 1, rest->length - 1};
        name = take_until(&inside, '}');
        if (name.length == rest->length - 1) /* never closed */
            return (struct piece){rest->at, 0};
        *rest = inside;
        return name;
    }
    while (name.length < rest->length && is_word(rest->at[name.length]))
        name.length++;
    rest->at += name.length;
    rest->length -= name.length;
    return name;
}

/* The value, appended to the expanded row. */
static int put_variable(struct reader *reader, struct piece name, size_t *length)
{
    char text[VARIABLE_BYTES];
    const char *value = NULL;
    if (name.length == 0)
        return refuse(reader, "a '$' without a variable (write $NAME, ${NAME} or the value)");
    if (name.length < sizeof text && reader->how->variable != NULL) {
        memcpy(text, name.at, name.length);
        text[name.length] = '\0';
        value = reader->how->variable(text);
    }
    if (value == NULL)
        return refuse_named(reader, "variable", name, "is not set (set it, or write the value)");
    for (; *value != '\0'; value++) {
        if (*value == '$')
            return refuse_named(reader, "variable", name, "has a '$' in its value");
        if (*length == sizeof reader->row)
            return refuse(reader, "the row is too long with its variables");
        reader->row[(*length)++] = *value;
    }
    return CHAIN_OK;
}

/* Put the values of variables into the line; what is put in is not looked at again. */
static int expand(struct reader *reader, struct piece *line)
{
    struct piece rest = *line;
    size_t length = 0;
    if (take_until(&rest, '$').length == line->length)
        return CHAIN_OK;
    rest = *line;
    while (rest.length > 0) {
        const struct piece plain = take_until(&rest, '$');
        if (plain.length > sizeof reader->row - length)
            return refuse(reader, "the row is too long with its variables");
        memcpy(reader->row + length, plain.at, plain.length);
        length += plain.length;
        if (plain.at + plain.length == line->at + line->length)
            break;
        const int error = put_variable(reader, take_variable(&rest), &length);
        if (error != CHAIN_OK)
            return error;
    }
    *line = trim((struct piece){reader->row, length});
    return CHAIN_OK;
}

static int read_row(struct reader *reader, struct piece line)
{
    int error = check_characters(reader, line);
    if (error != CHAIN_OK)
        return error;
    if (reader->table->count == PARTITION_ENTRIES_MAX - 1) {
        refuse(reader, "too many partitions (at most 94)");
        return CHAIN_ESPACE;
    }
    struct piece fields[FIELDS];
    for (int i = 0; i < FIELDS; i++)
        fields[i] = trim(take_until(&line, ','));

    reader->lines[reader->table->count] = reader->line;
    struct partition *entry = &reader->table->entry[reader->table->count++];
    error = read_name(reader, fields[NAME], entry);
    if (error == CHAIN_OK)
        error = read_type(reader, fields[TYPE], entry);
    if (error == CHAIN_OK)
        error = read_subtype(reader, fields[SUBTYPE], entry);
    if (error == CHAIN_OK)
        error = read_place(reader, fields, entry);
    if (error == CHAIN_OK)
        error = read_flags(reader, fields[FLAGS], entry);
    return error;
}

static bool starts_with(struct piece piece, const char *bytes, size_t length)
{
    return piece.length >= length && memcmp(piece.at, bytes, length) == 0;
}

static int check_encoding(struct reader *reader)
{
    if (starts_with(reader->rest, "\xEF\xBB\xBF", 3)) {
        reader->rest.at += 3;
        reader->rest.length -= 3;
    } else if (starts_with(reader->rest, "\xFF\xFE", 2) ||
               starts_with(reader->rest, "\xFE\xFF", 2) ||
               starts_with(reader->rest, "\0\0\xFE\xFF", 4)) {
        reader->line = 1;
        return refuse(reader, "the text is UTF-16 or UTF-32 (save it as UTF-8)");
    }
    return CHAIN_OK;
}

/* A line that is none of a table, or its row. */
static int read_line(struct reader *reader, struct piece line)
{
    if (line.length == 0 || line.at[0] == '#')
        return CHAIN_OK;
    int error = check_characters(reader, line);
    if (error == CHAIN_OK)
        error = expand(reader, &line);
    if (error != CHAIN_OK || line.length == 0 || line.at[0] == '#')
        return error;
    return read_row(reader, line);
}

static void warn_of_names(const struct reader *reader)
{
    for (size_t i = 0; reader->how->warn != NULL && i < reader->table->count; i++) {
        struct partition_problem problem = {.line = reader->lines[i]};
        if (partition_name_misleads(&reader->table->entry[i], &problem))
            reader->how->warn(reader->how->context, &problem);
    }
}

int partition_csv_parse(const char *text, size_t length, const struct partition_csv *how,
                        struct partition_table *table, struct partition_problem *problem)
{
    struct reader reader = {.rest = {text, length}, .how = how, .table = table, .problem = problem};
    table->count = 0;
    if (!sum_u32(how->table_offset, TABLE_SECTOR_BYTES, &reader.running_end))
        return refuse(&reader, "the partition table itself is beyond 4 GB");
    int error = check_encoding(&reader);
    while (error == CHAIN_OK && reader.rest.length > 0) {
        reader.line++;
        error = read_line(&reader, trim(take_line(&reader.rest)));
    }
    if (error != CHAIN_OK)
        return error;
    error = partition_table_check(table, how->table_offset, how->flash_size, problem);
    if (error != CHAIN_OK && problem->line > 0)
        problem->line = reader.lines[problem->line - 1];
    if (error == CHAIN_OK)
        warn_of_names(&reader);
    return error;
}
