/* device/agent/writer.h: text put together in a buffer of the caller's, never past its end. */
#ifndef DEVICE_AGENT_WRITER_H
#define DEVICE_AGENT_WRITER_H

#include <stddef.h>
#include <stdint.h>

/* Once something did not fit, nothing more does. */
struct writer {
    char *out;
    size_t size, used;
};

void writer_put(struct writer *writer, const char *text);
void writer_put_number(struct writer *writer, uint32_t number);
/* Blanks, and what is not printable ASCII, become '?'. */
void writer_put_word(struct writer *writer, const char *text);
/* As a JSON string, quotes included. Other bytes than printable ASCII become '?': they come from
 * images that nobody signed. */
void writer_put_json(struct writer *writer, const char *text);

/* Bytes written, 0 when it did not fit. */
size_t writer_length(const struct writer *writer);

#endif
