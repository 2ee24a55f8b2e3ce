/* chip/bus.c: the address space: memories, peripherals, protection. See bus.h and memory.h. */
#include <stdlib.h>
#include <string.h>

#include "chip/state.h"

struct range {
    uint32_t base, bytes;
};

static const struct range regions[CHIP_REGIONS] = {
    [CHIP_ROM] = {SOC_ROM_BASE, SOC_ROM_BYTES},
    [CHIP_HP_SRAM] = {SOC_HP_SRAM_BASE, SOC_HP_SRAM_BYTES},
    [CHIP_LP_SRAM] = {SOC_LP_SRAM_BASE, SOC_LP_SRAM_BYTES},
};

#define CPU_SUB_BYTES 0x10000000u /* soc.md 1: the CPU sub-system's own peripherals */

static bool within(uint32_t base, uint32_t bytes, uint32_t address, uint32_t length)
{
    return address - base < bytes && length <= bytes - (address - base);
}

/* Peripherals. */

static size_t slot_hash(const struct peripheral *self)
{
    return (size_t)((uintptr_t)self >> 4) % CHIP_SLOT_HASH;
}

static struct slot *slot_find(const struct chip *chip, const struct peripheral *self)
{
    size_t i = slot_hash(self);
    while (chip->slots[i].self != NULL && chip->slots[i].self != self)
        i = (i + 1) % CHIP_SLOT_HASH;
    return (struct slot *)&chip->slots[i];
}

unsigned chip_slot(const struct chip *chip, const struct peripheral *self)
{
    return slot_find(chip, self)->index;
}

void chip_set_state(struct chip *chip, const struct peripheral *self, void *state)
{
    chip->states[chip_slot(chip, self)] = state;
}

void *chip_state(const struct chip *chip, const struct peripheral *self)
{
    return chip->states[chip_slot(chip, self)];
}

int chip_bus_init(struct chip *chip)
{
    if (chip_peripheral_count > CHIP_MAX_PERIPHERALS)
        return CHIP_ECONFIG;
    for (unsigned i = 0; i < chip_peripheral_count; i++) {
        struct slot *slot = slot_find(chip, chip_peripherals[i]);
        slot->self = chip_peripherals[i];
        slot->index = i;
    }
    for (; chip->ready < chip_peripheral_count; chip->ready++) {
        const struct peripheral *self = chip_peripherals[chip->ready];
        int error = self->init ? self->init(chip) : CHIP_OK;
        if (error != CHIP_OK)
            return error;
    }
    return CHIP_OK;
}

void chip_bus_reset(struct chip *chip, uint32_t cause)
{
    for (size_t i = 0; i < chip_peripheral_count; i++) {
        if (chip_peripherals[i]->reset)
            chip_peripherals[i]->reset(chip, cause);
    }
}

void chip_bus_free(struct chip *chip)
{
    for (size_t i = 0; i < chip->ready; i++) {
        if (chip_peripherals[i]->free)
            chip_peripherals[i]->free(chip);
    }
}

static const struct peripheral *peripheral_at(struct chip *chip, uint32_t address)
{
    if (chip->last != NULL && address - chip->last->base < chip->last->bytes)
        return chip->last;
    for (size_t i = 0; i < chip_peripheral_count; i++) {
        const struct peripheral *self = chip_peripherals[i];
        if (address - self->base < self->bytes)
            return chip->last = self;
    }
    return NULL;
}

/* Note an address nobody models: once, up to CHIP_NOTED_MOST different ones. */
static void note_unknown(struct chip *chip, const char *access, uint32_t address)
{
    size_t i = (address >> 2) * 2654435761u % CHIP_NOTED_MOST;
    size_t probes = 0;
    while (chip->noted[i] != 0 && chip->noted[i] != address && probes++ < CHIP_NOTED_MOST)
        i = (i + 1) % CHIP_NOTED_MOST;
    if (chip->noted[i] != 0)
        return;
    chip->noted[i] = address;
    chip->stats.unknown_registers++;
    const struct peripheral *self = peripheral_at(chip, address);
    chip_note(chip, "%s of unknown register 0x%08x%s%s, PC 0x%08x", access, address,
              self ? " in " : "", self ? self->name : "", core_pc(&chip->core));
}

