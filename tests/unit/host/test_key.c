/* Signing keys: what is taken, what is refused, and that a signature is what chain/ verifies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "chain/error.h"
#include "chain/sigblock.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "host/key.h"
#include "tests/unit/host/scratch.h"

enum form { PRIVATE, ENCRYPTED, PUBLIC };

static void put_key(const char *name, EVP_PKEY *pkey, enum form form)
{
    assert_non_null(pkey);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    int done;
    if (form == PUBLIC)
        done = PEM_write_bio_PUBKEY(bio, pkey);
    else
        done = PEM_write_bio_PrivateKey(bio, pkey, form == ENCRYPTED ? EVP_aes_128_cbc() : NULL,
                                        form == ENCRYPTED ? (const unsigned char *)"secret" : NULL,
                                        form == ENCRYPTED ? 6 : 0, NULL, NULL);
    assert_true(done > 0);
    long length = BIO_get_mem_data(bio, &text);
    scratch_put(name, text, (size_t)length, 0600);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

static void a_new_key_signs_what_chain_verifies(void **state)
{
    (void)state;
    struct key *key;
    struct stat status;
    struct rsa3072_key rsa;
    uint8_t digest[SHA256_BYTES] = {1, 2, 3};
    uint8_t signature[RSA3072_BYTES];
    uint8_t block[1][SIGBLOCK_BYTES];
    uint8_t sector[SIGBLOCK_SECTOR_BYTES];
    struct sigblock_trust trust = {.count = 1};
    int reason;
    assert_int_equal(key_generate_rsa3072(scratch_path("key.pem")), HOST_DONE);
    assert_int_equal(stat(scratch_path("key.pem"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(key_load_private(scratch_path("key.pem"), &key), HOST_DONE);
    assert_int_equal(key_rsa_public(key, &rsa), HOST_DONE);
    assert_int_equal(rsa.e, 65537);
    assert_int_equal(key_sign_digest(key, digest, signature), HOST_DONE);
    key_free(key);
    sigblock_build_rsa(block[0], &rsa, digest, signature);
    sigblock_sector_build(sector, (const uint8_t(*)[SIGBLOCK_BYTES])block, 1);
    assert_int_equal(sigblock_rsa_key_digest(&rsa, &host_crypto, trust.digest[0]), CHAIN_OK);
    assert_int_equal(sigblock_verify(sector, digest, &trust, &host_crypto, &reason, NULL),
                     SIGBLOCK_TRUSTED);
    digest[31] ^= 1;
    assert_int_equal(sigblock_verify(sector, digest, &trust, &host_crypto, &reason, NULL),
                     SIGBLOCK_REFUSED);
}

/* n * mprime = -1 modulo 2^32, and the public form is the same from every kind of file. */
static void public_forms_agree(void **state)
{
    (void)state;
    struct key *key;
    struct rsa3072_key from_private;
    struct rsa3072_key from_public;
    assert_int_equal(key_load_public(scratch_path("key.pem"), &key), HOST_DONE);
    assert_int_equal(key_rsa_public(key, &from_private), HOST_DONE);
    assert_int_equal(key_write_public(key, scratch_path("pub.pem")), HOST_DONE);
    key_free(key);
    assert_int_equal(key_load_public(scratch_path("pub.pem"), &key), HOST_DONE);
    assert_int_equal(key_rsa_public(key, &from_public), HOST_DONE);
    key_free(key);
    assert_memory_equal(&from_private, &from_public, sizeof from_public);
    uint32_t low;
    memcpy(&low, from_public.n, sizeof low);
    assert_int_equal((uint32_t)(low * from_public.mprime), UINT32_MAX);
}

/* n = 2^3072 - below */
static EVP_PKEY *rsa_key(BN_ULONG below, BN_ULONG exponent)
{
    BIGNUM *n = BN_new();
    BIGNUM *e = BN_new();
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    BN_set_bit(n, 3072);
    BN_sub_word(n, below);
    BN_set_word(e, exponent);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(context);
    assert_int_equal(EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return pkey;
}

/* formats.md 2.6: n = 2^3072 - 1103717, e = 65537. */
static void montgomery_figures_match_the_reference(void **state)
{
    (void)state;
    static const uint8_t expected_rinv[] = {0xD9, 0xCD, 0xDA, 0xA1, 0x1B, 0x01};
    static const char digest_text[] =
        "5601f8271a56e07ecb3264af6d48fc508550be41c73b66fd7c79b4b6202190cc";
    struct key *key;
    struct rsa3072_key form;
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    put_key("reference.pem", rsa_key(1103717, 65537), PUBLIC);
    assert_int_equal(key_load_public(scratch_path("reference.pem"), &key), HOST_DONE);
    assert_int_equal(key_rsa_public(key, &form), HOST_DONE);
    key_free(key);
    assert_int_equal(form.mprime, 0x25F7826D);
    assert_memory_equal(form.rinv, expected_rinv, sizeof expected_rinv);
    assert_int_equal(form.rinv[6], 0);
    assert_int_equal(sigblock_rsa_key_digest(&form, &host_crypto, digest), CHAIN_OK);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, digest_text);
}

