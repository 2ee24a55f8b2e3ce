/* device/app/lwip/lwipopts.h: lwIP without an operating system, IPv4, one interface, one TLS
 * connection at a time. All memory is static; sizes are in bytes unless they count things.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_SINGLE_NETIF    1
#define LWIP_NETIF_HOSTNAME  1
#define LWIP_STATS           0
#define LWIP_ASSERT_CORE_LOCKED()

#define MEM_ALIGNMENT           4
#define MEM_SIZE                (12 * 1024)
#define PBUF_POOL_SIZE          12 /* the receive window, and some for DHCP, DNS and ARP */
#define MEMP_NUM_TCP_PCB        4  /* one, and those in TIME_WAIT */
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_TCP_SEG        16
#define MEMP_NUM_REASSDATA      1

#define LWIP_IPV4                1
#define LWIP_IPV6                0
#define IP_REASSEMBLY            0
#define IP_FRAG                  0
#define LWIP_ICMP                1
#define LWIP_UDP                 1
#define LWIP_DHCP                1
#define LWIP_DHCP_DOES_ACD_CHECK 0 /* seconds at each boot; the server knows its leases */
#define LWIP_DNS                 1
#define DNS_TABLE_SIZE           1

#define LWIP_TCP         1
#define TCP_MSS          1460
#define TCP_WND          (6 * TCP_MSS)
#define TCP_SND_BUF      (2 * TCP_MSS)
#define TCP_SND_QUEUELEN 8

#endif
