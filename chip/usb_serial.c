/* chip/usb_serial.c: USB Serial/JTAG without a host on the cable (soc.md 23).
 *
 * Bytes written are taken and lost, there is always room for more, nothing is ever received.
 */
#include "chain/soc.h"
#include "chip/peripherals.h"

#define EP1           0x00
#define EP1_CONF      0x04
#define EP1_DATA_FREE (1u << 1)

static bool usb_serial_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    (void)chip;
    *value = offset == EP1_CONF ? EP1_DATA_FREE : 0;
    return offset == EP1 || offset == EP1_CONF;
}

static bool usb_serial_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    (void)chip;
    (void)value;
    return offset == EP1 || offset == EP1_CONF;
}

const struct peripheral peripheral_usb_serial = {
    .name = "USB_SERIAL_JTAG",
    .base = SOC_USB_SERIAL,
    .bytes = 0x1000,
    .read = usb_serial_read,
    .write = usb_serial_write,
};
