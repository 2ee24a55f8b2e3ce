/* server/proxy.h: which peers may say who a device is (docs/server.md 4). Internal to server/. */
#ifndef SERVER_PROXY_H
#define SERVER_PROXY_H

#include <netinet/in.h>

#define PROXIES_MAX 32

struct proxy_list {
    const char *address[PROXIES_MAX + 1]; /* as inet_ntop() writes it; ends with NULL */
    char text[PROXIES_MAX][INET6_ADDRSTRLEN];
};

/* "10.0.0.1, ::1"; NULL is none. HOST_USAGE after one line for what is no address. The list must
 * not move. */
int proxy_list_read(const char *text, struct proxy_list *list);

#endif
