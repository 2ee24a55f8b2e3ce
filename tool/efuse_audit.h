/* tool/efuse_audit.h: `trustchain efuse audit`: the rules of chain/efuse_audit.h against a file.
 */
#ifndef TOOL_EFUSE_AUDIT_H
#define TOOL_EFUSE_AUDIT_H

int efuse_audit(int argc, char **argv);

#endif
