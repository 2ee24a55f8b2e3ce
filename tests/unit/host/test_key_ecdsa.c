/* ECDSA keys: a block that Espressif's tool made, and our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/sigblock.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/key.h"
#include "tests/unit/host/scratch.h"

enum { AT_DIGEST = 4, AT_KEY = 36, AT_SIGNATURE = 101, AT_CRC = 1196 };

/* What espsecure 5.3.0 signed with keys it had made for this (digest-sbv2-public-key, sign-data):
 * 4096 bytes 00 01 .. ff 00 .. */
struct golden {
    const char *name;
    enum ecdsa_curve curve;
    const char *pem;
    uint8_t key_digest[SHA256_BYTES];
    uint32_t crc;
    uint8_t head[165]; /* zeros follow, up to the CRC */
};

static const struct golden golden[] = {
    {
        "p256.pem",
        ECDSA_P256,
        "-----BEGIN PRIVATE KEY-----\n"
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGikhOBXmjIa+x3le\n"
        "PKd4STEPMo40W8Q+sKKOrMQup5ehRANCAARwlE38ADQuMdS92QOadB5vDFYFBZao\n"
        "UAVXC88CI7ZIps+vMoKPFl7dX69drC8AWVUEhwpQYg2SRc+v3Zhgungp\n"
        "-----END PRIVATE KEY-----\n",
        {
            0xb4, 0x05, 0xe0, 0x3a, 0xf6, 0x9b, 0x57, 0x6f, 0x48, 0x16, 0x53,
            0xec, 0xa3, 0x88, 0x97, 0x7a, 0xb5, 0x7d, 0x56, 0x46, 0xcf, 0xb3,
            0x58, 0x04, 0x39, 0x25, 0x04, 0xc3, 0x2e, 0x2d, 0xf6, 0x6a,
        },
        0x249cab10,
        {
            0xe7, 0x03, 0x00, 0x00, 0xc8, 0xf5, 0xd0, 0x34, 0x1d, 0x54, 0xd9, 0x51, 0xa7, 0x1b,
            0x13, 0x6e, 0x6e, 0x2a, 0xfc, 0xb1, 0x4d, 0x11, 0xed, 0x84, 0x89, 0xa7, 0xae, 0x12,
            0x6a, 0x8f, 0xee, 0x0d, 0xf6, 0xec, 0xf1, 0x93, 0x02, 0xa6, 0x48, 0xb6, 0x23, 0x02,
            0xcf, 0x0b, 0x57, 0x05, 0x50, 0xa8, 0x96, 0x05, 0x05, 0x56, 0x0c, 0x6f, 0x1e, 0x74,
            0x9a, 0x03, 0xd9, 0xbd, 0xd4, 0x31, 0x2e, 0x34, 0x00, 0xfc, 0x4d, 0x94, 0x70, 0x29,
            0x78, 0xba, 0x60, 0x98, 0xdd, 0xaf, 0xcf, 0x45, 0x92, 0x0d, 0x62, 0x50, 0x0a, 0x87,
            0x04, 0x55, 0x59, 0x00, 0x2f, 0xac, 0x5d, 0xaf, 0x5f, 0xdd, 0x5e, 0x16, 0x8f, 0x82,
            0x32, 0xaf, 0xcf, 0x51, 0xb1, 0x46, 0x0d, 0x68, 0x0d, 0xb2, 0x86, 0xba, 0x10, 0xc8,
            0xa6, 0x73, 0x6a, 0x2e, 0x46, 0xa4, 0x7e, 0xc9, 0x57, 0x5f, 0x93, 0x78, 0x54, 0x1c,
            0x16, 0xcc, 0xd5, 0x98, 0x30, 0xd1, 0x65, 0x46, 0x73, 0x31, 0xc9, 0x9b, 0x47, 0x62,
            0xba, 0x83, 0xa6, 0x97, 0x32, 0x8a, 0x71, 0x25, 0xb0, 0xcf, 0x06, 0xaa, 0x74, 0x34,
            0xcf, 0x95, 0x88, 0x55, 0x4f, 0xaa, 0x34, 0xc5, 0x1e, 0xf4, 0x92,
        },
    },
    {
        "p192.pem",
        ECDSA_P192,
        "-----BEGIN PUBLIC KEY-----\n"
        "MEkwEwYHKoZIzj0CAQYIKoZIzj0DAQEDMgAEGGTjojr+loUhKpXO7Lji3Cn6GyVY\n"
        "7atAuq6mm0WQPL9/dMFEivT0wfdLf12/yMet\n"
        "-----END PUBLIC KEY-----\n",
        {
            0x8e, 0xba, 0x97, 0xb2, 0xe1, 0xe3, 0x28, 0x10, 0x2f, 0x22, 0x75,
            0xf0, 0x93, 0xcf, 0x5f, 0x75, 0x3e, 0x46, 0x04, 0xd9, 0xad, 0xda,
            0x39, 0x97, 0x61, 0xf9, 0x02, 0x09, 0x44, 0xfc, 0xab, 0xfd,
        },
        0xbf2ba42a,
        {
            0xe7, 0x03, 0x00, 0x00, 0xc8, 0xf5, 0xd0, 0x34, 0x1d, 0x54, 0xd9, 0x51, 0xa7, 0x1b,
            0x13, 0x6e, 0x6e, 0x2a, 0xfc, 0xb1, 0x4d, 0x11, 0xed, 0x84, 0x89, 0xa7, 0xae, 0x12,
            0x6a, 0x8f, 0xee, 0x0d, 0xf6, 0xec, 0xf1, 0x93, 0x01, 0x40, 0xab, 0xed, 0x58, 0x25,
            0x1b, 0xfa, 0x29, 0xdc, 0xe2, 0xb8, 0xec, 0xce, 0x95, 0x2a, 0x21, 0x85, 0x96, 0xfe,
            0x3a, 0xa2, 0xe3, 0x64, 0x18, 0xad, 0xc7, 0xc8, 0xbf, 0x5d, 0x7f, 0x4b, 0xf7, 0xc1,
            0xf4, 0xf4, 0x8a, 0x44, 0xc1, 0x74, 0x7f, 0xbf, 0x3c, 0x90, 0x45, 0x9b, 0xa6, 0xae,
            0xba, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            0x00, 0x00, 0x00, 0x4a, 0x6d, 0x93, 0xae, 0x89, 0x81, 0x10, 0xc3, 0xf1, 0x78, 0x7b,
            0xc0, 0xb7, 0x22, 0xd8, 0xe8, 0x83, 0x57, 0x8c, 0x11, 0x9a, 0xe7, 0x11, 0x9d, 0x37,
            0x25, 0xf2, 0xae, 0x72, 0x6d, 0xd1, 0x8d, 0xc4, 0xc8, 0x5f, 0xe4, 0x04, 0x83, 0x51,
            0xa1, 0x24, 0x93, 0x6f, 0x61, 0xb2, 0x7d, 0xb6, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00,
            0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        },
    },
};

