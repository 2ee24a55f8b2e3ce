/* chain/reg/intc.h: interrupt matrix and PLIC (soc.md 5).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_INTC_H
#define CHAIN_REG_INTC_H

#define INTMTX_MAP       0x000 /* + 4 * source: CPU line 1..31, 0 = not routed */
#define INTMTX_STATUS0   0x134
#define INTMTX_SOURCES   77
#define PLIC_ENABLE      0x00
#define PLIC_TYPE        0x04 /* 0 level, 1 edge */
#define PLIC_CLEAR       0x08
#define PLIC_PENDING     0x0C
#define PLIC_PRI0        0x10 /* + 4 * line, [3:0] */
#define PLIC_THRESH      0x90
#define INTPRI_FROM_CPU0 0x90

#endif
