/* chain/error.h: what every chain/ function can answer.
 *
 * Zero is success, negative is failure; no function returns a bare -1. A failure leaves outputs
 * unspecified unless the function says otherwise, and never changes its inputs.
 */
#ifndef CHAIN_ERROR_H
#define CHAIN_ERROR_H

enum chain_error {
    CHAIN_OK = 0,
    CHAIN_ETRUNCATED = -1,  /* the bytes end before the structure does */
    CHAIN_EMAGIC = -2,      /* not this kind of structure */
    CHAIN_EBOUNDS = -3,     /* a length or address points outside what is allowed */
    CHAIN_EFIELD = -4,      /* a field holds a value the format forbids */
    CHAIN_ECHIP = -5,       /* made for another chip */
    CHAIN_EREVISION = -6,   /* this chip revision is excluded */
    CHAIN_ECHECKSUM = -7,   /* XOR checksum, CRC-32 or MD5 differs */
    CHAIN_EDIGEST = -8,     /* SHA-256 differs from the recorded one */
    CHAIN_EUNSIGNED = -9,   /* no valid signature block present */
    CHAIN_EUNTRUSTED = -10, /* signed, but by no trusted key */
    CHAIN_ESIGNATURE = -11, /* a trusted key's signature does not verify */
    CHAIN_EVERSION = -12,   /* version or secure version too old */
    CHAIN_EALIGN = -13,     /* offset or size not aligned as required */
    CHAIN_EOVERLAP = -14,   /* two regions overlap */
    CHAIN_EDUPLICATE = -15, /* a name or a unique item occurs twice */
    CHAIN_ESPACE = -16,     /* the caller's buffer or table is too small */
    CHAIN_ESYNTAX = -17,    /* text does not follow the grammar */
    CHAIN_EMISSING = -18,   /* a required part is absent */
    CHAIN_EPROTECTED = -19, /* write- or read-protected */
    CHAIN_ECRYPTO = -20,    /* the crypto provider failed */
};

/* One-line meaning, lower case, no full stop; never NULL, also for unknown values. */
const char *chain_error_text(int error);

#endif
