/* server/db/db.c: see server/db/db.h. */
#include "server/db/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "server/db/backend.h"

#define MARK "here"

const char *db_status_text(int status)
{
    switch (status) {
    case DB_ROW:
    case DB_OK:
        return "done";
    case DB_ECONFLICT:
        return "something of that name is there already, or is still in use";
    case DB_EAGAIN:
        return "the store is busy or not reachable";
    case DB_EFULL:
        return "the store is full or read-only";
    case DB_EUNKNOWN:
        return "the store was lost while it answered: this may be done or not";
    default:
        return "the store failed";
    }
}

int db_open(const char *url, struct db **out)
{
    static const char sqlite[] = "sqlite:";
    *out = NULL;
    if (strncmp(url, sqlite, strlen(sqlite)) == 0)
        return sqlite_open(url + strlen(sqlite), out);
    if (strncmp(url, "postgres://", 11) == 0 || strncmp(url, "postgresql://", 13) == 0)
        return postgres_open(url, out);
    return host_fail(NULL, "unknown kind of store (sqlite:PATH or postgres://...)");
}

void db_close(struct db *db)
{
    if (db != NULL)
        db->backend->close(db);
}

bool db_embedded(const struct db *db)
{
    return db->backend->embedded;
}

const char *db_error(const struct db *db)
{
    return db->error;
}

int db_mend(struct db *db)
{
    return db->backend->mend(db);
}

int db_begin(struct db *db, enum db_access access)
{
    return db->backend->begin(db, access);
}

int db_commit(struct db *db)
{
    return db->backend->commit(db);
}

void db_rollback(struct db *db)
{
    char error[DB_ERROR_MAX];
    memcpy(error, db->error, sizeof error);
    (void)db->backend->script(db, "ROLLBACK"); /* fails only where there is nothing left to undo */
    memcpy(db->error, error, sizeof error);    /* why it was rolled back */
}

int db_mark(struct db *db)
{
    return db->backend->script(db, "SAVEPOINT " MARK);
}

int db_release(struct db *db)
{
    return db->backend->script(db, "RELEASE SAVEPOINT " MARK);
}

int db_rollback_mark(struct db *db)
{
    int status = db->backend->script(db, "ROLLBACK TO SAVEPOINT " MARK);
    return status == DB_OK ? db_release(db) : status;
}

struct db_value db_i(int64_t number)
{
    return (struct db_value){.number = number};
}

struct db_value db_tn(const char *text, size_t length)
{
    return (struct db_value){.is_text = true, .text = text, .length = length};
}

struct db_value db_t(const char *text)
{
    return db_tn(text, text != NULL ? strlen(text) : 0);
}

void db_list_clear(struct db_list *list)
{
    list->count = 0;
    list->length = 1; /* the place of a bracket */
}

void db_list_add(struct db_list *list, int64_t number)
{
    if (list->count == DB_LIST_MAX)
        abort(); /* nobody counts that far */
    list->length += (size_t)snprintf(list->text + list->length, sizeof list->text - list->length,
                                     list->count > 0 ? ",%lld" : "%lld", (long long)number);
    list->count++;
}

struct db_value db_l(const struct db *db, struct db_list *list)
{
    list->text[0] = db->backend->list_begin;
    list->text[list->length] = db->backend->list_end;
    return db_tn(list->text, list->length + 1);
}

static int run(struct db_rows *rows)
{
    int status = db_next(rows);
    if (status == DB_ROW) {
        db_end(rows);
        status = DB_OK;
    }
    return status;
}

int db_run(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    return run(db->backend->query(db, sql, true, values, count));
}

int db_run_once(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    return run(db->backend->query(db, sql, false, values, count));
}

int64_t db_changes(const struct db *db)
{
    return db->changes;
}

int db_script(struct db *db, const char *sql)
{
    return db->backend->script(db, sql);
}

struct db_rows *db_query(struct db *db, const char *sql, const struct db_value *values,
                         size_t count)
{
    return db->backend->query(db, sql, true, values, count);
}

struct db_rows *db_query_once(struct db *db, const char *sql, const struct db_value *values,
                              size_t count)
{
    return db->backend->query(db, sql, false, values, count);
}

int db_next(struct db_rows *rows)
{
    return rows->backend->next(rows);
}

void db_end(struct db_rows *rows)
{
    rows->backend->end(rows);
}

bool db_is_null(const struct db_rows *rows, int column)
{
    return rows->backend->is_null(rows, column);
}

int64_t db_int(const struct db_rows *rows, int column)
{
    return rows->backend->number(rows, column);
}

const char *db_text(const struct db_rows *rows, int column)
{
    size_t length;
    return rows->backend->text(rows, column, &length);
}

size_t db_text_length(const struct db_rows *rows, int column)
{
    size_t length;
    (void)rows->backend->text(rows, column, &length);
    return length;
}

int db_get_int(struct db *db, const char *sql, const struct db_value *values, size_t count,
               int64_t *out)
{
    struct db_rows *rows = db_query(db, sql, values, count);
    int status = db_next(rows);
    if (status == DB_ROW) {
        *out = db_int(rows, 0);
        db_end(rows);
    }
    return status;
}
