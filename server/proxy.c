/* server/proxy.c: see server/proxy.h. */
#include "server/proxy.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/error.h"

/* An address has many spellings; peers are known by the one inet_ntop() gives them. */
static bool spell(const char *text, char out[INET6_ADDRSTRLEN])
{
    unsigned char bytes[sizeof(struct in6_addr)];
    for (int family = AF_INET;; family = AF_INET6) {
        if (inet_pton(family, text, bytes) == 1) {
            return inet_ntop(family, bytes, out, INET6_ADDRSTRLEN) != NULL;
        }
        if (family == AF_INET6) {
            return false;
        }
    }
}

int proxy_list_read(const char *text, struct proxy_list *list)
{
    size_t count = 0;
    *list = (struct proxy_list){0};
    while (text != NULL && *text != '\0') {
        char one[INET6_ADDRSTRLEN];
        text += strspn(text, ", ");
        size_t length = strcspn(text, ", ");
        snprintf(one, sizeof one, "%.*s", (int)length, text);
        if (length == 0) {
            break;
        }
        if (count == PROXIES_MAX || length >= sizeof one || !spell(one, list->text[count])) {
            return host_usage("trusted_proxy",
                              "\"%s\" is no address (write up to %d, as in "
                              "\"10.0.0.1, ::1\")",
                              one, PROXIES_MAX);
        }
        list->address[count] = list->text[count];
        count++;
        text += length;
    }
    return HOST_DONE;
}