static uint32_t peripheral_read(struct chip *chip, uint32_t address, uint32_t bytes)
{
    const struct peripheral *self = peripheral_at(chip, address);
    uint32_t narrow = self != NULL && self->narrow ? 0 : address & 3;
    uint32_t value = 0, at = address - narrow;
    if (self == NULL || self->read == NULL || !self->read(chip, at - self->base, &value)) {
        note_unknown(chip, "read", address & ~3u);
        return 0;
    }
    value >>= 8 * narrow;
    return bytes == 4 ? value : value & ((1u << 8 * bytes) - 1);
}

/* A byte or half word lands in its word, the rest as the register reads, or as it is. */
static void peripheral_write(struct chip *chip, uint32_t address, uint32_t bytes, uint32_t value)
{
    const struct peripheral *self = peripheral_at(chip, address);
    uint32_t at = address;
    if (self != NULL && bytes != 4 && !self->narrow) {
        uint32_t mask = (1u << 8 * bytes) - 1, shift = 8 * (address & 3), old = 0;
        at = address & ~3u;
        if (self->read != NULL && !self->read(chip, at - self->base, &old))
            old = 0;
        value = (old & ~(mask << shift)) | (value & mask) << shift;
    } else if (bytes != 4) {
        value &= (1u << 8 * bytes) - 1;
    }
    if (self == NULL || self->write == NULL || !self->write(chip, at - self->base, value))
        note_unknown(chip, "write", address & ~3u);
}

static bool is_peripheral(uint32_t address)
{
    return address - SOC_PERIPH_BASE < SOC_PERIPH_BYTES ||
           address - SOC_CPU_SUB_BASE < CPU_SUB_BYTES;
}

/* Memories. */

uint8_t *chip_memory(struct chip *chip, enum chip_region region)
{
    return chip->memory[region];
}

static uint8_t *host_memory(struct chip *chip, uint32_t address, uint32_t length)
{
    for (size_t i = 0; i < CHIP_REGIONS; i++) {
        if (within(regions[i].base, regions[i].bytes, address, length))
            return chip->memory[i] + (address - regions[i].base);
    }
    return NULL;
}

/* The smallest page's worth of window bytes, remembered until chip_flash_window_changed(). */
static const uint8_t *flash_page(struct chip *chip, uint32_t offset)
{
    const uint8_t **known = &chip->core.flash[offset / CORE_FLASH_PAGE];
    if (*known == NULL) {
        uint32_t aligned = offset - offset % CORE_FLASH_PAGE, page_bytes = 0;
        const uint8_t *page = chip_flash_page(chip, aligned, &page_bytes);
        if (page != NULL)
            *known = page + aligned % page_bytes;
    }
    return *known;
}

const uint8_t *bus_host(struct chip *chip, uint32_t address, uint32_t length)
{
    if (!within(SOC_FLASH_BASE, SOC_FLASH_BYTES, address, length))
        return host_memory(chip, address, length);
    uint32_t offset = address - SOC_FLASH_BASE, inside = offset % CORE_FLASH_PAGE;
    if (length > CORE_FLASH_PAGE - inside)
        return NULL;
    const uint8_t *page = flash_page(chip, offset);
    return page != NULL ? page + inside : NULL;
}

/* Read memory that may cross from one flash page to the next. */
static bool memory_read(struct chip *chip, uint32_t address, uint8_t *out, size_t length)
{
    while (length != 0) {
        uint32_t chunk = CORE_FLASH_PAGE - address % CORE_FLASH_PAGE;
        if (chunk > length)
            chunk = (uint32_t)length;
        const uint8_t *host = bus_host(chip, address, chunk);
        if (host == NULL)
            return false;
        memcpy(out, host, chunk);
        out += chunk;
        address += chunk;
        length -= chunk;
    }
    return true;
}

