#include "tool/otadata_names.h"

#include <strings.h>

static const char *const names[] = {"NEW", "PENDING_VERIFY", "VALID", "INVALID", "ABORTED"};
#define NAMES (sizeof names / sizeof *names)

const char *otadata_state_name(uint32_t state)
{
    if (state < NAMES)
        return names[state];
    return state == UINT32_MAX ? "UNDEFINED" : "unknown";
}

bool otadata_state_parse(const char *text, uint32_t *state)
{
    *state = UINT32_MAX;
    for (uint32_t i = 0; i < NAMES; i++) {
        if (strcasecmp(text, names[i]) == 0)
            *state = i;
    }
    return *state != UINT32_MAX || strcasecmp(text, "UNDEFINED") == 0;
}
