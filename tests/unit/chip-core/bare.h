/* tests/unit/chip-core/bare.h: a chip with a core, memories and interrupt controllers only.
 *
 * bare.c brings its own peripheral table, flash window and (absent) network, so that what is tested
 * here is the core and nothing else. The one extra peripheral, `probe`, is a register file that
 * records accesses and can raise interrupts and events.
 */
#ifndef BARE_H
#define BARE_H

#include <stddef.h>
#include <stdint.h>

#include "chip/bus.h"

#define BARE_CODE  0x40800000u /* where programs go */
#define BARE_PROBE 0x60040000u /* no hardware there */
#define BARE_FLASH 0x42000000u /* first page of the window: valid, 64 KB */

/* Probe registers. */
#define PROBE_WORD    0x00u /* storage */
#define PROBE_SOURCE  0x04u /* write: level of source 43 */
#define PROBE_DELAY   0x08u /* write n: event n instructions from now that raises source 43 */
#define PROBE_NOW     0x0Cu /* read: chip_now(), low word */
#define PROBE_RESET   0x10u /* write: reset with that cause */
#define PROBE_STOP    0x14u /* write: chip_stop() */
#define PROBE_WINDOW  0x18u /* write: first flash byte becomes it and the window changed */
#define PROBE_UNKNOWN 0x1Cu /* not modelled */

struct bare {
    struct chip *chip;
    uint8_t *flash;
    struct efuse *efuse;
    unsigned notes;
    char last_note[256];
    uint32_t missed;   /* address of the last guest access to the window where no page is */
    uint64_t fired_at; /* chip_now() of the last probe event */
    /* The network that is none: it sleeps as long as it may, or until the `frame_after`-th wait,
     * in which it raises the probe's interrupt source instead. */
    unsigned polls, waits, frame_after;
};

/* A chip after power-on, before its first instruction. Aborts the test on failure. */
void bare_new(struct bare *bare, uint64_t seed);
void bare_new_networked(struct bare *bare); /* with real-time pacing */
void bare_free(struct bare *bare);

/* Put `words` at BARE_CODE, clear registers that matter, set the PC there. */
void bare_load(struct bare *bare, const uint32_t *words, size_t count);

uint32_t bare_word(struct bare *bare, uint32_t address);

#endif
