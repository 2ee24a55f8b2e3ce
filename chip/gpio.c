/* chip/gpio.c: strapping pins, and the pad multiplexer as storage (soc.md 3.1, 24).
 *
 * No pin is connected to anything: of the GPIO block only GPIO_STRAP is known, and IO_MUX keeps
 * what drivers write to it (PIN_CTRL and one word a pad; zero after reset).
 */
#include <string.h>

#include "chain/reg/lp_aon.h"
#include "chain/soc.h"
#include "chip/peripherals.h"

#define IO_MUX_WORDS 32u /* PIN_CTRL, pads 0..30 */
#define STRAP_MASK   0xFFFFu

struct io_mux {
    uint32_t words[IO_MUX_WORDS];
};

static struct io_mux *io_mux_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_io_mux);
}

static bool gpio_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    *value = chip_config(chip)->strap & STRAP_MASK;
    return offset == GPIO_STRAP;
}

static bool gpio_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    (void)chip;
    (void)offset;
    (void)value;
    return false;
}

const struct peripheral peripheral_gpio = {
    .name = "GPIO",
    .base = SOC_GPIO,
    .bytes = 0x1000,
    .read = gpio_read,
    .write = gpio_write,
};

static int io_mux_init(struct chip *chip)
{
    return state_new(chip, &peripheral_io_mux, sizeof(struct io_mux));
}

static void io_mux_reset(struct chip *chip, uint32_t cause)
{
    if (!reset_is_cpu_only(cause))
        memset(io_mux_of(chip), 0, sizeof(struct io_mux));
}

static void io_mux_free(struct chip *chip)
{
    state_free(chip, &peripheral_io_mux);
}

static bool io_mux_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    if (offset / 4 >= IO_MUX_WORDS)
        return false;
    *value = io_mux_of(chip)->words[offset / 4];
    return true;
}

static bool io_mux_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    if (offset / 4 >= IO_MUX_WORDS)
        return false;
    io_mux_of(chip)->words[offset / 4] = value;
    return true;
}

const struct peripheral peripheral_io_mux = {
    .name = "IO_MUX",
    .base = SOC_IO_MUX,
    .bytes = 0x1000,
    .init = io_mux_init,
    .reset = io_mux_reset,
    .free = io_mux_free,
    .read = io_mux_read,
    .write = io_mux_write,
};