static void golden_block(const struct golden *g, uint8_t block[SIGBLOCK_BYTES])
{
    memset(block, 0, SIGBLOCK_BYTES);
    memcpy(block, g->head, sizeof g->head);
    le32_store(block + AT_CRC, g->crc);
}

static uint32_t verdict(const uint8_t block[SIGBLOCK_BYTES], const uint8_t *image_digest,
                        const struct key *trusted, int *reason)
{
    struct sigblock_trust trust = {.count = 1};
    uint8_t blocks[1][SIGBLOCK_BYTES], sector[SIGBLOCK_SECTOR_BYTES];
    memcpy(blocks[0], block, SIGBLOCK_BYTES);
    sigblock_sector_build(sector, (const uint8_t(*)[SIGBLOCK_BYTES])blocks, 1);
    assert_int_equal(key_digest(trusted, trust.digest[0]), HOST_DONE);
    return sigblock_verify(sector, image_digest, &trust, &host_crypto, reason, NULL);
}

static void their_blocks_are_ours(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const struct golden *g = &golden[i];
        struct key *key;
        struct sigblock parsed;
        uint8_t digest[SHA256_BYTES], theirs[SIGBLOCK_BYTES], ours[SIGBLOCK_BYTES];
        int reason;
        scratch_put(g->name, g->pem, strlen(g->pem), 0600);
        assert_int_equal(key_load_public(scratch_path(g->name), &key), HOST_DONE);
        assert_int_equal(key_digest(key, digest), HOST_DONE);
        assert_memory_equal(digest, g->key_digest, SHA256_BYTES);

        golden_block(g, theirs);
        assert_int_equal(verdict(theirs, theirs + AT_DIGEST, key, &reason), SIGBLOCK_TRUSTED);
        key_free(key);
        assert_int_equal(sigblock_parse(theirs, &parsed), CHAIN_OK);
        assert_int_equal(parsed.curve, g->curve);
        sigblock_build_ecdsa(ours, parsed.curve, parsed.x, parsed.y, parsed.image_digest, parsed.r,
                             parsed.s);
        assert_memory_equal(ours, theirs, SIGBLOCK_BYTES);
    }
}

