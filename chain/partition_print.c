/* The partition CSV, printed as Espressif's tool does (formats.md 3.3, last line). */
#include "chain/partition.h"

#include <string.h>

#include "chain/error.h"
#include "chain/text.h"

#define FLAGS_KNOWN (PARTITION_ENCRYPTED | PARTITION_READONLY)

/* Would the label come back as it is when the row is read again? */
static bool label_printable(const char *label)
{
    const size_t length = strlen(label);
    if (!text_is_utf8(label, length) || label[0] == '#')
        return false;
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)label[i];
        const size_t blank = text_blank(label + i, length - i);
        if (c < ' ' || c == 0x7F || c == ',' || c == '$' ||
            text_line_break(label + i, length - i) > 0 ||
            (blank > 0 && (i == 0 || i + blank == length)))
            return false;
    }
    return true;
}

static void print_keyword(struct text *text, const char *keyword, uint8_t value)
{
    if (keyword != NULL)
        text_string(text, keyword);
    else
        text_decimal(text, value);
    text_char(text, ',');
}

/* nM or nK where that is exact, else hexadecimal. */
static void print_size(struct text *text, uint32_t size)
{
    if (size % 0x100000 == 0) {
        text_decimal(text, size / 0x100000);
        text_char(text, 'M');
    } else if (size % 0x400 == 0) {
        text_decimal(text, size / 0x400);
        text_char(text, 'K');
    } else {
        text_hex(text, size);
    }
    text_char(text, ',');
}

static void print_row(struct text *text, const struct partition *entry)
{
    text_string(text, entry->label);
    text_char(text, ',');
    print_keyword(text, partition_type_name(entry->type), entry->type);
    print_keyword(text, partition_subtype_name(entry->type, entry->subtype), entry->subtype);
    text_hex(text, entry->offset);
    text_char(text, ',');
    print_size(text, entry->size);
    if (entry->flags & PARTITION_ENCRYPTED)
        text_string(text, "encrypted");
    if (entry->flags == FLAGS_KNOWN)
        text_char(text, ':');
    if (entry->flags & PARTITION_READONLY)
        text_string(text, "readonly");
    text_char(text, '\n');
}

int partition_csv_print(const struct partition_table *table, char *out, size_t out_size)
{
    struct text text;
    text_begin(&text, out, out_size);
    text_string(&text, "# ESP-IDF Partition Table\n# Name, Type, SubType, Offset, Size, Flags\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        if (!label_printable(entry->label) || (entry->flags & ~(uint32_t)FLAGS_KNOWN) != 0)
            return CHAIN_EFIELD;
        print_row(&text, entry);
    }
    return text_complete(&text) ? CHAIN_OK : CHAIN_ESPACE;
}
