/* chain/reg/efuse.h: eFuse controller registers (efuse.md 6).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_EFUSE_H
#define CHAIN_REG_EFUSE_H

#define EFUSE_PGM_DATA0      0x000 /* 8 words */
#define EFUSE_PGM_CHECK0     0x020 /* 3 words */
#define EFUSE_RD_WR_DIS      0x02C /* first of the 84 read words, in block order */
#define EFUSE_RD_END         0x17C
#define EFUSE_RD_REPEAT_ERR0 0x17C
#define EFUSE_RD_RS_ERR0     0x1C0
#define EFUSE_RD_RS_ERR1     0x1C4
#define EFUSE_CLK            0x1C8
#define EFUSE_CONF           0x1CC
#define EFUSE_STATUS         0x1D0
#define EFUSE_CMD            0x1D4
#define EFUSE_INT_RAW        0x1D8
#define EFUSE_INT_ST         0x1DC
#define EFUSE_INT_ENA        0x1E0
#define EFUSE_INT_CLR        0x1E4
#define EFUSE_DATE           0x1FC

#define EFUSE_CONF_PROGRAM    0x5A5A
#define EFUSE_CONF_READ       0x5AA5
#define EFUSE_CMD_READ        (1u << 0)
#define EFUSE_CMD_PROGRAM     (1u << 1)
#define EFUSE_CMD_BLOCK_SHIFT 2

#endif
