/* range/readout.c: see the header. The search is one hash table of all plaintext runs, probed at
 * every byte of the dump: linear in both, whatever the alignment. */
#include "range/readout.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool row_is_erased(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0xFF)
            return false;
    return true;
}

void readout_histogram(const uint8_t *bytes, size_t length, struct readout_histogram *out)
{
    memset(out, 0, sizeof *out);
    for (size_t at = 0; at < length; at += READOUT_ROW) {
        size_t row = length - at < READOUT_ROW ? length - at : READOUT_ROW;
        if (row_is_erased(bytes + at, row))
            continue;
        for (size_t i = 0; i < row; i++)
            out->count[bytes[at + i]]++;
        out->total += row;
    }
    if (out->total == 0)
        return;
    double expected = (double)out->total / 256.0;
    for (unsigned value = 0; value < 256; value++) {
        double count = (double)out->count[value];
        double share = count / (double)out->total;
        if (count > 0)
            out->entropy -= share * log2(share);
        out->chi_square += (count - expected) * (count - expected) / expected;
    }
}

/* A run is worth searching when it could not be filler. */
static bool run_is_telling(const uint8_t *run)
{
    bool seen[256] = {false};
    unsigned distinct = 0;
    for (unsigned i = 0; i < READOUT_RUN; i++) {
        distinct += !seen[run[i]];
        seen[run[i]] = true;
    }
    return distinct >= READOUT_DISTINCT;
}

static size_t run_hash(const uint8_t *run)
{
    uint64_t low, high;
    memcpy(&low, run, 8);
    memcpy(&high, run + 8, 8);
    uint64_t mixed = (low ^ (high >> 29)) * 0x9E3779B97F4A7C15u + high * 0xC2B2AE3D27D4EB4Fu;
    return (size_t)(mixed ^ (mixed >> 32));
}

/* Open addressing; a slot holds the plaintext offset + 1, 0 = free. */
struct run_table {
    uint32_t *slots;
    size_t mask;
    const uint8_t *plain;
};

static bool table_find(const struct run_table *table, const uint8_t *run, size_t *slot)
{
    for (*slot = run_hash(run) & table->mask; table->slots[*slot] != 0;
         *slot = (*slot + 1) & table->mask)
        if (memcmp(table->plain + table->slots[*slot] - 1, run, READOUT_RUN) == 0)
            return true;
    return false;
}

int readout_search(const uint8_t *plain, size_t plain_length, const uint8_t *dump,
                   size_t dump_length, struct readout_search *out)
{
    *out = (struct readout_search){0};
    size_t size = 1024;
    while (size < plain_length * 2)
        size *= 2;
    struct run_table table = {calloc(size, sizeof *table.slots), size - 1, plain};
    if (table.slots == NULL || plain_length >= UINT32_MAX) {
        free(table.slots);
        return -1;
    }
    size_t slot;
    for (size_t at = 0; at + READOUT_RUN <= plain_length; at++) {
        if (!run_is_telling(plain + at) || table_find(&table, plain + at, &slot))
            continue;
        table.slots[slot] = (uint32_t)at + 1;
        out->runs_searched++;
    }
    for (size_t at = 0; at + READOUT_RUN <= dump_length; at++) {
        if (!table_find(&table, dump + at, &slot))
            continue;
        if (out->runs_found++ == 0)
            out->first_found = at;
    }
    free(table.slots);
    return 0;
}
