/* tool/program.h: other programs that a verb needs: tar, pg_dump. */
#ifndef TOOL_PROGRAM_H
#define TOOL_PROGRAM_H

/* Runs argv[0], found in PATH, and waits. HOST_DONE when it exits with 0; else HOST_FAILED after a
 * line. `package`: where Debian has it. */
int program_run(const char *const *argv, const char *package);

#endif
