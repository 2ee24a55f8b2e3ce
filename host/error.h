/* host/error.h: how host programs report failure: one line on stderr, a status for exit().
 *
 *     trustchain: FILE: what is wrong (what to do)
 *
 * Exit status: 0 done, 1 refused or failed, 2 usage.
 */
#ifndef HOST_ERROR_H
#define HOST_ERROR_H

enum host_exit { HOST_DONE = 0, HOST_FAILED = 1, HOST_USAGE = 2 };

/* Prints the line and returns HOST_FAILED, for `return host_fail(path, "...")`. `subject` (a file,
 * a verb) may be NULL. Never put secrets in it. */
int host_fail(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Same, returns HOST_USAGE. */
int host_usage(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of jobs that run at the same time each has its line, and they come out in the order of the jobs:
 * from host_keep(&kept) to host_keep(NULL) the first line of the calling thread is kept, without
 * "trustchain: ", and none is printed. Print it with host_fail(NULL, "%s", kept.text). */
#define HOST_LINE_MAX 1024
struct host_kept {
    const char *subject; /* stands in where a line has none */
    char text[HOST_LINE_MAX];
};
void host_keep(struct host_kept *kept);

/* The analyzer of `make lint` looks at one file at a time and would not know what they return. */
#if defined(__clang_analyzer__) && !defined(HOST_ERROR_DEFINES)
#define host_fail(...)  ((void)host_fail(__VA_ARGS__), HOST_FAILED)
#define host_usage(...) ((void)host_usage(__VA_ARGS__), HOST_USAGE)
#endif

#endif
