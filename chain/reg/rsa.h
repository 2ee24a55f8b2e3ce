/* chain/reg/rsa.h: RSA (MPI) accelerator (soc.md 10).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_RSA_H
#define CHAIN_REG_RSA_H

#define RSA_M             0x000
#define RSA_Z             0x200
#define RSA_Y             0x400
#define RSA_X             0x600
#define RSA_M_PRIME       0x800
#define RSA_MODE          0x804
#define RSA_QUERY_CLEAN   0x808
#define RSA_START_MODEXP  0x80C
#define RSA_START_MODMULT 0x810
#define RSA_START_MULT    0x814
#define RSA_QUERY_IDLE    0x818
#define RSA_INT_CLR       0x81C
#define RSA_CONSTANT_TIME 0x820
#define RSA_SEARCH_ENABLE 0x824
#define RSA_SEARCH_POS    0x828
#define RSA_INT_ENA       0x82C
#define RSA_DATE          0x830
#define RSA_WORDS_MAX     96

#endif
