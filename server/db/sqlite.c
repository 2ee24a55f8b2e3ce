/* server/db/sqlite.c: the store in a file beside the releases. */
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/error.h"
#include "server/db/backend.h"
#include "server/db/words.h"

#define BUSY_MS       10000
#define KEPT_MAX      512 /* prepared statements; more are prepared anew each time */
#define CACHE_KIB     "-16384"
#define WAL_PAGES     1000 /* then what it can is moved to the store's file, as SQLite does itself */
#define WAL_PAGES_MAX 4096       /* then readers are waited for, so that the WAL begins anew */
#define WAL_BYTES_MAX "16777216" /* of an empty one */
#define WAL_WAIT_MS   100

struct sqlite_rows {
    struct db_rows rows;
    struct sqlite_db *owner;
    sqlite3_stmt *statement;
    bool kept;
    bool active;
    int failed; /* what db_next() is to say, when there was no statement to begin with */
};

struct kept {
    const char *sql; /* the address is the key */
    struct sqlite_rows rows;
};

struct sqlite_db {
    struct db db;
    sqlite3 *connection;
    int wal_patience; /* pages of WAL from which on readers are waited for */
    unsigned kept_count;
    struct kept kept[KEPT_MAX];
};

static int status_of(struct sqlite_db *self, int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return DB_OK;
    if (code == SQLITE_ROW)
        return DB_ROW;
    snprintf(self->db.error, sizeof self->db.error, "%s", sqlite3_errmsg(self->connection));
    int why = sqlite3_system_errno(self->connection);
    if (code == SQLITE_IOERR_WRITE && (why == EFBIG || why == EDQUOT))
        return DB_EFULL; /* SQLite knows ENOSPC only */
    switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
        return DB_ECONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return DB_EAGAIN;
    case SQLITE_FULL:
    case SQLITE_READONLY:
        return DB_EFULL;
    default:
        return DB_EIO;
    }
}

static void sqlite_close(struct db *db)
{
    struct sqlite_db *self = (struct sqlite_db *)db;
    for (unsigned i = 0; i < KEPT_MAX; i++)
        sqlite3_finalize(self->kept[i].rows.statement);
    sqlite3_close(self->connection);
    free(self);
}

static int sqlite_mend(struct db *db)
{
    (void)db;
    return DB_OK;
}

static int sqlite_script(struct db *db, const char *sql)
{
    struct sqlite_db *self = (struct sqlite_db *)db;
    return status_of(self, sqlite3_exec(self->connection, sql, NULL, NULL, NULL));
}

/* The place of `sql` among the kept statements: its own, a free one, or none. */
static struct kept *find_kept(struct sqlite_db *self, const char *sql)
{
    size_t at = ((uintptr_t)sql * 0x9E3779B97F4A7C15ull >> 32) % KEPT_MAX;
    while (self->kept[at].sql != NULL && self->kept[at].sql != sql)
        at = (at + 1) % KEPT_MAX;
    if (self->kept[at].sql == NULL && self->kept_count == KEPT_MAX - 1)
        return NULL;
    return &self->kept[at];
}

static const struct db_word words[] = {{"{in ", "IN (SELECT value FROM json_each("}, {"}", "))"}};

static struct sqlite_rows *prepare(struct sqlite_db *self, const char *sql, bool keep)
{
    struct kept *kept = keep ? find_kept(self, sql) : NULL;
    struct sqlite_rows *rows = kept != NULL ? &kept->rows : NULL;
    if (rows != NULL && !rows->active && kept->sql == sql)
        return rows;
    if (rows == NULL || rows->active) { /* the same query, asked again within its own rows */
        rows = calloc(1, sizeof *rows);
        if (rows == NULL)
            abort(); /* a store that cannot answer "out of memory" either */
        kept = NULL;
    }
    *rows =
        (struct sqlite_rows){.rows.backend = self->db.backend, .owner = self, .kept = kept != NULL};
    char *text = db_words(sql, words, sizeof words / sizeof words[0]);
    int code = sqlite3_prepare_v3(self->connection, text, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0,
                                  &rows->statement, NULL);
    free(text);
    rows->failed = status_of(self, code);
    if (kept != NULL && rows->failed == DB_OK) {
        kept->sql = sql;
        self->kept_count++;
    }
    return rows;
}

/* "$12", at the end of `out`. */
static const char *place_name(size_t number, char out[24])
{
    char *name = out + 23;
    for (*name = '\0'; number > 0; number /= 10)
        *--name = (char)('0' + number % 10);
    *--name = '$';
    return name;
}

