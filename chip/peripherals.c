/* chip/peripherals.c: the table of all peripherals, and the helpers of peripherals.h. */
#include "chip/peripherals.h"

#include "chain/soc.h"

#include <stdlib.h>

/* Resets run in this order: lp_aon decides the boot mode and efuse loads its shadow before others
 * look at them. */
const struct peripheral *const chip_peripherals[] = {
    &peripheral_lp_aon,     &peripheral_clkrst, &peripheral_efuse,    &peripheral_gpio,
    &peripheral_io_mux,     &peripheral_pcr,    &peripheral_lpperi,   &peripheral_uart0,
    &peripheral_usb_serial, &peripheral_spi0,   &peripheral_spi1,     &peripheral_xts,
    &peripheral_hp_system,  &peripheral_mmu,    &peripheral_extmem,   &peripheral_systimer,
    &peripheral_timg0,      &peripheral_timg1,  &peripheral_lp_wdt,   &peripheral_sha,
    &peripheral_aes,        &peripheral_rsa,    &peripheral_ethernet, &chip_intmtx,
    &chip_plic_m,           &chip_plic_u,       &chip_intpri,         &chip_clint_m,
};
const size_t chip_peripheral_count = sizeof(chip_peripherals) / sizeof(chip_peripherals[0]);

int state_new(struct chip *chip, const struct peripheral *self, size_t bytes)
{
    void *state = calloc(1, bytes);
    if (state == NULL)
        return CHIP_EMEMORY;
    chip_set_state(chip, self, state);
    return CHIP_OK;
}

void state_free(struct chip *chip, const struct peripheral *self)
{
    free(chip_state(chip, self));
    chip_set_state(chip, self, NULL);
}

/* Index of the register at `offset`, table->count when there is none. */
static size_t stored_index(const struct stored_table *table, uint32_t offset)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->registers[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < table->count && table->registers[low].offset == offset;
    return found ? low : table->count;
}

void stored_reset(const struct stored_table *table, uint32_t *values)
{
    for (size_t i = 0; i < table->count; i++)
        values[i] = table->registers[i].reset;
}

bool stored_read(const struct stored_table *table, const uint32_t *values, uint32_t offset,
                 uint32_t *value)
{
    size_t i = stored_index(table, offset);
    if (i == table->count)
        return false;
    *value = values[i];
    return true;
}

bool stored_write(const struct stored_table *table, uint32_t *values, uint32_t offset,
                  uint32_t value)
{
    size_t i = stored_index(table, offset);
    if (i == table->count)
        return false;
    uint32_t writable = table->registers[i].writable;
    values[i] = (values[i] & ~writable) | (value & writable);
    return true;
}

uint32_t *stored_word(const struct stored_table *table, uint32_t *values, uint32_t offset)
{
    return &values[stored_index(table, offset)];
}

bool reset_is_cpu_only(uint32_t cause)
{
    return cause == SOC_RESET_TG0_CPU || cause == SOC_RESET_SW_CPU ||
           cause == SOC_RESET_LPWDT_CPU || cause == SOC_RESET_TG1_CPU;
}

bool reset_is_rtc(uint32_t cause)
{
    return cause == SOC_RESET_POWERON || cause == SOC_RESET_LPWDT_RTC || cause == SOC_RESET_SWDT;
}
