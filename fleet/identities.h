/* fleet/identities.h: who devices are to the server: their names, and what each shows to prove its.
 *
 * What is read here is secret: files must be readable by their owner only.
 */
#ifndef FLEET_IDENTITIES_H
#define FLEET_IDENTITIES_H

#include <openssl/types.h>

#include "host/file.h"

struct identity {
    const char *id;
    const char *token; /* the device's own, or NULL, and then ... */
    X509 *certificate; /* ... with its key */
    EVP_PKEY *key;
};

struct identities {
    struct buffer text; /* tokens point into it */
    struct identity *list;
    size_t count;
};

/* Lines ID,TOKEN; empty ones and those that begin with '#' are skipped. HOST_DONE, or its line is
 * printed and *out is empty; so below. */
int identities_of_tokens(const char *path, struct identities *out);

/* FOLDER/ID_cert.pem and FOLDER/ID_key.pem, as `trustchain pki device` makes them, in the order of
 * ids; at most `most`, 0: all. */
int identities_of_certificates(const char *folder, size_t most, struct identities *out);

/* One token that all devices of the tenant show, alone in a file: no names, and *token is in
 * out->text. */
int identities_of_gateway(const char *path, struct identities *out, const char **token);

/* Wipes. */
void identities_free(struct identities *identities);

#endif
