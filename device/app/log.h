/* device/app/log.h: lines as ESP-IDF prints them: "I (1234) tag: text". */
#ifndef DEVICE_APP_LOG_H
#define DEVICE_APP_LOG_H

/* level: 'I', 'W' or 'E'. Formats: device/hal/print.h. */
void log_line(char level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
