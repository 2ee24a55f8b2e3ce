#include "host/pki.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "host/error.h"
#include "host/file.h"
#include "host/signals.h"

#define SERIAL_BYTES 16
#define PEM_MAX      65536u
#define DAY_SECONDS  86400L

struct extension {
    int nid;
    const char *value;
};

static const struct extension ca_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
    {NID_undef, NULL},
};

static const struct extension server_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
    {NID_undef, NULL},
};

static const struct extension device_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "clientAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
    {NID_undef, NULL},
};

/* Positive, unpredictable, never reused. */
static bool set_serial(X509 *certificate)
{
    uint8_t bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x7F) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return done;
}

/* From a day ago, since clocks differ; never longer than the issuer. */
static bool set_validity(X509 *certificate, const X509 *issuer, int days)
{
    ASN1_TIME *end = X509_getm_notAfter(certificate);
    if (!X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_SECONDS) ||
        !X509_time_adj_ex(end, days, 0, NULL))
        return false;
    if (issuer && ASN1_TIME_compare(end, X509_get0_notAfter(issuer)) > 0)
        return X509_set1_notAfter(certificate, X509_get0_notAfter(issuer)) == 1;
    return true;
}

static bool set_subject(X509 *certificate, const char *common_name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1;
}

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *list)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (; list->value; list++) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, list->nid, list->value);
        bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        if (!added)
            return false;
    }
    return true;
}

static bool add_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *name = value ? GENERAL_NAME_new() : NULL;
    if (!name) {
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static ASN1_STRING *dns_string(const char *name)
{
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    if (string && ASN1_STRING_set(string, name, -1) == 1)
        return string;
    ASN1_IA5STRING_free(string);
    return NULL;
}

static bool add_alternative_names(X509 *certificate, const struct pki_names *names)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    bool done = list != NULL;
    for (size_t i = 0; done && i < names->dns_count; i++)
        done = add_name(list, GEN_DNS, dns_string(names->dns[i]));
    for (size_t i = 0; done && i < names->ip_count; i++)
        done = add_name(list, GEN_IPADD, a2i_IPADDRESS(names->ip[i]));
    done = done && X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0) == 1;
    GENERAL_NAMES_free(list);
    return done;
}

/* One side of an issue: a certificate and the key it is signed with. */
struct authority {
    X509 *certificate;
    EVP_PKEY *key;
};

static void authority_free(struct authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

/* Without an issuer the certificate signs itself. */
static bool issue(struct authority *subject, const struct authority *issuer,
                  const char *common_name, int days, const struct extension *extensions,
                  const struct pki_names *names)
{
    subject->key = EVP_EC_gen("P-256");
    subject->certificate = X509_new();
    X509 *certificate = subject->certificate;
    if (!subject->key || !certificate)
        return false;
    X509 *parent = issuer ? issuer->certificate : certificate;
    EVP_PKEY *signer = issuer ? issuer->key : subject->key;
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_validity(certificate, issuer ? parent : NULL, days) &&
           set_subject(certificate, common_name) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(parent)) == 1 &&
           X509_set_pubkey(certificate, subject->key) == 1 &&
           add_extensions(certificate, parent, extensions) &&
           (!names || add_alternative_names(certificate, names)) &&
           X509_sign(certificate, signer, EVP_sha256()) > 0;
}

static int write_bio(const char *path, BIO *bio, bool encoded, mode_t mode)
{
    char *text = NULL;
    long length = encoded ? BIO_get_mem_data(bio, &text) : 0;
    int status = length > 0 ? file_create(path, text, (size_t)length, mode)
                            : host_fail(path, "cannot be encoded");
    if (length > 0)
        OPENSSL_cleanse(text, (size_t)length);
    BIO_free(bio);
    return status;
}

static int write_both(const struct pki_files *files, const struct authority *subject)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool encoded =
        bio && PEM_write_bio_PrivateKey(bio, subject->key, NULL, NULL, 0, NULL, NULL) > 0;
    int status = write_bio(files->key, bio, encoded, 0600);
    if (status != HOST_DONE)
        return status;
    bio = BIO_new(BIO_s_mem());
    encoded = bio && PEM_write_bio_X509(bio, subject->certificate) > 0;
    status = write_bio(files->certificate, bio, encoded, 0644);
    if (status != HOST_DONE)
        (void)unlink(files->key); /* ours, made a moment ago */
    return status;
}

static int write_files(const struct pki_files *files, const struct authority *subject)
{
    sigset_t before;
    signals_hold(&before);
    int status = write_both(files, subject);
    signals_let(&before);
    return status;
}

static int finish(const struct pki_files *files, struct authority *subject, bool issued)
{
    int status = issued ? write_files(files, subject)
                        : host_fail(files->certificate, "the certificate cannot be made");
    ERR_clear_error();
    authority_free(subject);
    return status;
}

int pki_ca_create(const struct pki_files *ca, const char *common_name, int days)
{
    struct authority subject = {0};
    if (common_name[0] == '\0' || strlen(common_name) > 64)
        return host_fail("--name", "is not a name of 1 to 64 bytes");
    return finish(ca, &subject, issue(&subject, NULL, common_name, days, ca_extensions, NULL));
}

static int refuse_passphrase(char *out, int size, int writing, void *unused)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)unused;
    return -1;
}

