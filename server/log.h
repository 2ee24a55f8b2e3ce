/* server/log.h: the server's log: one line per event, each written by a single write(2).
 *
 * Text for people, or a JSON object a line for programs. Safe to use from every thread at once.
 * Bytes that came from outside are made printable before they enter a line, so a request can forge
 * neither a line nor a terminal sequence.
 */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 1024 /* longer lines are cut */

struct log {
    int fd;
    bool owned; /* fd is closed by log_close() */
    bool json;  /* lines are objects: time, level, message and the fields of what happened */
};

/* Appends to `path`, or to stderr when it is NULL. Prints the reason and returns HOST_FAILED when
 * the file cannot be opened. */
int log_open(struct log *log, const char *path, bool json);
void log_close(struct log *log);

/* "2026-01-31T12:00:00Z text", or {"time":"...","message":"text"}. */
void log_line(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line made of named fields: in text their values, one after the other, with blanks between; in
 * JSON an object of them. Fields without text are left out of JSON and are "-" in text. */
struct log_field {
    const char *name;
    const char *text; /* already clean, or with JSON quoting left to the log */
    bool number;      /* JSON shows it without quotes */
};
void log_fields(const struct log *log, const struct log_field *field, size_t count);

/* Copy text[length] into out[size], printable ASCII only: everything else, blanks and quotes
 * become '?'. Cuts what does not fit and always terminates. Returns out. */
const char *log_clean(char *out, size_t size, const char *text, size_t length);

/* The same for a sentence, whose blanks and quotes stay: the last thing in a line. */
const char *log_sentence(char *out, size_t size, const char *text);

#endif
