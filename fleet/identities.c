/* fleet/identities.c: see identities.h. */
#include "fleet/identities.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/agent/settings.h"
#include "host/error.h"
#include "host/pki.h"

#define CERTIFICATE "_cert.pem"
#define KEY         "_key.pem"

/* Room for one more; false: there is none. */
static bool grow(struct identities *identities)
{
    size_t count = identities->count;
    if ((count & (count + 1)) != 0)
        return true; /* room for the next power of two, less one */
    struct identity *more = realloc(identities->list, (2 * count + 1) * sizeof *more);
    if (more != NULL)
        identities->list = more;
    return more != NULL;
}

static bool is_token(const char *text)
{
    size_t length = 0;
    while (text[length] > ' ' && text[length] <= '~')
        length++;
    return text[length] == '\0' && length > 0 && length < SETTINGS_TOKEN_BYTES;
}

/* A part of paths (device/agent/settings.h). */
static bool is_id(const char *text)
{
    size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                 "-_.:");
    return text[length] == '\0' && length > 0 && length < SETTINGS_ID_BYTES;
}

/* The whole file, NUL-terminated. */
static int read_text(const char *path, struct identities *out)
{
    *out = (struct identities){.list = NULL};
    int status = file_read_private(path, FILE_MAX_DEFAULT, &out->text);
    if (status != HOST_DONE)
        return status;
    uint8_t *text = realloc(out->text.bytes, out->text.length + 1);
    if (text == NULL)
        return host_fail(path, "out of memory");
    out->text.bytes = text;
    text[out->text.length] = '\0';
    if (strlen((const char *)text) != out->text.length)
        return host_fail(path, "is no text: there is a NUL byte in it");
    return HOST_DONE;
}

/* One line, without its end, in place. */
static bool split(char *line, struct identity *identity)
{
    char *comma = strchr(line, ',');
    if (comma == NULL)
        return false;
    *comma = '\0';
    *identity = (struct identity){.id = line, .token = comma + 1};
    return is_id(identity->id) && is_token(identity->token);
}

static int read_lines(const char *path, struct identities *out)
{
    size_t number = 0;
    char *rest = (char *)out->text.bytes;
    char *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        number++;
        line[strcspn(line, "\r")] = '\0';
        if (*line == '\0' || *line == '#')
            continue;
        if (!grow(out))
            return host_fail(path, "out of memory");
        if (!split(line, &out->list[out->count]))
            return host_fail(path, "line %zu is not ID,TOKEN", number);
        out->count++;
    }
    return out->count > 0 ? HOST_DONE : host_fail(path, "names no device");
}

int identities_of_tokens(const char *path, struct identities *out)
{
    int status = read_text(path, out);
    if (status == HOST_DONE)
        status = read_lines(path, out);
    if (status != HOST_DONE)
        identities_free(out);
    return status;
}

int identities_of_gateway(const char *path, struct identities *out, const char **token)
{
    int status = read_text(path, out);
    if (status == HOST_DONE) {
        char *text = (char *)out->text.bytes;
        text[strcspn(text, "\r\n")] = '\0';
        *token = text;
        if (!is_token(text))
            status = host_fail(path, "is not one token of at most %d printable characters",
                               SETTINGS_TOKEN_BYTES - 1);
    }
    if (status != HOST_DONE)
        identities_free(out);
    return status;
}

/* Certificates */

static int certificate_of_device(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), ending = sizeof CERTIFICATE - 1;
    return length > ending && strcmp(entry->d_name + length - ending, CERTIFICATE) == 0;
}

/* `name` loses its ending: it is the id. */
static int add_certificate(const char *folder, char *name, struct identities *out)
{
    char certificate[PATH_MAX], key[PATH_MAX], key_name[NAME_MAX + 1];
    struct pki_files files = {certificate, key};
    if (!grow(out))
        return host_fail(folder, "out of memory");
    struct identity *identity = &out->list[out->count];
    *identity = (struct identity){.id = NULL};
    int status = file_path(folder, name, certificate);
    name[strlen(name) - (sizeof CERTIFICATE - 1)] = '\0';
    snprintf(key_name, sizeof key_name, "%s" KEY, name);
    if (status == HOST_DONE && !is_id(name))
        status = host_fail(certificate, "is not named after a device");
    if (status == HOST_DONE)
        status = file_path(folder, key_name, key);
    if (status == HOST_DONE)
        status = pki_read(&files, &identity->certificate, &identity->key);
    if (status != HOST_DONE)
        return status;
    identity->id = strdup(name);
    out->count++;
    return identity->id != NULL ? HOST_DONE : host_fail(folder, "out of memory");
}

int identities_of_certificates(const char *folder, size_t most, struct identities *out)
{
    struct dirent **found;
    int status = HOST_DONE;
    *out = (struct identities){.list = NULL};
    int count = scandir(folder, &found, certificate_of_device, alphasort);
    if (count < 0)
        return host_fail(folder, "cannot be read: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        if (status == HOST_DONE && (most == 0 || out->count < most))
            status = add_certificate(folder, found[i]->d_name, out);
        free(found[i]);
    }
    free(found);
    if (status == HOST_DONE && out->count == 0)
        status = host_fail(folder, "has no certificate of a device (trustchain pki device)");
    if (status != HOST_DONE)
        identities_free(out);
    return status;
}

void identities_free(struct identities *identities)
{
    for (size_t i = 0; i < identities->count; i++) {
        struct identity *identity = &identities->list[i];
        if (identity->token == NULL)
            free((char *)(uintptr_t)identity->id);
        X509_free(identity->certificate);
        EVP_PKEY_free(identity->key);
    }
    buffer_free_secret(&identities->text);
    free(identities->list);
    *identities = (struct identities){.list = NULL};
}
