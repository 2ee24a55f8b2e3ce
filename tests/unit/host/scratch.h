/* tests/unit/host/scratch.h: a folder for one test program, and stderr as a string. */
#ifndef TESTS_HOST_SCRATCH_H
#define TESTS_HOST_SCRATCH_H

#include <stddef.h>

/* cmocka group set-up and tear-down: makes an empty folder, removes it with all it holds. */
int scratch_make(void **state);
int scratch_remove(void **state);

/* "FOLDER/name"; good until eight further calls. */
const char *scratch_path(const char *name);

/* How many entries the folder has, hidden ones included. */
size_t scratch_count(void);

void scratch_put(const char *name, const void *bytes, size_t length, unsigned mode);

/* Catches what is printed on stderr until the second call, which returns it. */
void scratch_catch_stderr(void);
const char *scratch_stderr(void);

#endif
