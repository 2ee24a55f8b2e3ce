/* server/db/postgres.c: the store in a PostgreSQL server, for more than one server process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "server/db/backend.h"
#include "server/db/libpq.h"
#include "server/db/words.h"

#define KEPT_MAX   512
#define VALUES_MAX 64
#define BOOL_OID   16

struct postgres_rows {
    struct db_rows rows;
    struct postgres_db *owner;
    PGresult *result;
    int at; /* the row that is read; -1 before the first */
    int failed;
};

struct postgres_db {
    struct db db;
    PGconn *connection;
    unsigned kept_count;
    const char *kept[KEPT_MAX]; /* statements prepared in this session, as "s<place>" */
};

static void keep_error(struct postgres_db *self, const char *text)
{
    size_t length = strcspn(text, "\n");
    snprintf(self->db.error, sizeof self->db.error, "%.*s", (int)length, text);
}

/* SQLSTATE classes (PostgreSQL manual, appendix A). */
static int status_of(struct postgres_db *self, const PGresult *result)
{
    ExecStatusType what = libpq.PQresultStatus(result);
    if (what == PGRES_COMMAND_OK || what == PGRES_TUPLES_OK || what == PGRES_EMPTY_QUERY)
        return DB_OK;
    keep_error(self, libpq.PQerrorMessage(self->connection));
    const char *state = libpq.PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL || libpq.PQstatus(self->connection) != CONNECTION_OK)
        return DB_EAGAIN; /* no answer from the server at all */
    if (strncmp(state, "23", 2) == 0)
        return DB_ECONFLICT;
    if (strncmp(state, "40", 2) == 0 || strcmp(state, "55P03") == 0 ||
        strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0)
        return DB_EAGAIN;
    if (strncmp(state, "53", 2) == 0 || strcmp(state, "25006") == 0)
        return DB_EFULL;
    return DB_EIO;
}

static void postgres_close(struct db *db)
{
    struct postgres_db *self = (struct postgres_db *)db;
    libpq.PQfinish(self->connection);
    free(self);
}

static void forget_kept(struct postgres_db *self)
{
    memset(self->kept, 0, sizeof self->kept);
    self->kept_count = 0;
}

static int postgres_mend(struct db *db)
{
    struct postgres_db *self = (struct postgres_db *)db;
    if (libpq.PQstatus(self->connection) == CONNECTION_OK)
        return DB_OK;
    libpq.PQreset(self->connection);
    forget_kept(self);
    if (libpq.PQstatus(self->connection) == CONNECTION_OK)
        return DB_OK;
    keep_error(self, libpq.PQerrorMessage(self->connection));
    return DB_EAGAIN;
}

static int postgres_script(struct db *db, const char *sql)
{
    struct postgres_db *self = (struct postgres_db *)db;
    PGresult *result = libpq.PQexec(self->connection, sql);
    int status = status_of(self, result);
    libpq.PQclear(result);
    return status;
}

/* COMMIT of a transaction that an error has ended already answers "ROLLBACK". Without an answer
 * nobody knows; an error that the server has told is one even if it then hangs up. */
static int postgres_commit(struct db *db)
{
    struct postgres_db *self = (struct postgres_db *)db;
    PGresult *result = libpq.PQexec(self->connection, "COMMIT");
    int status = status_of(self, result);
    if (status == DB_OK && strcmp(libpq.PQcmdStatus(result), "COMMIT") != 0)
        status = DB_EIO;
    if (status == DB_EAGAIN && libpq.PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL)
        status = DB_EUNKNOWN;
    libpq.PQclear(result);
    return status;
}

static int postgres_begin(struct db *db, enum db_access access)
{
    static const char *const begin[] = {
        [DB_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        [DB_WRITE] = "BEGIN ISOLATION LEVEL SERIALIZABLE",
        [DB_STEP] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
    };
    return postgres_script(db, begin[access]);
}

static const struct db_word words[] = {{"{in ", "= ANY (CAST("}, {"}", " AS BIGINT[]))"}};
#define IN_OUR_WORDS(sql) db_words(sql, words, sizeof words / sizeof words[0])

/* Prepares `sql` once in this session: its place, or -1 when it is not to be kept. *failed tells
 * an error. */
static int prepared(struct postgres_db *self, const char *sql, int *failed)
{
    size_t at = ((uintptr_t)sql * 0x9E3779B97F4A7C15ull >> 32) % KEPT_MAX;
    char name[24];
    *failed = DB_OK;
    while (self->kept[at] != NULL && self->kept[at] != sql)
        at = (at + 1) % KEPT_MAX;
    if (self->kept[at] == sql)
        return (int)at;
    if (self->kept_count == KEPT_MAX - 1)
        return -1;
    snprintf(name, sizeof name, "s%zu", at);
    char *text = IN_OUR_WORDS(sql);
    PGresult *result = libpq.PQprepare(self->connection, name, text, 0, NULL);
    free(text);
    *failed = status_of(self, result);
    libpq.PQclear(result);
    if (*failed != DB_OK)
        return -1;
    self->kept[at] = sql;
    self->kept_count++;
    return (int)at;
}

static PGresult *execute(struct postgres_db *self, const char *sql, int place,
                         const struct db_value *values, size_t count)
{
    char numbers[VALUES_MAX][24];
    char *texts[VALUES_MAX] = {NULL}; /* copies, since libpq wants a NUL at the end */
    const char *pointers[VALUES_MAX];
    char name[24];
    for (size_t i = 0; i < count; i++) {
        pointers[i] = NULL;
        if (!values[i].is_text) {
            snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)values[i].number);
            pointers[i] = numbers[i];
        } else if (values[i].text != NULL) {
            pointers[i] = texts[i] = strndup(values[i].text, values[i].length);
            if (texts[i] == NULL)
                abort(); /* it would become the SQL NULL */
        }
    }
    PGresult *result;
    if (place >= 0) {
        snprintf(name, sizeof name, "s%d", place);
        result = libpq.PQexecPrepared(self->connection, name, (int)count, pointers, NULL, NULL, 0);
    } else {
        char *text = IN_OUR_WORDS(sql);
        result =
            libpq.PQexecParams(self->connection, text, (int)count, NULL, pointers, NULL, NULL, 0);
        free(text);
    }
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    return result;
}

