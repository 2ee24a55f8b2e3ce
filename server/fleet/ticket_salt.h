/* server/fleet/ticket_salt.h: what the keys of TLS session tickets are made with (server/ticket.h).
 * Of the server, not of a tenant. */
#ifndef SERVER_FLEET_TICKET_SALT_H
#define SERVER_FLEET_TICKET_SALT_H

#include <stdint.h>

#include "server/db/db.h"

#define TICKET_SALT_BYTES 32
#define TICKET_PERIODS    3 /* the one before, this one, and the next, for clocks that are ahead */

struct ticket_salts {
    unsigned char salt[TICKET_PERIODS][TICKET_SALT_BYTES]; /* from the period before on */
};

/* In the caller's transaction: reads them, makes those that nobody has made yet, forgets older
 * ones. DB_OK or an error. */
int ticket_salts(struct db *db, int64_t period, struct ticket_salts *out);

#endif
