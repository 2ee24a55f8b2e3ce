/* host/key_secret.h: passphrases of key files and PINs of tokens.
 *
 * From a file (0600, its first line), else from an environment variable, else asked for on the
 * terminal without echo; never from the command line, which every user of the machine can read.
 */
#ifndef HOST_KEY_SECRET_H
#define HOST_KEY_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define KEY_SECRET_MAX 1024

struct key_secret {
    size_t length;
    char text[KEY_SECRET_MAX + 1]; /* with a NUL */
};

struct key_secret_kind {
    const char *name;     /* "passphrase" */
    const char *variable; /* of the environment */
};

extern const struct key_secret_kind key_passphrase; /* TRUSTCHAIN_PASSPHRASE */

/* The secret of the key `subject`. `file` may be NULL. `twice`: a person types it two times, as it
 * is new. The caller wipes it with key_secret_wipe(), also after a failure. */
int key_secret_read(const char *subject, const struct key_secret_kind *kind, const char *file,
                    bool twice, struct key_secret *out);
void key_secret_wipe(struct key_secret *secret);

#endif
