/* server/db/schema.h: the tables of the fleet's store, and how an older store becomes a newer one.
 *
 * A store carries the number of the last migration that ran in it. Each migration runs once, in a
 * transaction of its own; several servers that start together on one PostgreSQL wait for each
 * other. A store that is newer than this program is refused.
 */
#ifndef SERVER_DB_SCHEMA_H
#define SERVER_DB_SCHEMA_H

#include "server/db/db.h"

/* The tenant that every store has, and its number. */
#define SCHEMA_TENANT    "DEFAULT"
#define SCHEMA_TENANT_ID 1

/* HOST_DONE, or HOST_FAILED after one line on stderr. */
int schema_migrate(struct db *db);

/* The number that a store up to date carries. */
int64_t schema_newest(void);

/* To an older schema than that: what an older program has left, for tests. */
int schema_migrate_to(struct db *db, int64_t number);

#endif
