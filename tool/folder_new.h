/* tool/folder_new.h: a folder full of files that appears whole or not at all.
 *
 * Files go to a hidden folder beside it, which takes its name in the last step. An empty folder of
 * that name is replaced, one with files in it is left alone and that is a failure. Each function
 * prints its line and returns HOST_FAILED on failure; signals wait from begin to end.
 */
#ifndef TOOL_FOLDER_NEW_H
#define TOOL_FOLDER_NEW_H

#include <limits.h>
#include <signal.h>
#include <stddef.h>

struct folder_new {
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    size_t parent; /* bytes of `path` up to its last slash */
    int fd;        /* of the hidden folder */
    sigset_t before;
};

/* After HOST_DONE folder_new_end() is due. */
int folder_new_begin(const char *path, struct folder_new *folder);

/* Only the owner may read it. `name` has no slash. */
int folder_new_put(const struct folder_new *folder, const char *name, const void *bytes,
                   size_t length);

/* HOST_DONE as status: the folder takes its place. Anything else: nothing is left of it, and that
 * status comes back. */
int folder_new_end(struct folder_new *folder, int status);

#endif
