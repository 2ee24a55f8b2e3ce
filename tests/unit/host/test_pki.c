/* Certificates: what a TLS client demands of them, checked with OpenSSL's own verifier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "host/error.h"
#include "host/pki.h"
#include "tests/unit/host/scratch.h"

static const char *const dns[] = {"localhost", "updates.example.com"};
static const char *const ip[] = {"127.0.0.1", "10.0.2.2", "::1"};
static const struct pki_names names = {dns, 2, ip, 3};

static struct pki_files files(const char *certificate, const char *key)
{
    return (struct pki_files){scratch_path(certificate), scratch_path(key)};
}

static X509 *load(const char *name)
{
    FILE *file = fopen(scratch_path(name), "r");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(certificate);
    return certificate;
}

/* X509_V_OK or why a strict TLS client would refuse. */
static int judge(X509 *ca, X509 *server, const char *host, const char *address)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX_init(context, store, server, NULL);
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
    if (host)
        X509_VERIFY_PARAM_set1_host(parameters, host, 0);
    if (address)
        X509_VERIFY_PARAM_set1_ip_asc(parameters, address);
    int verdict = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return verdict;
}

static void a_server_is_accepted_under_its_ca_only(void **state)
{
    (void)state;
    struct pki_files ca_files = files("ca_cert.pem", "ca_key.pem");
    struct pki_files other_files = files("other_cert.pem", "other_key.pem");
    struct pki_files server_files = files("server_cert.pem", "server_key.pem");
    struct stat status;
    assert_int_equal(pki_ca_create(&ca_files, "test CA", PKI_CA_DAYS), HOST_DONE);
    assert_int_equal(pki_ca_create(&other_files, "test CA", PKI_CA_DAYS), HOST_DONE);
    assert_int_equal(pki_server_create(&ca_files, &server_files, &names, 30), HOST_DONE);
    assert_int_equal(stat(server_files.key, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    X509 *ca = load("ca_cert.pem");
    X509 *other = load("other_cert.pem");
    X509 *server = load("server_cert.pem");
    assert_int_equal(judge(ca, server, "localhost", NULL), X509_V_OK);
    assert_int_equal(judge(ca, server, "updates.example.com", NULL), X509_V_OK);
    assert_int_equal(judge(ca, server, NULL, "10.0.2.2"), X509_V_OK);
    assert_int_equal(judge(ca, server, NULL, "::1"), X509_V_OK);
    assert_int_equal(judge(ca, server, "example.com", NULL), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(judge(ca, server, NULL, "10.0.2.3"), X509_V_ERR_IP_ADDRESS_MISMATCH);
    assert_int_not_equal(judge(other, server, "localhost", NULL), X509_V_OK);
    X509_free(ca);
    X509_free(other);
    X509_free(server);
}

static void the_ca_signs_end_certificates_only(void **state)
{
    (void)state;
    X509 *ca = load("ca_cert.pem");
    X509 *server = load("server_cert.pem");
    assert_int_equal(X509_get_pathlen(ca), 0);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_check_ca(server), 0);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_key_usage(server), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(server), XKU_SSL_SERVER);
    for (int i = 0; i < 2; i++) {
        X509 *certificate = i ? server : ca;
        int at = X509_get_ext_by_NID(certificate, NID_basic_constraints, -1);
        assert_true(at >= 0);
        assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(certificate, at)), 1);
    }
    X509_free(ca);
    X509_free(server);
}

static void nothing_is_replaced_or_left_half(void **state)
{
    (void)state;
    struct pki_files ca_files = files("ca_cert.pem", "ca_key.pem");
    struct pki_files again = files("ca_cert.pem", "new_key.pem");
    size_t before = scratch_count();
    scratch_catch_stderr();
    int status = pki_ca_create(&again, "test CA", 30);
    assert_non_null(strstr(scratch_stderr(), "exists already"));
    assert_int_equal(status, HOST_FAILED);
    scratch_catch_stderr();
    assert_int_equal(pki_server_create(&ca_files, &ca_files, &names, 30), HOST_FAILED);
    (void)scratch_stderr();
    assert_int_equal(scratch_count(), before);
}

static void bad_authorities_and_names_are_refused(void **state)
{
    (void)state;
    static const char *const bad_dns[] = {"", "a,DNS:evil", "-x", "a..b", "under_score"};
    static const char *const bad_ip[] = {"300.1.1.1", "localhost", "1.2.3"};
    struct pki_files ca = files("ca_cert.pem", "ca_key.pem");
    struct pki_files mixed = files("ca_cert.pem", "other_key.pem");
    struct pki_files leaf = files("server_cert.pem", "server_key.pem");
    struct pki_files out = files("x_cert.pem", "x_key.pem");
    size_t before = scratch_count();
    scratch_catch_stderr();
    assert_int_equal(pki_server_create(&mixed, &out, &names, 30), HOST_FAILED);
    assert_non_null(strstr(scratch_stderr(), "is not the key of"));
    scratch_catch_stderr();
    assert_int_equal(pki_server_create(&leaf, &out, &names, 30), HOST_FAILED);
    assert_non_null(strstr(scratch_stderr(), "not a certificate authority"));
    scratch_catch_stderr();
    for (size_t i = 0; i < sizeof bad_dns / sizeof *bad_dns; i++) {
        struct pki_names bad = {&bad_dns[i], 1, NULL, 0};
        assert_int_equal(pki_server_create(&ca, &out, &bad, 30), HOST_FAILED);
    }
    for (size_t i = 0; i < sizeof bad_ip / sizeof *bad_ip; i++) {
        struct pki_names bad = {NULL, 0, &bad_ip[i], 1};
        assert_int_equal(pki_server_create(&ca, &out, &bad, 30), HOST_FAILED);
    }
    struct pki_names none = {0};
    assert_int_equal(pki_server_create(&ca, &out, &none, 30), HOST_FAILED);
    (void)scratch_stderr();
    assert_int_equal(scratch_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_accepted_under_its_ca_only),
        cmocka_unit_test(the_ca_signs_end_certificates_only),
        cmocka_unit_test(nothing_is_replaced_or_left_half),
        cmocka_unit_test(bad_authorities_and_names_are_refused),
    };
    return cmocka_run_group_tests_name("host/pki", tests, scratch_make, scratch_remove);
}
