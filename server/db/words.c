/* server/db/words.c: see server/db/words.h. */
#include "server/db/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The mark that stands here, or NULL. */
static const struct db_word *word_at(const char *text, const struct db_word *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(text, list[i].mark, strlen(list[i].mark)) == 0)
            return &list[i];
    }
    return NULL;
}

char *db_words(const char *text, const struct db_word *list, size_t count)
{
    char *out = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&out, &length);
    if (stream == NULL)
        abort();
    while (*text != '\0') {
        const struct db_word *word = word_at(text, list, count);
        if (word == NULL)
            fputc(*text++, stream);
        else
            fputs(word->words, stream);
        text += word != NULL ? strlen(word->mark) : 0;
    }
    if (fclose(stream) != 0)
        abort();
    return out;
}
