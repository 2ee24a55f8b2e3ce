/* device/app/app.h: the example application: an update agent with a console.
 *
 * One loop, no threads: each part has a poll function that does a bounded piece of work. What
 * differs between one product or version and the next is in struct app_config, which
 * device/app/build-firmware writes and links; everything else is the same library.
 */
#ifndef DEVICE_APP_APP_H
#define DEVICE_APP_APP_H

#include <stddef.h>
#include <stdint.h>

enum app_self_test { APP_SELF_TEST_PASS, APP_SELF_TEST_HANG, APP_SELF_TEST_FAIL };

/* Link-time configuration, in read-only flash. */
struct app_config {
    const char *host; /* update server: name or IPv4 address */
    uint16_t port;
    const char *product;
    const char *channel;
    uint32_t poll_ms;
    enum app_self_test self_test; /* hang and fail are for demonstrations and tests */
    const uint8_t *ca;            /* the pinned authority's certificate, DER */
    size_t ca_bytes;
    const uint8_t *padding; /* incompressible filling, NULL for none */
    size_t padding_bytes;
};

extern const struct app_config app_config;

/* esp_app_desc_t, formats.md 1.5: also in the configuration's file, in section .flash.appdesc. */
struct app_descriptor {
    uint32_t magic;
    uint32_t secure_version;
    uint32_t reserved1[2];
    char version[32];
    char project[32];
    char time[16];
    char date[16];
    char idf_version[32];
    uint8_t elf_sha256[32];
    uint16_t min_efuse_block_revision;
    uint16_t max_efuse_block_revision;
    uint8_t mmu_page_log2;
    uint8_t reserved2[75];
};
_Static_assert(sizeof(struct app_descriptor) == 256, "formats.md 1.5");

extern const struct app_descriptor app_descriptor;

#define APP_WATCHDOG_MS 3000u

#endif
