/* tests/unit/folder.h: folders of a test's own in /tmp. What is still there when the process that
 * made them ends, as after a check that failed, is removed then.
 */
#ifndef TESTS_UNIT_FOLDER_H
#define TESTS_UNIT_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_BYTES 64
#define FOLDERS_MAX  8 /* at once */

static struct {
    pid_t owner;
    char path[FOLDERS_MAX][FOLDER_BYTES];
} folders;

static inline int folder_entry_remove(const char *path, const struct stat *status, int type,
                                      struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

/* With all that is in it. */
static inline void folder_remove(const char *path)
{
    for (size_t i = 0; i < FOLDERS_MAX; i++) {
        if (strcmp(folders.path[i], path) == 0)
            folders.path[i][0] = '\0';
    }
    (void)nftw(path, folder_entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void folders_remove(void)
{
    for (size_t i = 0; i < FOLDERS_MAX; i++) {
        char path[FOLDER_BYTES];
        strcpy(path, folders.path[i]);
        if (path[0] != '\0' && getpid() == folders.owner)
            folder_remove(path);
    }
}

/* "/tmp/trustchain-NAME.XXXXXX" */
static inline void folder_new(const char *name, char out[FOLDER_BYTES])
{
    size_t place = 0;
    if (folders.owner == 0 && atexit(folders_remove) != 0)
        abort();
    folders.owner = getpid();
    while (place < FOLDERS_MAX && folders.path[place][0] != '\0')
        place++;
    snprintf(out, FOLDER_BYTES, "/tmp/trustchain-%s.XXXXXX", name);
    if (place == FOLDERS_MAX || mkdtemp(out) == NULL)
        abort();
    strcpy(folders.path[place], out);
}

#endif
