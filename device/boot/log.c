/* device/boot/log.c: log lines as ESP-IDF prints them, on UART0. */
#include "device/boot/boot.h"
#include "device/hal/print.h"
#include "device/hal/system.h"

void boot_log(char level, const char *format, ...)
{
    va_list arguments;
    hal_printf("%c (%lu) boot: ", level, (uint32_t)hal_time_us() / 1000);
    va_start(arguments, format);
    hal_vprintf(format, arguments);
    va_end(arguments);
    hal_printf("\n");
}
