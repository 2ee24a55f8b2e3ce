/* device/app/network.c: see network.h. */
#include "device/app/network.h"

#include <string.h>

#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"

#include "chain/efuse.h"
#include "device/app/log.h"
#include "device/hal/efuse.h"
#include "device/hal/ethernet.h"
#include "device/hal/hal.h"
#include "device/hal/system.h"

#define FRAMES_A_POLL 8 /* so that the rest of the loop has its turn */

static struct netif netif;
static bool present, told;
static uint8_t frame[HAL_ETHERNET_FRAME_MAX + 2]; /* in from the MAC, and out to it */

uint32_t sys_now(void)
{
    return (uint32_t)(hal_time_us() / 1000);
}

_Noreturn void network_assertion(const char *text);

_Noreturn void network_assertion(const char *text)
{
    log_line('E', "net", "assertion failed: %s", text);
    hal_reset();
}

static err_t frame_send(struct netif *interface, struct pbuf *chain)
{
    (void)interface;
    if (chain->tot_len > HAL_ETHERNET_FRAME_MAX)
        return ERR_BUF;
    pbuf_copy_partial(chain, frame, chain->tot_len, 0);
    return hal_ethernet_send(frame, chain->tot_len) == HAL_OK ? ERR_OK : ERR_IF;
}

static err_t interface_init(struct netif *interface)
{
    interface->name[0] = 'e';
    interface->name[1] = 'n';
    interface->output = etharp_output;
    interface->linkoutput = frame_send;
    interface->mtu = 1500;
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

bool network_init(const char *name)
{
    struct efuse efuse;
    uint8_t mac[6];
    hal_efuse_read(&efuse);
    efuse_mac(&efuse, mac);
    present = hal_ethernet_init(mac);
    if (!present)
        return false;
    lwip_init();
    memcpy(netif.hwaddr, mac, sizeof mac);
    netif.hwaddr_len = sizeof mac;
    netif_add(&netif, NULL, NULL, NULL, NULL, interface_init, netif_input);
    netif_set_hostname(&netif, name);
    netif_set_default(&netif);
    netif_set_up(&netif);
    dhcp_start(&netif);
    return true;
}

static void receive(size_t length)
{
    struct pbuf *chain = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_POOL);
    if (chain == NULL)
        return; /* the peer sends it again */
    pbuf_take(chain, frame, (u16_t)length);
    if (netif.input(chain, &netif) != ERR_OK)
        pbuf_free(chain);
}

bool network_poll(void)
{
    unsigned frames = 0;
    for (; frames < FRAMES_A_POLL; frames++) {
        size_t length = hal_ethernet_receive(frame, sizeof frame);
        if (length == 0)
            break;
        receive(length);
    }
    sys_check_timeouts();
    if (network_ready() && !told) {
        log_line('I', "net", "address %s", network_address());
        told = true;
    }
    return frames > 0;
}

bool network_ready(void)
{
    return present && hal_ethernet_link() && dhcp_supplied_address(&netif);
}

uint32_t network_sleep_ms(void)
{
    return sys_timeouts_sleeptime();
}

const char *network_address(void)
{
    return ip4addr_ntoa(netif_ip4_addr(&netif));
}
