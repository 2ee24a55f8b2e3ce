/* server/log.c: see server/log.h. */
#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/error.h"

int log_open(struct log *log, const char *path, bool json)
{
    *log = (struct log){.fd = STDERR_FILENO, .owned = false, .json = json};
    if (path == NULL) {
        return HOST_DONE;
    }
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return host_fail(path, "cannot open the log: %s", strerror(errno));
    }
    log->fd = fd;
    log->owned = true;
    return HOST_DONE;
}

void log_close(struct log *log)
{
    if (log->owned) {
        close(log->fd);
    }
    *log = (struct log){.fd = -1, .owned = false};
}

/* A line on its way; what does not fit is left out. */
struct line {
    char text[LOG_LINE_MAX];
    size_t used; /* there is always room for the end of it */
};

#define END_BYTES 4 /* "\"}\n" and a NUL */

static void add(struct line *line, const char *text)
{
    size_t length = strlen(text);
    size_t room = sizeof line->text - END_BYTES - line->used;
    length = length < room ? length : room;
    memcpy(line->text + line->used, text, length);
    line->used += length;
}

/* Inside quotes; an escape is never cut in two. */
static void add_quoted(struct line *line, const char *text)
{
    for (; *text != '\0' && line->used + 6 <= sizeof line->text - END_BYTES; text++) {
        unsigned char c = (unsigned char)*text;
        char escape[8];
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f) {
            snprintf(escape, sizeof escape, "\\u%04x", c);
            add(line, escape);
        } else {
            line->text[line->used++] = *text;
        }
    }
}

static void add_json(struct line *line, const struct log_field *field)
{
    add(line, line->used > 0 ? ",\"" : "{\"");
    add(line, field->name);
    add(line, field->number ? "\":" : "\":\"");
    add_quoted(line, field->text);
    if (!field->number) {
        line->text[line->used++] = '"';
    }
}

static void end(const struct log *log, struct line *line)
{
    if (log->json) {
        line->text[line->used++] = '}';
    }
    line->text[line->used++] = '\n';
    /* A full disk must not stop the service; there is nowhere left to say so. */
    ssize_t ignored = write(log->fd, line->text, line->used);
    (void)ignored;
}

static void begin(const struct log *log, struct line *line)
{
    char stamp[32];
    struct tm utc;
    time_t now = time(NULL);
    line->used = 0;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (log->json) {
        add_json(line, &(struct log_field){"time", stamp, false});
    } else {
        add(line, stamp);
    }
}

void log_fields(const struct log *log, const struct log_field *field, size_t count)
{
    struct line line;
    begin(log, &line);
    for (size_t i = 0; i < count; i++) {
        if (!log->json) {
            add(&line, " ");
            add(&line, field[i].text != NULL ? field[i].text : "-");
        } else if (field[i].text != NULL && line.used + 64 < sizeof line.text) {
            add_json(&line, &field[i]);
        }
    }
    end(log, &line);
}

void log_line(const struct log *log, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (written >= 0) {
        log_fields(log, &(struct log_field){"message", text, false}, 1);
    }
}

const char *log_sentence(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (; text[n] != '\0' && n + 1 < size; n++) {
        out[n] = text[n] >= ' ' && text[n] < 0x7f ? text[n] : '?';
    }
    out[n] = '\0';
    return out;
}

const char *log_clean(char *out, size_t size, const char *text, size_t length)
{
    size_t n = length < size - 1 ? length : size - 1;
    for (size_t i = 0; i < n; i++) {
        bool printable = text[i] > ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\';
        out[i] = printable ? text[i] : '?';
    }
    out[n] = '\0';
    return out;
}
