/* server/fleet/window.c: see server/fleet/window.h. Quartz' L, W and # are refused by name. */
#include "server/fleet/window.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND_MS 1000ll
#define DAY_MS    (86400 * SECOND_MS)
#define YEARS     10
#define YEAR_MIN  1970u
#define YEAR_MAX  2199u

/* Fields */

struct field {
    unsigned min, max;
    const char *names; /* three letters each, the first one stands for `min` */
};

static const struct field second_field = {0, 59, NULL};
static const struct field minute_field = {0, 59, NULL};
static const struct field hour_field = {0, 23, NULL};
static const struct field day_field = {1, 31, NULL};
static const struct field month_field = {1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"};
static const struct field weekday_field = {1, 7, "SUNMONTUEWEDTHUFRISAT"};
static const struct field year_field = {YEAR_MIN, YEAR_MAX, NULL};

/* A number or a name at *text. */
static bool read_value(const struct field *field, const char **text, unsigned *out)
{
    const char *names = field->names;
    for (unsigned i = 0; names != NULL && names[3 * i] != '\0'; i++) {
        if (strncasecmp(*text, names + 3 * i, 3) == 0) {
            *out = field->min + i;
            *text += 3;
            return true;
        }
    }
    unsigned value = 0;
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 4)
        return false;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)((*text)[i] - '0');
    *text += digits;
    *out = value;
    return value >= field->min && value <= field->max;
}

/* One of a list: value, from-to, *, each with /step; from/step goes on to the end. */
static bool read_part(const struct field *field, const char **text, unsigned *from, unsigned *to,
                      unsigned *step)
{
    *step = 1;
    *from = field->min;
    *to = field->max;
    bool single = false;
    if (**text == '*') {
        ++*text;
    } else {
        if (!read_value(field, text, from))
            return false;
        single = **text != '-';
        *to = *from;
        if (!single) {
            ++*text;
            if (!read_value(field, text, to) || *to < *from)
                return false;
        }
    }
    if (**text != '/')
        return true;
    ++*text;
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 4)
        return false;
    *step = (unsigned)strtoul(*text, NULL, 10);
    *text += digits;
    if (single)
        *to = field->max;
    return *step > 0;
}

/* The whole field as a set of bits. */
static bool read_bits(const struct field *field, const char *text, uint64_t *bits)
{
    *bits = 0;
    do {
        unsigned from;
        unsigned to;
        unsigned step;
        if (!read_part(field, &text, &from, &to, &step))
            return false;
        for (unsigned value = from; value <= to; value += step)
            *bits |= 1ull << value;
    } while (*text++ == ',');
    return text[-1] == '\0';
}

static bool read_bits32(const struct field *field, const char *text, uint32_t *bits)
{
    uint64_t wide;
    bool good = read_bits(field, text, &wide);
    *bits = (uint32_t)wide;
    return good;
}

static bool is_any(const char *text)
{
    return strcmp(text, "*") == 0 || strcmp(text, "?") == 0;
}

/* A year, from-to, or *. */
static bool read_years(const char *text, uint16_t years[2])
{
    unsigned from;
    unsigned to;
    unsigned step;
    if (!read_part(&year_field, &text, &from, &to, &step) || *text != '\0' || step != 1)
        return false;
    years[0] = (uint16_t)from;
    years[1] = (uint16_t)to;
    return true;
}

/* "HH:MM:SS" */
static bool read_clock(const char *text, int64_t *out)
{
    static const int64_t unit[] = {3600, 60, 1};
    *out = 0;
    for (size_t i = 0; i < 3; i++, text += 3) {
        if (strspn(text, "0123456789") < 2 || (i < 2 && text[2] != ':') ||
            (i == 2 && text[2] != '\0'))
            return false;
        int64_t value = (text[0] - '0') * 10 + (text[1] - '0');
        if (i > 0 && value > 59)
            return false;
        *out += value * unit[i] * SECOND_MS;
    }
    return true;
}

/* "+02:00" */
static bool read_zone(const char *text, int32_t *out)
{
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
        strspn(text + 1, "0123456789") != 2 || strspn(text + 4, "0123456789") != 2)
        return false;
    int hours = (text[1] - '0') * 10 + text[2] - '0';
    int minutes = (text[4] - '0') * 10 + text[5] - '0';
    if (hours > 18 || minutes > 59)
        return false;
    *out = (hours * 60 + minutes) * 60000 * (text[0] == '-' ? -1 : 1);
    return true;
}

/* Splits at blanks, in place. */
static size_t split(char *text, char *fields[7])
{
    size_t count = 0;
    char *rest = NULL;
    for (char *at = strtok_r(text, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest)) {
        if (count == 7)
            return 8;
        fields[count++] = at;
    }
    return count;
}

