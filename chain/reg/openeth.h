/* chain/reg/openeth.h: OpenCores Ethernet MAC, as emulators offer it (soc.md 25).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_OPENETH_H
#define CHAIN_REG_OPENETH_H

#define OPENETH_MODER             0x00
#define OPENETH_INT_SOURCE        0x04
#define OPENETH_INT_MASK          0x08
#define OPENETH_PACKETLEN         0x18
#define OPENETH_TX_BD_NUM         0x20
#define OPENETH_MIICOMMAND        0x2C
#define OPENETH_MIIADDRESS        0x30
#define OPENETH_MIITX_DATA        0x34
#define OPENETH_MIIRX_DATA        0x38
#define OPENETH_MIISTATUS         0x3C
#define OPENETH_MAC_ADDR0         0x40
#define OPENETH_MAC_ADDR1         0x44
#define OPENETH_DESC              0x400 /* 128 descriptors of 8 bytes, TX first */
#define OPENETH_DESCS             128
#define OPENETH_MODER_RXEN        (1u << 0)
#define OPENETH_MODER_TXEN        (1u << 1)
#define OPENETH_MODER_PRO         (1u << 5)
#define OPENETH_MODER_RST         (1u << 11)
#define OPENETH_MODER_RESET_VALUE 0x0000A000u
#define OPENETH_INT_TXB           (1u << 0)
#define OPENETH_INT_RXB           (1u << 2)
#define OPENETH_INT_BUSY          (1u << 4)
#define OPENETH_TXD_RD            (1u << 15)
#define OPENETH_TXD_IRQ           (1u << 14)
#define OPENETH_TXD_WR            (1u << 13)
#define OPENETH_RXD_E             (1u << 15)
#define OPENETH_RXD_IRQ           (1u << 14)
#define OPENETH_RXD_WR            (1u << 13)
/* A received frame's length here has no FCS: the bytes in the buffer, header to payload end. */

#endif
