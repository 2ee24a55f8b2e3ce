/* tests/unit/chip-peripherals/bench.c: see bench.h. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/bytes.h"
#include "chain/reg/efuse.h"
#include "chain/reg/spimem.h"

/* The core's own peripherals have no place on the bench. */
const struct peripheral chip_intmtx, chip_plic_m, chip_plic_u, chip_intpri, chip_clint_m;

/* --- the functions of chip/bus.h ------------------------------------------------------------ */

static size_t slot(const struct peripheral *self)
{
    size_t i = 0;
    while (chip_peripherals[i] != self)
        i++;
    return i;
}

void chip_set_state(struct chip *chip, const struct peripheral *self, void *state)
{
    chip->states[slot(self)] = state;
}

void *chip_state(const struct chip *chip, const struct peripheral *self)
{
    return chip->states[slot(self)];
}

const struct chip_config *chip_config(const struct chip *chip)
{
    return &chip->config;
}

uint64_t chip_now(const struct chip *chip)
{
    return chip->now;
}

void chip_schedule(struct chip *chip, const struct peripheral *self, unsigned id, uint64_t deadline,
                   void (*fire)(struct chip *chip, unsigned id))
{
    if (deadline <= chip->now) /* as the core does: never twice at one instant */
        deadline = chip->now + 1;
    chip->events[slot(self)][id] = (struct bench_event){deadline, fire};
}

void chip_raise(struct chip *chip, unsigned source, bool level)
{
    chip->level[source] = level;
}

void chip_request_reset(struct chip *chip, uint32_t cause)
{
    chip->reset_cause = cause;
}

void chip_count_flash(struct chip *chip, enum chip_flash_op op)
{
    chip->programs += op == CHIP_FLASH_PROGRAM;
    chip->erases += op == CHIP_FLASH_ERASE;
}

void chip_power_lost(struct chip *chip)
{
    chip->power_lost = true;
}

void chip_note(struct chip *chip, const char *format, ...)
{
    va_list arguments;
    chip->notes++;
    va_start(arguments, format);
    vsnprintf(chip->last_note, sizeof chip->last_note, format, arguments);
    va_end(arguments);
}

void chip_flash_window_changed(struct chip *chip)
{
    chip->window_changes++;
}

bool chip_dma_read(struct chip *chip, uint32_t address, void *out, size_t length)
{
    if (!span_within(address - BENCH_RAM_BASE, length, BENCH_RAM_BYTES))
        return false;
    memcpy(out, chip->ram + (address - BENCH_RAM_BASE), length);
    return true;
}

bool chip_dma_write(struct chip *chip, uint32_t address, const void *bytes, size_t length)
{
    if (!span_within(address - BENCH_RAM_BASE, length, BENCH_RAM_BYTES))
        return false;
    memcpy(chip->ram + (address - BENCH_RAM_BASE), bytes, length);
    return true;
}

/* --- the bench ------------------------------------------------------------------------------ */

struct chip *bench_new(bool network, const char *pcap_path)
{
    static const uint8_t mac[6] = {0x60, 0x55, 0xF9, 0xF7, 0x2C, 0xA2};
    struct chip *chip = calloc(1, sizeof *chip);
    chip->flash = malloc(BENCH_FLASH_BYTES);
    memset(chip->flash, 0xFF, BENCH_FLASH_BYTES);
    efuse_factory(&chip->efuse, mac, 1);
    chip->config = (struct chip_config){.flash = chip->flash,
                                        .flash_bytes = BENCH_FLASH_BYTES,
                                        .efuse = &chip->efuse,
                                        .strap = SOC_STRAP_SPI_BOOT,
                                        .seed = 1,
                                        .network = network,
                                        .pcap_path = pcap_path};
    memset(chip->events, 0xFF, sizeof chip->events);
    for (size_t i = 0; i < chip_peripheral_count; i++) {
        if (chip_peripherals[i]->init != NULL && chip_peripherals[i]->init(chip) != CHIP_OK)
            abort();
    }
    bench_reset(chip, SOC_RESET_POWERON);
    return chip;
}

void bench_free(struct chip *chip)
{
    for (size_t i = 0; i < chip_peripheral_count; i++) {
        if (chip_peripherals[i]->free != NULL)
            chip_peripherals[i]->free(chip);
    }
    free(chip->flash);
    free(chip);
}

void bench_reset(struct chip *chip, uint32_t cause)
{
    chip->reset_cause = 0;
    for (size_t i = 0; i < chip_peripheral_count; i++) {
        if (chip_peripherals[i]->reset != NULL)
            chip_peripherals[i]->reset(chip, cause);
    }
}

static const struct peripheral *at(uint32_t address)
{
    for (size_t i = 0; i < chip_peripheral_count; i++) {
        if (address - chip_peripherals[i]->base < chip_peripherals[i]->bytes)
            return chip_peripherals[i];
    }
    return NULL;
}

uint32_t bench_read(struct chip *chip, uint32_t address)
{
    uint32_t value = 0;
    const struct peripheral *self = at(address);
    chip->known = self != NULL && self->read(chip, address - self->base, &value);
    return chip->known ? value : 0;
}

