/* server/db/libpq.c: see server/db/libpq.h. */
#include "server/db/libpq.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "host/error.h"

#define LIBRARY "libpq.so.5"

struct libpq libpq;

static const char *missing;

/* POSIX lets a function's address be taken out of a void pointer by its bytes. */
static void find(void *library, const char *name, void *place, size_t size)
{
    void *address = dlsym(library, name);
    if (address == NULL)
        missing = name;
    memcpy(place, &address, size);
}

static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        missing = LIBRARY;
        return;
    }
#define LIBPQ_FIND(function) find(library, #function, &libpq.function, sizeof libpq.function);
    LIBPQ_FUNCTIONS(LIBPQ_FIND)
#undef LIBPQ_FIND
}

int libpq_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return missing == NULL
               ? HOST_DONE
               : host_fail(NULL,
                           "PostgreSQL's client library is not here: no %s (apt install libpq5)",
                           missing);
}
