/* server/range.c: see server/range.h. */
#include "server/range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define UNIT "bytes="

struct cursor {
    const char *at;
    const char *end;
};

static void skip_blanks(struct cursor *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t')) {
        in->at++;
    }
}

/* One or more digits; a number too large for 64 bits saturates, since it lies past any file. */
static bool take_number(struct cursor *in, uint64_t *value)
{
    const char *start = in->at;
    *value = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        uint64_t digit = (uint64_t)(*in->at - '0');
        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
        in->at++;
    }
    return in->at > start;
}

static bool take(struct cursor *in, char wanted)
{
    if (in->at == in->end || *in->at != wanted) {
        return false;
    }
    in->at++;
    return true;
}

/* "-n": the last n bytes. */
static enum range_verdict suffix(struct cursor in, uint64_t size, struct range *range)
{
    uint64_t wanted;
    bool number = take_number(&in, &wanted);
    skip_blanks(&in);
    if (!number || in.at != in.end) {
        return RANGE_WHOLE;
    }
    if (wanted == 0 || size == 0) {
        return RANGE_UNSATISFIABLE;
    }
    range->first = wanted < size ? size - wanted : 0;
    return RANGE_PART;
}

/* "a-b" or "a-" */
static enum range_verdict interval(struct cursor in, uint64_t size, struct range *range)
{
    uint64_t first;
    uint64_t last;
    if (!take_number(&in, &first) || !take(&in, '-')) {
        return RANGE_WHOLE;
    }
    if (!take_number(&in, &last)) {
        last = UINT64_MAX; /* "a-": up to the end */
    }
    skip_blanks(&in);
    if (in.at != in.end || last < first) {
        return RANGE_WHOLE;
    }
    if (first >= size) {
        return RANGE_UNSATISFIABLE;
    }
    range->first = first;
    range->last = last < size ? last : size - 1;
    return RANGE_PART;
}

enum range_verdict range_parse(const char *text, size_t length, uint64_t size, struct range *range)
{
    size_t unit = strlen(UNIT);
    *range = (struct range){.first = 0, .last = size == 0 ? 0 : size - 1};
    if (length <= unit || strncasecmp(text, UNIT, unit) != 0) {
        return RANGE_WHOLE;
    }
    struct cursor in = {.at = text + unit, .end = text + length};
    skip_blanks(&in);
    if (take(&in, '-')) {
        return suffix(in, size, range);
    }
    return interval(in, size, range);
}
