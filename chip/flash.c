/* chip/flash.c: see flash.h. */
#include "chip/flash.h"

#include <stdlib.h>
#include <string.h>

#include "chain/bytes.h"
#include "chain/reg/spimem.h"

#define CMD_WRSR2         0x31
#define CMD_WRSR3         0x11
#define CMD_RDSR2         0x35
#define CMD_RDSR3         0x15
#define CMD_READ_DUAL     0x3B
#define CMD_READ_QUAD     0x6B
#define CMD_READ_DIO      0xBB
#define CMD_READ_QIO      0xEB
#define CMD_PROGRAM_QUAD  0x32
#define CMD_ERASE_ALL_ALT 0x60
#define CMD_UNIQUE_ID     0x4B
#define CMD_STATUS_ENABLE 0x50 /* next WRSR is volatile and needs no WREN */
#define CMD_RESET_ENABLE  0x66
#define CMD_RESET         0x99
#define CMD_SUSPEND       0x75
#define CMD_RESUME        0x7A
#define CMD_WAKE          0xAB
#define CMD_SLEEP         0xB9

#define SR1_PROTECT_ALL    0x1C /* BP2..BP0 all set: the whole array, on every part */
#define JEDEC_MANUFACTURER 0xEF
#define JEDEC_TYPE         0x40
#define SFDP_BYTES         (0x80 + 9 * 4)

static const uint8_t status_writable[3] = {0xFC, 0x7B, 0xE4};

int flash_init(struct flash_chip *flash, uint8_t *bytes, size_t size)
{
    if (size != 2u << 20 && size != 4u << 20 && size != 8u << 20 && size != 16u << 20)
        return CHIP_ECONFIG;
    *flash = (struct flash_chip){.bytes = bytes, .size = size};
    flash->wear = calloc(size / FLASH_SECTOR, sizeof(*flash->wear));
    return flash->wear != NULL ? CHIP_OK : CHIP_EMEMORY;
}

void flash_free(struct flash_chip *flash)
{
    free(flash->wear);
    flash->wear = NULL;
}

void flash_power_on(struct flash_chip *flash)
{
    flash->write_enabled = flash->status_enabled = false;
    flash->asleep = flash->reset_armed = false;
    flash->busy_until = 0;
}

uint32_t flash_jedec_id(const struct flash_chip *flash)
{
    uint32_t log2 = 0;
    while ((size_t)1 << log2 < flash->size)
        log2++;
    return JEDEC_MANUFACTURER | JEDEC_TYPE << 8 | log2 << 16;
}

/* Give `length` bytes of a repeating or one-time answer; the line floats high behind it. */
static void answer(const struct flash_command *command, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < command->in_length; i++)
        command->in[i] = i < length ? bytes[i] : 0xFF;
}

static void read_status(const struct flash_chip *flash, uint64_t now, unsigned index,
                        const struct flash_command *command)
{
    uint8_t value = flash->status[index];
    if (index == 0) {
        value |= now < flash->busy_until ? FLASH_STATUS_WIP : 0;
        value |= flash->write_enabled ? FLASH_STATUS_WEL : 0;
    }
    memset(command->in, value, command->in_length);
}

static void read_array(const struct flash_chip *flash, const struct flash_command *command)
{
    for (size_t i = 0; i < command->in_length; i++)
        command->in[i] = flash->bytes[(command->address + i) & (flash->size - 1)];
}

/* JESD216 revision 1.0: one basic table of nine words at 0x80. Words 1, 3..7: 4 KB erase 0x20,
 * 1-1-2, 1-2-2, 1-1-4 and 1-4-4 reads with the opcodes of soc.md 14; word 2: density in bits - 1;
 * words 8, 9: erase types 4 KB 0x20, 32 KB 0x52, 64 KB 0xD8. */
static void read_sfdp(const struct flash_chip *flash, const struct flash_command *command)
{
    static const uint8_t header[16] = {'S', 'F', 'D', 'P', 0,    1, 0, 0xFF,
                                       0,   0,   1,   9,   0x80, 0, 0, 0xFF};
    const uint32_t table[9] = {0xFFF120E5, (uint32_t)(flash->size * 8 - 1),
                               0x6B08EB44, 0xBB423B08,
                               0xFFFFFFEE, 0x0000FFFF,
                               0x0000FFFF, 0x520F200C,
                               0x0000D810};
    uint8_t sfdp[SFDP_BYTES];
    memset(sfdp, 0xFF, sizeof(sfdp));
    memcpy(sfdp, header, sizeof(header));
    for (size_t i = 0; i < 9; i++)
        le32_store(sfdp + 0x80 + 4 * i, table[i]);
    size_t start = command->address < SFDP_BYTES ? command->address : SFDP_BYTES;
    answer(command, sfdp + start, SFDP_BYTES - start);
}

