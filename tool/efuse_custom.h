/* tool/efuse_custom.h: the plan a project has of its own, section [efuse] of trustchain.ini.
 *
 *     step = KEYn PURPOSE [KEYFILE]     a key with its purpose and protections
 *     step = FIELD BITS                 bits of a field, in addition to those that are set
 *     accept = RULE                     a finding of the audit (efuse.md 8) that is meant
 *
 * Steps are burned in their order. A KEYFILE is what `efuse burn FILE key` takes, its path starts
 * at the folder. Without one, XTS_AES_128_KEY is the project's flash encryption key,
 * SECURE_BOOT_DIGEST0 its signing key and SECURE_BOOT_DIGEST1 the next one.
 */
#ifndef TOOL_EFUSE_CUSTOM_H
#define TOOL_EFUSE_CUSTOM_H

#include "tool/efuse_plan.h"

/* HOST_DONE, or HOST_FAILED after its line. with_keys false: no key file is read, the keys are
 * stand-ins. */
int custom_plan_of_project(const char *folder, bool with_keys, struct burn_plan *plan);
/* From an ini file that need not belong to a project, with stand-ins. */
int custom_plan_of_file(const char *path, struct burn_plan *plan);

/* A key that is none, another for each number. */
void plan_stand_in_key(unsigned number, uint8_t key[32]);

#endif
