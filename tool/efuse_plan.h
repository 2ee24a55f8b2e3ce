/* tool/efuse_plan.h: burns in their order, and the profiles of whole devices. `efuse plan` prints
 * and `efuse burn` burns these very steps, both after plan_check().
 */
#ifndef TOOL_EFUSE_PLAN_H
#define TOOL_EFUSE_PLAN_H

#include "chain/efuse.h"

#define PLAN_STEPS_MAX  40
#define PLAN_NAME_BYTES 40
#define PLAN_RULES_MAX  64 /* room for efuse_rule_count */

/* One thing to burn: a key with its purpose, bits of a field, or a field of many bytes. */
struct burn_step {
    char name[PLAN_NAME_BYTES]; /* field, or KEYn */
    const char *why;
    bool is_key;
    bool is_bytes;
    uint32_t bits;  /* field: set in addition to what is set */
    unsigned block; /* key: 0..5 */
    enum efuse_purpose purpose;
    uint8_t key[32]; /* key; or the field's bytes in the block's order */
};

/* Holds keys: wipe it. */
struct burn_plan {
    struct burn_step step[PLAN_STEPS_MAX];
    size_t count;
    bool holes_allowed;            /* a device that does not leave: no findings at the end count */
    bool accepted[PLAN_RULES_MAX]; /* by efuse_rules[] index: this finding is meant */
};

void plan_bits(struct burn_plan *plan, const char *name, uint32_t bits, const char *why);
/* A field of more than 32 bits, whole bytes: as many of `bytes` as it has. */
void plan_bytes(struct burn_plan *plan, const struct efuse_field *field, const uint8_t *bytes);
void plan_key(struct burn_plan *plan, unsigned block, enum efuse_purpose purpose,
              const uint8_t key[32], const char *why);

/* "release" or "development"; false for another name. At least one signer. */
bool plan_profile(struct burn_plan *plan, const char *profile, const struct sigblock_trust *signers,
                  const uint8_t flash_key[32]);

/* HOST_DONE, or HOST_FAILED after the line that says why it is impossible. */
int plan_step_burn(const struct burn_step *step, struct efuse *efuse);
void plan_step_print(const struct burn_step *step, size_t number);

/* By name: KEY0, BLOCK_KEY0 or BLOCK4; a purpose in any case. */
bool plan_find_block(const char *name, unsigned *block);
bool plan_find_purpose(const char *name, enum efuse_purpose *purpose);

#endif