static struct db_rows *postgres_query(struct db *db, const char *sql, bool keep,
                                      const struct db_value *values, size_t count)
{
    struct postgres_db *self = (struct postgres_db *)db;
    struct postgres_rows *rows = calloc(1, sizeof *rows);
    int place = -1;
    if (rows == NULL || count > VALUES_MAX)
        abort(); /* out of memory, or a query that was never tried */
    *rows = (struct postgres_rows){.rows.backend = db->backend, .owner = self, .at = -1};
    if (keep)
        place = prepared(self, sql, &rows->failed);
    if (rows->failed == DB_OK) {
        rows->result = execute(self, sql, place, values, count);
        rows->failed = status_of(self, rows->result);
    }
    if (rows->failed == DB_OK)
        self->db.changes = strtoll(libpq.PQcmdTuples(rows->result), NULL, 10);
    return &rows->rows;
}

static void postgres_end(struct db_rows *base)
{
    struct postgres_rows *rows = (struct postgres_rows *)base;
    libpq.PQclear(rows->result);
    free(rows);
}

static int postgres_next(struct db_rows *base)
{
    struct postgres_rows *rows = (struct postgres_rows *)base;
    int status = rows->failed;
    if (status == DB_OK && ++rows->at < libpq.PQntuples(rows->result))
        return DB_ROW;
    postgres_end(base);
    return status;
}

static bool postgres_is_null(const struct db_rows *base, int column)
{
    const struct postgres_rows *rows = (const struct postgres_rows *)base;
    return libpq.PQgetisnull(rows->result, rows->at, column) != 0;
}

static const char *postgres_text(const struct db_rows *base, int column, size_t *length)
{
    const struct postgres_rows *rows = (const struct postgres_rows *)base;
    *length = (size_t)libpq.PQgetlength(rows->result, rows->at, column);
    return libpq.PQgetvalue(rows->result, rows->at, column);
}

static int64_t postgres_number(const struct db_rows *base, int column)
{
    const struct postgres_rows *rows = (const struct postgres_rows *)base;
    const char *text = libpq.PQgetvalue(rows->result, rows->at, column);
    if (libpq.PQftype(rows->result, column) == BOOL_OID)
        return text[0] == 't';
    return strtoll(text, NULL, 10);
}

static const struct db_backend postgres_backend = {
    .list_begin = '{',
    .list_end = '}',
    .close = postgres_close,
    .mend = postgres_mend,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .script = postgres_script,
    .query = postgres_query,
    .next = postgres_next,
    .end = postgres_end,
    .is_null = postgres_is_null,
    .number = postgres_number,
    .text = postgres_text,
};

static void no_notices(void *context, const char *message)
{
    (void)context;
    (void)message;
}

/* What libpq says about a URL that it cannot read may quote a password. */
static bool is_url(const char *url)
{
    PQconninfoOption *parts = libpq.PQconninfoParse(url, NULL);
    libpq.PQconninfoFree(parts);
    return parts != NULL;
}

/* A server that is gone is noticed; what the URL says comes later and counts. */
static PGconn *connect_to(const char *url)
{
    static const char *const names[] = {"connect_timeout",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "client_encoding",
                                        "application_name",
                                        "options",
                                        "dbname",
                                        NULL};
    const char *const values[] = {
        "10", "30", "10", "3", "30000", "UTF8", "trustchain", "-c lock_timeout=10s", url, NULL};
    return libpq.PQconnectdbParams(names, values, 1);
}

int postgres_open(const char *url, struct db **out)
{
    if (libpq_load() != HOST_DONE)
        return HOST_FAILED;
    if (!is_url(url))
        return host_fail(NULL, "the store's URL cannot be read (postgres://USER@HOST/DATABASE, "
                               "other characters as %%XX; a password is better in ~/.pgpass)");
    struct postgres_db *self = calloc(1, sizeof *self);
    if (self == NULL)
        return host_fail(NULL, "out of memory");
    self->db.backend = &postgres_backend;
    self->connection = connect_to(url);
    if (libpq.PQstatus(self->connection) != CONNECTION_OK) {
        keep_error(self, libpq.PQerrorMessage(self->connection));
        host_fail(NULL, "cannot reach the PostgreSQL store: %s", self->db.error);
        postgres_close(&self->db);
        return HOST_FAILED;
    }
    libpq.PQsetNoticeProcessor(self->connection, no_notices, NULL);
    *out = &self->db;
    return HOST_DONE;
}
