/* fuzz/kept_line.h: host_fail() of a target that is linked with --wrap=host_fail: the line is kept,
 * not printed, and must be one line.
 */
#ifndef FUZZ_KEPT_LINE_H
#define FUZZ_KEPT_LINE_H

#include <stdarg.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/error.h"

static char kept_line[1024];

int __wrap_host_fail(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int __wrap_host_fail(const char *subject, const char *format, ...)
{
    va_list arguments;
    require(subject != NULL && subject[0] != '\0');
    va_start(arguments, format);
    vsnprintf(kept_line, sizeof kept_line, format, arguments);
    va_end(arguments);
    return HOST_FAILED;
}

/* After a refusal: something was said, it is one line, and nothing in it moves the cursor. */
static void kept_line_check(void)
{
    require(strlen(kept_line) > 0 && strlen(kept_line) < sizeof kept_line - 1);
    for (const char *at = kept_line; *at != '\0'; at++)
        require((unsigned char)*at >= ' ' && *at != 0x7F);
    kept_line[0] = '\0';
}

#endif
