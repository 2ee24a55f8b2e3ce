/* device/hal/print.c: see print.h. */
#include "device/hal/print.h"

#include <stdbool.h>
#include <stdint.h>

#include "device/hal/uart.h"

struct sink {
    void (*put)(void *context, char c);
    void *context;
    int count;
};

/* One conversion: what stands between '%' and its letter. */
struct field {
    bool left;
    char pad;
    int width;
    int precision; /* -1: none */
};

static void emit(struct sink *sink, char c)
{
    sink->put(sink->context, c);
    sink->count++;
}

static void emit_padded(struct sink *sink, const struct field *field, const char *text, int length)
{
    for (int i = length; !field->left && i < field->width; i++)
        emit(sink, field->pad);
    for (int i = 0; i < length; i++)
        emit(sink, text[i]);
    for (int i = length; field->left && i < field->width; i++)
        emit(sink, ' ');
}

static void emit_string(struct sink *sink, const struct field *field, const char *text)
{
    int length = 0;
    if (text == 0)
        text = "(null)";
    while ((field->precision < 0 || length < field->precision) && text[length] != 0)
        length++;
    emit_padded(sink, field, text, length);
}

static void emit_number(struct sink *sink, const struct field *field, uint32_t value, uint32_t base,
                        bool negative, const char *digits)
{
    char text[12];
    int at = sizeof text;
    do {
        text[--at] = digits[value % base];
        value /= base;
    } while (value != 0);
    struct field rest = *field;
    if (negative && field->pad == '0') { /* the sign stands before the zeros */
        emit(sink, '-');
        rest.width--;
    } else if (negative) {
        text[--at] = '-';
    }
    emit_padded(sink, &rest, text + at, (int)sizeof text - at);
}

static const char *parse_number(const char *p, int *out)
{
    *out = 0;
    while (*p >= '0' && *p <= '9' && *out < 1000)
        *out = *out * 10 + (*p++ - '0');
    return p;
}

static const char *parse_field(const char *p, struct field *field)
{
    *field = (struct field){.pad = ' ', .precision = -1};
    for (; *p == '-' || *p == '0' || *p == '#'; p++) {
        if (*p == '-')
            field->left = true;
        if (*p == '0')
            field->pad = '0';
    }
    p = parse_number(p, &field->width);
    if (*p == '.')
        p = parse_number(p + 1, &field->precision);
    while (*p == 'l' || *p == 'z' || *p == 'h')
        p++;
    return p;
}

/* Lists of arguments are passed on by address, so that each conversion takes its own. */
struct arguments {
    va_list list;
};

static void emit_conversion(struct sink *sink, const struct field *field, char letter,
                            struct arguments *from)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    char c;
    int32_t number;
    switch (letter) {
    case 's':
        emit_string(sink, field, va_arg(from->list, const char *));
        break;
    case 'c':
        c = (char)va_arg(from->list, int);
        emit_padded(sink, field, &c, 1);
        break;
    case 'd':
    case 'i':
        number = va_arg(from->list, int32_t);
        emit_number(sink, field, number < 0 ? 0u - (uint32_t)number : (uint32_t)number, 10,
                    number < 0, lower);
        break;
    case 'u':
        emit_number(sink, field, va_arg(from->list, uint32_t), 10, false, lower);
        break;
    case 'p':
    case 'x':
        emit_number(sink, field, va_arg(from->list, uint32_t), 16, false, lower);
        break;
    case 'X':
        emit_number(sink, field, va_arg(from->list, uint32_t), 16, false, upper);
        break;
    default:
        emit(sink, letter);
    }
}

int hal_vformat(void (*put)(void *context, char c), void *context, const char *format,
                va_list arguments)
{
    struct sink sink = {put, context, 0};
    struct arguments from;
    va_copy(from.list, arguments);
    for (const char *p = format; *p != 0; p++) {
        struct field field;
        if (*p != '%') {
            emit(&sink, *p);
            continue;
        }
        p = parse_field(p + 1, &field);
        if (*p == 0)
            break;
        emit_conversion(&sink, &field, *p, &from);
    }
    va_end(from.list);
    return sink.count;
}

static void put_uart(void *context, char c)
{
    (void)context;
    if (c == '\n')
        hal_uart_putc('\r');
    hal_uart_putc(c);
}

int hal_vprintf(const char *format, va_list arguments)
{
    return hal_vformat(put_uart, 0, format, arguments);
}

int hal_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = hal_vprintf(format, arguments);
    va_end(arguments);
    return count;
}
