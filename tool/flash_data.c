#include "tool/flash_data.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "chain/nvs.h"
#include "host/error.h"
#include "tool/nvs_crypt.h"
#include "tool/nvs_from_csv.h"

static bool is_data(const struct partition *place, uint8_t subtype)
{
    return place->type == PARTITION_DATA && place->subtype == subtype;
}

static bool is_csv(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcasecmp(dot, ".csv") == 0;
}

int flash_data_read(const struct partition *place, const char *path, const char *keys_path,
                    struct buffer *out)
{
    if (is_data(place, PARTITION_DATA_NVS_KEYS)) {
        struct nvs_keys keys;
        int status = nvs_keys_read(path, &keys);
        OPENSSL_cleanse(&keys, sizeof keys);
        if (status != HOST_DONE)
            return HOST_FAILED;
    }
    if (is_data(place, PARTITION_DATA_NVS) && is_csv(path)) {
        if (place->size % NVS_PAGE_BYTES != 0)
            return host_fail(place->label, "has 0x%x bytes, NVS takes whole pages of 4096",
                             (unsigned)place->size);
        return nvs_from_csv(path, keys_path, place->size, out);
    }
    if (file_read(path, FILE_MAX_DEFAULT, out) != HOST_DONE)
        return HOST_FAILED;
    if (out->length <= place->size)
        return HOST_DONE;
    buffer_free_secret(out);
    return host_fail(path, "does not fit partition %s", place->label);
}
