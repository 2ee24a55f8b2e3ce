/* device/app/lwip/arch/cc.h: compiler and platform, as lwIP asks for them. */
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H

#include <stdint.h>

uint32_t hal_random(void);
_Noreturn void network_assertion(const char *text);

#define LWIP_RAND()             hal_random()
#define LWIP_PLATFORM_DIAG(x)   /* no debug output is enabled */
#define LWIP_PLATFORM_ASSERT(x) network_assertion(x)

#endif
