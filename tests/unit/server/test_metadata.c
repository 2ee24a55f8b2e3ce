/* Metadata: byte for byte what server/release/metadata.h says, and something for any bytes at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain/image.h"
#include "chain/sigblock.h"
#include "host/crypto.h"
#include "server/release/metadata.h"

#define IMAGE_BYTES 4096u /* signed part of the smallest image */

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

/* One flash segment of 0x200 bytes that begins with a descriptor; two signature blocks, an RSA and
 * an ECDSA one, whose numbers sign nothing. */
static void build(uint8_t bytes[IMAGE_BYTES + SIGBLOCK_SECTOR_BYTES])
{
    static uint8_t blocks[2][SIGBLOCK_BYTES];
    static const struct rsa3072_key key = {.mprime = 7};
    static const uint8_t number[RSA3072_BYTES] = {0x11};
    uint8_t digest[SHA256_BYTES] = {1, 2, 3};
    memset(bytes, 0, IMAGE_BYTES + SIGBLOCK_SECTOR_BYTES);
    bytes[0] = IMAGE_MAGIC;
    bytes[1] = 1;
    put32(bytes + 4, 0x42000128);
    bytes[12] = IMAGE_CHIP_ESP32C6;
    bytes[15] = 1;   /* min_rev_full 1 */
    bytes[17] = 199; /* max_rev_full */
    put32(bytes + 24, 0x42000020);
    put32(bytes + 28, 0x200);
    put32(bytes + 32, IMAGE_APP_DESC_MAGIC);
    put32(bytes + 36, 2);
    memcpy(bytes + 48, "1.2.0\"\\/\xff", 9); /* what JSON escapes, and what is no text */
    memcpy(bytes + 80, "thermo", 6);
    memcpy(bytes + 112, "10:11:12", 8);
    memcpy(bytes + 128, "Jan  2 2026", 11);
    memcpy(bytes + 144, "v5.4", 4);
    memset(bytes + 176, 0xE1, SHA256_BYTES);
    sigblock_build_rsa(blocks[0], &key, digest, number);
    sigblock_build_ecdsa(blocks[1], ECDSA_P256, number, number, digest, number, number);
    sigblock_sector_build(bytes + IMAGE_BYTES, (const uint8_t(*)[SIGBLOCK_BYTES])blocks, 2);
}

static char *hex_of(const uint8_t *bytes, size_t length, char out[2 * SHA256_BYTES + 1])
{
    uint8_t digest[SHA256_BYTES];
    const struct chain_span span = {.data = bytes, .length = length};
    assert_int_equal(host_crypto.sha256(&host_crypto, &span, 1, digest), 0);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
    return out;
}

static void every_field(void **state)
{
    static uint8_t bytes[IMAGE_BYTES + SIGBLOCK_SECTOR_BYTES];
    char hex[4][2 * SHA256_BYTES + 1];
    char elf[2 * SHA256_BYTES + 1] = "";
    char expected[4096];
    (void)state;
    build(bytes);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        strcat(elf, "e1");
    }
    snprintf(expected, sizeof expected,
             "{\"application\":{\"compile_date\":\"Jan  2 2026\",\"compile_time\":\"10:11:12\","
             "\"elf_sha256\":\"%s\","
             "\"idf_version\":\"v5.4\",\"max_efuse_revision\":0,\"min_efuse_revision\":0,"
             "\"project\":\"thermo\",\"secure_version\":2,\"version\":\"1.2.0\\\"\\\\/?\"},"
             "\"format\":1,\"image\":{\"chip_id\":13,\"entry\":1107296552,\"max_revision\":199,"
             "\"min_revision\":1,\"segments\":[{\"address\":1107296288,\"length\":512,"
             "\"memory\":\"flash\"}],\"signed_digest\":\"%s\"},\"sha256\":\"%s\","
             "\"signatures\":[{\"key_digest\":\"%s\",\"scheme\":\"rsa-3072\"},"
             "{\"key_digest\":\"%s\",\"scheme\":\"ecdsa-p256\"}],\"size\":8192}",
             elf, hex_of(bytes, IMAGE_BYTES, hex[0]), hex_of(bytes, sizeof bytes, hex[1]),
             hex_of(bytes + IMAGE_BYTES + 36, 776, hex[2]),
             hex_of(bytes + IMAGE_BYTES + SIGBLOCK_BYTES + 36, 65, hex[3]));
    char *text = metadata_make(bytes, sizeof bytes);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void what_is_cut_short(void **state)
{
    static uint8_t bytes[IMAGE_BYTES + SIGBLOCK_SECTOR_BYTES];
    (void)state;
    build(bytes);
    for (size_t length = 1; length < sizeof bytes; length += 97) {
        uint8_t *exact = malloc(length);
        memcpy(exact, bytes, length);
        char *text = metadata_make(exact, length);
        assert_non_null(text);
        assert_non_null(strstr(text, "\"signatures\":[]"));
        assert_true(strlen(text) < METADATA_BYTES_MAX);
        bool digest = strstr(text, "\"signed_digest\":\"") != NULL;
        assert_int_equal(digest, length >= IMAGE_BYTES);
        free(text);
        free(exact);
    }
    char *text = metadata_make((const uint8_t *)"no image", 8);
    assert_string_equal(text, "{\"application\":null,\"format\":1,\"image\":null,\"sha256\":"
                              "\"453361fd925712bb2f4ef496dfa3480f0d7a1e22fc15dc69e72aeb8086c135ce\""
                              ",\"signatures\":[],\"size\":8}");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),
        cmocka_unit_test(what_is_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
