/* device/app/self_test.c: what an update must not break: flash, its own image, random numbers, the
 * pinned authority and the network that the next update comes through.
 */
#include "device/app/self_test.h"

#include <string.h>

#include "chain/efuse.h"
#include "chain/verify.h"
#include "device/agent/agent.h"
#include "device/app/app.h"
#include "device/app/log.h"
#include "device/app/network.h"
#include "device/app/tls.h"
#include "device/hal/crypto.h"
#include "device/hal/efuse.h"
#include "device/hal/flash.h"
#include "device/hal/system.h"

static bool flash_answers(const struct flash_map *map)
{
    const struct partition *slot = &map->slot[map->running];
    uint32_t size = hal_flash_size();
    return size != 0 && slot->offset < size && slot->size <= size - slot->offset;
}

/* The image this program came from, as the bootloader judged it. Without Secure Boot digests in
 * the eFuses its digest alone is checked. */
static bool image_verifies(const struct flash_map *map)
{
    const struct partition *slot = &map->slot[map->running];
    struct efuse efuse;
    struct sigblock_trust trust;
    struct verify_policy policy = {.kind = IMAGE_APP, .max_length = slot->size};
    int reason;
    hal_efuse_read(&efuse);
    efuse_trust(&efuse, &trust);
    policy.chip_rev = efuse_chip_revision(&efuse);
    policy.min_secure_version = efuse_secure_version(&efuse);
    policy.trust = trust.count > 0 ? &trust : NULL;
    const uint8_t *bytes = flash_map_slot(slot);
    uint32_t verdict = SIGBLOCK_REFUSED;
    if (bytes != NULL)
        verdict = verify_image(bytes, slot->size, &policy, &hal_crypto, NULL, NULL, &reason);
    flash_map_unmap_slot(slot);
    return verdict == SIGBLOCK_TRUSTED;
}

/* A generator that stands still would be noticed here; more than that no test can say. */
static bool random_numbers_differ(void)
{
    uint32_t first = hal_random(), second = hal_random(), third = hal_random();
    return first != second && second != third;
}

static const char *broken(const struct flash_map *map)
{
    if (app_config.self_test == APP_SELF_TEST_FAIL)
        return "it was built to fail";
    if (!flash_answers(map))
        return "flash does not answer as it should";
    if (!image_verifies(map))
        return "its own image does not verify";
    if (!random_numbers_differ())
        return "the random number generator stands still";
    if (!tls_ready())
        return "the pinned authority cannot be used: no later update could be fetched";
    return NULL;
}

static bool local_tests_passed;
static int result = AGENT_AGAIN;

int self_test_result(void)
{
    return result;
}

void self_test_poll(const struct flash_map *map)
{
    if (result != AGENT_AGAIN)
        return;
    if (app_config.self_test == APP_SELF_TEST_HANG) {
        log_line('W', "app", "self-test hangs, as it was built to");
        for (;;)
            continue; /* the watchdog ends this */
    }
    if (!local_tests_passed) {
        const char *what = broken(map);
        if (what != NULL) {
            log_line('E', "app", "self-test failed: %s", what);
            result = AGENT_EFAILED;
            return;
        }
        local_tests_passed = true;
    }
    if (!network_ready())
        return;
    log_line('I', "app", "self-test passed: flash, image, random numbers, network");
    result = AGENT_OK;
}
