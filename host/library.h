/* host/library.h: a shared library loaded when it is first asked for.
 *
 * For those that only a few verbs need and that bring many others along: their start would cost
 * every run of the command more than most verbs take, and a process that signs has no use for
 * network stacks in its memory.
 *
 * What is called of such a library stands in one list of names, from which come a struct of
 * function pointers with the types of its header, and the table that fills it:
 *
 *     #define FOO_FUNCTIONS(EACH) EACH(foo_open) EACH(foo_close)
 *     static struct { FOO_FUNCTIONS(LIBRARY_POINTER) } foo;
 *     static const struct library_function functions[] = {FOO_FUNCTIONS(FOO_ENTRY)};
 *     #define FOO_ENTRY(name) {#name, &foo.name},
 */
#ifndef HOST_LIBRARY_H
#define HOST_LIBRARY_H

#include <stddef.h>

#define LIBRARY_POINTER(function) __typeof__(function) *function;

struct library_function {
    const char *name;
    void *pointer; /* to a function pointer of its type */
};

/* NULL, or what is missing: `file` itself, or the first function it does not have. What was loaded
 * stays for the life of the process. */
const char *library_load(const char *file, const struct library_function *functions, size_t count);

#endif
