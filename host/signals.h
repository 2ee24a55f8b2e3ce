/* host/signals.h: SIGINT, SIGTERM and SIGHUP wait while files are between two states.
 *
 * What they would leave behind otherwise: a hidden temporary file, a key without its certificate,
 * half a project. They are delivered as soon as they are let through again. Nests.
 */
#ifndef HOST_SIGNALS_H
#define HOST_SIGNALS_H

#include <signal.h>

/* Holds them back; *before is what signals_let() restores. */
void signals_hold(sigset_t *before);
void signals_let(const sigset_t *before);

#endif
