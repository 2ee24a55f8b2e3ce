/* chip/spimem.c: the flash controllers SPI1 (software) and SPI0 (cache side) (soc.md 14).
 *
 * SPI1 runs USR transactions and those predefined commands whose length is plain (all but PP and
 * READ, which current drivers issue as USR). A transaction is over when the store to CMD is; only
 * the flash chip itself takes time (its WIP bit). Clock, line width and chip-select timing are
 * stored and have no effect: all lines carry the same bytes. SPI0's own registers are stored; its
 * MMU is in cache.c, its encryption block in xts.c.
 */
#include "chain/reg/spimem.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/soc.h"
#include "chip/flash.h"
#include "chip/peripherals.h"

#define W_WORDS             (SPIMEM_W_BYTES / 4)
#define CTRL_WRSR_2B        (1u << 22)
#define OPCODE_READ_DIO     0xBB
#define OPCODE_READ_QIO     0xEB
#define OPCODE_PROGRAM_QUAD 0x32
#define OPCODE_RELEASE      0xAB
#define OPCODE_SLEEP        0xB9
#define ADDRESS_MASK        0x00FFFFFFu

static const struct stored_register spimem_registers[] = {
    {SPIMEM_ADDR, 0, 0xFFFFFFFF},
    {SPIMEM_CTRL, 0x802CA00C, 0x81F4A10E},
    {0x00C, 0x28E00FFC, 0x20600FFF}, /* CTRL1 */
    {0x010, 0x00002C21, 0x7E0003FF}, /* CTRL2 */
    {SPIMEM_CLOCK, 0x00030103, 0x80FFFFFF},
    {SPIMEM_USER, 0x80000000, 0xFC00F2C0},
    {SPIMEM_USER1, 0x5C000047, 0xFC00003F},
    {SPIMEM_USER2, 0x70000000, 0xF000FFFF},
    {SPIMEM_MOSI_DLEN, 0, 0x3FF},
    {SPIMEM_MISO_DLEN, 0, 0x3FF},
    {SPIMEM_RD_STATUS, 0, 0x00FFFFFF},
    {SPIMEM_MISC, 0x2, 0x603},
    {0x03C, 0xC0000000, 0x800001FF}, /* CACHE_FCTRL */
    {0x054, 0x200, 0xF80},           /* FSM */
    {0x098, 0x00050001, 0xFFFFFE1F}, /* FLASH_WAITI_CTRL */
    {0x09C, 0x08002000, 0xFFFFFFFC}, /* FLASH_SUS_CTRL */
    {0x0A0, 0x00057575, 0xFFFFFFFF}, /* FLASH_SUS_CMD */
    {0x0A4, 0x7A7A0000, 0xFFFF80FE}, /* SUS_STATUS */
    {0x0C0, 0, 0x4DF},               /* INT_ENA: no source ever fires */
    {0x0C4, 0, 0},                   /* INT_CLR */
    {0x0C8, 0, 0},                   /* INT_RAW */
    {0x0CC, 0, 0},                   /* INT_ST */
    {0x180, 0x1, 0x1F},              /* TIMING_CALI */
    {0x200, 0x1, 0x1},               /* CLOCK_GATE */
    {0x3FC, 0x2203030, 0x0FFFFFFF},  /* DATE */
};
static const struct stored_table spimem_table = STORED_TABLE(spimem_registers);

struct spi0 {
    uint32_t stored[sizeof(spimem_registers) / sizeof(spimem_registers[0])];
};

struct spi1 {
    uint32_t stored[sizeof(spimem_registers) / sizeof(spimem_registers[0])];
    uint8_t w[SPIMEM_W_BYTES];
    struct flash_chip flash;
};

/* A predefined command: the CMD bit, its opcode, and what it carries. */
static const struct predefined {
    uint32_t bit;
    uint8_t opcode;
    bool address;
    uint8_t in;
} predefined_commands[] = {
    {1u << 30, FLASH_CMD_WREN, false, 0},        {1u << 29, FLASH_CMD_WRDI, false, 0},
    {SPIMEM_CMD_RDID, FLASH_CMD_RDID, false, 3}, {1u << 27, FLASH_CMD_RDSR, false, 1},
    {1u << 26, FLASH_CMD_WRSR, false, 0},        {1u << 24, FLASH_CMD_ERASE4K, true, 0},
    {1u << 23, FLASH_CMD_ERASE64K, true, 0},     {1u << 22, FLASH_CMD_ERASE_ALL, false, 0},
    {1u << 21, OPCODE_SLEEP, false, 0},          {1u << 20, OPCODE_RELEASE, false, 0},
};

