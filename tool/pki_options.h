/* tool/pki_options.h: what the verbs of `trustchain pki` share; cmd_pki.c lists them. */
#ifndef TOOL_PKI_OPTIONS_H
#define TOOL_PKI_OPTIONS_H

#include <argp.h>
#include <limits.h>

/* The value of --days; ends with a usage line when it is none. */
int pki_days(const struct argp_state *state, const char *text);

/* Unless the command line named a file (*path), it is `name` in the folder; `place` holds it. */
int pki_complete(const char **path, const char *folder, const char *name, char place[PATH_MAX]);

int pki_device(int argc, char **argv);

#endif
