/* tool/chip_console.c: see chip_console.h. */
#include "tool/chip_console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"

/* Keys reach the guest one by one and unechoed; Ctrl-C still ends the run. */
static void make_raw(struct console *console)
{
    if (console->in < 0 || !isatty(console->in) || tcgetattr(console->in, &console->saved) != 0)
        return;
    struct termios raw = console->saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    console->raw = tcsetattr(console->in, TCSANOW, &raw) == 0;
}

static int open_output(struct console *console, const char *path)
{
    struct stat status;
    console->out = fopen(path, "wb");
    if (console->out == NULL)
        return host_fail(path, "cannot be written: %s", strerror(errno));
    console->out_owned = true;
    if (fstat(fileno(console->out), &status) == 0 && S_ISCHR(status.st_mode)) {
        console->in = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        console->in_owned = console->in >= 0;
    }
    return HOST_DONE;
}

int console_open(struct console *console, const char *uart, const char *log_path)
{
    int error = HOST_DONE;
    if (strcmp(uart, "stdio") == 0) {
        console->out = stdout;
        console->in = STDIN_FILENO;
    } else {
        console->in = -1;
        if (strcmp(uart, "none") != 0)
            error = open_output(console, uart);
    }
    if (error == HOST_DONE && log_path != NULL && (console->log = fopen(log_path, "wb")) == NULL)
        error = host_fail(log_path, "cannot be written: %s", strerror(errno));
    if (error != HOST_DONE)
        console_close(console);
    else
        make_raw(console);
    return error;
}

void console_close(struct console *console)
{
    console_flush(console);
    if (console->raw)
        tcsetattr(console->in, TCSANOW, &console->saved);
    if (console->in_owned)
        close(console->in);
    if (console->out_owned)
        fclose(console->out);
    if (console->log != NULL)
        fclose(console->log);
    console->raw = console->in_owned = console->out_owned = false;
    console->out = console->log = NULL;
    console->in = -1;
}

bool console_watch(struct console *console, const char *text, bool fails)
{
    size_t length = strlen(text);
    if (console->watch_count == CONSOLE_WATCHES_MAX || length == 0 || length > CONSOLE_TEXT_MAX)
        return false;
    console->watches[console->watch_count++] = (struct console_watch){text, length, fails};
    return true;
}

/* Keep the latest bytes, at least as many as the longest text. */
static void remember(struct console *console, uint8_t byte)
{
    if (console->tail_length == sizeof console->tail) {
        console->tail_length = CONSOLE_TEXT_MAX;
        memmove(console->tail, console->tail + sizeof console->tail - CONSOLE_TEXT_MAX,
                CONSOLE_TEXT_MAX);
    }
    console->tail[console->tail_length++] = (char)byte;
}

static const struct console_watch *watch_completed(const struct console *console)
{
    const char *end = console->tail + console->tail_length;
    for (size_t i = 0; i < console->watch_count; i++) {
        const struct console_watch *watch = &console->watches[i];
        if (watch->length <= console->tail_length &&
            memcmp(end - watch->length, watch->text, watch->length) == 0)
            return watch;
    }
    return NULL;
}

static void write_byte(struct console *console, FILE *file, uint8_t byte)
{
    if (file == NULL)
        return;
    bool failed = putc(byte, file) == EOF || (byte == '\n' && fflush(file) != 0);
    if (failed && console->write_error == 0)
        console->write_error = errno;
}

bool console_put(struct console *console, uint8_t byte)
{
    write_byte(console, console->out, byte);
    write_byte(console, console->log, byte);
    remember(console, byte);
    console->silent = false;
    if (console->seen == NULL)
        console->seen = watch_completed(console);
    return (console->seen != NULL && byte == '\n') || console->write_error != 0;
}

bool console_settled(struct console *console, bool chip_stopped)
{
    bool ended = chip_stopped || console->silent;
    console->silent = true;
    return console->write_error != 0 || (console->seen != NULL && ended);
}

int console_get(struct console *console)
{
    uint8_t byte;
    struct pollfd fd = {.fd = console->in, .events = POLLIN};
    if (console->in < 0 || poll(&fd, 1, 0) != 1)
        return -1;
    ssize_t got = read(console->in, &byte, 1);
    if (got == 1)
        return byte;
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        if (console->in_owned)
            close(console->in);
        console->in_owned = false;
        console->in = -1; /* the end of what there is to type */
    }
    return -1;
}

void console_flush(struct console *console)
{
    if ((console->out != NULL && fflush(console->out) != 0 && console->write_error == 0) ||
        (console->log != NULL && fflush(console->log) != 0 && console->write_error == 0))
        console->write_error = errno;
}
