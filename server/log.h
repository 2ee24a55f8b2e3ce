/* server/log.h: the server's log: one line per event, each written by a single write(2).
 *
 * Safe to use from every thread at once. Bytes that came from outside are made printable before
 * they enter a line, so a request can forge neither a line nor a terminal sequence.
 */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 1024 /* longer lines are cut */

struct log {
    int fd;
    bool owned; /* fd is closed by log_close() */
};

/* Appends to `path`, or to stderr when it is NULL. Prints the reason and returns HOST_FAILED when
 * the file cannot be opened. */
int log_open(struct log *log, const char *path);
void log_close(struct log *log);

/* "2026-01-31T12:00:00Z text" */
void log_line(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copy text[length] into out[size], printable ASCII only: everything else, blanks and quotes
 * become '?'. Cuts what does not fit and always terminates. Returns out. */
const char *log_clean(char *out, size_t size, const char *text, size_t length);

#endif
