/* server/fleet/token.h: tokens for people and scripts, each with a role. The store keeps SHA-256
 * digests: who reads it can use none of them. */
#ifndef SERVER_FLEET_TOKEN_H
#define SERVER_FLEET_TOKEN_H

#include "server/fleet/fleet.h"

#define TOKEN_CHARS    43 /* of letters and digits: 256 bits */
#define TOKEN_NAME_MAX 64

/* role: "read", "operate", "admin". EXISTS, INVALID. `secret` is shown once, here. */
int token_create(struct fleet *fleet, const char *name, const char *role,
                 char secret[TOKEN_CHARS + 1]);
/* The same with a secret that is there already: TOKEN_CHARS of fleet_random_text(). */
int token_add(struct fleet *fleet, const char *name, const char *role, const char *secret);
int token_revoke(struct fleet *fleet, const char *name); /* NONE */

struct token {
    int64_t tenant;
    char name[TOKEN_NAME_MAX + 1];
    char role[16];
};
/* `name` NULL: any (Bearer), else it must be that one's (Basic). NONE. */
int token_check(struct fleet *fleet, const char *name, const char *secret, size_t length,
                struct token *out);

/* What may be told about a token, in the order of names; also of revoked ones. */
struct token_facts {
    const char *name, *role, *created_by;
    int64_t created_at;
    int64_t revoked_at; /* 0: in use */
};
typedef void token_visit(void *context, const struct token_facts *token);
int token_each(struct fleet *fleet, token_visit *each, void *context);

#endif
