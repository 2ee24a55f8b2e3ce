/* server/db/libpq.c: see server/db/libpq.h. */
#include "server/db/libpq.h"

#include <pthread.h>

#include "host/error.h"

struct libpq libpq;

static const char *missing;

static void load(void)
{
#define LIBPQ_ENTRY(function) {#function, &libpq.function},
    static const struct library_function functions[] = {LIBPQ_FUNCTIONS(LIBPQ_ENTRY)};
    missing = library_load("libpq.so.5", functions, sizeof functions / sizeof functions[0]);
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
