/* Session tickets: who takes whose, for how long. Two ends of TLS in memory, no sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "server/ticket.h"

/* One process of the server. */
struct process {
    struct ticket_keys *keys;
    SSL_CTX *tls;
};

static SSL_SESSION *kept; /* the newest the client was given */

static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static struct process process_new(EVP_PKEY *key)
{
    struct process process = {ticket_keys_new(key), SSL_CTX_new(TLS_server_method())};
    X509 *certificate = certificate_of(key);
    assert_non_null(process.keys);
    assert_int_equal(SSL_CTX_use_certificate(process.tls, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(process.tls, key), 1);
    SSL_CTX_set_session_cache_mode(process.tls, SSL_SESS_CACHE_OFF);
    ticket_keys_install(process.keys, process.tls);
    X509_free(certificate);
    return process;
}

static void process_end(struct process *process)
{
    SSL_CTX_free(process->tls);
    ticket_keys_free(process->keys);
}

/* A connection with the session that is kept; was it resumed? */
static bool resumes(const struct process *process, int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL *client = SSL_new(context);
    SSL *server = SSL_new(process->tls);
    BIO *one;
    BIO *other;
    assert_int_equal(BIO_new_bio_pair(&one, 1 << 16, &other, 1 << 16), 1);
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, other, other);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    if (kept != NULL)
        SSL_set_session(client, kept);
    for (int i = 0; i < 10; i++) {
        SSL_do_handshake(client);
        SSL_do_handshake(server);
    }
    assert_true(SSL_is_init_finished(client) && SSL_is_init_finished(server));
    char byte;
    assert_int_equal(SSL_read(client, &byte, 1), -1); /* takes the ticket of TLS 1.3 in */
    bool reused = SSL_session_reused(server) == 1;
    SSL_SESSION_free(kept);
    kept = SSL_get1_session(client);
    SSL_shutdown(client);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(context);
    return reused;
}

static void forget(void)
{
    SSL_SESSION_free(kept);
    kept = NULL;
}

/* Runs `test` on both versions with two keys. */
static void each_version(void (*test)(int version, EVP_PKEY *key, EVP_PKEY *other))
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    forget();
    test(TLS1_2_VERSION, key, other);
    forget();
    test(TLS1_3_VERSION, key, other);
    forget();
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static int64_t period_now(void)
{
    return ticket_period(time(NULL));
}

static void go_on_and_on(int version, EVP_PKEY *key, EVP_PKEY *other)
{
    (void)other;
    struct process process = process_new(key);
    assert_true(ticket_keys_roll(process.keys, period_now(), NULL));
    assert_false(resumes(&process, version));
    for (int i = 0; i < 4; i++)
        assert_true(resumes(&process, version)); /* each gives the ticket for the next */
    /* keys that were made up stay while time goes on */
    assert_true(ticket_keys_roll(process.keys, period_now(), NULL));
    assert_true(resumes(&process, version));
    process_end(&process);
}

static void a_session_goes_on(void **state)
{
    (void)state;
    each_version(go_on_and_on);
}

static void in_another_process(int version, EVP_PKEY *key, EVP_PKEY *other)
{
    const struct ticket_salts salts = {.salt = {{1}, {2}, {3}}};
    const struct ticket_salts others = {.salt = {{1}, {4}, {3}}};
    struct process first = process_new(key);
    struct process second = process_new(key);
    struct process stranger = process_new(other);
    assert_true(ticket_keys_roll(first.keys, period_now(), &salts));
    assert_true(ticket_keys_roll(second.keys, period_now(), &salts));
    assert_true(ticket_keys_roll(stranger.keys, period_now(), &salts));
    assert_false(resumes(&first, version));
    assert_true(resumes(&second, version));
    assert_true(resumes(&first, version));
    assert_false(resumes(&stranger, version)); /* the store alone is worth nothing */
    forget();
    assert_false(resumes(&first, version));
    assert_true(ticket_keys_roll(second.keys, period_now(), &others));
    assert_false(resumes(&second, version));
    process_end(&first);
    process_end(&second);
    process_end(&stranger);
}

static void processes_share_by_salt_and_private_key(void **state)
{
    (void)state;
    each_version(in_another_process);
}

/* `at`: the period the server's keys are of, seen from now. */
static struct process process_at(EVP_PKEY *key, int64_t at)
{
    struct ticket_salts salts = {.salt = {{0}}};
    struct process process = process_new(key);
    for (int i = 0; i < TICKET_PERIODS; i++)
        salts.salt[i][0] = (unsigned char)(100 + at + i); /* of the period now + at - 1 + i */
    assert_true(ticket_keys_roll(process.keys, period_now() + at, &salts));
    return process;
}

static void for_two_periods(int version, EVP_PKEY *key, EVP_PKEY *other)
{
    (void)other;
    struct process now = process_at(key, 0);
    struct process behind = process_at(key, -2);     /* seals with what it has: the period before */
    struct process far_behind = process_at(key, -3); /* two before */
    assert_false(resumes(&behind, version));
    assert_true(resumes(&now, version));
    assert_true(resumes(&now, version));
    forget();
    assert_false(resumes(&far_behind, version));
    assert_false(resumes(&now, version));
    forget();
    assert_false(resumes(&far_behind, version));
    assert_false(resumes(&far_behind, version)); /* though it has the key still */
    process_end(&now);
    process_end(&behind);
    process_end(&far_behind);
}

static void a_ticket_is_taken_for_two_periods(void **state)
{
    (void)state;
    each_version(for_two_periods);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_goes_on),
        cmocka_unit_test(processes_share_by_salt_and_private_key),
        cmocka_unit_test(a_ticket_is_taken_for_two_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
