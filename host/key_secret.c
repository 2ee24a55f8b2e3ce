#include "host/key_secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "host/error.h"
#include "host/file.h"

const struct key_secret_kind key_passphrase = {"passphrase", "TRUSTCHAIN_PASSPHRASE"};

static int keep(const char *origin, const struct key_secret_kind *kind, const char *text,
                size_t length, struct key_secret *out)
{
    if (length == 0 || memchr(text, 0, length))
        return host_fail(origin, "holds no %s", kind->name);
    if (length > KEY_SECRET_MAX)
        return host_fail(origin, "holds a %s of more than %d bytes", kind->name, KEY_SECRET_MAX);
    memcpy(out->text, text, length);
    out->length = length;
    return HOST_DONE;
}

/* The first line, without its end. */
static int read_file(const struct key_secret_kind *kind, const char *path, struct key_secret *out)
{
    struct buffer file;
    if (file_read_private(path, 2 * KEY_SECRET_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    const char *text = (const char *)file.bytes;
    const char *end = memchr(text, '\n', file.length);
    size_t length = end ? (size_t)(end - text) : file.length;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    int status = keep(file_input_name(path), kind, text, length, out);
    buffer_free_secret(&file);
    return status;
}

/* OpenSSL prompts before it turns the echo off: what is typed in between would be seen. */
static int ask(const char *subject, const struct key_secret_kind *kind, bool twice, int terminal,
               struct key_secret *out)
{
    char prompt[256];
    struct termios loud, silent;
    if (tcgetattr(terminal, &loud) != 0)
        return host_fail(subject, "the terminal cannot be used to ask for a %s", kind->name);
    silent = loud;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(terminal, TCSAFLUSH, &silent);
    snprintf(prompt, sizeof prompt, "%s of %s: ", kind->name, subject);
    int refused = EVP_read_pw_string_min(out->text, 1, sizeof out->text, prompt, twice);
    tcsetattr(terminal, TCSAFLUSH, &loud);
    ERR_clear_error();
    if (refused)
        return host_fail(subject, "no %s was given", kind->name);
    out->length = strlen(out->text);
    return HOST_DONE;
}

int key_secret_read(const char *subject, const struct key_secret_kind *kind, const char *file,
                    bool twice, struct key_secret *out)
{
    *out = (struct key_secret){0};
    if (file)
        return read_file(kind, file, out);
    const char *value = getenv(kind->variable);
    if (value)
        return keep(kind->variable, kind, value, strlen(value), out);
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal >= 0) {
        int status = ask(subject, kind, twice, terminal, out);
        close(terminal);
        return status;
    }
    return host_fail(subject,
                     "needs a %s and there is no terminal to ask on (set %s, or "
                     "name a file that holds it)",
                     kind->name, kind->variable);
}

void key_secret_wipe(struct key_secret *secret)
{
    OPENSSL_cleanse(secret, sizeof *secret);
}
