/* range/readout.h: what an attacker learns who reads the flash chip with a clip.
 *
 * Two measurements on a raw dump. First, search: does any 16-byte run of known plaintext occur
 * anywhere in the dump, at any alignment? Runs with fewer than READOUT_DISTINCT different bytes
 * (erased flash, zero fill) say nothing and are left out. Second, statistics over what is written
 * at all (rows of one cipher block that are not all 0xFF): byte histogram, entropy, and chi-square
 * against uniform bytes (255 degrees of freedom: uniform data gives about 255, plain code many
 * thousands per 100 KB).
 */
#ifndef RANGE_READOUT_H
#define RANGE_READOUT_H

#include <stddef.h>
#include <stdint.h>

#define READOUT_RUN      16u
#define READOUT_DISTINCT 5u
#define READOUT_ROW      16u

struct readout_histogram {
    uint64_t count[256];
    uint64_t total;    /* bytes in written rows */
    double entropy;    /* bits per byte, 0..8 */
    double chi_square; /* 255 degrees of freedom */
};

void readout_histogram(const uint8_t *bytes, size_t length, struct readout_histogram *out);

struct readout_search {
    uint64_t runs_searched; /* distinct plaintext positions that count */
    uint64_t runs_found;    /* dump positions where one of them occurs */
    size_t first_found;     /* dump offset of the first, when runs_found > 0 */
};

/* Search for all runs of `plain` in `dump`. 0, or -1 when host memory is exhausted. */
int readout_search(const uint8_t *plain, size_t plain_length, const uint8_t *dump,
                   size_t dump_length, struct readout_search *out);

#endif
