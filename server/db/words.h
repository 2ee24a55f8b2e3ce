/* server/db/words.h: SQL in the words of one store: what the two spell differently has a mark in
 * our texts. Internal to server/db.
 */
#ifndef SERVER_DB_WORDS_H
#define SERVER_DB_WORDS_H

#include <stddef.h>

struct db_word {
    const char *mark, *words;
};

/* `text` with every mark replaced; the caller frees it. Out of memory ends the program: it would
 * become another statement. */
char *db_words(const char *text, const struct db_word *list, size_t count);

#endif
