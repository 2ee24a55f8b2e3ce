/* chain/reg/cache.h: cache controller (soc.md 4).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_CACHE_H
#define CHAIN_REG_CACHE_H

#define CACHE_L1_CTRL         0x004 /* bit 0 shut ibus, bit 1 shut dbus */
#define CACHE_FREEZE_CTRL     0x02C
#define CACHE_SYNC_CTRL       0x098
#define CACHE_SYNC_MAP        0x09C
#define CACHE_SYNC_ADDR       0x0A0
#define CACHE_SYNC_SIZE       0x0A4
#define CACHE_SHUT_IBUS       (1u << 0)
#define CACHE_SHUT_DBUS       (1u << 1)
#define CACHE_SYNC_INVALIDATE (1u << 0)
#define CACHE_SYNC_DONE       (1u << 4)
#define CACHE_FREEZE_EN       (1u << 16)
#define CACHE_FREEZE_DONE     (1u << 18)
#define CACHE_FAIL_INT_RAW    0x170
#define CACHE_FAIL_ADDR       0x220

#endif
