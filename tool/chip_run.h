/* tool/chip_run.h: one run of the virtual chip: what it is given, when it ends, what it tells. */
#ifndef TOOL_CHIP_RUN_H
#define TOOL_CHIP_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "chip/chip.h"
#include "tool/chip_console.h"

/* After so many resets in a row without an application the chip is taken to have none. */
#define CHIP_RUN_BARREN_RESETS 5

struct chip_run_options {
    const char *flash, *efuse, *rom, *uart, *log; /* uart NULL: stdio, with json none */
    uint32_t strap;
    uint64_t seed;
    bool network;
    const char *pcap;

    double seconds, wall_seconds; /* 0: no limit */
    unsigned max_resets;          /* 0: no limit but CHIP_RUN_BARREN_RESETS */
    uint32_t breakpoint;          /* 0: none */
    bool cut;
    enum chip_flash_op cut_op;
    uint32_t cut_offset, cut_length;
    unsigned cut_nth;

    bool quiet, stats, json;
    struct console console; /* holds the texts to wait for; chip_run_verb() opens and closes it */
};

/* Exit status: see `trustchain chip run --help'. */
int chip_run_verb(struct chip_run_options *options);

#endif
