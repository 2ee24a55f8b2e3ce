/* fleet/event_log.c: see event_log.h. */
#include "fleet/event_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/error.h"

#define LINE_BYTES 512

struct event_log {
    FILE *file;
    const char *path;
};

int event_log_open(const char *path, struct event_log **log)
{
    *log = calloc(1, sizeof **log);
    if (*log == NULL)
        return host_fail(path, "out of memory");
    (*log)->path = path;
    (*log)->file = fopen(path, "we");
    if ((*log)->file != NULL)
        return HOST_DONE;
    int status = host_fail(path, "cannot be written: %s", strerror(errno));
    free(*log);
    *log = NULL;
    return status;
}

int event_log_close(struct event_log *log)
{
    int status = HOST_DONE;
    if (log == NULL)
        return status;
    int failed = ferror(log->file);
    if (fclose(log->file) != 0 || failed)
        status = host_fail(log->path, "is not complete: %s", strerror(errno));
    free(log);
    return status;
}

void event_log_line(struct event_log *log, const char *device, const char *format, ...)
{
    char line[LINE_BYTES];
    char date[32];
    struct timespec now;
    struct tm parts;
    if (log == NULL)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    int used = snprintf(line, sizeof line, "%s.%03ldZ %s ", date, now.tv_nsec / 1000000, device);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    fprintf(log->file, "%s\n", line); /* stdio's lock keeps lines whole */
}
