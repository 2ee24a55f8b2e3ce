/* device/app/main.c: start everything, then one loop that feeds the watchdog and sleeps. */
#include "device/app/app.h"
#include "device/app/console.h"
#include "device/app/flash_map.h"
#include "device/app/log.h"
#include "device/app/memory.h"
#include "device/app/network.h"
#include "device/app/nvs_settings.h"
#include "device/app/self_test.h"
#include "device/app/tls.h"
#include "device/app/update.h"
#include "device/hal/efuse.h"
#include "device/hal/system.h"

#define IDLE_MS_MAX 20u /* how long a character on the console may have to wait */

void app_main(void);

static struct flash_map map;

static void banner(const char *slot)
{
    struct efuse efuse;
    hal_efuse_read(&efuse);
    log_line('I', "app", "trustchain app %s, slot %s, secure boot %s, flash encryption %s",
             app_descriptor.version, slot, efuse_bits(&efuse, EFUSE_SECURE_BOOT_EN) ? "on" : "off",
             hal_efuse_flash_encryption() ? "on" : "off");
}

static void nap(uint32_t milliseconds)
{
    uint32_t timer = network_sleep_ms();
    if (milliseconds > timer)
        milliseconds = timer;
    if (milliseconds > IDLE_MS_MAX)
        milliseconds = IDLE_MS_MAX;
    if (milliseconds > 0)
        hal_sleep_us(milliseconds * 1000);
}

/* Called by start.S. */
void app_main(void)
{
    hal_trap_init();
    hal_watchdog_take_over();
    hal_watchdog_arm(APP_WATCHDOG_MS);
    memory_init();

    const char *wrong = flash_map_init(&map);
    banner(wrong == NULL ? map.slot[map.running].label : "unknown");
    if (wrong != NULL)
        log_line('E', "app", "no updates: %s", wrong);
    const struct settings *settings = nvs_settings_read();
    bool online = network_init(app_config.product);
    if (!online)
        log_line('E', "net", "no Ethernet MAC");
    /* The agent runs all the same: a trial that cannot fetch the next update has to be ended. */
    if (!tls_init(app_config.ca, app_config.ca_bytes))
        log_line('E', "tls", "no updates: the pinned authority or the random numbers are unusable");
    if (wrong == NULL)
        update_init(&map, settings);
    console_init(wrong == NULL ? &map : NULL, settings);

    for (;;) {
        hal_watchdog_feed();
        bool busy = online && network_poll();
        busy = console_poll() || busy;
        if (wrong == NULL)
            self_test_poll(&map);
        uint32_t wait = wrong == NULL ? update_poll() : UINT32_MAX;
        if (!busy && wait > 0)
            nap(wait);
    }
}
