/* tests/unit/db/stores.h: an empty store for a test: SQLite in a folder of its own, PostgreSQL as a
 * database of its own where tests/with-postgres runs the test (skipped elsewhere).
 *
 *     STORE_TESTS(name)      expands to the test on both
 */
#ifndef TESTS_UNIT_DB_STORES_H
#define TESTS_UNIT_DB_STORES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"
#include "server/db/db.h"
#include "server/db/schema.h"
#include "tests/unit/folder.h"

struct store_under_test {
    char folder[FOLDER_BYTES]; /* of SQLite */
    char url[512];
};

static inline int store_new_sqlite(void **state)
{
    struct store_under_test *store = calloc(1, sizeof *store);
    folder_new("db", store->folder);
    snprintf(store->url, sizeof store->url, "sqlite:%s/fleet.db", store->folder);
    *state = store;
    return 0;
}

static inline int store_new_postgres(void **state)
{
    static unsigned number;
    const char *url = getenv("TRUSTCHAIN_TEST_POSTGRES");
    struct store_under_test *store = calloc(1, sizeof *store);
    *state = store;
    if (url == NULL)
        return 0;
    const char *database = strstr(url, "/postgres?");
    struct db *db;
    char create[80];
    snprintf(create, sizeof create, "CREATE DATABASE t%d_%u", (int)getpid(), number);
    if (database == NULL || db_open(url, &db) != HOST_DONE)
        return -1;
    int status = db_script(db, create);
    db_close(db);
    snprintf(store->url, sizeof store->url, "%.*s/t%d_%u%s", (int)(database - url), url,
             (int)getpid(), number++, database + strlen("/postgres"));
    return status == DB_OK ? 0 : -1;
}

static inline int store_forget(void **state)
{
    struct store_under_test *store = *state;
    if (store->folder[0] != '\0')
        folder_remove(store->folder);
    free(store);
    return 0;
}

/* The connection; skips the test where there is no such store. */
static inline struct db *store_connect(void **state)
{
    struct store_under_test *store = *state;
    struct db *db = NULL;
    if (store->url[0] == '\0')
        skip();
    assert_int_equal(db_open(store->url, &db), HOST_DONE);
    return db;
}

/* The same, with its tables. */
static inline struct db *store_migrated(void **state)
{
    struct db *db = store_connect(state);
    assert_int_equal(schema_migrate(db), HOST_DONE);
    return db;
}

#define STORE_TESTS(test)                                                                          \
    {#test " on SQLite", test, store_new_sqlite, store_forget, NULL},                              \
    {                                                                                              \
#test " on PostgreSQL", test, store_new_postgres, store_forget, NULL                       \
    }

#endif
