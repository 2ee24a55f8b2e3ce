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

int log_open(struct log *log, const char *path)
{
    *log = (struct log){.fd = STDERR_FILENO, .owned = false};
    if (path == NULL) {
        return HOST_DONE;
    }
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return host_fail(path, "cannot open the log: %s", strerror(errno));
    }
    *log = (struct log){.fd = fd, .owned = true};
    return HOST_DONE;
}

void log_close(struct log *log)
{
    if (log->owned) {
        close(log->fd);
    }
    *log = (struct log){.fd = -1, .owned = false};
}

void log_line(const struct log *log, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    struct tm utc;
    time_t now = time(NULL);
    gmtime_r(&now, &utc);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ ", &utc);

    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    if (written < 0) {
        return;
    }
    used = strlen(line);
    line[used++] = '\n';
    /* A full disk must not stop the service; there is nowhere left to say so. */
    ssize_t ignored = write(log->fd, line, used);
    (void)ignored;
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
