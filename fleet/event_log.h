/* fleet/event_log.h: what each device did and was told, one line each: the fleet's own record, kept
 * apart from the server's.
 *
 *     2026-11-22T13:20:01.123Z dev-000001 event=confirmed version=1.1.0
 *     2026-11-22T13:20:01.187Z dev-000001 request=feedback action=11111 execution=closed
 *         finished=success status=200                                        (on the same line)
 *
 * A request whose answer never came has status=none: the server may or may not have acted on it.
 * Lines are whole, in the order in which things happened to a device.
 */
#ifndef FLEET_EVENT_LOG_H
#define FLEET_EVENT_LOG_H

struct event_log; /* NULL is one that keeps nothing */

/* Replaces the file. HOST_DONE, or its line is printed. */
int event_log_open(const char *path, struct event_log **log);
/* HOST_FAILED with a line when anything could not be written. */
int event_log_close(struct event_log *log);

void event_log_line(struct event_log *log, const char *device, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
