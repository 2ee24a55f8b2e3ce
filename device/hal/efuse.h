/* device/hal/efuse.h: read the eFuses, burn anti-rollback bits. */
#ifndef DEVICE_HAL_EFUSE_H
#define DEVICE_HAL_EFUSE_H

#include "chain/efuse.h"

/* The 336 bytes as software sees them: read-protected blocks are zero. */
void hal_efuse_read(struct efuse *out);

/* Set BLOCK0 bits of SECURE_VERSION so that `version` bits are ones; HAL_OK when already so. */
int hal_efuse_raise_secure_version(unsigned version);

#endif
