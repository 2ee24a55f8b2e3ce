/* tool/stage.c: see tool/stage.h. */
#include "tool/stage.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/error.h"

int stage_make(const char *path, char stage[PATH_MAX])
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    int length = snprintf(stage, PATH_MAX, "%.*s.XXXXXX", (int)end, path);
    if (length < PATH_MAX && mkdtemp(stage))
        return HOST_DONE;
    stage[0] = '\0';
    return host_fail(path, "no folder can be made beside it: %s", strerror(errno));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void stage_remove(char stage[PATH_MAX])
{
    if (stage[0] != '\0')
        (void)nftw(stage, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    stage[0] = '\0';
}