static enum flash_answer write_status(struct flash_chip *flash, uint64_t now, unsigned index,
                                      const struct flash_command *command)
{
    if (!flash->write_enabled && !flash->status_enabled)
        return FLASH_IGNORED;
    for (size_t i = 0; i < command->out_length && index + i < 3; i++) {
        uint8_t mask = status_writable[index + i];
        flash->status[index + i] = (uint8_t)(command->out[i] & mask);
    }
    flash->write_enabled = flash->status_enabled = false;
    flash->busy_until = now + FLASH_US_STATUS;
    return FLASH_DONE;
}

/* Whether the armed power cut strikes this operation. */
static bool cut_strikes(struct flash_chip *flash, enum chip_flash_op op, uint32_t offset,
                        uint32_t length)
{
    if (flash->cut_nth == 0 || (flash->cut_op != CHIP_FLASH_ANY && flash->cut_op != op))
        return false;
    if ((uint64_t)offset + length <= flash->cut_offset ||
        offset >= (uint64_t)flash->cut_offset + flash->cut_length)
        return false;
    return --flash->cut_nth == 0;
}

static bool writable(const struct flash_chip *flash)
{
    return flash->write_enabled && (flash->status[0] & SR1_PROTECT_ALL) != SR1_PROTECT_ALL;
}

/* A torn program has written half of its bytes, and the high half of the next one. */
static enum flash_answer program(struct flash_chip *flash, uint64_t now,
                                 const struct flash_command *command, struct flash_change *change)
{
    if (!writable(flash))
        return FLASH_IGNORED;
    uint32_t address = command->address & (uint32_t)(flash->size - 1);
    uint32_t page = address & ~(FLASH_PAGE - 1);
    uint32_t length =
        (uint32_t)(command->out_length < FLASH_PAGE ? command->out_length : FLASH_PAGE);
    bool wraps = address - page + length > FLASH_PAGE;
    *change = (struct flash_change){CHIP_FLASH_PROGRAM, wraps ? page : address,
                                    wraps ? FLASH_PAGE : length, length};
    bool torn = cut_strikes(flash, CHIP_FLASH_PROGRAM, change->offset, change->length);
    if (torn)
        change->torn_after = length / 2;

    for (uint32_t i = 0; i < length; i++) {
        uint8_t *cell = &flash->bytes[page + ((address + i) & (FLASH_PAGE - 1))];
        if (torn && i > change->torn_after)
            break;
        uint8_t unreached = torn && i == change->torn_after ? 0x0F : 0;
        *cell &= (uint8_t)(command->out[i] | unreached);
    }
    flash->write_enabled = false;
    flash->busy_until = now + FLASH_US_PROGRAM;
    return torn ? FLASH_TORN : FLASH_CHANGED;
}

/* A torn erase has reached half of the block; the page behind that is left with weak cells. */
static enum flash_answer erase(struct flash_chip *flash, uint64_t now, uint32_t address,
                               uint32_t length, uint32_t busy, struct flash_change *change)
{
    if (!writable(flash))
        return FLASH_IGNORED;
    uint32_t offset = address & (uint32_t)(flash->size - 1) & ~(length - 1);
    *change = (struct flash_change){CHIP_FLASH_ERASE, offset, length, length};
    bool torn = cut_strikes(flash, CHIP_FLASH_ERASE, offset, length);
    if (torn)
        change->torn_after = length / 2;

    memset(flash->bytes + offset, 0xFF, change->torn_after);
    for (uint32_t i = 0; torn && i < FLASH_PAGE; i++)
        flash->bytes[offset + change->torn_after + i] |= 0x55;
    for (uint32_t i = 0; i < length; i += FLASH_SECTOR)
        flash->wear[(offset + i) / FLASH_SECTOR]++;
    flash->write_enabled = false;
    flash->busy_until = now + busy;
    return torn ? FLASH_TORN : FLASH_CHANGED;
}

