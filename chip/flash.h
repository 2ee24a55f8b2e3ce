/* chip/flash.h: the NOR flash chip behind the SPI controller.
 *
 * A model of one 25-series part, independent of the rest of the chip: it is given commands as they
 * go over the wire and answers like the part. Programming only clears bits and wraps inside the
 * 256-byte page, erasing sets whole sectors to 0xFF; both need the write enable latch, clear it,
 * and keep the part busy for a while, in which it ignores everything but status reads. Address bits
 * above the size are ignored.
 *
 * The array belongs to the caller of flash_init(), everything else to struct flash_chip.
 */
#ifndef CHIP_FLASH_H
#define CHIP_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chip/chip.h"

/* Time the part is busy, in microseconds. About a hundredth of a real part's figures, so that the
 * guest's polling does not fill the run; the order between the operations is kept. */
#define FLASH_US_PROGRAM   10u
#define FLASH_US_STATUS    100u
#define FLASH_US_ERASE4K   200u
#define FLASH_US_ERASE32K  1000u
#define FLASH_US_ERASE64K  1500u
#define FLASH_US_ERASE_ALL 100000u

enum flash_answer {
    FLASH_DONE,    /* command understood; the array is unchanged */
    FLASH_CHANGED, /* the array changed: see struct flash_change */
    FLASH_TORN,    /* the armed power cut struck: changed in part, power is gone */
    FLASH_IGNORED, /* busy, asleep or not write-enabled: the part did nothing */
    FLASH_UNKNOWN, /* no such command in this part */
};

struct flash_change {
    enum chip_flash_op op;
    uint32_t offset, length;
    uint32_t torn_after; /* FLASH_TORN: bytes from offset on that the operation still reached */
};

struct flash_chip {
    uint8_t *bytes;
    size_t size;
    uint32_t *wear; /* erase count of each 4 KB sector */

    uint8_t status[3]; /* SR1..SR3; WIP and WEL are computed */
    bool write_enabled, status_enabled, asleep, reset_armed;
    uint64_t busy_until; /* in the caller's clock, see flash_run() */

    /* The armed power cut (chip/chip.h); cut_nth 0 = not armed. */
    enum chip_flash_op cut_op;
    uint32_t cut_offset, cut_length;
    unsigned cut_nth;
};

/* One transaction: opcode, address (24 bits used), bytes to the part, bytes from it. */
struct flash_command {
    uint8_t opcode;
    uint32_t address;
    const uint8_t *out;
    size_t out_length;
    uint8_t *in;
    size_t in_length;
};

/* CHIP_OK, CHIP_ECONFIG (size not 2, 4, 8 or 16 MB), CHIP_EMEMORY. */
int flash_init(struct flash_chip *flash, uint8_t *bytes, size_t size);
void flash_free(struct flash_chip *flash);

/* Power was off: volatile state is lost, the array and its wear stay. */
void flash_power_on(struct flash_chip *flash);

/* Run a command at time `now` (microseconds that never go back). `change` is set for CHANGED and
 * TORN. Bytes the part does not drive read 0xFF. */
enum flash_answer flash_run(struct flash_chip *flash, uint64_t now,
                            const struct flash_command *command, struct flash_change *change);

/* The 24-bit JEDEC id: manufacturer, type, capacity (log2 of the bytes), first byte lowest. */
uint32_t flash_jedec_id(const struct flash_chip *flash);

#endif
