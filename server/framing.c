/* server/framing.c: see server/framing.h. */
#include "server/framing.h"

#include <string.h>
#include <strings.h>

static bool names(const char *line, size_t length, const char *field)
{
    size_t count = strlen(field);
    return length > count && strncasecmp(line, field, count) == 0 && line[count] == ':';
}

bool framing_doubtful(const char *bytes, size_t length, bool host_needed)
{
    unsigned framings = 0;
    unsigned hosts = 0;
    const char *end = bytes + length;
    const char *line = memchr(bytes, '\n', length);
    while (line != NULL && ++line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t count = (size_t)((stop != NULL ? stop : end) - line);
        if (count == 0 || (count == 1 && line[0] == '\r'))
            break;
        framings += names(line, count, "content-length") || names(line, count, "transfer-encoding");
        hosts += names(line, count, "host");
        line = stop;
    }
    return framings > 1 || hosts > 1 || (host_needed && hosts == 0);
}
