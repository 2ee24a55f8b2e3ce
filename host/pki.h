/* host/pki.h: a small certificate authority: one self-signed CA, certificates right below it.
 *
 * Keys are EC P-256, signatures ECDSA with SHA-256. Devices pin the CA certificate, so the CA's
 * key is the one to keep offline. A certificate and its key appear together or not at all, and an
 * existing file is never replaced. Failures print their line and return HOST_FAILED.
 */
#ifndef HOST_PKI_H
#define HOST_PKI_H

#include <openssl/types.h>
#include <stddef.h>

/* Devices stay in the field for long and cannot be given another CA easily; a server certificate
 * is renewed at leisure, since devices pin the CA and not it. */
#define PKI_CA_DAYS     (20 * 365)
#define PKI_SERVER_DAYS 824 /* with the day before, 825: more is too long for some */

struct pki_files {
    const char *certificate; /* PEM, 0644 */
    const char *key;         /* PEM, 0600 */
};

/* A certificate authority that may sign end certificates only (pathlen 0). */
int pki_ca_create(const struct pki_files *ca, const char *common_name, int days);

/* Who a server is: host names (one leading "*." allowed) and IPv4 or IPv6 addresses. */
struct pki_names {
    const char *const *dns;
    size_t dns_count;
    const char *const *ip;
    size_t ip_count;
};

/* A TLS server certificate. The first name becomes the common name as well. */
int pki_server_create(const struct pki_files *ca, const struct pki_files *server,
                      const struct pki_names *names, int days);

/* Client certificates of devices, by which the update server knows them: the common name is the
 * controller id. It is a file name and part of a path too, so it takes letters, digits and . _ : -
 * and begins with a letter or a digit. */
#define PKI_DEVICE_NAME_MAX 64
#define PKI_DEVICE_DAYS     (10 * 365)

/* folder/NAME_cert.pem and folder/NAME_key.pem for each. A name that cannot be one ends it before
 * anything is made; a device that is there already keeps what it has, gets a line on stderr, and
 * the others are made: HOST_FAILED then. */
int pki_devices_create(const struct pki_files *ca, const char *folder, const char *const *names,
                       size_t count, int days);

/* A certificate and its key, which only its owner may read. On failure both are NULL. */
int pki_read(const struct pki_files *files, X509 **certificate, EVP_PKEY **key);

#endif
