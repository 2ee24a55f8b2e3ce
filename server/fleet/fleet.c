/* server/fleet/fleet.c: see server/fleet/fleet.h. */
#include "server/fleet/fleet.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chain/text.h"

/* What was cut in the middle of a character ends before it: the line is to be UTF-8 still. */
static void end_whole(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && !text_is_utf8(text, length))
        text[--length] = '\0';
}

int fleet_refuse_list(struct fleet *fleet, int status, const char *format, va_list arguments)
{
    char problem[sizeof fleet->problem]; /* what is there may be an argument */
    vsnprintf(problem, sizeof problem, format, arguments);
    end_whole(problem);
    memcpy(fleet->problem, problem, sizeof problem);
    return status;
}

int fleet_refuse(struct fleet *fleet, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fleet_refuse_list(fleet, status, format, arguments);
    va_end(arguments);
    return status;
}

/* Of ASCII, or one of the 32 that Unicode took over from terminals: U+0080 to U+009F. */
static bool is_control(const unsigned char *at)
{
    return at[0] < ' ' || at[0] == 0x7F || (at[0] == 0xC2 && at[1] < 0xA0);
}

bool fleet_text_valid(const char *text, size_t max)
{
    size_t length = strnlen(text, max + 1);
    if (length == 0 || length > max || !text_is_utf8(text, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (is_control((const unsigned char *)text + i))
            return false;
    }
    return true;
}

int fleet_random_text(char *out, size_t count)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned letters = sizeof alphabet - 1;
    const unsigned fair = 256 - 256 % letters; /* above, some letters would come more often */
    size_t have = 0;
    while (have < count) {
        unsigned char random[64];
        if (RAND_bytes(random, sizeof random) != 1)
            return DB_EIO;
        for (size_t i = 0; i < sizeof random && have < count; i++) {
            if (random[i] < fair)
                out[have++] = alphabet[random[i] % letters];
        }
    }
    out[count] = '\0';
    return FLEET_OK;
}

int fleet_alone(struct fleet *fleet, enum fleet_work work, bool *free)
{
    static const char sql[] = "SELECT CASE WHEN pg_try_advisory_xact_lock($1) THEN 1 ELSE 0 END";
    int64_t got = 1;
    int status = DB_ROW;
    if (!db_embedded(fleet->db))
        status = db_get_int(fleet->db, sql, DB_ARGS(db_i(work)), &got);
    *free = status == DB_ROW && got != 0;
    return status == DB_ROW ? FLEET_OK : status == DB_OK ? DB_EIO : status;
}
