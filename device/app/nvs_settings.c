/* device/app/nvs_settings.c: see nvs_settings.h. */
#include "device/app/nvs_settings.h"

#include <string.h>

#include "mbedtls/platform_util.h"

#include "chain/error.h"
#include "chain/nvs_keys.h"
#include "device/app/app.h"
#include "device/app/flash_map.h"
#include "device/app/log.h"
#include "device/hal/crypto.h"
#include "device/hal/flash.h"
#include "device/hal/hal.h"

static struct settings settings;

static void built_in(void)
{
    settings = (struct settings){.port = app_config.port, .poll_ms = app_config.poll_ms};
    strncpy(settings.host, app_config.host, sizeof settings.host - 1);
    strncpy(settings.tenant, "DEFAULT", sizeof settings.tenant - 1);
    strncpy(settings.channel, app_config.channel, sizeof settings.channel - 1);
}

/* As it lies in flash: the cipher of flash encryption is not over NVS. */
static int read_raw(void *context, uint32_t offset, void *out, size_t length)
{
    const struct partition *nvs = context;
    int error = hal_flash_read(nvs->offset + offset, out, length);
    return error == HAL_OK ? CHAIN_OK : CHAIN_EBOUNDS;
}

static void tell(void *context, const char *key, const char *problem)
{
    unsigned *taken = context;
    if (problem != NULL)
        log_line('W', "settings", "%s in NVS is ignored: %s", key, problem);
    else
        ++*taken;
}

/* The keys partition as the cache shows it; EMISSING where the flash was never written. */
static int load_keys(const struct partition *partition, struct nvs_keys *keys)
{
    uint8_t record[NVS_KEYS_RECORD_BYTES];
    if (partition->size < sizeof record ||
        hal_flash_read(partition->offset, record, sizeof record) != HAL_OK)
        return CHAIN_EBOUNDS;
    int error = nvs_keys_load(keys, record);
    if (error == CHAIN_EMISSING)
        return error;
    if (!flash_map_read(partition->offset, record, sizeof record))
        return CHAIN_EBOUNDS;
    error = nvs_keys_load(keys, record);
    mbedtls_platform_zeroize(record, sizeof record);
    return error;
}

static unsigned read_all(const struct partition *nvs, const struct nvs_keys *keys)
{
    struct chain_crypto crypto = hal_crypto;
    crypto.aes256_xts = hal_aes256_xts;
    unsigned taken = 0;
    struct partition place = *nvs;
    struct nvs_source source = {&place, read_raw, nvs->size, keys, &crypto};
    struct settings_listener listener = {&taken, tell};
    settings_read(&settings, &source, &listener);
    return taken;
}

/* NULL when some values were taken, else why the firmware's own hold. */
static const char *read_nvs(const struct partition *nvs, const struct partition *keys_partition)
{
    struct nvs_keys keys;
    if (nvs == NULL)
        return "there is no nvs partition";
    if ((nvs->flags & PARTITION_ENCRYPTED) != 0)
        return "nvs is flagged encrypted: NVS has its own encryption";
    if (keys_partition == NULL)
        return read_all(nvs, NULL) > 0 ? NULL : "NVS holds none";
    int error = load_keys(keys_partition, &keys);
    if (error == CHAIN_EMISSING)
        return "nvs_keys holds no keys";
    if (error != CHAIN_OK)
        return "nvs_keys is damaged";
    unsigned taken = read_all(nvs, &keys);
    mbedtls_platform_zeroize(&keys, sizeof keys);
    return taken > 0 ? NULL : "encrypted NVS holds none";
}

const struct settings *nvs_settings_read(void)
{
    const struct partition *nvs = flash_map_find(PARTITION_DATA, PARTITION_DATA_NVS, "nvs");
    const struct partition *keys = flash_map_find(PARTITION_DATA, PARTITION_DATA_NVS_KEYS, NULL);
    built_in();
    const char *why = read_nvs(nvs, keys);
    if (why != NULL) {
        log_line('I', "settings", "the firmware's own: %s", why);
        return &settings;
    }
    log_line('I', "settings", "from %sNVS: device %s, token %s, server https://%s:%u, %s %s",
             keys != NULL ? "encrypted " : "",
             settings.device_id[0] != '\0' ? settings.device_id : "without id",
             settings.token[0] != '\0' ? "set" : "none", settings.host, (unsigned)settings.port,
             settings.ddi ? "DDI tenant" : "channel",
             settings.ddi ? settings.tenant : settings.channel);
    return &settings;
}