static const char *parse_schedule(const char *schedule, struct window *out)
{
    char text[129];
    char *field[7];
    if (strlen(schedule) >= sizeof text)
        return "the schedule is longer than 128 characters";
    strcpy(text, schedule);
    size_t count = split(text, field);
    if (count != 6 && count != 7)
        return "the schedule has six or seven fields (seconds minutes hours day month weekday)";
    if (strpbrk(field[3], "LW#") != NULL || strpbrk(field[5], "L#") != NULL)
        return "the schedule uses L, W or #, which are not known here";
    out->any_day = is_any(field[3]);
    out->any_weekday = is_any(field[5]);
    out->years[0] = YEAR_MIN;
    out->years[1] = YEAR_MAX;
    bool good = read_bits(&second_field, field[0], &out->seconds) &&
                read_bits(&minute_field, field[1], &out->minutes) &&
                read_bits32(&hour_field, field[2], &out->hours) &&
                (out->any_day || read_bits32(&day_field, field[3], &out->days)) &&
                read_bits32(&month_field, field[4], &out->months) &&
                (out->any_weekday || read_bits32(&weekday_field, field[5], &out->weekdays)) &&
                (count == 6 || read_years(field[6], out->years));
    return good ? NULL : "a field of the schedule is not a value, a list, a range or a step";
}

const char *window_parse(const char *schedule, const char *duration, const char *zone,
                         struct window *out)
{
    *out = (struct window){0};
    const char *wrong = parse_schedule(schedule, out);
    if (wrong != NULL)
        return wrong;
    if (!read_clock(duration, &out->duration) || out->duration == 0)
        return "the duration is HH:MM:SS, more than nothing";
    if (!read_zone(zone, &out->offset))
        return "the time zone is an offset such as +02:00";
    return NULL;
}

/* Days */

struct date {
    int64_t year;
    unsigned month, day;
};

/* The day of the Gregorian calendar that is `days` after 1970-01-01. Counted in years that begin in
 * March, so that the leap day is the last one. */
static struct date date_of(int64_t days)
{
    int64_t since = days + 719468; /* since 0000-03-01 */
    int64_t era = (since >= 0 ? since : since - 146096) / 146097;
    int64_t of_era = since - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* March is 0 */
    struct date date = {
        .year = year + era * 400 + (month >= 10),
        .month = (unsigned)(month < 10 ? month + 3 : month - 9),
        .day = (unsigned)(of_year - (153 * month + 2) / 5 + 1),
    };
    return date;
}

/* 1970-01-01 was a Thursday, which is 5. */
static unsigned weekday_of(int64_t days)
{
    return (unsigned)(((days + 4) % 7 + 7) % 7) + 1;
}

static bool day_matches(const struct window *window, int64_t days)
{
    struct date date = date_of(days);
    if (date.year < window->years[0] || date.year > window->years[1] ||
        (window->months >> date.month & 1) == 0)
        return false;
    return (window->any_day || (window->days >> date.day & 1) != 0) &&
           (window->any_weekday || (window->weekdays >> weekday_of(days) & 1) != 0);
}

/* The first moment of the day, not before `from` (seconds of the day), that matches; -1: none. */
static int64_t first_of_day(const struct window *window, int64_t from)
{
    for (int64_t hour = from / 3600; hour < 24; hour++) {
        if ((window->hours >> hour & 1) == 0)
            continue;
        int64_t start = hour * 3600 > from ? hour * 3600 : from;
        for (int64_t minute = start / 60 % 60; minute < 60; minute++) {
            if ((window->minutes >> minute & 1) == 0)
                continue;
            int64_t begin = hour * 3600 + minute * 60;
            for (int64_t second = begin > from ? 0 : from - begin; second < 60; second++) {
                if ((window->seconds >> second & 1) != 0)
                    return begin + second;
            }
        }
    }
    return -1;
}

int64_t window_next(const struct window *window, int64_t now)
{
    int64_t local = now + window->offset + SECOND_MS - 1; /* a started second is over */
    int64_t day = local / DAY_MS;
    int64_t from = local % DAY_MS / SECOND_MS;
    for (int64_t i = 0; i < YEARS * 366; i++, from = 0) {
        int64_t second = day_matches(window, day + i) ? first_of_day(window, from) : -1;
        if (second >= 0)
            return (day + i) * DAY_MS + second * SECOND_MS - window->offset;
    }
    return -1;
}

bool window_open(const struct window *window, int64_t now)
{
    int64_t start = window_next(window, now - window->duration + 1);
    return start >= 0 && start <= now;
}
