/* device/hal/hal.h: register access and the conventions of every driver.
 *
 * Drivers are for bare metal without malloc; they poll. Names: hal_<peripheral>_<verb>. A driver
 * returns HAL_OK or a negative value of enum hal_error.
 */
#ifndef DEVICE_HAL_HAL_H
#define DEVICE_HAL_HAL_H

#include <stdint.h>

enum hal_error {
    HAL_OK = 0,
    HAL_EALIGN = -1,   /* address or length not aligned as required */
    HAL_EBOUNDS = -2,  /* outside the device */
    HAL_ETIMEOUT = -3, /* the hardware did not finish */
    HAL_EVERIFY = -4,  /* read back differs from what was written */
};

static inline uint32_t hal_read(uint32_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void hal_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

#endif
