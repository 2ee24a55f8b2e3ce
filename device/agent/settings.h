/* device/agent/settings.h: what one device has of its own, and does not share with its firmware:
 * the server it asks, its name and its token there. Written at the factory into an NVS partition
 * (docs/nvs.md), namespace "trustchain":
 *
 *     key        type     value
 *     url        string   https://HOST[:PORT]: the update server
 *     channel    string   line of releases: 1 to 31 letters, digits, '-', '_', '.'
 *     device_id  string   1 to 64 letters, digits, '-', '_', '.', ':'
 *     token      string   1 to 128 printable characters without blanks; secret
 *     poll_s     u32      1 to 4000000: seconds between two questions
 *     mode       string   "plain": the channel's file; "ddi": hawkBit's DDI, as device_id with
 * token tenant     string   1 to 40 letters, digits, '-', '_', '.': whose fleet, for DDI
 * ("DEFAULT")
 *
 * NVS is not authenticated, encrypted or not: who can write the flash can change what is in it.
 * Therefore nothing here decides whom the device trusts. The pinned authority, the keys that sign
 * and the product's name are no settings, and another url still has to prove itself under that
 * authority and to serve images signed for that product. Each value is judged by itself; one that
 * is absent or refused leaves the firmware's own.
 */
#ifndef DEVICE_AGENT_SETTINGS_H
#define DEVICE_AGENT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/nvs_source.h"

#define SETTINGS_NAMESPACE    "trustchain"
#define SETTINGS_POLL_S_MAX   4000000u
#define SETTINGS_HOST_BYTES   254 /* these include the NUL */
#define SETTINGS_CHANNEL_MAX  32
#define SETTINGS_ID_BYTES     65
#define SETTINGS_TOKEN_BYTES  129
#define SETTINGS_TENANT_BYTES 41

struct settings {
    char host[SETTINGS_HOST_BYTES];
    uint16_t port;
    char channel[SETTINGS_CHANNEL_MAX];
    char device_id[SETTINGS_ID_BYTES];
    char token[SETTINGS_TOKEN_BYTES];
    uint32_t poll_ms;
    bool ddi; /* only with device_id and token */
    char tenant[SETTINGS_TENANT_BYTES];
};

/* Told once for each key that is there: `problem` is NULL when its value holds from now on, else
 * what is wrong with it, in a few words. */
struct settings_listener {
    void *context;
    void (*tell)(void *context, const char *key, const char *problem);
};

/* Replaces what `source` has a valid value for; *settings comes with the firmware's own. */
void settings_read(struct settings *settings, const struct nvs_source *source,
                   const struct settings_listener *listener);

#endif
