/* server/fleet/action_window.c: see server/fleet/action_window.h. */
#include "server/fleet/action_window.h"

#include "server/fleet/window.h"

enum action_window_state action_window_state(const struct action *action, int64_t now,
                                             int64_t *opens)
{
    const struct action_window *given = &action->terms.window;
    struct window window;
    if (given->schedule[0] == '\0' ||
        window_parse(given->schedule, given->duration, given->zone, &window) != NULL)
        return ACTION_WINDOW_NONE;
    if (window_open(&window, now))
        return ACTION_WINDOW_OPEN;
    *opens = window_next(&window, now);
    return *opens >= 0 ? ACTION_WINDOW_AHEAD : ACTION_WINDOW_OVER;
}
