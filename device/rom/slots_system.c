#include <stdarg.h>
#include "device/hal/print.h"
#include "device/hal/system.h"
#include "device/rom/rom.h"
uint32_t rtc_get_reset_reason(int cpu);
int ets_printf(const char *format, ...);
void ets_delay_us(uint32_t us);
uint32_t rtc_get_reset_reason(int cpu)
{
    (void)cpu;
    return hal_reset_cause();
}
int ets_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = rom_console_on() ? hal_vprintf(format, arguments) : 0;
    va_end(arguments);
    return count;
}
void ets_delay_us(uint32_t us)
{
    hal_delay_us(us);
}
