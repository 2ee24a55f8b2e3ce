/* tool/dump.c: see tool/dump.h. */
#include "tool/dump.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "host/error.h"
#include "tool/program.h"

/* "COPY public.artifact (id, module, sha256) FROM stdin;": which of them it is; -1: none. */
static int find_column(char *line, const char *column)
{
    char *rest = strchr(line, '(');
    char *end = rest ? strchr(rest, ')') : NULL;
    char *name;
    int at = 0;
    if (strncmp(line, "COPY ", 5) != 0 || !end)
        return -1;
    *end = '\0';
    for (rest++; (name = strsep(&rest, ",")) != NULL; at++) {
        if (strcmp(name + strspn(name, " "), column) == 0)
            return at;
    }
    return -1;
}

/* The value of a row, without its end of line; "": it has not so many. */
static const char *value_at(char *row, int column)
{
    char *value = strsep(&row, "\t\n");
    while (column-- > 0 && value)
        value = strsep(&row, "\t\n");
    return value ? value : "";
}

static int read_rows(FILE *file, const char *column, dump_visit *visit, void *context, bool *found)
{
    char *line = NULL;
    size_t room = 0;
    int status = HOST_DONE;
    int at = -1;
    while (status == HOST_DONE && getline(&line, &room, file) > 0) {
        if (at < 0)
            at = find_column(line, column);
        else if (strcmp(line, "\\.\n") == 0)
            break;
        else
            status = visit(context, value_at(line, at));
    }
    free(line);
    *found = at >= 0;
    return status;
}

int dump_each(const char *dump, const char *table, const char *column, const char *scratch,
              dump_visit *visit, void *context)
{
    const char *const extract[] = {"pg_restore", "--data-only", "--table", table,
                                   "--file",     scratch,       dump,      NULL};
    bool found = false;
    if (program_run(&(struct program){extract, "postgresql-client", 0}, "the store") != HOST_DONE)
        return HOST_FAILED;
    FILE *file = fopen(scratch, "re");
    if (!file)
        return host_fail(scratch, "cannot be read: %s", strerror(errno));
    int status = read_rows(file, column, visit, context, &found);
    fclose(file);
    if (status == HOST_DONE && !found)
        return host_fail("the store", "is none of a fleet: it has no table %s", table);
    return status;
}