/* Commands that change the array or a status register. */
static enum flash_answer run_write(struct flash_chip *flash, uint64_t now,
                                   const struct flash_command *command, struct flash_change *change)
{
    uint32_t address = command->address;
    switch (command->opcode) {
    case FLASH_CMD_WRSR:
        return write_status(flash, now, 0, command);
    case CMD_WRSR2:
        return write_status(flash, now, 1, command);
    case CMD_WRSR3:
        return write_status(flash, now, 2, command);
    case FLASH_CMD_PROGRAM:
    case CMD_PROGRAM_QUAD:
        return program(flash, now, command, change);
    case FLASH_CMD_ERASE4K:
        return erase(flash, now, address, FLASH_SECTOR, FLASH_US_ERASE4K, change);
    case FLASH_CMD_ERASE32K:
        return erase(flash, now, address, 0x8000, FLASH_US_ERASE32K, change);
    case FLASH_CMD_ERASE64K:
        return erase(flash, now, address, 0x10000, FLASH_US_ERASE64K, change);
    case FLASH_CMD_ERASE_ALL:
    case CMD_ERASE_ALL_ALT:
        return erase(flash, now, 0, (uint32_t)flash->size, FLASH_US_ERASE_ALL, change);
    }
    return FLASH_UNKNOWN;
}

/* Commands that read something. */
static enum flash_answer run_read(const struct flash_chip *flash,
                                  const struct flash_command *command)
{
    static const uint8_t unique_id[8] = {'v', 'i', 'r', 't', 'u', 'a', 'l', 0};
    uint32_t id = flash_jedec_id(flash);
    const uint8_t jedec[3] = {(uint8_t)id, (uint8_t)(id >> 8), (uint8_t)(id >> 16)};
    switch (command->opcode) {
    case FLASH_CMD_READ:
    case FLASH_CMD_FASTREAD:
    case CMD_READ_DUAL:
    case CMD_READ_QUAD:
    case CMD_READ_DIO:
    case CMD_READ_QIO:
        read_array(flash, command);
        return FLASH_DONE;
    case FLASH_CMD_RDID:
        answer(command, jedec, sizeof(jedec));
        return FLASH_DONE;
    case FLASH_CMD_SFDP:
        read_sfdp(flash, command);
        return FLASH_DONE;
    case CMD_UNIQUE_ID:
        answer(command, unique_id, sizeof(unique_id));
        return FLASH_DONE;
    case CMD_WAKE: /* also gives the one-byte electronic id, which is the capacity code - 1 */
        memset(command->in, jedec[2] - 1, command->in_length);
        return FLASH_DONE;
    }
    return FLASH_UNKNOWN;
}

/* Commands that only set a state. The reset needs its enable right before it. */
static enum flash_answer run_control(struct flash_chip *flash, uint8_t opcode, bool reset_armed)
{
    switch (opcode) {
    case FLASH_CMD_WREN:
        flash->write_enabled = true;
        return FLASH_DONE;
    case FLASH_CMD_WRDI:
        flash->write_enabled = false;
        return FLASH_DONE;
    case CMD_STATUS_ENABLE:
        flash->status_enabled = true;
        return FLASH_DONE;
    case CMD_RESET_ENABLE:
        flash->reset_armed = true;
        return FLASH_DONE;
    case CMD_RESET:
        if (!reset_armed)
            return FLASH_IGNORED;
        flash_power_on(flash);
        return FLASH_DONE;
    case CMD_SLEEP:
        flash->asleep = true;
        return FLASH_DONE;
    case CMD_SUSPEND: /* operations are over before a guest could need them suspended */
    case CMD_RESUME:
        return FLASH_DONE;
    }
    return FLASH_UNKNOWN;
}

enum flash_answer flash_run(struct flash_chip *flash, uint64_t now,
                            const struct flash_command *command, struct flash_change *change)
{
    bool reset_armed = flash->reset_armed;
    flash->reset_armed = false;
    if (flash->asleep && command->opcode != CMD_WAKE) {
        answer(command, NULL, 0);
        return FLASH_IGNORED;
    }
    flash->asleep = false;

    switch (command->opcode) {
    case FLASH_CMD_RDSR:
        read_status(flash, now, 0, command);
        return FLASH_DONE;
    case CMD_RDSR2:
        read_status(flash, now, 1, command);
        return FLASH_DONE;
    case CMD_RDSR3:
        read_status(flash, now, 2, command);
        return FLASH_DONE;
    }
    if (now < flash->busy_until) {
        answer(command, NULL, 0);
        return FLASH_IGNORED;
    }
    enum flash_answer result = run_read(flash, command);
    if (result == FLASH_UNKNOWN)
        result = run_control(flash, command->opcode, reset_armed);
    if (result == FLASH_UNKNOWN)
        result = run_write(flash, now, command, change);
    if (result == FLASH_UNKNOWN)
        answer(command, NULL, 0);
    return result;
}
