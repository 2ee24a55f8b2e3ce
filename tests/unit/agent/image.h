/* tests/unit/agent/image.h: small signed images, made byte by byte, for the agent to judge. */
#ifndef TESTS_AGENT_IMAGE_H
#define TESTS_AGENT_IMAGE_H

#include "chain/sigblock.h"

#define TEST_FILE_MAX (256u * 1024)

struct test_image {
    const char *version;
    const char *project;
    uint32_t secure_version;
    uint32_t body;    /* bytes of filling: decides the length */
    uint16_t chip_id; /* 0 = ESP32-C6 */
    bool other_key;   /* signed by a key nobody trusts */
};

/* Keys are made on first use. */
void test_trust(struct sigblock_trust *trust);

/* Writes image and signature sector, returns the length of both. */
uint32_t test_image_make(const struct test_image *what, uint8_t out[TEST_FILE_MAX]);

void test_digest(const uint8_t *bytes, uint32_t length, uint8_t digest[32]);

#endif
