/* chip/pmp.h: physical memory protection, 16 entries with a granule of 4 bytes.
 *
 * The lowest-numbered entry that touches an access decides: it must cover all of it and grant the
 * right; machine mode is bound by locked entries only. Without a matching entry machine mode may
 * and user mode may not.
 */
#ifndef CHIP_PMP_H
#define CHIP_PMP_H

#include <stdbool.h>
#include <stdint.h>

#define PMP_ENTRIES 16u

#define PMP_R    0x01u
#define PMP_W    0x02u
#define PMP_X    0x04u
#define PMP_A    0x18u
#define PMP_LOCK 0x80u

struct pmp {
    uint8_t config[PMP_ENTRIES];
    uint32_t address[PMP_ENTRIES]; /* as in the CSRs: byte address / 4 */
    /* Derived: bytes [low, high) of each entry, empty when off; 64 bits as high may be 2^32. */
    uint64_t low[PMP_ENTRIES], high[PMP_ENTRIES];
    bool locked; /* some entry is locked: machine mode is bound too */
};

void pmp_reset(struct pmp *pmp);

/* CSR views: pmpcfg0..3 and pmpaddr0..15. Locked fields keep their value. */
uint32_t pmp_read_config(const struct pmp *pmp, unsigned index);
void pmp_write_config(struct pmp *pmp, unsigned index, uint32_t value);
void pmp_write_address(struct pmp *pmp, unsigned index, uint32_t value);

/* May `right` (one of PMP_R, PMP_W, PMP_X) be used on [address, address + length)? */
bool pmp_allows(const struct pmp *pmp, bool machine, uint32_t right, uint32_t address,
                uint32_t length);

/* First address above `address` at which another rule may apply (2^32 at most). */
uint64_t pmp_boundary(const struct pmp *pmp, uint32_t address);

#endif