static struct spi1 *spi1_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_spi1);
}

struct flash_chip *chip_flash(const struct chip *chip)
{
    return &spi1_of(chip)->flash;
}

void chip_cut_power(struct chip *chip, enum chip_flash_op op, uint32_t offset, uint32_t length,
                    unsigned nth)
{
    struct flash_chip *flash = chip_flash(chip);
    flash->cut_op = op;
    flash->cut_offset = offset;
    flash->cut_length = length;
    flash->cut_nth = nth;
}

static uint32_t spi1_get(struct chip *chip, uint32_t offset)
{
    return *stored_word(&spimem_table, spi1_of(chip)->stored, offset);
}

/* Let the flash chip run the command and pass on what it did to those who depend on its bytes. */
static void spi1_run(struct chip *chip, const struct flash_command *command)
{
    struct flash_change change = {0};
    uint64_t now = chip_now(chip) / SOC_CPU_MHZ;
    enum flash_answer answer = flash_run(chip_flash(chip), now, command, &change);
    if (answer == FLASH_CHANGED || answer == FLASH_TORN) {
        cache_flash_changed(chip, change.offset, change.length);
        chip_count_flash(chip, change.op);
    }
    switch (answer) {
    case FLASH_DONE:
    case FLASH_CHANGED:
        return;
    case FLASH_TORN:
        chip_note(chip, "power cut: flash command 0x%02x on %u bytes at 0x%06x torn after %u",
                  command->opcode, change.length, change.offset, change.torn_after);
        chip_power_lost(chip);
        return;
    case FLASH_IGNORED:
        chip_note(chip, "flash ignored command 0x%02x at 0x%06x (busy, asleep or write-protected)",
                  command->opcode, command->address);
        return;
    case FLASH_UNKNOWN:
        chip_note(chip, "flash does not know command 0x%02x", command->opcode);
        return;
    }
}

/* Phase lengths are in bits - 1; the data buffer bounds what can be moved. */
static size_t spi1_data_bytes(struct chip *chip, uint32_t phase, uint32_t length_register)
{
    if (!(spi1_get(chip, SPIMEM_USER) & phase))
        return 0;
    size_t bytes = (spi1_get(chip, length_register) + 1 + 7) / 8;
    return bytes < SPIMEM_W_BYTES ? bytes : SPIMEM_W_BYTES;
}

/* Dual and quad I/O reads may send the mode byte as the last address bits. */
static uint32_t spi1_address(struct chip *chip, uint8_t opcode)
{
    if (!(spi1_get(chip, SPIMEM_USER) & SPIMEM_USER_ADDR))
        return 0;
    uint32_t address = spi1_get(chip, SPIMEM_ADDR);
    uint32_t bits = (spi1_get(chip, SPIMEM_USER1) >> 26) + 1;
    if (bits == 32 && (opcode == OPCODE_READ_DIO || opcode == OPCODE_READ_QIO))
        address >>= 8;
    return address & ADDRESS_MASK;
}

static bool spi1_user(struct chip *chip)
{
    struct spi1 *spi1 = spi1_of(chip);
    if (!(spi1_get(chip, SPIMEM_USER) & SPIMEM_USER_COMMAND))
        return false;
    uint8_t out[SPIMEM_W_BYTES];
    memcpy(out, spi1->w, sizeof(out));
    uint8_t opcode = (uint8_t)spi1_get(chip, SPIMEM_USER2);
    struct flash_command command = {
        .opcode = opcode,
        .address = spi1_address(chip, opcode),
        .out = out,
        .out_length = spi1_data_bytes(chip, SPIMEM_USER_MOSI, SPIMEM_MOSI_DLEN),
        .in = spi1->w,
        .in_length = spi1_data_bytes(chip, SPIMEM_USER_MISO, SPIMEM_MISO_DLEN),
    };
    if (opcode == FLASH_CMD_PROGRAM || opcode == OPCODE_PROGRAM_QUAD)
        xts_substitute(chip, command.address, out, command.out_length);
    spi1_run(chip, &command);
    return true;
}

