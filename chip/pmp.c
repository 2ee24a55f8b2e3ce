/* chip/pmp.c: see pmp.h. */
#include "chip/pmp.h"

#include <string.h>

enum { MODE_OFF = 0x00, MODE_TOR = 0x08, MODE_NA4 = 0x10, MODE_NAPOT = 0x18 };

/* Recompute the byte ranges; an entry's TOR range depends on its lower neighbour. */
static void pmp_derive(struct pmp *pmp)
{
    pmp->locked = false;
    for (unsigned i = 0; i < PMP_ENTRIES; i++) {
        uint64_t top = (uint64_t)pmp->address[i] << 2;
        uint64_t below = i ? (uint64_t)pmp->address[i - 1] << 2 : 0;
        uint64_t size = 0;
        pmp->low[i] = pmp->high[i] = 0;
        if (pmp->config[i] & PMP_LOCK)
            pmp->locked = true;
        switch (pmp->config[i] & PMP_A) {
        case MODE_TOR:
            if (below < top) {
                pmp->low[i] = below;
                pmp->high[i] = top;
            }
            break;
        case MODE_NA4:
            pmp->low[i] = top;
            pmp->high[i] = top + 4;
            break;
        case MODE_NAPOT: /* trailing ones give the size: 8 bytes for none */
            size = 8ull * ((uint64_t)(pmp->address[i] ^ ((uint64_t)pmp->address[i] + 1)) + 1) / 2;
            pmp->low[i] = top & ~(size - 1);
            pmp->high[i] = pmp->low[i] + size;
            break;
        default:
            break;
        }
    }
}

void pmp_reset(struct pmp *pmp)
{
    memset(pmp, 0, sizeof *pmp);
}

uint32_t pmp_read_config(const struct pmp *pmp, unsigned index)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)pmp->config[4 * index + i] << (8 * i);
    return value;
}

void pmp_write_config(struct pmp *pmp, unsigned index, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        uint8_t *config = &pmp->config[4 * index + i];
        uint8_t wanted = (uint8_t)(value >> (8 * i)) & (PMP_R | PMP_W | PMP_X | PMP_A | PMP_LOCK);
        if (*config & PMP_LOCK)
            continue;
        if ((wanted & (PMP_R | PMP_W)) == PMP_W) /* reserved: write without read */
            wanted &= (uint8_t)~PMP_W;
        *config = wanted;
    }
    pmp_derive(pmp);
}

void pmp_write_address(struct pmp *pmp, unsigned index, uint32_t value)
{
    const uint8_t *config = pmp->config;
    bool next_is_locked_tor = index + 1 < PMP_ENTRIES &&
                              (config[index + 1] & (PMP_LOCK | PMP_A)) == (PMP_LOCK | MODE_TOR);
    if (config[index] & PMP_LOCK || next_is_locked_tor)
        return;
    pmp->address[index] = value;
    pmp_derive(pmp);
}

bool pmp_allows(const struct pmp *pmp, bool machine, uint32_t right, uint32_t address,
                uint32_t length)
{
    uint64_t first = address, end = first + length;
    if (machine && !pmp->locked)
        return true;
    for (unsigned i = 0; i < PMP_ENTRIES; i++) {
        if (end <= pmp->low[i] || first >= pmp->high[i])
            continue;
        if (machine && !(pmp->config[i] & PMP_LOCK))
            return first >= pmp->low[i] && end <= pmp->high[i];
        return first >= pmp->low[i] && end <= pmp->high[i] && pmp->config[i] & right;
    }
    return machine;
}

uint64_t pmp_boundary(const struct pmp *pmp, uint32_t address)
{
    uint64_t boundary = 1ull << 32;
    for (unsigned i = 0; i < PMP_ENTRIES; i++) {
        if (pmp->low[i] > address && pmp->low[i] < boundary)
            boundary = pmp->low[i];
        if (pmp->high[i] > address && pmp->high[i] < boundary)
            boundary = pmp->high[i];
    }
    return boundary;
}
