/* tool/efuse_order.h: does the order of a plan hold, does it leave a hole; `trustchain efuse plan`.
 */
#ifndef TOOL_EFUSE_ORDER_H
#define TOOL_EFUSE_ORDER_H

#include "tool/efuse_plan.h"

/* Burns the whole plan on *efuse. HOST_FAILED after the line that says why not, when a step
 *
 *     cannot be burned after those before it (write protection, one-time programming),
 *     makes a brick, even one that a later step would mend: nobody knows when the power goes,
 *     or comes when the serial port is closed already;
 *
 * or, unless plan->holes_allowed, when in the end a finding of the audit is left that a plan must
 * not leave and that it did not accept. keys_shown false: the content of hidden keys, zeros in
 * *efuse, is not judged. `subject` is what such a line is about. */
int plan_check(const struct burn_plan *plan, const char *subject, bool keys_shown,
               struct efuse *efuse);

/* Take a finding as meant. False for one that makes a brick, one that no plan is refused for, and
 * for a name that is none. */
bool plan_accept(struct burn_plan *plan, const char *name);

int efuse_plan(int argc, char **argv);

#endif
