/* chain/reg/lp_aon.h: always-on registers and reset cause (soc.md 20).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_LP_AON_H
#define CHAIN_REG_LP_AON_H

#define LP_AON_STORE0         0x00 /* STORE0..9, kept over all but power-on resets */
#define LP_AON_SYS_CFG        0x34
#define LP_AON_CPUCORE0_CFG   0x38
#define LP_AON_FORCE_DOWNLOAD (1u << 30)
#define LP_AON_HPSYS_SW_RESET (1u << 31)
#define LP_AON_CPU_SW_RESET   (1u << 28)

/* In LP_CLKRST. */
#define LP_CLKRST_RESET_CAUSE 0x10 /* [4:0] */

/* In LPPERI. */
#define LPPERI_CLK_EN   0x00
#define LPPERI_RNG_DATA 0x08

/* In GPIO. */
#define GPIO_STRAP 0x38

#endif
