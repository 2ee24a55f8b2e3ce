/* chain/efuse_audit.h: what is wrong with the eFuses of a device that leaves the factory.
 *
 * One row for each misconfiguration. A row judges the eFuses alone, knows nothing of the flash, and
 * holds whatever the order of the burns was. Fields, bits and their meaning: efuse.md 2 and 3,
 * flash-encryption.md 2 to 4.
 */
#ifndef CHAIN_EFUSE_AUDIT_H
#define CHAIN_EFUSE_AUDIT_H

#include "chain/efuse.h"

enum efuse_severity {
    EFUSE_INFO,    /* worth knowing; may well be meant */
    EFUSE_WARNING, /* a defence is missing behind another one, or an accident is possible */
    EFUSE_ERROR,   /* the chain of trust is open, or the device will not boot */
};

struct efuse_rule {
    const char *name;
    enum efuse_severity severity;
    const char *reason; /* what follows from it */
    const char *remedy; /* what to do */
    bool (*broken)(const struct efuse *efuse);
    /* Judges the content of the flash key. A dump made by software shows zeros there, when the key
     * is read-protected: the rule says nothing about such a dump. */
    bool reads_secret;
};

extern const struct efuse_rule efuse_rules[];
extern const size_t efuse_rule_count;

#endif
