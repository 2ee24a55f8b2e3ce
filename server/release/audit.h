/* server/release/audit.h: is what the store offers what the policy allows, still and in every byte?
 *
 * Publishing checked each release once. Since then disks have aged, folders have been restored, and
 * somebody may have written there by hand. The audit asks everything again that does not depend on
 * what was published before, and whether pointer and metadata say what the image says. It needs
 * public keys only and changes nothing.
 */
#ifndef SERVER_RELEASE_AUDIT_H
#define SERVER_RELEASE_AUDIT_H

#include "server/release/publish.h"
#include "server/release/store.h"

/* One channel, "product/channel". release is NULL when its pointer could not be read. reason is
 * empty when all holds, else what is wrong (and what to do). */
typedef void audit_visit(void *context, const char *name, const struct release *release,
                         const char *reason);

/* policy->product is whose channels, policy->channel (NULL: all) which of them; keys, sizes and
 * versions are as for publish_image(). STORE_OK when every channel
 * could be looked at, however bad it is; else as store_list(). */
int release_audit(const struct store *store, const struct publish_policy *policy, audit_visit *each,
                  void *context);

#endif
