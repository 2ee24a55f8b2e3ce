/* tool/program.h: other programs that a verb needs: tar, pg_dump. */
#ifndef TOOL_PROGRAM_H
#define TOOL_PROGRAM_H

struct program {
    const char *const *argv; /* ends with NULL; argv[0] is found in PATH */
    const char *package;     /* where Debian has it */
    int worst;               /* the largest exit status that is none of a failure */
};

/* Runs it and waits. Signals that wait here (host/signals.h) reach it. HOST_FAILED after one line
 * about `subject`, with the first line of what it said on stderr; it has no other stderr. */
int program_run(const struct program *program, const char *subject);

#endif