/* $2 is a name to SQLite: its place depends on where it stands. */
static int bind(sqlite3_stmt *statement, const struct db_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[24];
        int at = sqlite3_bind_parameter_index(statement, place_name(i + 1, name));
        int code = SQLITE_OK;
        if (at != 0 && !values[i].is_text)
            code = sqlite3_bind_int64(statement, at, values[i].number);
        else if (at != 0 && values[i].text == NULL)
            code = sqlite3_bind_null(statement, at);
        else if (at != 0)
            code = sqlite3_bind_text64(statement, at, values[i].text, values[i].length,
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

static struct db_rows *sqlite_query(struct db *db, const char *sql, bool keep,
                                    const struct db_value *values, size_t count)
{
    struct sqlite_db *self = (struct sqlite_db *)db;
    struct sqlite_rows *rows = prepare(self, sql, keep);
    rows->active = true;
    if (rows->failed == DB_OK)
        rows->failed = status_of(self, bind(rows->statement, values, count));
    return &rows->rows;
}

static void sqlite_end(struct db_rows *base)
{
    struct sqlite_rows *rows = (struct sqlite_rows *)base;
    rows->active = false;
    if (rows->kept && rows->statement != NULL) {
        sqlite3_reset(rows->statement);
        sqlite3_clear_bindings(rows->statement);
        rows->failed = DB_OK;
    } else if (!rows->kept) {
        sqlite3_finalize(rows->statement);
        free(rows);
    }
}

static int sqlite_next(struct db_rows *base)
{
    struct sqlite_rows *rows = (struct sqlite_rows *)base;
    int status = rows->failed;
    if (status == DB_OK)
        status = status_of(rows->owner, sqlite3_step(rows->statement));
    if (status == DB_OK)
        rows->owner->db.changes = sqlite3_changes64(rows->owner->connection);
    if (status != DB_ROW)
        sqlite_end(base);
    return status;
}

/* A statement of each transaction: kept, as parsing it would cost as much as what a poll asks. */
static int sqlite_run(struct db *db, const char *sql)
{
    return sqlite_next(sqlite_query(db, sql, true, NULL, 0));
}

static int sqlite_begin(struct db *db, enum db_access access)
{
    static const char read[] = "BEGIN";
    static const char write[] = "BEGIN IMMEDIATE";
    return sqlite_run(db, access == DB_READ ? read : write);
}

static int sqlite_commit(struct db *db)
{
    static const char commit[] = "COMMIT";
    return sqlite_run(db, commit);
}

static bool sqlite_is_null(const struct db_rows *base, int column)
{
    const struct sqlite_rows *rows = (const struct sqlite_rows *)base;
    return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

static int64_t sqlite_number(const struct db_rows *base, int column)
{
    const struct sqlite_rows *rows = (const struct sqlite_rows *)base;
    return sqlite3_column_int64(rows->statement, column);
}

static const char *sqlite_text(const struct db_rows *base, int column, size_t *length)
{
    const struct sqlite_rows *rows = (const struct sqlite_rows *)base;
    const unsigned char *text = sqlite3_column_text(rows->statement, column);
    *length = (size_t)sqlite3_column_bytes(rows->statement, column);
    return text != NULL ? (const char *)text : "";
}

static const struct db_backend sqlite_backend = {
    .embedded = true,
    .list_begin = '[',
    .list_end = ']',
    .close = sqlite_close,
    .mend = sqlite_mend,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .script = sqlite_script,
    .query = sqlite_query,
    .next = sqlite_next,
    .end = sqlite_end,
    .is_null = sqlite_is_null,
    .number = sqlite_number,
    .text = sqlite_text,
};

static const char settings[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA journal_size_limit = " WAL_BYTES_MAX ";"
                               "PRAGMA cache_size = " CACHE_KIB ";";

/* After each commit. Readers that always overlap would let the WAL grow for ever: now and then they
 * are waited for, but not for one that takes long (a backup). */
static int on_wal(void *context, sqlite3 *connection, const char *name, int pages)
{
    struct sqlite_db *self = context;
    if (pages < self->wal_patience) {
        if (pages >= WAL_PAGES)
            (void)sqlite3_wal_checkpoint_v2(connection, name, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                            NULL);
        return SQLITE_OK;
    }
    sqlite3_busy_timeout(connection, WAL_WAIT_MS);
    int code = sqlite3_wal_checkpoint_v2(connection, name, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    sqlite3_busy_timeout(connection, BUSY_MS);
    self->wal_patience = code == SQLITE_OK ? WAL_PAGES_MAX : pages + WAL_PAGES_MAX;
    return SQLITE_OK;
}

/* It holds tokens: made before SQLite makes it, for its owner alone; the -wal and -shm files get
 * the same mode. Not with open(): closing a descriptor would let go of the locks that another
 * connection of this process has on the file. */
static int make_private(const char *path)
{
    if (mknod(path, S_IFREG | 0600, 0) != 0 && errno != EEXIST)
        return host_fail(path, "cannot make the store: %s", strerror(errno));
    return HOST_DONE;
}

static int set_up(struct sqlite_db *self)
{
    self->wal_patience = WAL_PAGES_MAX;
    int code = sqlite3_busy_timeout(self->connection, BUSY_MS);
    if (code == SQLITE_OK)
        code = sqlite3_exec(self->connection, settings, NULL, NULL, NULL);
    if (code == SQLITE_OK && sqlite3_db_readonly(self->connection, "main") == 1)
        code = SQLITE_READONLY;
    if (code == SQLITE_OK)
        sqlite3_wal_hook(self->connection, on_wal, self);
    return code;
}

/* Counting its memory, SQLite would take one lock for every piece of it, on all threads. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int sqlite_open(const char *path, struct db **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
    if (make_private(path) != HOST_DONE)
        return HOST_FAILED;
    struct sqlite_db *self = calloc(1, sizeof *self);
    if (self == NULL)
        return host_fail(path, "out of memory");
    self->db.backend = &sqlite_backend;
    int code = sqlite3_open_v2(path, &self->connection,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_EXRESCODE,
                               NULL);
    if (code == SQLITE_OK)
        code = set_up(self);
    if (code != SQLITE_OK) {
        host_fail(path, "cannot open the store: %s (check the file, its folder and the disk)",
                  sqlite3_errstr(code));
        sqlite_close(&self->db);
        return HOST_FAILED;
    }
    *out = &self->db;
    return HOST_DONE;
}
