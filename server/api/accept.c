/* server/api/accept.c: see server/api/accept.h. */
#include "server/api/accept.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define BLANKS     " \t"
#define WEIGHT_MAX 1000 /* of q=1 */

/* "0.25" in thousandths; what is no weight is none. */
static unsigned weight_of(const char *text, size_t length)
{
    unsigned weight = 0;
    unsigned unit = WEIGHT_MAX;
    for (size_t i = 0; i < length; i++) {
        if (i == 1 && text[i] == '.')
            continue;
        if (text[i] < '0' || text[i] > '9' || unit == 0)
            return 0;
        weight += unit * (unsigned)(text[i] - '0');
        unit /= 10;
    }
    return length > 0 && weight <= WEIGHT_MAX ? weight : 0;
}

/* The q of "type;a=b;q=0.5"; 1 when it is not said. */
static unsigned weight_in(const char *range, size_t length)
{
    const char *end = range + length;
    const char *at = memchr(range, ';', length);
    while (at != NULL) {
        at++;
        at += strspn(at, BLANKS);
        const char *next = at < end ? memchr(at, ';', (size_t)(end - at)) : NULL;
        const char *stop = next != NULL ? next : end;
        while (stop > at && strchr(BLANKS, stop[-1]) != NULL)
            stop--;
        if (stop - at > 2 && strncasecmp(at, "q=", 2) == 0)
            return weight_of(at + 2, (size_t)(stop - at) - 2);
        at = next;
    }
    return WEIGHT_MAX;
}

/* How closely the media range names the type: 3 itself, 2 its kind, 1 anything, 0 not. */
static unsigned closeness(const char *range, size_t length, const char *type)
{
    length = strcspn(range, ";, \t") < length ? strcspn(range, ";, \t") : length;
    size_t kind = strcspn(type, "/") + 1;
    if (length == strlen(type) && strncasecmp(range, type, length) == 0)
        return 3;
    if (length == kind + 1 && strncasecmp(range, type, kind) == 0 && range[kind] == '*')
        return 2;
    return length == 3 && memcmp(range, "*/*", 3) == 0 ? 1 : 0;
}

/* What the field gives this type: the weight of the range that names it most closely. */
static unsigned weight_of_type(const char *field, const char *type)
{
    unsigned best = 0;
    unsigned weight = 0;
    while (*field != '\0') {
        field += strspn(field, ", \t");
        size_t length = strcspn(field, ",");
        unsigned close = closeness(field, length, type);
        if (close > best) {
            best = close;
            weight = weight_in(field, length);
        }
        field += length;
    }
    return weight;
}

const char *accept_choose(const char *field, const char *const *types, size_t count)
{
    const char *chosen = NULL;
    unsigned best = 0;
    if (field == NULL || field[strspn(field, BLANKS)] == '\0')
        return types[0];
    for (size_t i = 0; i < count; i++) {
        unsigned weight = weight_of_type(field, types[i]);
        if (weight > best) {
            best = weight;
            chosen = types[i];
        }
    }
    return chosen;
}
