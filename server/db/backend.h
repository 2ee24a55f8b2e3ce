/* server/db/backend.h: what SQLite and PostgreSQL each do for db.c. Internal to server/db. */
#ifndef SERVER_DB_BACKEND_H
#define SERVER_DB_BACKEND_H

#include "server/db/db.h"

#define DB_ERROR_MAX 256

/* The first member of both connections. */
struct db {
    const struct db_backend *backend;
    int64_t changes;
    char error[DB_ERROR_MAX];
};

/* The first member of both cursors. */
struct db_rows {
    const struct db_backend *backend;
};

struct db_backend {
    bool embedded;
    char list_begin, list_end; /* of the text that is a list (db_l) */
    void (*close)(struct db *db);
    int (*mend)(struct db *db);
    int (*begin)(struct db *db, enum db_access access);
    int (*commit)(struct db *db);
    int (*script)(struct db *db, const char *sql);
    /* `keep`: sql lives for ever. */
    struct db_rows *(*query)(struct db *db, const char *sql, bool keep,
                             const struct db_value *values, size_t count);
    int (*next)(struct db_rows *rows);
    void (*end)(struct db_rows *rows);
    bool (*is_null)(const struct db_rows *rows, int column);
    int64_t (*number)(const struct db_rows *rows, int column);
    const char *(*text)(const struct db_rows *rows, int column, size_t *length);
};

int sqlite_open(const char *path, struct db **out);
int postgres_open(const char *url, struct db **out);

#endif
