#define HOST_ERROR_DEFINES
#include "host/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SUBJECT_MAX 400 /* bytes; of a longer name the end is shown, and the reason always */

static _Thread_local struct host_kept *keeper;

void host_keep(struct host_kept *kept)
{
    if (kept)
        kept->text[0] = '\0';
    keeper = kept;
}

static void give_line(const char *text)
{
    if (!keeper)
        fprintf(stderr, "trustchain: %s\n", text);
    else if (keeper->text[0] == '\0')
        memcpy(keeper->text, text, strlen(text) + 1);
}

/* A message stays one line whatever bytes a file name or a format string brings. */
static void print_line(const char *subject, const char *format, va_list arguments)
{
    char text[HOST_LINE_MAX];
    int used = 0;
    if (!subject && keeper)
        subject = keeper->subject;
    size_t length = subject ? strlen(subject) : 0;
    if (subject && length == 0)
        subject = "\"\"";
    if (length > SUBJECT_MAX)
        used = snprintf(text, sizeof text, "...%s: ", subject + length - SUBJECT_MAX);
    else if (subject)
        used = snprintf(text, sizeof text, "%s: ", subject);
    if (used >= 0 && (size_t)used < sizeof text)
        vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    }
    give_line(text);
}

int host_fail(const char *subject, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(subject, format, arguments);
    va_end(arguments);
    return HOST_FAILED;
}

int host_usage(const char *subject, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(subject, format, arguments);
    va_end(arguments);
    return HOST_USAGE;
}
