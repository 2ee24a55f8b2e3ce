/* fleet/tokens.h: names of devices and their tokens at the server, from a CSV file.
 *
 * A line is ID,TOKEN; empty lines and lines that begin with '#' are skipped. The file is secret: it
 * must be readable by its owner only.
 */
#ifndef FLEET_TOKENS_H
#define FLEET_TOKENS_H

#include "host/file.h"

struct token {
    const char *id, *value; /* in `text` */
};

struct tokens {
    struct buffer text;
    struct token *list;
    size_t count;
};

/* HOST_DONE, or its line is printed and *tokens is empty. */
int tokens_read(const char *path, struct tokens *tokens);
/* Wipes. */
void tokens_free(struct tokens *tokens);

#endif
