/* tool/chip_console.h: where UART0 of the virtual chip goes: terminal, pipe or file; a copy into a
 * log; and the texts a run waits for.
 */
#ifndef TOOL_CHIP_CONSOLE_H
#define TOOL_CHIP_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <termios.h>

#define CONSOLE_WATCHES_MAX 32
#define CONSOLE_TEXT_MAX    256 /* of a text waited for */

struct console_watch {
    const char *text;
    size_t length;
    bool fails; /* --fail rather than --until */
};

struct console {
    FILE *out; /* NULL: nowhere */
    FILE *log; /* NULL: none */
    bool out_owned;
    int in; /* -1: nothing to read */
    bool in_owned;
    bool raw; /* the terminal on `in` was changed */
    struct termios saved;
    int write_error; /* errno of the first write that failed, 0 = none */

    struct console_watch watches[CONSOLE_WATCHES_MAX];
    size_t watch_count;
    const struct console_watch *seen; /* the first text that came */
    bool silent;                      /* no output since console_settled() was last asked */
    char tail[4 * CONSOLE_TEXT_MAX];  /* the latest output */
    size_t tail_length;
};

/* uart: "stdio", "none" or a file (a terminal device works both ways); log_path may be NULL.
 * Prints its one line and returns HOST_FAILED on failure; the console is then closed. */
int console_open(struct console *console, const char *uart, const char *log_path);
void console_close(struct console *console); /* the terminal is as it was */

/* False when there are too many, or the text is empty or too long. */
bool console_watch(struct console *console, const char *text, bool fails);

/* One byte of output; true when it ends the line in which a text waited for came, or could not be
 * written. */
bool console_put(struct console *console, uint8_t byte);
/* Is the run over? Output cannot be written; or a text came, and its line has ended, or has no end
 * (a prompt: nothing since the last call), or the chip stopped by itself. Asked after each slice.
 */
bool console_settled(struct console *console, bool chip_stopped);
int console_get(struct console *console); /* next byte of input, -1 when there is none now */
void console_flush(struct console *console);

#endif
