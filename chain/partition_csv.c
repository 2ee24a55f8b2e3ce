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
    uint32_t table_offset;
    uint32_t running_end; /* where a row without an offset goes */
    struct partition_table *table;
    unsigned lines[PARTITION_ENTRIES_MAX]; /* where each entry came from */
    struct partition_problem *problem;
};

static int refuse(struct reader *reader, const char *what)
{
    struct text text;
    reader->problem->line = reader->line;
    text_begin(&text, reader->problem->text, sizeof reader->problem->text);
    text_string(&text, what);
    return CHAIN_ESYNTAX;
}

/* "<field> '<piece>' <why>" */
static int refuse_field(struct reader *reader, int field, struct piece piece, const char *why)
{
    const size_t shown = piece.length < 40 ? piece.length : 40;
    struct text text;
    reader->problem->line = reader->line;
    text_begin(&text, reader->problem->text, sizeof reader->problem->text);
    text_string(&text, field_names[field]);
    text_char(&text, ' ');
    text_quoted(&text, piece.at, shown);
    text_char(&text, ' ');
    text_string(&text, why);
    return CHAIN_ESYNTAX;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct piece trim(struct piece piece)
{
    while (piece.length > 0 && is_blank(piece.at[0])) {
        piece.at++;
        piece.length--;
    }
    while (piece.length > 0 && is_blank(piece.at[piece.length - 1]))
        piece.length--;
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

/* The next line, ended by LF, CR or CR LF. */
static struct piece take_line(struct piece *rest)
{
    struct piece line = {rest->at, 0};
    while (line.length < rest->length && rest->at[line.length] != '\n' &&
           rest->at[line.length] != '\r')
        line.length++;
    size_t used = line.length;
    if (used < rest->length && rest->at[used] == '\r')
        used++;
    if (used < rest->length && rest->at[used] == '\n')
        used++;
    rest->at += used;
    rest->length -= used;
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

/* A K or M at the end, taken off; the factor it stands for. */
static uint32_t take_suffix(struct piece *piece)
{
    const char last = piece->length > 0 ? piece->at[piece->length - 1] : '\0';
    const bool k = last == 'k' || last == 'K';
    const bool m = last == 'm' || last == 'M';
    piece->length -= k || m ? 1 : 0;
    return k ? 1024 : m ? 1024 * 1024 : 1;
}

/* Decimal or 0x hexadecimal, optional minus, optional K or M; at most 32 bits. A decimal number
 * does not begin with 0: elsewhere that would mean octal. */
static bool number_parse(struct piece piece, struct number *number)
{
    number->negative = piece.length > 0 && piece.at[0] == '-';
    if (number->negative) {
        piece.at++;
        piece.length--;
    }
    const uint32_t factor = take_suffix(&piece);
    int base = 10;
    if (piece.length > 2 && piece.at[0] == '0' && (piece.at[1] == 'x' || piece.at[1] == 'X')) {
        base = 16;
        piece.at += 2;
        piece.length -= 2;
    } else if (piece.length > 1 && piece.at[0] == '0') {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < piece.length; i++) {
        const int digit = digit_value(piece.at[i]);
        if (digit >= base)
            return false;
        value = value * (unsigned)base + (unsigned)digit;
        if (value > UINT32_MAX)
            return false;
    }
    value *= factor;
    number->value = (uint32_t)value;
    return piece.length > 0 && value <= UINT32_MAX;
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
        entry->size = reader->table_offset - BOOTLOADER_OFFSET;
        return true;
    }
    if (entry->type == PARTITION_PARTITION_TABLE &&
        entry->subtype == PARTITION_PARTITION_TABLE_PRIMARY) {
        entry->offset = reader->table_offset;
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
        entry->size = reader->table_offset - BOOTLOADER_OFFSET;
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
        if (c == '$')
            return refuse(reader, "environment variables are not expanded (write the value)");
        if ((c < ' ' && c != '\t') || c == 0x7F)
            return refuse(reader, "a control character (save the file as plain text)");
    }
    if (!text_is_utf8(line.at, line.length))
        return refuse(reader, "the text is not UTF-8 (save it as UTF-8)");
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

int partition_csv_parse(const char *text, size_t length, uint32_t table_offset, uint32_t flash_size,
                        struct partition_table *table, struct partition_problem *problem)
{
    struct reader reader = {
        .rest = {text, length}, .table_offset = table_offset, .table = table, .problem = problem};
    table->count = 0;
    if (!sum_u32(table_offset, TABLE_SECTOR_BYTES, &reader.running_end))
        return refuse(&reader, "the partition table itself is beyond 4 GB");
    int error = check_encoding(&reader);
    while (error == CHAIN_OK && reader.rest.length > 0) {
        reader.line++;
        const struct piece line = trim(take_line(&reader.rest));
        if (line.length > 0 && line.at[0] != '#')
            error = read_row(&reader, line);
    }
    if (error != CHAIN_OK)
        return error;
    error = partition_table_check(table, table_offset, flash_size, problem);
    if (error != CHAIN_OK && problem->line > 0)
        problem->line = reader.lines[problem->line - 1];
    return error;
}
