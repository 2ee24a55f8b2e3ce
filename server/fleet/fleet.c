/* server/fleet/fleet.c: see server/fleet/fleet.h. */
#include "server/fleet/fleet.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fleet_refuse(struct fleet *fleet, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fleet->problem, sizeof fleet->problem, format, arguments);
    va_end(arguments);
    return status;
}

bool fleet_text_valid(const char *text, size_t max)
{
    size_t length = strlen(text);
    if (length == 0 || length > max)
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F)
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
