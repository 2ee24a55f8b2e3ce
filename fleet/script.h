/* fleet/script.h: who misbehaves, and how: decided by a seed, before anything runs.
 *
 * Of N devices exactly round(N * percent / 100) fail, drop, are slow or are off, each kind drawn by
 * itself; the same seed and N draw the same devices, on any machine and with any number of threads.
 */
#ifndef FLEET_SCRIPT_H
#define FLEET_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum script_kind {
    SCRIPT_FAIL,    /* the self-test of what is installed fails */
    SCRIPT_CRASH,   /* what is installed never comes up: a watchdog resets it */
    SCRIPT_DROP,    /* the connection breaks once in the middle of each download */
    SCRIPT_SLOW,    /* reads SCRIPT_SLOW_BYTES_PER_S */
    SCRIPT_OFFLINE, /* is switched off all the time */
    SCRIPT_KINDS,
};

#define SCRIPT_SLOW_BYTES_PER_S 65536u

struct script {
    uint64_t seed;
    double percent[SCRIPT_KINDS]; /* 0..100 */
};

/* Bit 1 << kind of behaviour[i] is set for each device i that is drawn. False: out of memory. */
bool script_draw(const struct script *script, size_t devices, uint8_t *behaviour);

/* The next number of a device's own sequence (SplitMix64); *state begins as script_seed(). */
uint64_t script_random(uint64_t *state);
uint64_t script_seed(const struct script *script, size_t device);

#endif