/* With their private key: everything but signature and CRC is the same bytes. */
static void a_block_we_sign_differs_only_in_its_signature(void **state)
{
    (void)state;
    struct key *key;
    uint8_t theirs[SIGBLOCK_BYTES], ours[SIGBLOCK_BYTES], digest[SHA256_BYTES];
    int reason;
    golden_block(&golden[0], theirs);
    scratch_put("sign.pem", golden[0].pem, strlen(golden[0].pem), 0600);
    assert_int_equal(key_load_private(scratch_path("sign.pem"), &key), HOST_DONE);
    assert_int_equal(key_sign_block(key, theirs + AT_DIGEST, ours), HOST_DONE);
    assert_memory_equal(ours, theirs, AT_SIGNATURE);
    assert_memory_not_equal(ours + AT_SIGNATURE, theirs + AT_SIGNATURE, 32); /* a fresh nonce */
    assert_memory_equal(ours + sizeof golden->head, theirs + sizeof golden->head,
                        AT_CRC - sizeof golden->head);
    assert_int_equal(verdict(ours, theirs + AT_DIGEST, key, &reason), SIGBLOCK_TRUSTED);
    memcpy(digest, theirs + AT_DIGEST, sizeof digest);
    digest[0] ^= 1;
    assert_int_equal(verdict(ours, digest, key, &reason), SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EDIGEST);
    key_free(key);
}

static void a_new_key_is_private_and_signs(void **state)
{
    (void)state;
    static const uint8_t digest[SHA256_BYTES] = {1, 2, 3};
    struct key *key;
    struct stat status;
    uint8_t block[SIGBLOCK_BYTES];
    int reason;
    assert_int_equal(key_generate_ecdsa_p256(scratch_path("new.pem")), HOST_DONE);
    assert_int_equal(stat(scratch_path("new.pem"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    for (int round = 0; round < 50; round++) { /* numbers with leading zeros among them */
        assert_int_equal(key_load_private(scratch_path("new.pem"), &key), HOST_DONE);
        assert_int_equal(key_sign_block(key, digest, block), HOST_DONE);
        assert_int_equal(verdict(block, digest, key, &reason), SIGBLOCK_TRUSTED);
        key_free(key);
    }
    assert_int_equal(block[1], SIGBLOCK_ECDSA);
    assert_int_equal(block[AT_KEY], ECDSA_P256);
    scratch_catch_stderr();
    assert_int_equal(key_generate_ecdsa_p256(scratch_path("new.pem")), HOST_FAILED);
    (void)scratch_stderr();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(their_blocks_are_ours),
        cmocka_unit_test(a_block_we_sign_differs_only_in_its_signature),
        cmocka_unit_test(a_new_key_is_private_and_signs),
    };
    return cmocka_run_group_tests_name("host/key_ecdsa", tests, scratch_make, scratch_remove);
}
