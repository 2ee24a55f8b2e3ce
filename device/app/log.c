/* device/app/log.c: see log.h. */
#include "device/app/log.h"

#include "device/hal/print.h"
#include "device/hal/system.h"

void log_line(char level, const char *tag, const char *format, ...)
{
    va_list arguments;
    hal_printf("%c (%lu) %s: ", level, (unsigned long)(hal_time_us() / 1000), tag);
    va_start(arguments, format);
    hal_vprintf(format, arguments);
    va_end(arguments);
    hal_printf("\n");
}
