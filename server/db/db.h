/* server/db/db.h: one connection to the fleet's store: SQLite, or PostgreSQL behind the same face.
 *
 * SQL is the subset both speak, with $1, $2, ... for values. A text column is UTF-8, a number is 64
 * bits, a truth is 0 or 1, a time is milliseconds since 1970. A statement's text must be a string
 * that lives as long as the program: the connection keeps it prepared under its address.
 *
 * After an error inside a transaction only a rollback is possible (to the mark, if there is one):
 * ask with ON CONFLICT DO NOTHING where a conflict is an answer.
 *
 * A connection belongs to one thread at a time. Whatever runs in a transaction can be asked to run
 * again (DB_EAGAIN): it keeps its results to itself until db_commit() has said DB_OK.
 *
 * SQLite: a file only its owner can read, made when there is none; WAL, synchronous=FULL, foreign
 * keys on; a second writer waits up to 10 s. PostgreSQL: DB_WRITE transactions are serializable, so
 * that reading and then writing needs no locks in SQL; a server that does not answer is given up
 * after 10 s, and a lock after 10 s, unless the URL says otherwise.
 */
#ifndef SERVER_DB_DB_H
#define SERVER_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum db_status {
    DB_ROW = 1,        /* db_next(): there is one */
    DB_OK = 0,         /* done; db_next(): there are no more */
    DB_ECONFLICT = -1, /* a unique or foreign key forbids it */
    DB_EAGAIN = -2,   /* another transaction was in the way, or the connection is lost: run again */
    DB_EFULL = -3,    /* no room, or read only */
    DB_EIO = -4,      /* anything else; db_error() says what */
    DB_EUNKNOWN = -5, /* db_commit(): the connection was lost; it may be there or not */
};

const char *db_status_text(int status);

struct db;

/* `url` is "sqlite:PATH" or "postgres://..." (as libpq takes it). HOST_DONE, or HOST_FAILED after
 * one line on stderr that names no password. */
int db_open(const char *url, struct db **out);
void db_close(struct db *db);

/* SQLite: small reads are quick enough for an event loop, and there is one writer. */
bool db_embedded(const struct db *db);

/* What the library said about the last failure; never NULL. */
const char *db_error(const struct db *db);

/* Connects again if the connection was lost. DB_OK, DB_EAGAIN. */
int db_mend(struct db *db);

/* DB_STEP writes so many rows that a serializable transaction would hardly ever get through beside
 * those of devices. On PostgreSQL it sees one state of the store, and of two transactions that
 * change the same row one begins again; what only reads a row that its work rests on has to change
 * that row too. On SQLite it is DB_WRITE. */
enum db_access { DB_READ, DB_WRITE, DB_STEP };

/* Transactions do not nest; marks do. */
int db_begin(struct db *db, enum db_access access);
int db_commit(struct db *db);
void db_rollback(struct db *db);
int db_mark(struct db *db);    /* SAVEPOINT */
int db_release(struct db *db); /* keep what came after the mark */
int db_rollback_mark(struct db *db);

struct db_value {
    bool is_text;
    int64_t number;
    const char *text; /* NULL: the SQL NULL */
    size_t length;
};

struct db_value db_i(int64_t number);
struct db_value db_t(const char *text); /* NUL-terminated; NULL is the SQL NULL */
struct db_value db_tn(const char *text, size_t length);
#define DB_NULL db_t(NULL)
#define DB_ARGS(...)                                                                               \
    (const struct db_value[]){__VA_ARGS__},                                                        \
        sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)
#define DB_NO_ARGS NULL, 0

/* Numbers as one value: "id {in $1}" in a statement's text is true for them. */
#define DB_LIST_MAX 1000
struct db_list {
    size_t count, length;
    char text[2 + 21 * DB_LIST_MAX];
};
void db_list_clear(struct db_list *list);
void db_list_add(struct db_list *list, int64_t number); /* at most DB_LIST_MAX */
/* Points into the list, which must not grow meanwhile. */
struct db_value db_l(const struct db *db, struct db_list *list);

/* Runs a statement that answers no rows. DB_OK or an error. */
int db_run(struct db *db, const char *sql, const struct db_value *values, size_t count);
/* How many rows the last db_run() changed. */
int64_t db_changes(const struct db *db);

/* Several statements without values, for migrations. */
int db_script(struct db *db, const char *sql);

/* Starts a statement that answers rows. Never NULL: an error is told by the first db_next(). */
struct db_rows;
struct db_rows *db_query(struct db *db, const char *sql, const struct db_value *values,
                         size_t count);
/* The same for a text put together at run time, which is copied and not kept. */
struct db_rows *db_query_once(struct db *db, const char *sql, const struct db_value *values,
                              size_t count);
int db_run_once(struct db *db, const char *sql, const struct db_value *values, size_t count);

/* DB_ROW, DB_OK after the last row, or an error; after the last two `rows` is gone. */
int db_next(struct db_rows *rows);
/* To stop before the last row. */
void db_end(struct db_rows *rows);

/* Columns count from 0; their text is valid until the next db_next() or db_end(). */
bool db_is_null(const struct db_rows *rows, int column);
int64_t db_int(const struct db_rows *rows, int column);      /* NULL is 0 */
const char *db_text(const struct db_rows *rows, int column); /* NULL is "" */
size_t db_text_length(const struct db_rows *rows, int column);

/* The one number that the query answers: DB_ROW with it, DB_OK when there is no row. */
int db_get_int(struct db *db, const char *sql, const struct db_value *values, size_t count,
               int64_t *out);

#endif