static int load_certificate(const char *path, X509 **out)
{
    struct buffer pem;
    if (file_read(path, PEM_MAX, &pem) != HOST_DONE)
        return HOST_FAILED;
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.length);
    *out = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    buffer_free(&pem);
    return *out ? HOST_DONE : host_fail(path, "is not a PEM certificate");
}

static int load_key(const char *path, EVP_PKEY **out)
{
    struct buffer pem;
    if (file_read_private(path, PEM_MAX, &pem) != HOST_DONE)
        return HOST_FAILED;
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.length);
    *out = bio ? PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL) : NULL;
    BIO_free(bio);
    buffer_free_secret(&pem);
    return *out ? HOST_DONE : host_fail(path, "is not a PEM private key (without passphrase)");
}

static int load(const struct pki_files *files, struct authority *out)
{
    *out = (struct authority){0};
    int status = load_certificate(files->certificate, &out->certificate);
    if (status == HOST_DONE)
        status = load_key(files->key, &out->key);
    if (status == HOST_DONE && X509_check_private_key(out->certificate, out->key) != 1)
        status = host_fail(files->key, "is not the key of %s", files->certificate);
    ERR_clear_error();
    return status;
}

int pki_read(const struct pki_files *files, X509 **certificate, EVP_PKEY **key)
{
    struct authority read;
    int status = load(files, &read);
    if (status != HOST_DONE) {
        authority_free(&read);
        read = (struct authority){0};
    }
    *certificate = read.certificate;
    *key = read.key;
    return status;
}

static int load_authority(const struct pki_files *files, struct authority *out)
{
    if (load(files, out) != HOST_DONE)
        return HOST_FAILED;
    if (X509_check_ca(out->certificate) != 1)
        return host_fail(files->certificate, "is not a certificate authority");
    if (X509_cmp_current_time(X509_get0_notAfter(out->certificate)) < 0)
        return host_fail(files->certificate, "has expired (devices that pin it need a new one)");
    return HOST_DONE;
}

/* Letters, digits, hyphens and dots; "*." only in front. */
static bool is_dns_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    size_t length = strlen(name);
    return length > 0 && length <= 253 && strspn(name, allowed) == length && name[0] != '.' &&
           name[0] != '-' && !strstr(name, "..");
}

static int check_names(const struct pki_names *names)
{
    if (names->dns_count + names->ip_count == 0)
        return host_fail(NULL, "a server certificate needs a name or an address");
    for (size_t i = 0; i < names->dns_count; i++) {
        if (!is_dns_name(names->dns[i]))
            return host_fail(names->dns[i], "is not a host name");
    }
    for (size_t i = 0; i < names->ip_count; i++) {
        ASN1_OCTET_STRING *address = a2i_IPADDRESS(names->ip[i]);
        ASN1_OCTET_STRING_free(address);
        if (!address) {
            ERR_clear_error();
            return host_fail(names->ip[i], "is not an IP address");
        }
    }
    return HOST_DONE;
}

int pki_server_create(const struct pki_files *ca, const struct pki_files *server,
                      const struct pki_names *names, int days)
{
    struct authority issuer = {0};
    struct authority subject = {0};
    int status = check_names(names);
    if (status == HOST_DONE)
        status = load_authority(ca, &issuer);
    if (status == HOST_DONE) {
        const char *first = names->dns_count ? names->dns[0] : names->ip[0];
        const char *common_name = strlen(first) <= 64 ? first : "trustchain server";
        status = finish(server, &subject,
                        issue(&subject, &issuer, common_name, days, server_extensions, names));
    }
    ERR_clear_error();
    authority_free(&issuer);
    return status;
}

static bool is_device_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    size_t length = strlen(name);
    return length > 0 && length <= PKI_DEVICE_NAME_MAX && strspn(name, allowed) == length &&
           isalnum((unsigned char)name[0]);
}

static int create_device(const struct authority *issuer, const char *folder, const char *name,
                         int days)
{
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    struct pki_files files = {certificate, key};
    struct authority subject = {0};
    char file[PKI_DEVICE_NAME_MAX + sizeof "_cert.pem"];
    snprintf(file, sizeof file, "%s_cert.pem", name);
    if (file_path(folder, file, certificate) != HOST_DONE)
        return HOST_FAILED;
    snprintf(file, sizeof file, "%s_key.pem", name);
    if (file_path(folder, file, key) != HOST_DONE)
        return HOST_FAILED;
    return finish(&files, &subject, issue(&subject, issuer, name, days, device_extensions, NULL));
}

int pki_devices_create(const struct pki_files *ca, const char *folder, const char *const *names,
                       size_t count, int days)
{
    struct authority issuer = {0};
    for (size_t i = 0; i < count; i++) {
        if (!is_device_name(names[i]))
            return host_fail(names[i], "is no name of a device (1 to %d letters, digits, . _ : -)",
                             PKI_DEVICE_NAME_MAX);
    }
    int status = load_authority(ca, &issuer);
    bool loaded = status == HOST_DONE;
    for (size_t i = 0; loaded && i < count; i++) {
        if (create_device(&issuer, folder, names[i], days) != HOST_DONE)
            status = HOST_FAILED;
    }
    ERR_clear_error();
    authority_free(&issuer);
    return status;
}
