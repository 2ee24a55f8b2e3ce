/* tool/batch.h: the same work on many files, on all cores at once.
 *
 * What the files have to say comes out in their order, whichever is ready first. One that fails has
 * its one line on stderr, the others go on. On a terminal a bar shows how far it is, when it takes
 * long enough to be seen. SIGINT, SIGTERM and SIGHUP take effect after the files in work.
 */
#ifndef TOOL_BATCH_H
#define TOOL_BATCH_H

#include <stdbool.h>
#include <stddef.h>

struct batch {
    size_t count;
    const char *const *names; /* of the files, for lines that name none */
    bool alone;               /* one after the other, on the calling thread */

    /* File `index`, on any thread: a host_exit. */
    int (*work)(void *context, size_t index);
    /* After it, on the calling thread and in order, with what `work` answered; `line` is what was
     * said about its failure, empty when nothing was. */
    int (*tell)(void *context, size_t index, int status, const char *line);
    void *context;
};

/* HOST_DONE when every `work` and `tell` was. */
int batch_run(const struct batch *batch);

#endif
