/* chain/reg/systimer.h: system timer, 16 MHz, 52 bits (soc.md 16).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_SYSTIMER_H
#define CHAIN_REG_SYSTIMER_H

#define SYSTIMER_CONF               0x00
#define SYSTIMER_UNIT0_OP           0x04
#define SYSTIMER_UNIT1_OP           0x08
#define SYSTIMER_UNIT0_LOAD_HI      0x0C
#define SYSTIMER_UNIT0_LOAD_LO      0x10
#define SYSTIMER_UNIT1_LOAD_HI      0x14
#define SYSTIMER_UNIT1_LOAD_LO      0x18
#define SYSTIMER_TARGET0_HI         0x1C /* + 8 * target */
#define SYSTIMER_TARGET0_LO         0x20
#define SYSTIMER_TARGET0_CONF       0x34 /* + 4 * target */
#define SYSTIMER_UNIT0_VALUE_HI     0x40
#define SYSTIMER_UNIT0_VALUE_LO     0x44
#define SYSTIMER_UNIT1_VALUE_HI     0x48
#define SYSTIMER_UNIT1_VALUE_LO     0x4C
#define SYSTIMER_COMP0_LOAD         0x50 /* + 4 * target */
#define SYSTIMER_UNIT0_LOAD         0x5C
#define SYSTIMER_UNIT1_LOAD         0x60
#define SYSTIMER_INT_ENA            0x64
#define SYSTIMER_INT_RAW            0x68
#define SYSTIMER_INT_CLR            0x6C
#define SYSTIMER_INT_ST             0x70
#define SYSTIMER_HZ                 16000000u
#define SYSTIMER_OP_VALID           (1u << 29)
#define SYSTIMER_OP_UPDATE          (1u << 30)
#define SYSTIMER_CONF_UNIT0_EN      (1u << 30)
#define SYSTIMER_CONF_UNIT1_EN      (1u << 29)
#define SYSTIMER_CONF_TARGET0_EN    (1u << 24) /* target n: >> n */
#define SYSTIMER_TARGET_PERIOD_MASK 0x3FFFFFFu
#define SYSTIMER_TARGET_PERIOD_MODE (1u << 30)
#define SYSTIMER_TARGET_UNIT1       (1u << 31)

#endif
