/* server/framing.c: see server/framing.h. */
#include "server/framing.h"

#include <string.h>
#include <strings.h>

static bool names(const char *line, size_t length, const char *field)
{
    size_t count = strlen(field);
    return length > count && strncasecmp(line, field, count) == 0 && line[count] == ':';
}

/* Of the head, without its '\n': some end a line at any '\n' or '\r', some go on with the line
 * before where one begins with a blank. */
static bool ends_doubtfully(const char *line, size_t length)
{
    return length == 0 || line[0] == ' ' || line[0] == '\t' ||
           memchr(line, '\r', length) != line + length - 1;
}

enum framing framing_judge(const char *bytes, size_t length, bool host_needed)
{
    unsigned lengths = 0;
    unsigned codings = 0;
    unsigned hosts = 0;
    const char *end = bytes + length;
    const char *line = memchr(bytes, '\n', length);
    if (line == NULL || ends_doubtfully(bytes, (size_t)(line - bytes)))
        return FRAMING_DOUBTFUL;
    while (line != NULL && ++line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t count = (size_t)((stop != NULL ? stop : end) - line);
        if (stop == NULL || ends_doubtfully(line, count))
            return FRAMING_DOUBTFUL;
        if (count == 1)
            break;
        lengths += names(line, count, "content-length");
        codings += names(line, count, "transfer-encoding");
        hosts += names(line, count, "host");
        line = stop;
    }
    if (lengths + codings > 1 || hosts > 1 || (host_needed && hosts == 0))
        return FRAMING_DOUBTFUL;
    return codings > 0 ? FRAMING_CHUNKED : FRAMING_CLEAR;
}
