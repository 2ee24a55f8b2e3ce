/* server/ticket.h: the keys that TLS session tickets are sealed with. Internal to server/.
 *
 * A ticket holds what a session needs to go on, the client's certificate too, so who has its key
 * can be any device. A key is derived from the server's private key and a random salt: the salt, in
 * the store, is the same for all processes and after a restart, and alone it is worth nothing.
 * Servers with different private keys do not take each other's tickets, which costs a full
 * handshake and no more.
 *
 * Every TICKET_PERIOD_S there is a new salt. Tickets are sealed with the key of the period, and
 * taken under that of the period before as well; then its salt is deleted, and whoever gets at the
 * private key later cannot open what was recorded.
 */
#ifndef SERVER_TICKET_H
#define SERVER_TICKET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/fleet/ticket_salt.h"

#define TICKET_PERIOD_S (6 * 3600) /* a session is never older */

struct ticket_keys;

/* Of the server with this private key; no key yet. NULL: out of memory. */
struct ticket_keys *ticket_keys_new(const EVP_PKEY *private_key);
void ticket_keys_free(struct ticket_keys *keys); /* wiped; after all contexts that use it */

/* The number of the period at `now`, seconds since 1970. */
int64_t ticket_period(int64_t now);

/* From now on the keys of these periods. `salts` NULL: there is no store, make them up, but keep
 * those there are. While threads shake hands, by one thread at a time. False: out of memory, the
 * keys are as they were. */
bool ticket_keys_roll(struct ticket_keys *keys, int64_t period, const struct ticket_salts *salts);

/* Tickets of `context` are sealed and opened with them. */
void ticket_keys_install(struct ticket_keys *keys, SSL_CTX *context);

#endif