static void spi1_predefined(struct chip *chip, const struct predefined *entry)
{
    struct spi1 *spi1 = spi1_of(chip);
    uint32_t *status = stored_word(&spimem_table, spi1->stored, SPIMEM_RD_STATUS);
    uint8_t out[2] = {(uint8_t)*status, (uint8_t)(*status >> 8)};
    uint8_t in[4] = {0};
    struct flash_command command = {
        .opcode = entry->opcode, .out = out, .in = in, .in_length = entry->in};
    if (entry->address)
        command.address = spi1_get(chip, SPIMEM_ADDR) & ADDRESS_MASK;
    if (entry->opcode == FLASH_CMD_WRSR)
        command.out_length = spi1_get(chip, SPIMEM_CTRL) & CTRL_WRSR_2B ? 2 : 1;
    spi1_run(chip, &command);
    if (entry->opcode == FLASH_CMD_RDSR)
        *status = (*status & ~0xFFFFu) | in[0];
    else if (entry->in > 0)
        memcpy(spi1->w, in, sizeof(in));
}

static bool spi1_command(struct chip *chip, uint32_t value)
{
    if (value == SPIMEM_CMD_USR)
        return spi1_user(chip);
    for (size_t i = 0; i < sizeof(predefined_commands) / sizeof(predefined_commands[0]); i++) {
        if (value == predefined_commands[i].bit) {
            spi1_predefined(chip, &predefined_commands[i]);
            return true;
        }
    }
    return value == 0;
}

static int spi1_init(struct chip *chip)
{
    int error = state_new(chip, &peripheral_spi1, sizeof(struct spi1));
    if (error != CHIP_OK)
        return error;
    const struct chip_config *config = chip_config(chip);
    error = flash_init(chip_flash(chip), config->flash, config->flash_bytes);
    if (error != CHIP_OK)
        state_free(chip, &peripheral_spi1);
    return error;
}

static void spi1_reset(struct chip *chip, uint32_t cause)
{
    struct spi1 *spi1 = spi1_of(chip);
    if (cause == SOC_RESET_POWERON)
        flash_power_on(&spi1->flash);
    if (reset_is_cpu_only(cause))
        return;
    stored_reset(&spimem_table, spi1->stored);
    memset(spi1->w, 0, sizeof(spi1->w));
}

static void spi1_free(struct chip *chip)
{
    flash_free(chip_flash(chip));
    state_free(chip, &peripheral_spi1);
}

static bool in_w(uint32_t offset)
{
    return offset >= SPIMEM_W0 && offset < SPIMEM_W0 + SPIMEM_W_BYTES;
}

static bool spi1_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct spi1 *spi1 = spi1_of(chip);
    if (in_w(offset)) {
        *value = le32_load(spi1->w + (offset - SPIMEM_W0));
        return true;
    }
    if (offset == SPIMEM_CMD) {
        *value = 0; /* the command bit has cleared itself, the state machines are idle */
        return true;
    }
    return stored_read(&spimem_table, spi1->stored, offset, value);
}

static bool spi1_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct spi1 *spi1 = spi1_of(chip);
    if (in_w(offset)) {
        le32_store(spi1->w + (offset - SPIMEM_W0), value);
        return true;
    }
    if (offset == SPIMEM_CMD)
        return spi1_command(chip, value);
    return stored_write(&spimem_table, spi1->stored, offset, value);
}

static int spi0_init(struct chip *chip)
{
    return state_new(chip, &peripheral_spi0, sizeof(struct spi0));
}

static void spi0_reset(struct chip *chip, uint32_t cause)
{
    struct spi0 *spi0 = chip_state(chip, &peripheral_spi0);
    if (!reset_is_cpu_only(cause))
        stored_reset(&spimem_table, spi0->stored);
}

static void spi0_free(struct chip *chip)
{
    state_free(chip, &peripheral_spi0);
}

static bool spi0_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    const struct spi0 *spi0 = chip_state(chip, &peripheral_spi0);
    if (offset == SPIMEM_CMD) {
        *value = 0;
        return true;
    }
    return stored_read(&spimem_table, spi0->stored, offset, value);
}

static bool spi0_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct spi0 *spi0 = chip_state(chip, &peripheral_spi0);
    return stored_write(&spimem_table, spi0->stored, offset, value);
}

const struct peripheral peripheral_spi1 = {
    .name = "SPI1",
    .base = SOC_SPI1,
    .bytes = 0x1000,
    .init = spi1_init,
    .reset = spi1_reset,
    .free = spi1_free,
    .read = spi1_read,
    .write = spi1_write,
};

/* Up to the encryption block at 0x300. */
const struct peripheral peripheral_spi0 = {
    .name = "SPI0",
    .base = SOC_SPI0,
    .bytes = XTS_PLAIN,
    .init = spi0_init,
    .reset = spi0_reset,
    .free = spi0_free,
    .read = spi0_read,
    .write = spi0_write,
};
