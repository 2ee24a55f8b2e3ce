/* server/ticket_roll.h: keeps the keys of session tickets up with the time and with the other
 * processes on the store. Internal to server/. */
#ifndef SERVER_TICKET_ROLL_H
#define SERVER_TICKET_ROLL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/db/pool.h"
#include "server/ticket.h"

struct service;

struct ticket_roll {
    struct job job; /* first */
    struct service *service;
    struct ticket_keys *keys;
    atomic_bool busy;
    _Atomic int64_t next_at; /* milliseconds since 1970 */
    int64_t period;          /* that is being asked for, and what came */
    struct ticket_salts salts;
};

/* Once, before the first handshake: waits for the store. */
void ticket_roll_begin(struct service *service);

/* From any loop, about ten times a second. */
void ticket_roll_tick(struct service *service);

#endif
