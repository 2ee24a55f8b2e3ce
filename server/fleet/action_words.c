/* server/fleet/action_words.c: states and kinds as they are stored and told. */
#include <string.h>

#include "server/fleet/action.h"

static const char *const states[] = {
    [ACTION_RUNNING] = "running",
    [ACTION_RETRIEVED] = "retrieved",
    [ACTION_DOWNLOAD] = "download",
    [ACTION_DOWNLOADED] = "downloaded",
    [ACTION_SCHEDULED] = "scheduled",
    [ACTION_WARNING] = "warning",
    [ACTION_CANCELING] = "canceling",
    [ACTION_CANCELED] = "canceled",
    [ACTION_CANCEL_REJECTED] = "cancel_rejected",
    [ACTION_FINISHED] = "finished",
    [ACTION_ERROR] = "error",
    [ACTION_WAIT_FOR_CONFIRMATION] = "wait_for_confirmation",
};

static const char *const kinds[] = {
    [ACTION_FORCED] = "forced",
    [ACTION_SOFT] = "soft",
    [ACTION_TIMEFORCED] = "timeforced",
    [ACTION_DOWNLOADONLY] = "downloadonly",
};

static bool find(const char *const *words, size_t count, const char *word, size_t *place)
{
    for (*place = 0; *place < count; ++*place) {
        if (strcmp(words[*place], word) == 0)
            return true;
    }
    return false;
}

const char *action_state_word(enum action_state state)
{
    return states[state];
}

bool action_state_parse(const char *word, enum action_state *out)
{
    size_t place;
    bool found = find(states, sizeof states / sizeof states[0], word, &place);
    if (found)
        *out = (enum action_state)place;
    return found;
}

const char *action_kind_word(enum action_kind kind)
{
    return kinds[kind];
}

bool action_kind_parse(const char *word, enum action_kind *out)
{
    size_t place;
    bool found = find(kinds, sizeof kinds / sizeof kinds[0], word, &place);
    if (found)
        *out = (enum action_kind)place;
    return found;
}
