/* tests/unit/agent/image.c: see image.h. Layout: formats.md 1 and 2. */
#include "tests/unit/agent/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain/bytes.h"
#include "chain/image.h"
#include "host/crypto.h"
#include "host/key.h"
#include "tests/unit/folder.h"

#define RAM_CODE_BYTES 64u
#define SOC_ENTRY      0x40800000u

static struct key *key_of(bool other)
{
    static struct key *keys[2];
    char folder[FOLDER_BYTES];
    char path[FOLDER_BYTES + 16];
    if (keys[other] != NULL)
        return keys[other];
    folder_new("agent", folder);
    snprintf(path, sizeof path, "%s/key.pem", folder);
    if (key_generate_rsa3072(path) != 0 || key_load_private(path, &keys[other]) != 0)
        abort();
    folder_remove(folder);
    return keys[other];
}

void test_trust(struct sigblock_trust *trust)
{
    struct rsa3072_key public;
    memset(trust, 0, sizeof *trust);
    trust->count = 1;
    if (key_rsa_public(key_of(false), &public) != 0 ||
        sigblock_rsa_key_digest(&public, &host_crypto, trust->digest[0]) != 0)
        abort();
}

void test_digest(const uint8_t *bytes, uint32_t length, uint8_t digest[32])
{
    struct chain_span span = {bytes, length};
    if (host_crypto.sha256(&host_crypto, &span, 1, digest) != 0)
        abort();
}

static uint32_t put_segment(uint8_t *out, uint32_t at, uint32_t load_addr, uint32_t length)
{
    le32_store(out + at, load_addr);
    le32_store(out + at + 4, length);
    return at + IMAGE_SEGMENT_BYTES;
}

static void put_desc(uint8_t *desc, const struct test_image *what)
{
    le32_store(desc, IMAGE_APP_DESC_MAGIC);
    le32_store(desc + 4, what->secure_version);
    strcpy((char *)desc + 16, what->version);
    strcpy((char *)desc + 48, what->project);
    desc[180] = 16;
}

static void sign(uint8_t *out, uint32_t length, bool other_key)
{
    uint8_t digest[32], signature[RSA3072_BYTES], block[1][SIGBLOCK_BYTES];
    struct rsa3072_key public;
    test_digest(out, length, digest);
    if (key_rsa_public(key_of(other_key), &public) != 0 ||
        key_sign_digest(key_of(other_key), digest, signature) != 0)
        abort();
    sigblock_build_rsa(block[0], &public, digest, signature);
    sigblock_sector_build(out + length, (const uint8_t(*)[SIGBLOCK_BYTES])block, 1);
}

uint32_t test_image_make(const struct test_image *what, uint8_t out[TEST_FILE_MAX])
{
    uint8_t checksum = IMAGE_CHECKSUM_SEED;
    uint32_t rom = IMAGE_APP_DESC_BYTES + (what->body & ~3u);
    memset(out, 0xFF, TEST_FILE_MAX);
    memset(out, 0, IMAGE_HEADER_BYTES);
    out[0] = IMAGE_MAGIC;
    out[1] = 2;
    out[2] = 2;
    out[3] = 0x20;
    le32_store(out + 4, SOC_ENTRY);
    out[8] = 0xEE;
    le16_store(out + 12, what->chip_id != 0 ? what->chip_id : IMAGE_CHIP_ESP32C6);
    le16_store(out + 17, 99);
    out[23] = 1;
    uint32_t first = put_segment(out, IMAGE_HEADER_BYTES, 0x42000020, rom);
    memset(out + first, 0, rom);
    put_desc(out + first, what);
    for (uint32_t i = IMAGE_APP_DESC_BYTES; i < rom; i++)
        out[first + i] = (uint8_t)(i * 167 + (i >> 8) * 13 + (uint8_t)what->version[2]);
    uint32_t second = put_segment(out, first + rom, SOC_ENTRY, RAM_CODE_BYTES);
    memset(out + second, 0x13, RAM_CODE_BYTES);
    for (uint32_t i = 0; i < rom; i++)
        checksum ^= out[first + i];
    for (uint32_t i = 0; i < RAM_CODE_BYTES; i++)
        checksum ^= out[second + i];
    uint32_t end = second + RAM_CODE_BYTES;
    uint32_t at = end | 15;
    memset(out + end, 0, at - end);
    out[at] = checksum;
    test_digest(out, at + 1, out + at + 1);
    uint32_t length = (at + 1 + 32 + 4095) & ~4095u;
    sign(out, length, what->other_key);
    return length + SIGBLOCK_SECTOR_BYTES;
}
