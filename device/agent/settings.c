/* device/agent/settings.c: see settings.h. */
#include "device/agent/settings.h"

#include <string.h>

#include "chain/error.h"
#include "chain/nvs_find.h"

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define NAME               LETTERS_AND_DIGITS "-_."

#define SCHEME     "https://"
#define HTTPS_PORT 443u
/* The longest url, its NUL included. */
#define VALUE_BYTES (sizeof SCHEME - 1 + SETTINGS_HOST_BYTES - 1 + sizeof ":65535/")

/* Each takes its value over when it is valid; NULL, or what is wrong with it. */
typedef const char *take_text(struct settings *settings, const char *text);

/* One to size - 1 characters of `allowed`. */
static bool take_word(char *out, size_t size, const char *text, const char *allowed)
{
    size_t length = strlen(text);
    if (length == 0 || length >= size || strspn(text, allowed) != length)
        return false;
    memcpy(out, text, length + 1);
    return true;
}

/* ":PORT" or nothing, then "/" or nothing; 0 when it is neither. */
static uint16_t port_of(const char *text)
{
    uint32_t port = HTTPS_PORT;
    if (*text == ':') {
        unsigned digits = 0;
        port = 0;
        for (text++; *text >= '0' && *text <= '9' && digits < 5; text++, digits++)
            port = port * 10 + (uint32_t)(*text - '0');
    }
    if (*text == '/')
        text++;
    return *text == '\0' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* A name or an IPv4 address: letters, digits, '-' and '.', the first and last no sign. */
static const char *take_url(struct settings *settings, const char *text)
{
    char host[SETTINGS_HOST_BYTES];
    if (strncmp(text, SCHEME, sizeof SCHEME - 1) != 0)
        return "not https://";
    text += sizeof SCHEME - 1;
    size_t length = strspn(text, LETTERS_AND_DIGITS "-.");
    if (length == 0 || length >= sizeof host || strchr("-.", text[0]) != NULL ||
        strchr("-.", text[length - 1]) != NULL)
        return "no host name or IPv4 address in it";
    uint16_t port = port_of(text + length);
    if (port == 0)
        return "not https://HOST[:PORT]";
    memcpy(settings->host, text, length);
    settings->host[length] = '\0';
    settings->port = port;
    return NULL;
}

static const char *take_channel(struct settings *settings, const char *text)
{
    bool valid = text[0] != '.' && text[0] != '-' &&
                 take_word(settings->channel, sizeof settings->channel, text, NAME);
    return valid ? NULL : "not 1 to 31 letters, digits, '-', '_', '.'";
}

static const char *take_id(struct settings *settings, const char *text)
{
    bool valid = take_word(settings->device_id, sizeof settings->device_id, text, NAME ":");
    return valid ? NULL : "not 1 to 64 letters, digits, '-', '_', '.', ':'";
}

/* It becomes a header field: no blank or line end may be in it. */
static const char *take_token(struct settings *settings, const char *text)
{
    size_t length = 0;
    while (text[length] > ' ' && text[length] <= '~')
        length++;
    if (text[length] != '\0' || length == 0 || length >= sizeof settings->token)
        return "not 1 to 128 printable characters without blanks";
    memcpy(settings->token, text, length + 1);
    return NULL;
}

/* Judged when device_id and token are known. */
static const char *take_mode(struct settings *settings, const char *text)
{
    bool ddi = strcmp(text, "ddi") == 0;
    if (!ddi && strcmp(text, "plain") != 0)
        return "neither plain nor ddi";
    if (ddi && (settings->device_id[0] == '\0' || settings->token[0] == '\0'))
        return "ddi needs device_id and token";
    settings->ddi = ddi;
    return NULL;
}

static const char *take_tenant(struct settings *settings, const char *text)
{
    bool valid = text[0] != '.' && take_word(settings->tenant, sizeof settings->tenant, text, NAME);
    return valid ? NULL : "not 1 to 40 letters, digits, '-', '_', '.'";
}

/* Of a known key, a value of another type is a mistake worth a line. */
static bool is_number(const struct nvs_source *source, const char *key)
{
    uint64_t value;
    return nvs_find_unsigned(source, SETTINGS_NAMESPACE, key, &value) == CHAIN_OK;
}

static bool is_text(const struct nvs_source *source, const char *key)
{
    char value[1];
    int error = nvs_find_string(source, SETTINGS_NAMESPACE, key, value, sizeof value);
    return error == CHAIN_OK || error == CHAIN_ESPACE;
}

static void read_text(struct settings *settings, const struct nvs_source *source, const char *key,
                      take_text *take, const struct settings_listener *listener)
{
    char value[VALUE_BYTES];
    const char *problem = NULL;
    int error = nvs_find_string(source, SETTINGS_NAMESPACE, key, value, sizeof value);
    if (error == CHAIN_OK)
        problem = take(settings, value);
    else if (error == CHAIN_ESPACE)
        problem = "too long";
    else if (error != CHAIN_EMISSING)
        problem = "cannot be read";
    else if (is_number(source, key))
        problem = "not of type string";
    else
        return;
    listener->tell(listener->context, key, problem);
}

static void read_poll(struct settings *settings, const struct nvs_source *source,
                      const struct settings_listener *listener)
{
    static const char key[] = "poll_s";
    const char *problem = NULL;
    uint64_t seconds = 0;
    int error = nvs_find_unsigned(source, SETTINGS_NAMESPACE, key, &seconds);
    if (error == CHAIN_EMISSING && is_text(source, key))
        problem = "not of type u32";
    else if (error == CHAIN_EMISSING)
        return;
    else if (error != CHAIN_OK)
        problem = "cannot be read";
    else if (seconds < 1 || seconds > SETTINGS_POLL_S_MAX)
        problem = "not 1 to 4000000 seconds";
    else
        settings->poll_ms = (uint32_t)seconds * 1000;
    listener->tell(listener->context, key, problem);
}

void settings_read(struct settings *settings, const struct nvs_source *source,
                   const struct settings_listener *listener)
{
    read_text(settings, source, "url", take_url, listener);
    read_text(settings, source, "channel", take_channel, listener);
    read_text(settings, source, "device_id", take_id, listener);
    read_text(settings, source, "token", take_token, listener);
    read_text(settings, source, "tenant", take_tenant, listener);
    read_text(settings, source, "mode", take_mode, listener);
    read_poll(settings, source, listener);
}
