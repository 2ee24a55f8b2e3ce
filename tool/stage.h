/* tool/stage.h: a folder of our own, in which something is made that is to be whole before it has
 * its name. Hold signals (host/signals.h) while there is one.
 */
#ifndef TOOL_STAGE_H
#define TOOL_STAGE_H

#include <limits.h>

/* Makes it beside `path`. HOST_FAILED after one line, and *stage is "". */
int stage_make(const char *path, char stage[PATH_MAX]);

/* Removes it with all that is still in it; "" is none. */
void stage_remove(char stage[PATH_MAX]);

#endif
