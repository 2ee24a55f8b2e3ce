/* device/hal/efuse.h: read the eFuses, burn anti-rollback and revocation bits. */
#ifndef DEVICE_HAL_EFUSE_H
#define DEVICE_HAL_EFUSE_H

#include <stdbool.h>

#include "chain/efuse.h"

/* The 336 bytes as software sees them: read-protected blocks are zero. */
void hal_efuse_read(struct efuse *out);

/* Single facts that drivers need, straight from the registers. */
bool hal_efuse_flash_encryption(void);   /* odd number of SPI_BOOT_CRYPT_CNT bits */
bool hal_efuse_secure_boot(void);        /* SECURE_BOOT_EN */
unsigned hal_efuse_secure_version(void); /* ones in SECURE_VERSION */
unsigned hal_efuse_watchdog_delay(void); /* WDT_DELAY_SEL */

/* The unrevoked Secure Boot digests. Read and worked out twice; when the two differ (a fault at the
 * right moment could skip a revocation) nothing is trusted. */
void hal_efuse_trust(struct sigblock_trust *trust);

/* Set BLOCK0 bits of SECURE_VERSION so that `version` bits are ones; HAL_OK when already so.
 * HAL_EBOUNDS above 16, HAL_ETIMEOUT, HAL_EVERIFY (write-protected, or the burn did not take). */
int hal_efuse_raise_secure_version(unsigned version);

/* Revoke Secure Boot digest 0..2 for ever. Errors as above. */
int hal_efuse_revoke_key(unsigned slot);

#endif
