#include "chain/error.h"

#include <stddef.h>

static const char *const meanings[] = {
    [-CHAIN_OK] = "done",
    [-CHAIN_ETRUNCATED] = "the data end too early",
    [-CHAIN_EMAGIC] = "not this kind of data",
    [-CHAIN_EBOUNDS] = "a length or address lies outside what is allowed",
    [-CHAIN_EFIELD] = "a field holds a forbidden value",
    [-CHAIN_ECHIP] = "made for another chip",
    [-CHAIN_EREVISION] = "this chip revision is excluded",
    [-CHAIN_ECHECKSUM] = "the checksum does not match",
    [-CHAIN_EDIGEST] = "the SHA-256 digest does not match",
    [-CHAIN_EUNSIGNED] = "no valid signature block",
    [-CHAIN_EUNTRUSTED] = "signed, but not by a trusted key",
    [-CHAIN_ESIGNATURE] = "the signature does not verify",
    [-CHAIN_EVERSION] = "the version is too old",
    [-CHAIN_EALIGN] = "an offset or size is not aligned",
    [-CHAIN_EOVERLAP] = "two regions overlap",
    [-CHAIN_EDUPLICATE] = "a unique item occurs twice",
    [-CHAIN_ESPACE] = "too large for the space provided",
    [-CHAIN_ESYNTAX] = "the text does not follow the grammar",
    [-CHAIN_EMISSING] = "a required part is missing",
    [-CHAIN_EPROTECTED] = "write- or read-protected",
    [-CHAIN_ECRYPTO] = "the cryptographic operation failed",
};

const char *chain_error_text(int error)
{
    const int last = (int)(sizeof meanings / sizeof meanings[0]) - 1;
    if (error > 0 || error < -last)
        return "unknown error";
    return meanings[-error];
}