static void other_keys_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *words; /* loading it as a private key */
        bool is_public;    /* good as a public one */
    } cases[] = {
        {"rsa2048.pem", "type RSA, 2048 bits", false},
        {"ec.pem", "type EC secp384r1, 384 bits", false},
        {"p192.pem", "type EC prime192v1, 192 bits", true},
        {"locked.pem", "does not open with this passphrase", false},
        {"pub.pem", "is a public key", true},
        {"junk.pem", "not a PEM private key", false},
    };
    put_key("rsa2048.pem", EVP_RSA_gen(2048), PRIVATE);
    put_key("ec.pem", EVP_EC_gen("P-384"), PRIVATE);
    put_key("p192.pem", EVP_EC_gen("P-192"), PRIVATE);
    put_key("locked.pem", EVP_RSA_gen(3072), ENCRYPTED);
    put_key("pub.pem", EVP_RSA_gen(3072), PUBLIC);
    scratch_put("junk.pem", "not a key\n", 10, 0600);
    assert_int_equal(setenv("TRUSTCHAIN_PASSPHRASE", "wrong", 1), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key *key = NULL;
        scratch_catch_stderr();
        int status = key_load_private(scratch_path(cases[i].file), &key);
        const char *line = scratch_stderr();
        assert_int_equal(status, HOST_FAILED);
        assert_non_null(strstr(line, cases[i].words));
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        scratch_catch_stderr();
        status = key_load_public(scratch_path(cases[i].file), &key);
        (void)scratch_stderr();
        assert_int_equal(status, cases[i].is_public ? HOST_DONE : HOST_FAILED);
        key_free(cases[i].is_public ? key : NULL);
    }
}

/* An exponent of 1 would make every encoding its own signature. */
static void rsa_keys_without_use_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        BN_ULONG below, exponent;
        int status;
    } cases[] = {
        {1103717, 3, HOST_DONE},       {1103717, 0xFFFFFFFFu, HOST_DONE},
        {1103716, 3, HOST_FAILED},     {1103717, 1, HOST_FAILED},
        {1103717, 65536, HOST_FAILED}, {1103717, 0x100000001u, HOST_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key *key = NULL;
        put_key("odd.pem", rsa_key(cases[i].below, cases[i].exponent), PUBLIC);
        scratch_catch_stderr();
        int status = key_load_public(scratch_path("odd.pem"), &key);
        const char *line = scratch_stderr();
        assert_int_equal(status, cases[i].status);
        assert_true(status == HOST_DONE || strstr(line, "odd.pem: is no usable RSA key") != NULL);
        key_free(status == HOST_DONE ? key : NULL);
    }
}

/* put_key()'s passphrase is "secret"; a file wins over the environment. */
static void a_protected_key_opens_with_its_passphrase(void **state)
{
    (void)state;
    static const struct {
        const char *file; /* content, or NULL for no file */
        size_t length;
        const char *variable;
        const char *words; /* NULL: opens */
    } cases[] = {
        {"secret", 6, "wrong", NULL},
        {"secret\n", 7, "wrong", NULL},
        {"secret\r\nmore", 12, "wrong", NULL},
        {NULL, 0, "secret", NULL},
        {"wrong\n", 6, "secret", "does not open"},
        {"\n", 1, "secret", "holds no passphrase"},
        {"sec\0ret", 7, "secret", "holds no passphrase"},
        {NULL, 0, "", "holds no passphrase"},
    };
    put_key("sealed.pem", EVP_RSA_gen(3072), ENCRYPTED);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key *key = NULL;
        scratch_put("phrase", cases[i].file, cases[i].length, 0600);
        assert_int_equal(setenv("TRUSTCHAIN_PASSPHRASE", cases[i].variable, 1), 0);
        scratch_catch_stderr();
        int status = key_unlock(scratch_path("sealed.pem"),
                                cases[i].file ? scratch_path("phrase") : NULL, &key);
        const char *line = scratch_stderr();
        assert_int_equal(status, cases[i].words ? HOST_FAILED : HOST_DONE);
        if (cases[i].words)
            assert_non_null(strstr(line, cases[i].words));
        else
            assert_string_equal(line, "");
        key_free(key);
    }
    assert_int_equal(unsetenv("TRUSTCHAIN_PASSPHRASE"), 0);
}

static void a_private_key_open_to_others_is_refused(void **state)
{
    (void)state;
    struct key *key;
    assert_int_equal(chmod(scratch_path("key.pem"), 0644), 0);
    scratch_catch_stderr();
    int status = key_load_private(scratch_path("key.pem"), &key);
    assert_non_null(strstr(scratch_stderr(), "chmod 600"));
    assert_int_equal(status, HOST_FAILED);
}

static void flash_keys_are_random_and_private(void **state)
{
    (void)state;
    struct buffer first;
    struct buffer second;
    assert_int_equal(key_generate_xts128(scratch_path("a.bin")), HOST_DONE);
    assert_int_equal(key_generate_xts128(scratch_path("b.bin")), HOST_DONE);
    assert_int_equal(file_read_private(scratch_path("a.bin"), 64, &first), HOST_DONE);
    assert_int_equal(file_read_private(scratch_path("b.bin"), 64, &second), HOST_DONE);
    assert_int_equal(first.length, XTS_KEY_BYTES);
    assert_memory_not_equal(first.bytes, second.bytes, XTS_KEY_BYTES);
    assert_memory_not_equal(first.bytes, first.bytes + 16, 16);
    scratch_catch_stderr();
    assert_int_equal(key_generate_xts128(scratch_path("a.bin")), HOST_FAILED);
    (void)scratch_stderr();
    buffer_free_secret(&first);
    buffer_free_secret(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_signs_what_chain_verifies),
        cmocka_unit_test(public_forms_agree),
        cmocka_unit_test(montgomery_figures_match_the_reference),
        cmocka_unit_test(other_keys_are_refused_by_name),
        cmocka_unit_test(rsa_keys_without_use_are_refused_by_name),
        cmocka_unit_test(a_protected_key_opens_with_its_passphrase),
        cmocka_unit_test(a_private_key_open_to_others_is_refused),
        cmocka_unit_test(flash_keys_are_random_and_private),
    };
    return cmocka_run_group_tests_name("host/key", tests, scratch_make, scratch_remove);
}
