/* tool/dump.h: a PostgreSQL dump (pg_dump --format=custom), read without a database. */
#ifndef TOOL_DUMP_H
#define TOOL_DUMP_H

/* HOST_DONE goes on, anything else ends it and is its result. */
typedef int dump_visit(void *context, const char *value);

/* Each row's `column` of `table`, as COPY writes it: a number or hexadecimal digits are themselves.
 * Needs pg_restore, which writes what it finds to `scratch`. HOST_FAILED after one line: this is no
 * dump, or it has no such table or column. */
int dump_each(const char *dump, const char *table, const char *column, const char *scratch,
              dump_visit *visit, void *context);

#endif
