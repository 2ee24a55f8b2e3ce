/* fleet/tokens.c: see tokens.h. */
#include "fleet/tokens.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "device/agent/settings.h"
#include "host/error.h"

static bool printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~')
            return false;
    }
    return true;
}

/* One line, without its end, in place. */
static bool split(char *line, struct token *token)
{
    char *comma = strchr(line, ',');
    if (comma == NULL)
        return false;
    *comma = '\0';
    *token = (struct token){line, comma + 1};
    size_t id = strlen(token->id), value = strlen(token->value);
    return id > 0 && id < SETTINGS_ID_BYTES && value > 0 && value < SETTINGS_TOKEN_BYTES &&
           strpbrk(token->id, "/?#%") == NULL && printable(token->id) && printable(token->value);
}

static int read_lines(const char *path, struct tokens *tokens)
{
    size_t number = 0;
    char *rest = (char *)tokens->text.bytes;
    char *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        number++;
        line[strcspn(line, "\r")] = '\0';
        if (*line == '\0' || *line == '#')
            continue;
        if (!split(line, &tokens->list[tokens->count]))
            return host_fail(path, "line %zu is not ID,TOKEN", number);
        tokens->count++;
    }
    return tokens->count > 0 ? HOST_DONE : host_fail(path, "names no device");
}

int tokens_read(const char *path, struct tokens *tokens)
{
    *tokens = (struct tokens){.list = NULL};
    int status = file_read_private(path, FILE_MAX_DEFAULT, &tokens->text);
    if (status != HOST_DONE)
        return status;
    size_t lines = 1;
    for (size_t i = 0; i < tokens->text.length; i++)
        lines += tokens->text.bytes[i] == '\n';
    uint8_t *text = realloc(tokens->text.bytes, tokens->text.length + 1);
    if (text != NULL) {
        tokens->text.bytes = text;
        text[tokens->text.length] = '\0';
        tokens->list = calloc(lines, sizeof *tokens->list);
    }
    status = tokens->list != NULL ? read_lines(path, tokens) : host_fail(path, "out of memory");
    if (status != HOST_DONE)
        tokens_free(tokens);
    return status;
}

void tokens_free(struct tokens *tokens)
{
    buffer_free_secret(&tokens->text);
    free(tokens->list);
    *tokens = (struct tokens){.list = NULL};
}
