/* fleet/request.c: see request.h. */
#include "fleet/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 512

static const char *const words[REQUEST_KINDS] = {
    "other", "poll", "deployment", "download", "feedback", "cancel", "config", "confirm",
};

const char *request_word(enum request_kind kind)
{
    return words[kind];
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *find(const char *bytes, size_t length, const char *text)
{
    return memmem(bytes, length, text, strlen(text));
}

/* The value of a member of a JSON body: a short text, or nothing. */
static void read_word(const char *bytes, size_t length, const char *member,
                      char out[REQUEST_WORD_BYTES])
{
    const char *at = find(bytes, length, member);
    const char *end = bytes + length;
    out[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(member);
    while (at < end && (*at == ' ' || *at == ':' || *at == '"'))
        at++;
    size_t used = 0;
    while (at < end && *at >= 'a' && *at <= 'z' && used < REQUEST_WORD_BYTES - 1)
        out[used++] = *at++;
    out[used] = '\0';
}

static enum request_kind kind_of_action(const char *rest, enum request_kind kind,
                                        struct request *request)
{
    char *end;
    request->action = strtoll(rest, &end, 10);
    return starts(end, "/feedback") ? REQUEST_FEEDBACK : kind;
}

/* `rest` is what follows the device's id in the path. */
static enum request_kind kind_of_ddi(const char *rest, struct request *request)
{
    static const struct {
        const char *text;
        enum request_kind kind;
        bool action;
    } known[] = {
        {"/deploymentBase/", REQUEST_DEPLOYMENT, true},
        {"/confirmationBase/", REQUEST_CONFIRM, true},
        {"/cancelAction/", REQUEST_CANCEL, true},
        {"/installedBase/", REQUEST_OTHER, true},
        {"/softwaremodules/", REQUEST_DOWNLOAD, false},
        {"/configData", REQUEST_CONFIG, false},
        {"/confirmationBase", REQUEST_CONFIRM, false},
    };
    if (*rest == '\0' || *rest == '?')
        return REQUEST_POLL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!starts(rest, known[i].text))
            continue;
        return known[i].action
                   ? kind_of_action(rest + strlen(known[i].text), known[i].kind, request)
                   : known[i].kind;
    }
    return REQUEST_OTHER;
}

void request_read(const char *bytes, size_t length, struct request *request)
{
    char path[PATH_BYTES];
    *request = (struct request){.kind = REQUEST_OTHER};
    const char *begin = memchr(bytes, ' ', length);
    if (begin == NULL)
        return;
    const char *end = memchr(begin + 1, ' ', length - (size_t)(begin + 1 - bytes));
    if (end == NULL || (size_t)(end - begin) > sizeof path)
        return;
    size_t used = (size_t)(end - begin) - 1;
    memcpy(path, begin + 1, used);
    path[used] = '\0';
    if (starts(path, "/ota/")) {
        bool rest = find(bytes, length, "\r\nRange:") != NULL;
        request->kind = rest ? REQUEST_DOWNLOAD : REQUEST_POLL;
        return;
    }
    static const char base[] = "/controller/v1/";
    const char *id = strstr(path, base);
    if (id == NULL)
        return;
    id += sizeof base - 1;
    request->kind = kind_of_ddi(id + strcspn(id, "/?"), request);
    if (request->kind == REQUEST_FEEDBACK) {
        read_word(bytes, length, "\"execution\"", request->execution);
        read_word(bytes, length, "\"finished\"", request->finished);
    }
}

int request_status(const void *bytes, size_t length)
{
    const char *text = bytes;
    static const char version[] = "HTTP/1.1 ";
    if (length < sizeof version - 1 + 3 || memcmp(text, version, sizeof version - 1) != 0)
        return 0;
    int status = 0;
    for (const char *digit = text + sizeof version - 1; digit < text + sizeof version + 2;
         digit++) {
        if (*digit < '0' || *digit > '9')
            return 0;
        status = status * 10 + (*digit - '0');
    }
    return status;
}
