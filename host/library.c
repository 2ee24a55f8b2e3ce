/* host/library.c: see host/library.h. */
#include "host/library.h"

#include <dlfcn.h>
#include <string.h>

const char *library_load(const char *file, const struct library_function *functions, size_t count)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return file;
    for (size_t i = 0; i < count; i++) {
        void *address = dlsym(library, functions[i].name);
        if (address == NULL)
            return functions[i].name;
        /* POSIX lets a function's address be taken out of a void pointer by its bytes. */
        memcpy(functions[i].pointer, &address, sizeof address);
    }
    return NULL;
}