void bench_write(struct chip *chip, uint32_t address, uint32_t value)
{
    const struct peripheral *self = at(address);
    chip->known = self != NULL && self->write(chip, address - self->base, value);
}

void bench_write_byte(struct chip *chip, uint32_t address, uint8_t value)
{
    const struct peripheral *self = at(address);
    uint32_t word = value, shift = 8 * (address & 3);
    if (!self->narrow) {
        word = (bench_read(chip, address & ~3u) & ~(0xFFu << shift)) | word << shift;
        address &= ~3u;
    }
    bench_write(chip, address, word);
}

void bench_read_bytes(struct chip *chip, uint32_t address, void *out, size_t length)
{
    for (size_t i = 0; i < length; i += 4)
        le32_store((uint8_t *)out + i, bench_read(chip, address + (uint32_t)i));
}

void bench_write_bytes(struct chip *chip, uint32_t address, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i += 4)
        bench_write(chip, address + (uint32_t)i, le32_load((const uint8_t *)bytes + i));
}

void bench_advance(struct chip *chip, uint64_t instructions)
{
    uint64_t end = chip->now + instructions;
    for (;;) {
        struct bench_event *first = NULL;
        unsigned id = 0;
        for (size_t i = 0; i < chip_peripheral_count * 4; i++) {
            struct bench_event *event = &chip->events[i / 4][i % 4];
            if (event->deadline <= end && (first == NULL || event->deadline < first->deadline)) {
                first = event;
                id = (unsigned)(i % 4);
            }
        }
        if (first == NULL)
            break;
        if (first->deadline > chip->now)
            chip->now = first->deadline;
        first->deadline = UINT64_MAX;
        first->fire(chip, id);
    }
    chip->now = end;
}

/* --- sequences the drivers use -------------------------------------------------------------- */

void bench_spi(struct chip *chip, uint8_t opcode, int64_t address, const void *out,
               size_t out_length, void *in, size_t in_length)
{
    uint8_t buffer[SPIMEM_W_BYTES] = {0};
    uint32_t user = SPIMEM_USER_COMMAND;
    if (address >= 0)
        user |= SPIMEM_USER_ADDR;
    if (out_length > 0) {
        user |= SPIMEM_USER_MOSI;
        memcpy(buffer, out, out_length);
        bench_write_bytes(chip, SOC_SPI1 + SPIMEM_W0, buffer, sizeof buffer);
        bench_write(chip, SOC_SPI1 + SPIMEM_MOSI_DLEN, (uint32_t)(8 * out_length - 1));
    }
    if (in_length > 0) {
        user |= SPIMEM_USER_MISO;
        bench_write(chip, SOC_SPI1 + SPIMEM_MISO_DLEN, (uint32_t)(8 * in_length - 1));
    }
    bench_write(chip, SOC_SPI1 + SPIMEM_USER, user);
    bench_write(chip, SOC_SPI1 + SPIMEM_USER1, 23u << 26);
    bench_write(chip, SOC_SPI1 + SPIMEM_USER2, 7u << 28 | opcode);
    bench_write(chip, SOC_SPI1 + SPIMEM_ADDR, (uint32_t)address);
    bench_write(chip, SOC_SPI1 + SPIMEM_CMD, SPIMEM_CMD_USR);
    bench_read_bytes(chip, SOC_SPI1 + SPIMEM_W0, buffer, sizeof buffer);
    if (in_length > 0)
        memcpy(in, buffer, in_length);
}

void bench_spi_write(struct chip *chip, uint8_t opcode, int64_t address, const void *out,
                     size_t out_length)
{
    uint8_t status = FLASH_STATUS_WIP;
    bench_spi(chip, FLASH_CMD_WREN, -1, NULL, 0, NULL, 0);
    bench_spi(chip, opcode, address, out, out_length, NULL, 0);
    while (!chip->power_lost && (status & FLASH_STATUS_WIP)) {
        bench_advance(chip, 100 * SOC_CPU_MHZ);
        bench_spi(chip, FLASH_CMD_RDSR, -1, NULL, 0, &status, 1);
    }
}

void bench_burn(struct chip *chip, unsigned block, const uint8_t *data, size_t length)
{
    uint8_t registers[32 + EFUSE_RS_BYTES] = {0};
    memcpy(registers, data, length);
    efuse_rs_encode(registers, registers + 32);
    bench_write_bytes(chip, SOC_EFUSE + EFUSE_PGM_DATA0, registers, sizeof registers);
    bench_write(chip, SOC_EFUSE + EFUSE_CONF, EFUSE_CONF_PROGRAM);
    bench_write(chip, SOC_EFUSE + EFUSE_CMD, EFUSE_CMD_PROGRAM | block << EFUSE_CMD_BLOCK_SHIFT);
    bench_write(chip, SOC_EFUSE + EFUSE_CONF, EFUSE_CONF_READ);
    bench_write(chip, SOC_EFUSE + EFUSE_CMD, EFUSE_CMD_READ);
}

void bench_fill(uint8_t *bytes, size_t length, uint64_t seed)
{
    for (size_t i = 0; i < length; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(seed >> 56);
    }
}
