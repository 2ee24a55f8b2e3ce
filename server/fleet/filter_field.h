/* server/fleet/filter_field.h: what can be asked for in a filter. Internal to filter.h. */
#ifndef SERVER_FLEET_FILTER_FIELD_H
#define SERVER_FLEET_FILTER_FIELD_H

#include "server/fleet/filter.h"

enum filter_type {
    FILTER_TEXT,
    FILTER_VERSION, /* equal as a text, ordered by its key */
    FILTER_NUMBER,
    FILTER_TRUTH,
};

struct filter_field {
    enum filter_kind kind;
    const char *name; /* in lower case; one that ends with '.' is followed by a key */
    enum filter_type type;
    const char *column; /* an expression */
    const char *key;    /* of FILTER_VERSION: the expression that orders */
    const char *within; /* "EXISTS (... AND ", closed by ")"; a key makes it "x.key = $N AND " */
};

/* `name` without regard to case; NULL: there is no such field. */
const struct filter_field *filter_field_find(enum filter_kind kind, const char *name,
                                             size_t length);

#endif
