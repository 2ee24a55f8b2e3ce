/* device/hal/print.h: formatted text without a C library, for code that runs before one.
 *
 * Formats: %s %c %d %i %u %x %X %p %%, with a minimum width, '0' or '-' before it, a precision
 * for %s, and 'l' (ignored: 32 bits). Anything else is printed as it stands.
 */
#ifndef DEVICE_HAL_PRINT_H
#define DEVICE_HAL_PRINT_H

#include <stdarg.h>

/* Each character goes to put(context, c). Returns the number of characters. */
int hal_vformat(void (*put)(void *context, char c), void *context, const char *format,
                va_list arguments);

/* To UART0; "\n" is sent as CR LF. */
int hal_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int hal_vprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