/* After writing RAM: decoded instructions and the reservation may be stale. */
static void memory_changed(struct chip *chip, uint32_t address, size_t length)
{
    struct core *core = &chip->core;
    if (address - SOC_HP_SRAM_BASE < SOC_HP_SRAM_BYTES)
        core_code_written(core, address - SOC_HP_SRAM_BASE, length);
    else if (core->lp_code)
        core_flush(core);
}

bool chip_dma_read(struct chip *chip, uint32_t address, void *out, size_t length)
{
    return memory_read(chip, address, out, length);
}

bool chip_dma_write(struct chip *chip, uint32_t address, const void *bytes, size_t length)
{
    if (length > SOC_HP_SRAM_BYTES || address - SOC_ROM_BASE < SOC_ROM_BYTES)
        return false;
    uint8_t *host = host_memory(chip, address, (uint32_t)length);
    if (host == NULL)
        return false;
    memcpy(host, bytes, length);
    memory_changed(chip, address, length);
    if (chip->core.reservation - address < length)
        chip->core.reserved = false;
    return true;
}

bool chip_peek(struct chip *chip, uint32_t address, void *out, size_t length)
{
    return memory_read(chip, address, out, length);
}

bool chip_poke(struct chip *chip, uint32_t address, const void *bytes, size_t length)
{
    return chip_dma_write(chip, address, bytes, length);
}

void chip_flash_window_changed(struct chip *chip)
{
    core_flash_changed(&chip->core);
}

/* The core's accesses. */

static bool permitted(const struct chip *chip, uint32_t right, uint32_t address, uint32_t bytes)
{
    const struct core *core = &chip->core;
    bool machine = !core->user;
    if (right != PMP_X && core->mstatus & MSTATUS_MPRV)
        machine = (core->mstatus & MSTATUS_MPP) == MSTATUS_MPP;
    return pmp_allows(&core->pmp, machine, right, address, bytes);
}

/* Only the guest's own accesses are the cache's error: a debugger's look or a DMA is not. */
static enum bus_result no_memory(struct chip *chip, uint32_t address)
{
    if (within(SOC_FLASH_BASE, SOC_FLASH_BYTES, address, 1))
        chip_flash_failed(chip, address);
    return BUS_FAULT;
}

enum bus_result bus_load(struct chip *chip, uint32_t address, uint32_t bytes, uint32_t *value)
{
    uint8_t raw[4] = {0};
    if (!permitted(chip, PMP_R, address, bytes))
        return BUS_FAULT;
    if (is_peripheral(address)) {
        if (address % bytes)
            return BUS_MISALIGNED;
        *value = peripheral_read(chip, address, bytes);
        return BUS_OK;
    }
    if (!memory_read(chip, address, raw, bytes))
        return no_memory(chip, address);
    memcpy(value, raw, sizeof raw);
    return BUS_OK;
}

enum bus_result bus_store(struct chip *chip, uint32_t address, uint32_t bytes, uint32_t value)
{
    if (!permitted(chip, PMP_W, address, bytes))
        return BUS_FAULT;
    if (is_peripheral(address)) {
        if (address % bytes)
            return BUS_MISALIGNED;
        peripheral_write(chip, address, bytes, value);
        return BUS_OK;
    }
    uint8_t *host = host_memory(chip, address, bytes);
    if (host == NULL || address - SOC_ROM_BASE < SOC_ROM_BYTES)
        return BUS_FAULT;
    memcpy(host, &value, bytes);
    memory_changed(chip, address, bytes);
    return BUS_OK;
}

enum bus_result bus_fetch(struct chip *chip, uint32_t address, uint32_t *parcel)
{
    uint16_t half;
    if (!permitted(chip, PMP_X, address, sizeof half))
        return BUS_FAULT;
    const uint8_t *host = bus_host(chip, address, sizeof half);
    if (host == NULL)
        return no_memory(chip, address);
    memcpy(&half, host, sizeof half);
    *parcel = half;
    return BUS_OK;
}
