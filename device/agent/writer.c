/* device/agent/writer.c: see writer.h. */
#include "device/agent/writer.h"

#include <string.h>

static void put_bytes(struct writer *writer, const char *bytes, size_t length)
{
    if (length >= writer->size - writer->used) {
        writer->used = writer->size;
        return;
    }
    memcpy(writer->out + writer->used, bytes, length);
    writer->used += length;
}

void writer_put(struct writer *writer, const char *text)
{
    put_bytes(writer, text, strlen(text));
}

void writer_put_number(struct writer *writer, uint32_t number)
{
    char text[10];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    put_bytes(writer, text + at, sizeof text - at);
}

void writer_put_word(struct writer *writer, const char *text)
{
    for (; *text != '\0'; text++)
        put_bytes(writer, *text > ' ' && *text <= '~' ? text : "?", 1);
}

void writer_put_json(struct writer *writer, const char *text)
{
    put_bytes(writer, "\"", 1);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            put_bytes(writer, "\\", 1);
        put_bytes(writer, *text >= ' ' && *text <= '~' ? text : "?", 1);
    }
    put_bytes(writer, "\"", 1);
}

size_t writer_length(const struct writer *writer)
{
    return writer->used < writer->size ? writer->used : 0;
}
