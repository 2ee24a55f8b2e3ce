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

/* Blanks, and the end or the comma that the caller takes. */
static bool ends(struct cursor *in)
{
    skip_blanks(in);
    return in->at == in->end || *in->at == ',';
}

/* "-n": the last n bytes. */
static enum range_verdict suffix(struct cursor *in, uint64_t size, struct range *range)
{
    uint64_t wanted;
    if (!take_number(in, &wanted) || !ends(in)) {
        return RANGE_WHOLE;
    }
    if (wanted == 0 || size == 0) {
        return RANGE_UNSATISFIABLE;
    }
    *range = (struct range){.first = wanted < size ? size - wanted : 0, .last = size - 1};
    return RANGE_PART;
}

/* "a-b" or "a-" */
static enum range_verdict interval(struct cursor *in, uint64_t size, struct range *range)
{
    uint64_t first;
    uint64_t last;
    if (!take_number(in, &first) || !take(in, '-')) {
        return RANGE_WHOLE;
    }
    if (!take_number(in, &last)) {
        last = UINT64_MAX; /* "a-": up to the end */
    }
    if (!ends(in) || last < first) {
        return RANGE_WHOLE;
    }
    if (first >= size) {
        return RANGE_UNSATISFIABLE;
    }
    *range = (struct range){.first = first, .last = last < size ? last : size - 1};
    return RANGE_PART;
}

/* Takes in those that the part overlaps, at the place of the first of them. */
static void add(struct ranges *ranges, struct range part)
{
    size_t kept = 0;
    size_t place = ranges->count;
    for (size_t i = 0; i < ranges->count; i++) {
        const struct range other = ranges->part[i];
        if (part.first > other.last || part.last < other.first) {
            ranges->part[kept++] = other;
            continue;
        }
        part.first = part.first < other.first ? part.first : other.first;
        part.last = part.last > other.last ? part.last : other.last;
        if (place == ranges->count) {
            place = kept++;
        }
    }
    if (place == ranges->count) {
        place = kept++;
    }
    ranges->part[place] = part;
    ranges->count = kept;
}

static enum range_verdict whole(uint64_t size, enum range_verdict verdict, struct ranges *ranges)
{
    ranges->count = 1;
    ranges->part[0] = (struct range){.first = 0, .last = size == 0 ? 0 : size - 1};
    return verdict;
}

enum range_verdict ranges_parse(const char *text, size_t length, uint64_t size,
                                struct ranges *ranges)
{
    size_t unit = strlen(UNIT);
    size_t asked = 0; /* those that lie outside the file too */
    ranges->count = 0;
    if (length <= unit || strncasecmp(text, UNIT, unit) != 0) {
        return whole(size, RANGE_WHOLE, ranges);
    }
    struct cursor in = {.at = text + unit, .end = text + length};
    do {
        struct range part;
        if (ends(&in)) {
            continue; /* an empty element of the list is none (RFC 9110, 5.6.1) */
        }
        enum range_verdict verdict =
            take(&in, '-') ? suffix(&in, size, &part) : interval(&in, size, &part);
        if (verdict == RANGE_WHOLE || asked++ == RANGES_MAX) {
            return whole(size, RANGE_WHOLE, ranges);
        }
        if (verdict == RANGE_PART) {
            add(ranges, part);
        }
    } while (take(&in, ','));
    if (ranges->count > 0) {
        return RANGE_PART;
    }
    return whole(size, asked > 0 ? RANGE_UNSATISFIABLE : RANGE_WHOLE, ranges);
}
